"""What others read before they install: publiccode.yml, the changelog, the licence."""

from __future__ import annotations

import configparser
from typing import Any

import pytest
import yaml

from gateway import __version__
from tests.architecture.sources import ROOT


@pytest.fixture(scope="module")
def publiccode() -> dict[str, Any]:
    """publiccode.yml as data."""
    return dict(yaml.safe_load((ROOT / "publiccode.yml").read_text(encoding="utf-8")))


REQUIRED = {
    *("publiccodeYmlVersion", "name", "url", "platforms", "developmentStatus", "softwareType"),
    *("description", "legal", "maintenance", "localisation", "categories"),
}
"""What version 0.4 of the standard demands."""


def test_publiccode_has_what_the_standard_demands(publiccode: dict[str, Any]):
    """A catalogue of public software can read who we are."""
    assert REQUIRED - publiccode.keys() == set()
    assert publiccode["publiccodeYmlVersion"] == "0.4"
    assert publiccode["softwareType"] == "standalone/backend"
    assert publiccode["maintenance"]["contacts"][0]["name"]
    assert set(publiccode["localisation"]["availableLanguages"]) == set(publiccode["description"])


def test_publiccode_describes_in_the_standards_length(publiccode: dict[str, Any]):
    """Short descriptions have at most 150 characters, long ones 150 to 10 000, with features."""
    for language, text in publiccode["description"].items():
        assert len(text["shortDescription"].strip()) <= 150, language
        assert 150 <= len(text["longDescription"]) <= 10_000, language
        assert len(text["genericName"]) <= 50, language
        assert text["features"], language
        assert all(len(each) <= 100 for each in text["features"]), language


def test_version_and_licence_are_the_same_everywhere(publiccode: dict[str, Any]):
    """Package, changelog, README and publiccode.yml tell one version and one licence."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert publiccode["softwareVersion"] == __version__
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert publiccode["legal"]["license"] == setup["metadata"]["license"] == "EUPL-1.2"
    assert "EUPL-1.2" in (ROOT / "README.md").read_text(encoding="utf-8")

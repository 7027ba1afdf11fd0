"""What others read before they install: publiccode.yml, the changelog, the licence."""

from __future__ import annotations

import configparser
import re
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
DEPRECATED = {"genericName"}
"""What the standard no longer wants in a description."""


def test_publiccode_has_what_the_standard_demands(publiccode: dict[str, Any]):
    """A catalogue of public software can read who we are."""
    assert REQUIRED - publiccode.keys() == set()
    assert publiccode["publiccodeYmlVersion"] == "0.4"
    assert publiccode["softwareType"] == "standalone/backend"
    assert publiccode["maintenance"]["contacts"][0]["name"]


def test_publiccode_promises_no_language_that_is_not_there(publiccode: dict[str, Any]):
    """The catalogue is not told of translations: every text of the program is in one language."""
    assert publiccode["localisation"] == {"localisationReady": False, "availableLanguages": ["en"]}


def test_publiccode_describes_in_the_standards_length(publiccode: dict[str, Any]):
    """Short descriptions have at most 150 characters, long ones 150 to 10 000, with features."""
    for language, text in publiccode["description"].items():
        assert len(text["shortDescription"].strip()) <= 150, language
        assert 150 <= len(text["longDescription"]) <= 10_000, language
        assert DEPRECATED & text.keys() == set(), language
        assert text["features"], language
        assert all(len(each) <= 100 for each in text["features"]), language


def test_version_and_licence_are_the_same_everywhere(publiccode: dict[str, Any]):
    """Package and changelog tell one version; README, package and publiccode.yml one licence."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert publiccode["legal"]["license"] == setup["metadata"]["license"] == "EUPL-1.2"
    assert "EUPL-1.2" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_publiccode_tells_of_a_release_only_after_it(publiccode: dict[str, Any]):
    """Version and date are those of the changelog's newest release, and absent before the first."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## (\S+) \((.+)\)$", changelog, re.MULTILINE)
    released = [head for head in heads if head[1] != "not yet released"]
    told = (publiccode.get("softwareVersion"), publiccode.get("releaseDate"))
    assert heads[0][0] == __version__
    assert told == (released[0] if released else (None, None))

"""What a new deployment is made of."""

from __future__ import annotations

import re
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.keys import DevelopmentPki
from gateway import shipped
from gateway.config import load
from gateway.deployment import PARTS, lay_out
from gateway.partners import Directory


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A deployment."""
    lay_out(tmp_path / "d")
    return tmp_path / "d"


def test_it_has_all_its_parts(folder: Path):
    """Settings, partners, mappings, contracts and keys, and room for certificates."""
    assert {each.name for each in folder.iterdir()} == {*PARTS, "certs"}
    assert (folder / "mappings" / "nascita.flow.yaml").is_file()
    assert (folder / "xsd" / "comune" / "NotificaNascita.wsdl").is_file()


def test_it_carries_data_and_no_code(folder: Path):
    """What was shipped is copied byte for byte, and nothing of ours that runs."""
    copied = {p.relative_to(folder / "mappings") for p in (folder / "mappings").rglob("*.yaml")}
    there = {p.relative_to(shipped.mappings()) for p in shipped.mappings().rglob("*.yaml")}
    assert copied == there
    assert not [p for p in folder.rglob("*") if p.suffix in (".py", ".pyc")]


def test_secrets_are_the_owners_own(folder: Path):
    """Keys have mode 0600, in folders that nobody else can enter."""
    for name in ("keys", "certs"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o700
    for name in ("master.key", "checkpoint.key"):
        assert stat.S_IMODE((folder / "keys" / name).stat().st_mode) == 0o600


def test_every_setting_that_it_shows_exists(folder: Path):
    """The commented lines of icaro.yaml are settings too: uncommented, the file is still good."""
    DevelopmentPki(datetime.now(UTC)).write(folder / "certs")
    path = folder / "icaro.yaml"
    text = path.read_text(encoding="utf-8")
    shown, count = re.subn(r"^( *)# (\w+: )", r"\1\2", text, flags=re.MULTILINE)
    assert count == 7
    path.write_text(shown, encoding="utf-8")
    configuration = load(path, {})
    assert configuration.listeners[0].tls is not None
    assert configuration.senders[0].return_feed is not None
    assert Directory.load(configuration.partners, xsd=configuration.xsd).comune("015146")

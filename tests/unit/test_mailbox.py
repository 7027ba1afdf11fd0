"""Certified mail in the settings: a mailbox of ours, an address at an office."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from adapters.pec.tls import Provider
from gateway.config import load
from gateway.errors import ConfigurationError
from gateway.ground import Ground
from gateway.partners import Directory, Pec
from tests.births import deployment

PEC = """\
pec:
  address: nati@pec.ospedale.example
  smtp: smtps.pec.example:465
  imap: imaps.pec.example:993
  ca: ca.pem
  user: nati
  password_file: pec.password
"""


def laid_out(folder: Path, mailbox: str = "", office: str = "") -> Path:
    """A deployment with this in its two files."""
    (folder / "pec.password").write_text("segreta\n", "utf-8")
    path = deployment(folder)
    path.write_text(path.read_text("utf-8") + mailbox, "utf-8")
    partners = folder / "partners.yaml"
    text = partners.read_text("utf-8")
    first = "    '015146': {name: comune"
    assert first in text
    partners.write_text(text.replace(first, f"{first}{office}"), "utf-8")
    (folder / "keys").mkdir(exist_ok=True)
    for name in ("master.key", "checkpoint.key"):
        (folder / "keys" / name).touch()
    return path


def test_off_where_nothing_is_said(tmp_path: Path) -> None:
    """No mailbox, no address."""
    configuration = load(laid_out(tmp_path), {})
    assert configuration.pec is None
    entries = Directory.load(configuration.partners).entries
    assert {entry.pec for entry in entries} == {None}


def test_what_is_said_is_read(tmp_path: Path) -> None:
    """With the law's 24 hours and only by order, unless they are said otherwise."""
    office = ", pec: {address: protocollo@pec.comune.example}"
    configuration = load(laid_out(tmp_path, PEC, office), {})
    assert configuration.pec is not None
    assert configuration.pec.receipt == timedelta(hours=24)
    entry = Directory.load(configuration.partners).comune("015146")
    assert entry is not None
    assert entry.pec == Pec("protocollo@pec.comune.example", by_itself=False)


def test_by_itself_if_it_is_said(tmp_path: Path) -> None:
    """after: attempts."""
    office = ", pec: {address: protocollo@pec.comune.example, after: attempts}"
    configuration = load(laid_out(tmp_path, PEC, office), {})
    entry = Directory.load(configuration.partners).comune("015146")
    assert entry is not None
    assert entry.pec is not None
    assert entry.pec.by_itself


def test_an_office_to_be_mailed_needs_a_mailbox_of_ours(tmp_path: Path) -> None:
    """Said at the start, and by `icaro config check`, with the office's name."""
    office = ", pec: {address: protocollo@pec.comune.example}"
    configuration = load(laid_out(tmp_path, "", office), {})
    with pytest.raises(ConfigurationError, match="comune 015146 has pec:"):
        Ground.of(configuration)


@pytest.mark.parametrize(
    "address",
    [
        "protocollo",
        "a b@pec.example",
        "a@pec",
        '"a@pec.example\\r\\nBcc: b@c.example"',
        "<a@pec.example>",
        "è@pec.example",
    ],
)
def test_an_address_cannot_end_its_line(tmp_path: Path, address: str) -> None:
    """What could add a header, or is no address, stops the start."""
    office = f", pec: {{address: {address}}}"
    with pytest.raises(ConfigurationError, match="mail address"):
        Directory.load(load(laid_out(tmp_path, PEC, office), {}).partners)


def test_an_empty_password_stops_the_start(tmp_path: Path) -> None:
    """Its file is named, and nothing of it said."""
    configuration = load(laid_out(tmp_path, PEC), {})
    (tmp_path / "pec.password").write_text("\n", "utf-8")
    assert configuration.pec is not None
    with pytest.raises(ConfigurationError, match=r"pec\.password: has no password"):
        Provider.of(configuration.pec)

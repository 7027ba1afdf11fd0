"""Giving a mail to a provider: what is surely so, and what nobody knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.keys import load_certificates
from adapters.pec.smtp import Submitter
from adapters.pec.tls import Provider
from gateway.postman import Given
from gateway.units import Address
from tests.unit.adapters.pec.providers import keys, mail, meeting


async def given(reactor: Any, provider: Provider) -> Given:
    """What came of one mail."""
    return await Submitter(reactor, provider).send(mail())


@pytest.mark.parametrize(
    ("day", "told", "kept"),
    [
        ("", Given.TAKEN, True),
        ("refuse", Given.REFUSED, False),
        ("busy", Given.LATER, False),
        ("no_login", Given.LATER, False),
        ("cut_before", Given.LATER, False),
        ("cut_after", Given.LOST, True),
        ("hang", Given.LOST, True),
    ],
)
def test_what_came_of_it(tmp_path: Path, day: str, told: Given, kept: bool) -> None:
    """Only what surely was not taken may go again; what was taken is there byte for byte."""
    changes = {"seconds": 0.7} if day == "hang" else {}
    found, provider = meeting(tmp_path / "pec", given, day, **changes)
    assert (found, provider.mails()) == (told, [mail().content] if kept else [])


@pytest.mark.parametrize(
    "changes",
    [
        {"authorities": "altri"},
        {"password": b"sbagliata"},
        {"smtp": Address("127.0.0.1", 1)},
    ],
)
def test_nothing_is_said_to_whom_we_do_not_trust(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Another CA's certificate, a wrong password, nobody there: it was surely not given."""
    if "authorities" in changes:
        changes = {"authorities": load_certificates(keys() / "altri" / "ca.pem")}
    found, provider = meeting(tmp_path / "pec", given, **changes)
    assert (found, provider.mails()) == (Given.LATER, [])

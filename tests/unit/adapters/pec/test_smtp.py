"""Giving a mail to a provider: what is surely so, and what nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.keys import load_certificates
from adapters.pec.smtp import Submitter
from adapters.pec.tls import Provider
from gateway.postman import Given
from gateway.units import Address
from tests.unit.adapters.pec.providers import Played


def given(played: Played, **changes: Any) -> tuple[Given, bool]:
    """What came of one mail, and whether the provider has it byte for byte."""
    mail = played.mail()

    async def send(reactor: Any, provider: Provider) -> Given:
        return await Submitter(reactor, provider).send(mail)

    told = played.asked(send, **changes)
    return told, mail.content in played.provider.mails()


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
def test_what_came_of_it(played: Played, day: str, told: Given, kept: bool) -> None:
    """Only what surely was not taken may go again; what was taken is there byte for byte."""
    played.bad_day(day)
    changes = {"seconds": 1.5} if day == "hang" else {}
    assert given(played, **changes) == (told, kept)


@pytest.mark.parametrize("wrong", ["authorities", "password", "smtp"])
def test_nothing_is_said_to_whom_we_do_not_trust(played: Played, wrong: str) -> None:
    """Another CA's certificate, a wrong password, nobody there: it was surely not given."""
    played.bad_day("")
    changes: dict[str, Any] = {
        "authorities": load_certificates(played.keys / "altri" / "ca.pem"),
        "password": b"sbagliata",
        "smtp": Address("127.0.0.1", 1),
    }
    assert given(played, **{wrong: changes[wrong]}) == (Given.LATER, False)


def test_the_certificate_must_be_of_the_host(played: Played) -> None:
    """The CA may have certified others too: the name that was configured counts."""
    played.bad_day("")
    elsewhere = Address("localhost.localdomain", played.known.smtp.port)
    assert given(played, smtp=elsewhere, seconds=3.0) == (Given.LATER, False)

"""Reading receipts from a provider's mailbox."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pytest

from adapters.keys import load_certificates
from adapters.pec import imap
from adapters.pec.imap import Reader
from adapters.pec.tls import Provider
from gateway.errors import MailError
from gateway.pec.compose import Mail
from gateway.postman import Found
from gateway.units import Address
from tests.unit.adapters.pec.providers import Played


def delivered(played: Played) -> Mail:
    """A mail of which two receipts lie in the mailbox."""
    mail = played.mail()
    played.provider.take(mail.content, mail.recipient)
    return mail


def found(
    played: Played,
    *mails: Mail,
    seen: Collection[str] = (),
    most: int = 20,
    **changes: Any,
) -> Sequence[Found]:
    """What speaks of these mails."""
    ids = [mail.message_id for mail in mails]

    async def look(reactor: Any, provider: Provider) -> Sequence[Found]:
        return await Reader(reactor, provider).look(ids, seen, most)

    return played.asked(look, **changes)


def test_receipts_are_found_by_the_mail_that_they_name(played: Played) -> None:
    """Byte for byte, the oldest first; others are left alone."""
    first, _, third = (delivered(played) for _ in range(3))
    told = found(played, first, third)
    assert [each.about for each in told] == [first.message_id] * 2 + [third.message_id] * 2
    lying = played.provider.receipts()[-6:]
    assert [each.raw for each in told] == [*lying[:2], *lying[4:]]


def test_what_was_seen_is_not_read_again_and_no_more_than_asked_for(played: Played) -> None:
    """So a round is bounded, and the next goes on."""
    mails = [delivered(played), delivered(played)]
    first, second, third, _ = found(played, *mails)
    told = found(played, *mails, seen={first.place}, most=2)
    assert [each.place for each in told] == [second.place, third.place]


def test_every_byte_comes_as_it_is(played: Played) -> None:
    """Also those that no text has."""
    mail = delivered(played)
    last = sorted((played.provider.folder / "receipts").glob("*.eml"))[-1]
    last.write_bytes(last.read_bytes() + bytes(range(256)))
    assert found(played, mail)[-1].raw == last.read_bytes()


def test_what_is_too_large_to_be_a_receipt_is_not_fetched(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told as empty, which no receipt is."""
    mail = delivered(played)
    last = sorted((played.provider.folder / "receipts").glob("*.eml"))[-1]
    last.write_bytes(last.read_bytes() + b" " * 9000)
    monkeypatch.setattr(imap, "LIMIT", 9000)
    assert [bool(each.raw) for each in found(played, mail)] == [True, False]


def test_a_session_is_bounded(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends without end is cut."""
    mail = delivered(played)
    monkeypatch.setattr(imap, "_SESSION_LIMIT", 2000)
    with pytest.raises(MailError):
        found(played, mail)


@pytest.mark.parametrize("wrong", ["authorities", "password", "imap", "folder"])
def test_a_mailbox_that_cannot_be_read_says_so(played: Played, wrong: str) -> None:
    """MailError, whatever it was: another CA, the password, nobody there, no such folder."""
    changes: dict[str, Any] = {
        "authorities": load_certificates(played.keys / "altri" / "ca.pem"),
        "password": b"sbagliata",
        "imap": Address("127.0.0.1", 1),
        "folder": "Altrove",
    }
    with pytest.raises(MailError):
        found(played, delivered(played), **{wrong: changes[wrong]})

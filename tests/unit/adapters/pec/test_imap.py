"""Reading receipts from a provider's mailbox."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adapters.keys import load_certificates
from adapters.pec import imap
from adapters.pec.imap import Reader
from adapters.pec.tls import Provider
from adapters.simulation.pec_provider import PecProvider
from gateway.errors import MailError
from gateway.postman import Found
from gateway.units import Address
from tests.unit.adapters.pec.providers import keys, mail, meeting

IDS = [mail(number).message_id for number in (1, 2)]


async def read(
    reactor: Any, provider: Provider, seen: Collection[str] = (), most: int = 20
) -> Sequence[Found]:
    """What speaks of our two mails."""
    return await Reader(reactor, provider).look(IDS, seen, most)


def filled(store: Path) -> Path:
    """A mailbox with the receipts of three mails, of which the third is not asked for."""
    store.mkdir()
    for number in (1, 2, 3):
        PecProvider(store).take(mail(number).content, mail().recipient)
    return store


def test_receipts_are_found_by_the_mail_that_they_name(tmp_path: Path) -> None:
    """Byte for byte, the oldest first, each with its place; others are left alone."""
    found, provider = meeting(filled(tmp_path / "pec"), read)
    assert [(each.place, each.about) for each in found] == [
        ("1.1", IDS[0]),
        ("1.2", IDS[0]),
        ("1.3", IDS[1]),
        ("1.4", IDS[1]),
    ]
    assert [each.raw for each in found] == provider.receipts()[:4]


def test_what_was_seen_is_not_read_again_and_no_more_than_asked_for(tmp_path: Path) -> None:
    """So a round is bounded, and the next goes on."""
    store = filled(tmp_path / "pec")
    found, _ = meeting(store, partial(read, seen={"1.1"}, most=2))
    assert [each.place for each in found] == ["1.2", "1.3"]


def test_every_byte_comes_as_it_is(tmp_path: Path) -> None:
    """Also those that no text has."""
    store = filled(tmp_path / "pec")
    first = store / "receipts" / "000001.eml"
    first.write_bytes(first.read_bytes() + bytes(range(256)))
    found, provider = meeting(store, read)
    assert found[0].raw == provider.receipts()[0]


def test_what_is_too_large_to_be_a_receipt_is_not_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told as empty, which no receipt is."""
    monkeypatch.setattr(imap, "LIMIT", 3000)
    store = filled(tmp_path / "pec")
    large = store / "receipts" / "000002.eml"
    large.write_bytes(large.read_bytes() + b" " * 3000)
    found, _ = meeting(store, read)
    assert [bool(each.raw) for each in found] == [True, False, True, False]


def test_a_session_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends without end is cut."""
    monkeypatch.setattr(imap, "_SESSION_LIMIT", 2000)
    with pytest.raises(MailError):
        meeting(filled(tmp_path / "pec"), read)


@pytest.mark.parametrize("wrong", ["authorities", "password", "imap", "folder"])
def test_a_mailbox_that_cannot_be_read_says_so(tmp_path: Path, wrong: str) -> None:
    """MailError, whatever it was: another CA, the password, nobody there, no such folder."""
    changes: dict[str, Any] = {
        "authorities": load_certificates(keys() / "altri" / "ca.pem"),
        "password": b"sbagliata",
        "imap": Address("127.0.0.1", 1),
        "folder": "Altrove",
    }
    with pytest.raises(MailError):
        meeting(filled(tmp_path / "pec"), read, **{wrong: changes[wrong]})

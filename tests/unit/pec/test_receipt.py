"""Receipts of certified mail, and what only looks like one."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.simulation.pec_provider import PecProvider
from gateway.errors import VerificationError
from gateway.pec import receipt
from gateway.pec.compose import compose
from gateway.pec.receipt import Kind, read_receipt

OURS, OFFICE = "nati@pec.ospedale.example", "protocollo@pec.comune.example"
MAIL = compose(OURS, OFFICE, "0e1d", 3, b"<a/>", datetime(2026, 3, 2, tzinfo=UTC))


def made(kind: str, error: str = "nessuno") -> bytes:
    """A receipt of MAIL."""
    provider = PecProvider(Path())
    return provider.receipt(message_from_bytes(MAIL.content), kind, error, OFFICE)


GOOD = made("avvenuta-consegna")


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_read(kind: Kind) -> None:
    """Kind, mail and, where it is the office's side that speaks, the office."""
    told = read_receipt(made(str(kind)))
    assert (told.kind, told.about) == (kind, MAIL.message_id)
    assert told.recipient == (OFFICE if kind in receipt.OF_THE_RECIPIENT else "")
    assert told.id.endswith("@pec.gestore.example>")


@pytest.mark.parametrize(
    ("kind", "error", "never"),
    [
        ("errore-consegna", "no-dest", True),
        ("errore-consegna", "no-dominio", True),
        ("errore-consegna", "virus", True),
        ("errore-consegna", "altro", False),
        ("errore-consegna", "nessuno", False),
        ("non-accettazione", "altro", True),
        ("avvenuta-consegna", "no-dest", False),
        ("preavviso-errore-consegna", "no-dest", False),
    ],
)
def test_only_what_proves_it_says_that_it_never_arrived(kind: str, error: str, never: bool) -> None:
    """A provider that gave up does not know whether the mail arrived."""
    assert read_receipt(made(kind, error)).never_arrived is never


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "another kind in the header": lambda raw: raw.replace(
        b"X-Ricevuta: avvenuta-consegna", b"X-Ricevuta: accettazione"
    ),
    "a kind nobody knows": lambda raw: raw.replace(
        b"X-Ricevuta: avvenuta-consegna", b"X-Ricevuta: x"
    ),
    "no kind": lambda raw: raw.replace(b"X-Ricevuta:", b"X-Altro:"),
    "two kinds": lambda raw: b"X-Ricevuta: accettazione\r\n" + raw,
    "another mail in the header": lambda raw: raw.replace(
        b"X-Riferimento-Message-ID: <0e1d.3", b"X-Riferimento-Message-ID: <0e1d.4"
    ),
    "no daticert.xml": lambda raw: raw.replace(b"daticert.xml", b"dati.xml"),
    "what is attached looks like one": lambda raw: (
        b"X-Ricevuta: avvenuta-consegna\r\nX-Riferimento-Message-ID: "
        + MAIL.message_id.encode()
        + b"\r\nMessage-ID: <a@b>\r\nContent-Type: message/rfc822\r\n\r\n"
        + raw
    ),
    "a header that breaks Python's reader": lambda raw: raw.replace(
        b"Content-Disposition: ", b"Content-Disposition: attachment; filename*=a; filename*0=b;", 1
    ),
    "too large": lambda raw: raw + b" " * receipt.LIMIT,
}


def nested(depth: int) -> bytes:
    """A multipart in a multipart, and so on."""
    parts = [
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(depth)
    ]
    return b"".join(parts)


@pytest.mark.parametrize("how", HOSTILE)
def test_what_contradicts_itself_is_not_believed(how: str) -> None:
    """Header and daticert.xml must say the same, once, at the top of the mail."""
    hostile = HOSTILE[how](GOOD)
    assert hostile != GOOD
    with pytest.raises(VerificationError):
        read_receipt(hostile)


@given(st.data())
def test_any_bytes_are_read_or_refused(draw: st.DataObject) -> None:
    """Nothing else comes of a damaged receipt."""
    at = draw.draw(st.integers(0, len(GOOD)))
    hostile = (
        GOOD[:at] + draw.draw(st.binary(max_size=30)) + GOOD[at + draw.draw(st.integers(0, 50)) :]
    )
    with suppress(VerificationError):
        read_receipt(hostile)


_PIECES = st.lists(
    st.sampled_from(
        [
            *b"; = * ' \" 0 1 x \xff \x00 %C3 =?utf-8?b?!?= =?x?q?a?= utf-8 filename name".split(
                b" "
            ),
            *b"charset boundary base64 quoted-printable x-uuencode attachment text/xml".split(),
            b"multipart/mixed",
            b"\r\n ",
        ]
    ),
    max_size=12,
).map(b"".join)
_NAMES = st.sampled_from(
    b"Content-Disposition Content-Type Content-Transfer-Encoding X-Ricevuta Message-ID".split()
)


@example(b"Content-Disposition", b"a; filename*=a; filename*0=b")
@given(_NAMES, _PIECES)
def test_any_header_is_read_or_refused(name: bytes, value: bytes) -> None:
    """Of the mail and of every part: Python's own reader of mails raises what it likes."""
    found = re.compile(
        rb"^" + name + rb": [^\r\n]*(\r?\n[ \t][^\r\n]*)*", re.IGNORECASE | re.MULTILINE
    )
    hostile = found.sub(lambda _: name + b": " + value, GOOD)
    with suppress(VerificationError):
        read_receipt(hostile)


@pytest.mark.parametrize("depth", [6, 600])
def test_parts_in_each_other_are_refused(depth: int) -> None:
    """A mail made to exhaust the reader."""
    inside = b"Content-Disposition: inline; filename=daticert.xml\r\n\r\n<postacert/>\r\n"
    head = b"X-Ricevuta: accettazione\r\nX-Riferimento-Message-ID: <a>\r\nMessage-ID: <b>\r\n"
    with pytest.raises(VerificationError, match=r"form|exactly one"):
        read_receipt(head + nested(depth) + inside)

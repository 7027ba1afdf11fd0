"""A receipt of certified mail: what its provider says became of a mail, read from its bytes.

Believed only where the header (X-Ricevuta, X-Riferimento-Message-ID) and the provider's own data
(daticert.xml, RFC 6109, 4.4) say the same. What lies in an attached mail is never looked at: that
is somebody else's. The provider's S/MIME signature is not checked here; docs/pec.md says how.
"""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from enum import StrEnum
from typing import Final

from lxml import etree

from gateway.errors import VerificationError
from gateway.xml import parse

LIMIT: Final = 32 * 2**20
"""Bytes of a receipt: that of delivery holds the whole mail, as it was sent, and its frame."""

_UNREADABLE: Final = (RecursionError, LookupError, ValueError, TypeError, AttributeError)
"""What Python's own reader of mails raises for headers that nobody writes."""
_DATA_LIMIT: Final = 2**20
_PARTS: Final = 30
_DEPTH: Final = 5


class Kind(StrEnum):
    """What a receipt says; the words are those of X-Ricevuta."""

    ACCEPTED = "accettazione"
    """Our provider has it."""
    REFUSED = "non-accettazione"
    """Our provider does not take it."""
    DELIVERED = "avvenuta-consegna"
    """It is in the office's mailbox."""
    UNDELIVERED = "errore-consegna"
    WARNED = "preavviso-errore-consegna"
    """Twelve hours have passed without a delivery."""


OF_THE_RECIPIENT: Final = frozenset({Kind.DELIVERED, Kind.UNDELIVERED, Kind.WARNED})

SURE: Final = frozenset({"no-dest", "no-dominio", "virus"})
"""Errors that prove that no office has it. `altro` does not: also a receipt that did not come in
time makes a provider say so, and the mail may have arrived.
"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """`id` is its own Message-ID, `about` that of our mail, `recipient` whom it speaks of."""

    id: str
    kind: Kind
    about: str
    recipient: str
    error: str

    @property
    def never_arrived(self) -> bool:
        """Whether it proves that the office has not got the mail."""
        if self.kind is Kind.REFUSED:
            return True
        return self.kind is Kind.UNDELIVERED and self.error in SURE


def read_receipt(raw: bytes) -> Receipt:
    """The receipt in these bytes; raises VerificationError if they cannot be believed."""
    if len(raw) > LIMIT:
        raise VerificationError("size", "receipt", f"at most {LIMIT} bytes")
    try:
        mail = message_from_bytes(raw)
        certified = _certified(mail)
    except _UNREADABLE as error:
        raise VerificationError("form", "receipt", "a mail that can be read") from error
    told = parse(certified, limit=_DATA_LIMIT)
    kind = _kind(_header(mail, "X-Ricevuta"))
    about = _header(mail, "X-Riferimento-Message-ID")
    if told.tag != "postacert" or told.get("tipo") != kind:
        raise VerificationError("kind", "daticert.xml", "the kind that X-Ricevuta says")
    if not about or _text(told, "dati/msgid") != about:
        raise VerificationError("reference", "daticert.xml", "the mail that the header says")
    return Receipt(
        id=_header(mail, "Message-ID"),
        kind=kind,
        about=about,
        recipient=_text(told, "dati/consegna") if kind in OF_THE_RECIPIENT else "",
        error=told.get("errore", ""),
    )


def _kind(word: str) -> Kind:
    try:
        return Kind(word)
    except ValueError:
        raise VerificationError("kind", "X-Ricevuta", "a kind of RFC 6109") from None


def _header(mail: Message, name: str) -> str:
    """Its one value, on one line; raises VerificationError if it is said twice or not at all."""
    found = mail.get_all(name, [])
    if len(found) != 1:
        raise VerificationError("header", name, "exactly one")
    return "".join(str(found[0]).split())


def _certified(mail: Message) -> bytes:
    found = [part for part in _parts(mail, _DEPTH) if _named(part) == "daticert.xml"]
    if len(found) != 1:
        raise VerificationError("daticert.xml", "receipt", "exactly one")
    content = found[0].get_payload(decode=True)
    if not isinstance(content, bytes):
        raise VerificationError("daticert.xml", "receipt", "a file")
    return content


def _parts(mail: Message, depth: int) -> list[Message]:
    """The leaves of its multiparts; never what is inside an attached mail."""
    if mail.get_content_maintype() != "multipart":
        return [mail]
    inside = mail.get_payload()
    if not isinstance(inside, list) or depth == 0 or len(inside) > _PARTS:
        raise VerificationError("form", "receipt", "a few parts, nested a few times")
    mails = [part for part in inside if isinstance(part, Message)]
    return [leaf for part in mails for leaf in _parts(part, depth - 1)]


def _named(part: Message) -> str:
    if part.get_content_type() == "message/rfc822":
        return ""
    return (part.get_filename() or "").lower()


def _text(told: etree._Element, path: str) -> str:
    found = told.find(path)
    return "".join((found.text or "").split()) if found is not None else ""

"""Batches, `[FHS] {[BHS] {MSH …} [BTS]} [FTS]` (HL7 2.5 ch. 2.10.3): cut into parts, answered.

Cuts bytes, changes none: a message of a batch is the very bytes that lay between two headers.
A part that is neither message nor header nor trailer is a part too: nothing is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gateway.errors import UnreadableMessage
from gateway.hl7.charset import encode
from gateway.hl7.echo import repeated
from gateway.hl7.escapes import escape
from gateway.hl7.message import Message
from gateway.hl7.time import format_time

Kind = Literal["FHS", "BHS", "MSH", "BTS", "FTS", ""]
"""What a part begins with; '' for what belongs to nothing."""

_ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")
_BLANK = b"\xef\xbb\xbf \t\r\n\x00"
_KINDS: dict[bytes, Kind] = {
    b"FHS": "FHS",
    b"BHS": "BHS",
    b"MSH": "MSH",
    b"BTS": "BTS",
    b"FTS": "FTS",
}
_AFTER_CR = re.compile(rb"(?:\A|(?<=\r)\n?)[\s\x00]{0,8}(FHS|BHS|MSH|BTS|FTS)(?=[^A-Za-z0-9]|\Z)")
_AFTER_LF = re.compile(rb"(?:\A|(?<=\n))[\s\x00]{0,8}(FHS|BHS|MSH|BTS|FTS)(?=[^A-Za-z0-9]|\Z)")


@dataclass(frozen=True, slots=True)
class Part:
    """A header, a message or a trailer; its bytes as they came."""

    kind: Kind
    raw: bytes = field(repr=False)


def is_envelope(payload: bytes) -> bool:
    """Whether it begins with a batch's header or trailer."""
    return payload.lstrip(_BLANK)[:3] in _ENVELOPE


def parts(payload: bytes) -> list[Part]:
    """Cut a payload; together the parts are the payload, but for blanks around them."""
    body = payload.lstrip(_BLANK)
    ends_in_cr = b"\r" in body.rstrip(b"\r\n").replace(b"\r\n", b"") or b"\n" not in body
    found = list((_AFTER_CR if ends_in_cr else _AFTER_LF).finditer(body))
    cuts = [match.start(1) for match in found]
    made = [Part("", body[: cuts[0] if cuts else len(body)])]
    for match, end in zip(found, [*cuts, len(body)][1:], strict=True):
        made.append(Part(_KINDS[match[1]], body[match.start(1) : end]))
    return [each for part in made for each in _alone(part) if each.raw.strip(_BLANK)]


def _alone(part: Part) -> list[Part]:
    """Headers and trailers are one segment each: what follows one without MSH is nothing's."""
    if part.kind in ("MSH", ""):
        return [part]
    end = re.search(rb"\r\n?|\n", part.raw)
    at = end.end() if end else len(part.raw)
    return [Part(part.kind, part.raw[:at]), Part("", part.raw[at:])]


def header(part: Part) -> Message:
    """FHS or BHS read as if it were an MSH, whose delimiters and names stand in the same fields.

    Raises UnreadableMessage.
    """
    line = re.split(rb"[\r\n]", part.raw, maxsplit=1)[0]
    return Message.parse(b"MSH" + line[3:])


def promised(part: Part, separator: str = "|") -> int | None:
    """BTS-1 or FTS-1: how many there should have been; None if it does not say."""
    fields = part.raw.decode("ascii", "replace").split(separator)
    said = fields[1].strip() if len(fields) > 1 else ""
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else None


def answer(
    opening: Part, inside: Sequence[bytes], *, control_id: str, at: datetime, comment: str = ""
) -> bytes:
    """`opening` answered: its header turned round, what is inside, its trailer with the count.

    `inside` are acknowledgments, or answered batches where `opening` is an FHS.
    """
    try:
        asked = header(opening)
    except UnreadableMessage:
        asked = Message.parse(b"MSH|^~\\&|")
    d, fields = asked.delimiters, asked.msh
    names = [repeated(fields, number) for number in (2, 5, 6, 3, 4)]
    head = [opening.kind, *names, format_time(at), "", "", "", escape(control_id, d)]
    # The last one is empty: a copied field must not end in FS before CR.
    head += [repeated(fields, 11), ""]
    tail = ["BTS" if opening.kind == "BHS" else "FTS", str(len(inside)), escape(comment, d)]
    lines = [d.field.join(line) for line in (head, tail)]
    first, last = (encode(line + "\r", asked.charset) for line in lines)
    return first + b"".join(inside) + last

"""What a peer's own header is told back to it, and how much of that at most.

Acknowledgments and answered batches repeat fields of MSH, FHS and BHS byte for byte, and are kept:
in memory until a batch ends, in the journal for ever. A longer field is refused, and said back
to nobody.
"""

from __future__ import annotations

from typing import Final

from gateway.hl7.segment import Segment

LONGEST: Final = 255
"""Characters of one repeated field. The standard's longest are 227 (HD, 2.5) and 199 (MSH-10, from
2.7); feeds write a little more.
"""

REPEATED: Final = (2, 3, 4, 5, 6, 10, 11, 12, 18)
"""The fields of a header that an answer repeats."""

_ENCODING: Final = 8
"""Characters of MSH-2 that are ever read."""


def repeated(header: Segment, field: int) -> str:
    """The field as an answer repeats it, escapes and all; '' if it is too long.

    Not cut: the beginning of a control id is another message's. Only MSH-2 is, for without it
    nobody can read the answer.
    """
    value = header.raw(field)
    if field == 2:
        return value[:_ENCODING]
    return value if len(value) <= LONGEST else ""


def too_long(header: Segment) -> list[int]:
    """Those of the repeated fields that are longer than we repeat."""
    if len(header.line) <= LONGEST:
        return []
    return [field for field in REPEATED if len(header.raw(field)) > LONGEST]

"""The sequence number protocol of HL7 2.5 ch. 2.10.1, as what to do with one number.

0 asks which number comes next, -1 forgets it: the next positive number begins anew. Both travel in
messages without content. A positive number is taken only if it is the one that comes next.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import MessageRefused, OutOfSequence, PeerError
from gateway.hl7.message import Message

ANY = -1
"""MSA-4 where no number is expected: whatever positive number comes first, begins."""
_LARGEST = 10**15 - 1
"""MSH-13 is an NM of 15 digits."""


@dataclass(frozen=True, slots=True)
class Step:
    """`expected`: what comes next after this message (None: anything). `link`: no content."""

    expected: int | None
    link: bool

    @property
    def told(self) -> int:
        """For MSA-4."""
        return ANY if self.expected is None else self.expected


def number_of(message: Message) -> int:
    """MSH-13; MessageRefused if it is no sequence number, or a 0 or -1 with content."""
    said = (message.msh.text(13) or "").strip()
    if not said:
        raise _wrong(101, "this link has sequence numbers: one is required")
    digits = said.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > len(str(_LARGEST)):
        raise _wrong(102, "is no sequence number")
    number = int(said)
    if number < ANY:
        raise _wrong(102, "is no sequence number")
    if number <= 0 and any(segment.name not in ("MSH", "EVN") for segment in message):
        raise _wrong(102, "0 and -1 start a link and carry no content")
    return number


def step(number: int, expected: int | None) -> Step:
    """What a message with this number does to a link; OutOfSequence if another comes next."""
    if number == 0:
        return Step(expected, link=True)
    if number == ANY:
        return Step(None, link=True)
    if expected is not None and number != expected:
        raise OutOfSequence("another sequence number comes next (MSA-4)", expected=expected)
    return Step(number + 1, link=False)


def _wrong(code: int, text: str) -> PeerError:
    return MessageRefused(text, code=code, location="MSH^1^13")

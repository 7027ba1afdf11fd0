"""A message as it came: the bytes, and a view on them that is read only where someone looks.

Lossless: `encode()` gives back the very bytes of `parse()`, whatever they were. Delimiters are
what MSH says. Segment end is CR; LF and CRLF end segments only in a message without CR-only
ends, otherwise an LF is part of its field. Reads structure and text; judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from gateway.errors import UnreadableMessage
from gateway.hl7 import charset as charsets
from gateway.hl7.delimiters import Delimiters
from gateway.hl7.escapes import HexReading
from gateway.hl7.location import Location
from gateway.hl7.segment import NULL, Reading, Segment

__all__ = ["MAX_COMPONENTS", "MAX_REPETITIONS", "MAX_SEGMENTS", "NULL", "Message", "Segment"]

MAX_SEGMENTS = 10_000
MAX_REPETITIONS = 20_000
MAX_COMPONENTS = 500_000
"""Of all fields together; with them, no reading of a message is quadratic in its size."""

_BOM = b"\xef\xbb\xbf"
_BLANK = " \t\n\x00\x0b\x1c"
_BEFORE_MSH = re.compile(rb"[\s\x00]{0,64}MSH")
_FIRST_LINE = re.compile(rb"[^\r\n]{0,4096}")
_LINE_END = re.compile(r"[\r\n]")

T = TypeVar("T")


class _kept(Generic[T]):  # noqa: N801  # a decorator, as `property` is
    """Read once: `functools.cached_property` without the lock that Python 3.11 takes each time."""

    def __init__(self, read: Callable[[Message], T]) -> None:
        self._read = read
        self._name = read.__name__
        self.__doc__ = read.__doc__

    def __get__(self, message: Message, owner: type[Message]) -> T:
        found: T = self._read(message)
        vars(message)[self._name] = found  # found there from now on, before this is asked
        return found


class Message:
    """One HL7 v2 message, read by `Message.parse`. Holds personal data: its repr shows none."""

    def __init__(
        self, raw: bytes, segments: tuple[Segment, ...], reading: Reading, guessed: bool
    ) -> None:
        self.raw = raw
        self.segments = segments
        self.delimiters: Delimiters = reading.delimiters
        self.charset: str = reading.codec
        self.charset_guessed = guessed
        by_name: dict[str, list[Segment]] = {}
        for segment in segments:
            by_name.setdefault(segment.name, []).append(segment)
        self._by_name = {name: tuple(found) for name, found in by_name.items()}

    @classmethod
    def parse(
        cls, raw: bytes, *, charset: str | None = None, hex_escapes: HexReading = "auto"
    ) -> Message:
        """Read `raw` (no MLLP framing). `charset` and `hex_escapes` are the sender's settings.

        Raises UnreadableMessage, with the place, if it does not begin with a usable MSH.
        """
        start = _start(raw)
        named = charset or _msh_18(raw, start)
        if charset:
            charsets.named_codec(charset)
        text, codec, guessed = charsets.read(raw[start:] if start else raw, named)
        delimiters = _delimiters(text)
        reading = Reading(delimiters, codec, hex_escapes)
        lines = _lines(text)
        _cap(text, delimiters)
        segments = tuple(Segment(line, index, reading) for index, line in enumerate(lines))
        return cls(raw, segments, reading, guessed)

    def encode(self) -> bytes:
        """The bytes as they came."""
        return self.raw

    def all(self, name: str) -> tuple[Segment, ...]:
        """Every segment of that name, in order; looked up, not searched."""
        return self._by_name.get(name, ())

    def first(self, name: str) -> Segment | None:
        """The first segment of that name."""
        found = self._by_name.get(name)
        return found[0] if found else None

    def get(self, path: str) -> str | None:
        """Decoded text at `PID-5[1].1.2`; parts not said are the first ones. None if absent.

        Raises ValueError if `path` is no path or names no field.
        """
        where = Location.parse(path)
        if not where.field:
            raise ValueError(f"{path!r} names no field")
        found = self.all(where.segment)
        if not 0 < where.occurrence <= len(found):
            return None
        rep, comp, sub = where.repetition or 1, where.component or 1, where.subcomponent or 1
        return found[where.occurrence - 1].text(where.field, rep, comp, sub)

    def occurrence(self, segment: Segment) -> int:
        """Which of the segments of its name it is, from 1."""
        return self.all(segment.name).index(segment) + 1

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)

    def __repr__(self) -> str:
        return f"<Message of {len(self.segments)} segments>"

    def _msh(self, field: int, component: int = 1) -> str:
        return self.segments[0].text(field, 1, component) or ""

    @property
    def msh(self) -> Segment:
        """The first segment."""
        return self.segments[0]

    @_kept
    def sending_application(self) -> str:
        """MSH-3.1, '' if absent; so the three below."""
        return self._msh(3)

    @_kept
    def sending_facility(self) -> str:
        """MSH-4.1."""
        return self._msh(4)

    @_kept
    def receiving_application(self) -> str:
        """MSH-5.1."""
        return self._msh(5)

    @_kept
    def receiving_facility(self) -> str:
        """MSH-6.1."""
        return self._msh(6)

    @_kept
    def code(self) -> str:
        """MSH-9.1, such as `ADT`."""
        return self._msh(9).strip()

    @_kept
    def event(self) -> str:
        """MSH-9.2, such as `A01`; where MSH-9 has one component (2.1, 2.2), EVN-1."""
        event = self._msh(9, 2)
        if not event and (evn := self.first("EVN")) is not None:
            event = evn.text(1) or ""
        return event.strip()

    @_kept
    def structure(self) -> str:
        """MSH-9.3, such as `ADT_A01`; '' where not said."""
        return self._msh(9, 3).strip()

    @_kept
    def control_id(self) -> str:
        """MSH-10, decoded."""
        return self.segments[0].whole(10) or ""

    @_kept
    def control_id_raw(self) -> bytes:
        """MSH-10 byte for byte, escapes and all, as MSA-2 must repeat it."""
        return charsets.encode(self.segments[0].raw(10), self.charset)

    @_kept
    def processing_id(self) -> str:
        """MSH-11.1: P, T or D."""
        return self._msh(11).strip()

    @_kept
    def version(self) -> str:
        """MSH-12.1 without blanks: `2.5` for `2.5^ITA`."""
        return self._msh(12).strip()


def _start(raw: bytes) -> int:
    """Where MSH begins: after a byte-order mark or blank bytes, else nowhere."""
    if raw[:3] == b"MSH":
        return 0
    start = 3 if raw.startswith(_BOM) else 0
    found = _BEFORE_MSH.match(raw, start)
    if found is None:
        raise UnreadableMessage("the bytes do not begin with MSH", location="MSH^1")
    return found.end() - 3


def _msh_18(raw: bytes, start: int) -> str | None:
    """The first repetition of MSH-18, before any character set is known."""
    line = _FIRST_LINE.match(raw, start)
    fields = line.group().split(raw[start + 3 : start + 4] or b"|", 18) if line else []
    if len(fields) < 18:
        return None
    repetition = fields[1][1:2]
    first, *others = fields[17].split(repetition) if repetition else [fields[17]]
    if not first.strip() and others and others[0].startswith(b"ISO IR"):
        first = others[0]  # `~ISO IR87`: the others are switched to by escape, in one codec
    return first.decode("ascii", "replace").strip() or None


def _delimiters(text: str) -> Delimiters:
    """Read MSH-1 and MSH-2."""
    separator = text[3:4]
    if not separator or separator.isalnum() or separator.isspace() or separator < " ":
        raise UnreadableMessage("MSH-1 is no field separator", location="MSH^1^1")
    end = _LINE_END.search(text, 4)
    encoding = text[4 : end.start() if end else 64].partition(separator)[0][:8]
    delimiters = Delimiters.of(separator, encoding)
    if not delimiters.component:
        raise UnreadableMessage("MSH-2 has no encoding characters", location="MSH^1^2")
    return delimiters


def _cap(text: str, delimiters: Delimiters) -> None:
    """Refuse what no hospital sends, before anything of its size is built."""
    if delimiters.repetition and text.count(delimiters.repetition) > MAX_REPETITIONS:
        raise UnreadableMessage(f"more than {MAX_REPETITIONS} repetitions")
    components = text.count(delimiters.component)
    if delimiters.subcomponent:
        components += text.count(delimiters.subcomponent)
    if components > MAX_COMPONENTS:
        raise UnreadableMessage(f"more than {MAX_COMPONENTS} components")


def _lines(text: str) -> list[str]:
    """The segments' texts, by the rule of segment ends; blank lines hold no segment."""
    cr_only = _has_cr_only_ends(text)
    end = "\r" if cr_only else "\n"
    if text.count(end) > MAX_SEGMENTS:
        raise UnreadableMessage(f"more than {MAX_SEGMENTS} segments")
    lines = text.split(end)
    if not cr_only:
        lines = [line.rstrip("\r") for line in lines]
    elif "\n" in text:
        # CR LF among CR ends: the LF belongs to the end, not to the next segment's name.
        lines = [line.lstrip("\n") for line in lines]
        lines[-1] = lines[-1].removesuffix("\n")
    return [line for line in lines if line.strip(_BLANK)]


def _has_cr_only_ends(text: str) -> bool:
    if "\n" not in text:
        return True
    # A CR that only closes the whole message decides nothing: `MSH..LF PID..CR` has LF ends.
    return "\r" in text.rstrip("\r\n").replace("\r\n", "")

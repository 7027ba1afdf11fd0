"""One segment of a message, split only when and where it is read.

The hot path of the gateway: `text()` of a field without delimiters and escapes is a look into a
list. A component that is not there is absent; component 1 of a field without components is the
whole field; a field that is null (`""`) is null in all its parts.
"""

from __future__ import annotations

from gateway.hl7.delimiters import Delimiters
from gateway.hl7.escapes import HexReading, unescape

NULL = '""'
"""HL7's null: 'delete what you have'. Absent, on the other hand, says nothing."""

MAX_FIELDS = 1_000
HEADERS = frozenset({"MSH", "FHS", "BHS"})
"""Segments whose fields 1 and 2 are delimiters."""


class Reading:
    """How all segments of one message are read."""

    __slots__ = (
        *("codec", "delimiters", "hex_escapes"),
        *("component", "escape", "repetition", "subcomponent"),
    )

    def __init__(self, delimiters: Delimiters, codec: str, hex_escapes: HexReading) -> None:
        self.delimiters = delimiters
        self.codec = codec
        self.hex_escapes = hex_escapes
        _, self.component, self.repetition, self.escape, self.subcomponent = delimiters


class Segment:
    """`line` without its end. Numbers of fields, repetitions, components count from 1."""

    __slots__ = ("_header", "_parts", "_reading", "_repetitions", "index", "line", "name")

    def __init__(self, line: str, index: int, reading: Reading) -> None:
        self.line = line
        self.index = index
        self._reading = reading
        self._parts: list[str] | None = None
        self._repetitions: dict[int, list[str]] | None = None
        separator = reading.delimiters.field
        if line[3:4] in (separator, ""):
            self.name = line[:3]
        else:
            self.name = line.partition(separator)[0]
        self._header = self.name in HEADERS

    def __repr__(self) -> str:
        return f"<Segment {self.index}>"

    @property
    def delimiters(self) -> Delimiters:
        """The message's."""
        return self._reading.delimiters

    @property
    def fields(self) -> list[str]:
        """Raw texts by field number; [0] is the name. In MSH, [1] and [2] are the delimiters."""
        parts = self._parts
        if parts is None:
            separator = self._reading.delimiters.field
            parts = self.line.split(separator, MAX_FIELDS)
            if self._header:
                parts.insert(1, separator)
            self._parts = parts
        return parts

    def raw(self, field: int) -> str:
        """The field as written, escapes and all; '' if absent."""
        parts = self._parts or self.fields
        return parts[field] if 0 < field < len(parts) else ""

    def repetitions(self, field: int) -> list[str]:
        """The field's repetitions as written; [] if it is empty. Split once."""
        value = self.raw(field)
        if not value:
            return []
        separator = self._reading.delimiters.repetition
        if not separator or separator not in value or (self._header and field <= 2):
            return [value]
        if self._repetitions is None:
            self._repetitions = {}
        found = self._repetitions.get(field)
        if found is None:
            found = self._repetitions[field] = value.split(separator)
        return found

    def count(self, field: int) -> int:
        """How many repetitions the field has; 0 if it is empty."""
        parts = self._parts or self.fields
        if not (0 < field < len(parts) and parts[field]):
            return 0
        separator = self._reading.repetition
        if not separator or separator not in parts[field]:
            return 1
        return len(self.repetitions(field))

    def text(self, field: int, rep: int = 1, comp: int = 1, sub: int = 1) -> str | None:
        """Decoded text; None if absent; `NULL` if null."""
        parts = self._parts or self.fields
        if not 0 < field < len(parts):
            return None
        value = parts[field]
        if not value or (self._header and field <= 2):
            return value if value and rep == comp == sub == 1 else None
        reading = self._reading
        separator = reading.repetition
        if separator and separator in value:
            repetitions = self.repetitions(field)
            value = repetitions[rep - 1] if 0 < rep <= len(repetitions) else ""
        elif rep != 1:
            return None
        if value == NULL:
            return NULL
        # Split no further than needed, and not at all where there is nothing to split.
        if reading.component in value:
            value = _piece(value, reading.component, comp)
        elif comp != 1:
            return None
        separator = reading.subcomponent
        if separator and separator in value:
            value = _piece(value, separator, sub)
        elif sub != 1:
            return None
        if reading.escape and reading.escape in value:
            return unescape(value, reading.delimiters, reading.codec, reading.hex_escapes)
        return value or None

    def whole(self, field: int, rep: int = 1) -> str | None:
        """Decoded text of a whole repetition, delimiters and all; None if absent.

        For texts whose sender does not escape `&` and `^`.
        """
        repetitions = self.repetitions(field)
        value = repetitions[rep - 1] if 0 < rep <= len(repetitions) else ""
        return self.decoded(value) if value else None

    def components(self, field: int, rep: int = 1) -> list[list[str]]:
        """Raw subcomponents of every component of one repetition; [] if it is empty."""
        repetitions = self.repetitions(field)
        value = repetitions[rep - 1] if 0 < rep <= len(repetitions) else ""
        if not value or (self._header and field <= 2):
            return [[value]] if value else []
        component, subcomponent = (
            self._reading.delimiters.component,
            self._reading.delimiters.subcomponent,
        )
        pieces = value.split(component)
        if not subcomponent:
            return [[piece] for piece in pieces]
        return [piece.split(subcomponent) for piece in pieces]

    def decoded(self, written: str) -> str:
        """What a text of this message means: its escape sequences replaced."""
        reading = self._reading
        return unescape(written, reading.delimiters, reading.codec, reading.hex_escapes)


def _piece(value: str, separator: str, number: int) -> str:
    """Piece `number` of `value`, '' if it has not so many."""
    pieces = value.split(separator, number)
    return pieces[number - 1] if 0 < number <= len(pieces) else ""

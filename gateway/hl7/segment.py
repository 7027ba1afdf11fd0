"""One segment of a message, split only when and where it is read.

The hot path of the gateway: a field is cut into its parts when first read, after that `text()` is
a look into a list. A component that is not there is absent; component 1 of a field without
components is the whole field; a field that is null (`""`) is null in all its parts.
"""

from __future__ import annotations

from gateway.hl7.delimiters import Delimiters
from gateway.hl7.escapes import HexReading, unescape

NULL = '""'
"""HL7's null: 'delete what you have'. Absent, on the other hand, says nothing."""

ONLY = 0
"""In place of a repetition's number: the field's one, which must have no second."""

MAX_FIELDS = 1_000
HEADERS = frozenset({"MSH", "FHS", "BHS"})
"""Segments whose fields 1 and 2 are delimiters."""


_NAUGHT = ""
"""Stands at number 0."""
_NONE: list[str] = [_NAUGHT]
_NULL = [_NAUGHT, NULL]
_EMPTY = [_NONE]


class Repeats(ValueError):
    """A field that was read as the only one has `count` repetitions."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} repetitions")
        self.count = count


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

    __slots__ = (
        *("index", "line", "name"),
        *("_cuts", "_header", "_odd", "_parts", "_reading", "_repetitions"),
    )

    def __init__(self, line: str, index: int, reading: Reading) -> None:
        self.line = line
        self.index = index
        self._reading = reading
        self._parts: list[str] | None = None
        self._repetitions: dict[int, list[str]] | None = None
        self._cuts: dict[int, list[list[str]]] = {}
        self._odd: set[int] = set()
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
        cut = self._cuts.get(field)
        return len(self._cut(field) if cut is None else cut) - 1

    def text(self, field: int, rep: int = 1, comp: int = 1, sub: int = 1) -> str | None:
        """Decoded text; None if absent; `NULL` if null. With `rep` ONLY, raises Repeats."""
        cut = self._cuts.get(field)
        if cut is None:
            cut = self._cut(field)
        if not rep:
            if len(cut) > 2:
                raise Repeats(len(cut) - 1)
            rep = 1
        if rep >= len(cut):
            return None
        pieces = cut[rep]
        if comp >= len(pieces):
            return NULL if pieces == _NULL else None
        if field in self._odd:
            return self._meant(pieces[comp], sub, null=pieces == _NULL)
        if sub == 1:
            return pieces[comp] or None
        return NULL if pieces == _NULL else None

    def _meant(self, value: str, sub: int, *, null: bool) -> str | None:
        """One subcomponent of a component as written, its escapes replaced."""
        reading = self._reading
        separator = reading.subcomponent
        if separator and separator in value:
            subcomponents = value.split(separator)
            value = subcomponents[sub - 1] if 0 < sub <= len(subcomponents) else ""
        elif sub != 1:
            return NULL if null else None
        if reading.escape and reading.escape in value:
            return unescape(value, reading.delimiters, reading.codec, reading.hex_escapes)
        return value or None

    def _cut(self, field: int) -> list[list[str]]:
        """The components of every repetition, as written, both from number 1; kept, for a field
        is read part by part.

        The delimiters in MSH-1 and MSH-2 are no parts.
        """
        reading, parts = self._reading, self._parts or self.fields
        value = parts[field] if 0 < field < len(parts) else ""
        if not value:
            cut = _EMPTY
        elif self._header and field <= 2:
            cut = [_NONE, [_NAUGHT, value]]
        else:
            repetition, component = reading.repetition, reading.component
            if repetition and repetition in value:
                repetitions = value.split(repetition)
                cut = [_NONE, *([_NAUGHT, *each.split(component)] for each in repetitions)]
            else:
                cut = [_NONE, [_NAUGHT, *value.split(component)]]
            escape, subcomponent = reading.escape, reading.subcomponent
            if (escape and escape in value) or (subcomponent and subcomponent in value):
                self._odd.add(field)
        self._cuts[field] = cut
        return cut

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

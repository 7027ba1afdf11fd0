"""The HL7 that one sender speaks: the dictionary of a version, narrowed and widened by a profile.

Answers what exists, what must be there, what repeats and which codes a table has. Knows paths by
their numbers only, and no expression.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from gateway.hl7.dictionary import (
    ComponentShape,
    Dictionary,
    FieldShape,
    Part,
    SegmentShape,
    dictionary,
)
from gateway.mapping.usage import NOTHING, Declared, FieldUse, SegmentUse

_VARIES: Final = frozenset({"varies", "*"})
_CODED: Final = frozenset({"ID", "IS", "CE", "CWE", "CNE", "CF", "HD", "FC", "ST", "CNN"})
"""Types whose field's table is that of the first component; of a CX it is that of another."""

_ELSEWHERE: Final = frozenset({"0396", "0399", "0291", "0834"})
"""Tables whose codes other bodies keep (ISO countries, MIME types): HL7 lists examples."""

_ALWAYS: Final = frozenset({"MSH", "PID"})
"""In every message about a person."""


@dataclass(frozen=True, slots=True)
class Codes:
    """A table: code → `file:line` of the profile that has it, '' if HL7 itself; `closed`: no
    other code ever comes. `families` are beginnings of codes that HL7 writes as `NNxxx`."""

    table: str
    values: Mapping[str, str]
    closed: bool
    families: tuple[str, ...] = ()

    def has(self, code: str) -> bool:
        """Whether a code is one of them."""
        if code in self.values:
            return True
        return any(code.startswith(each) and len(code) > len(each) for each in self.families)


class Dialect:
    """One version and one profile's declarations."""

    def __init__(
        self,
        version: str,
        profile: str = "",
        declared: Declared = NOTHING,
        required: Collection[str] = (),
    ) -> None:
        self.version = version
        self.profile = profile
        self.declared = declared
        self._dictionary: Dictionary = dictionary(version)
        self._required = frozenset(required)
        self._codes: dict[str, Codes | None] = {}
        self._others: dict[str, Dialect] = {version: self}

    def of(self, version: str) -> Dialect:
        """The same sender's, in another version."""
        if version not in self._others:
            other = Dialect(version, self.profile, self.declared, self._required)
            self._others[version] = other
        return self._others[version]

    @property
    def profile_said(self) -> str:
        """How findings name the profile."""
        return f"the profile {self.profile}"

    @property
    def structure_names(self) -> Collection[str]:
        """The message structures of the version."""
        return self._dictionary.structure_names

    def structure(self, name: str) -> Part | None:
        """The message structure `ADT_A01`."""
        return self._dictionary.structure(name)

    def segment(self, name: str) -> SegmentShape | None:
        """The segment's fields as HL7 or the profile has them; None if neither knows it."""
        if name.startswith("Z"):
            return self._own.get(name)
        return self._dictionary.segment(name)

    @cached_property
    def _own(self) -> Mapping[str, SegmentShape]:
        uses = self.declared.segments.items()
        return {name: _z_segment(name, use) for name, use in uses if name.startswith("Z")}

    @property
    def own_segments(self) -> Collection[str]:
        """The names of the Z segments that the profile declares."""
        return self._own.keys()

    def field(self, segment: str, number: int) -> FieldShape | None:
        """A field, narrowed; None if there is none, or nothing is known of the segment."""
        shape = self.segment(segment)
        found = shape[number] if shape else None
        use = self.declared.fields.get(f"{segment}-{number}")
        return found if found is None or use is None else _narrowed(found, use)

    def usage(self, path: str) -> str:
        """What the profile says of `PID-3`, `PID-3.5` or `PV2`: R, RE, O, C, X; '' nothing."""
        if "-" not in path:
            segment = self.declared.segments.get(path)
            return segment.usage if segment else ""
        found = self.declared.fields.get(path)
        if found is not None:
            return found.usage
        name, _, number = path.partition("-")
        segment = self.declared.segments.get(name)
        use = segment.fields.get(int(number)) if segment and number.isdigit() else None
        return use.usage if use else ""

    def is_refused_without(self, path: str) -> bool:
        """Whether the profile says that no birth is taken without it."""
        return path in self._required or self.usage(path) == "R"

    def always_has(self, segment: str, structures: Collection[Part]) -> bool:
        """Whether every message has the segment, as the profile or the structures say."""
        usage = self.usage(segment)
        if usage or segment in _ALWAYS:
            return usage in ("", "R")
        tops = [{part.name for part in each.parts if part.least} for each in structures]
        return bool(tops) and all(segment in names for names in tops)

    def datatype(self, name: str) -> tuple[ComponentShape, ...] | None:
        """The components of a type; () if it has none, None if it is not known."""
        return self._dictionary.datatype(name)

    def components(self, segment: str, number: int) -> tuple[ComponentShape, ...] | None:
        """The components of a field's type; None where that is not known (OBX-5)."""
        shape = self.field(segment, number)
        if shape is None or not shape.datatype or shape.datatype.lower() in _VARIES:
            return None
        return self.datatype(shape.datatype)

    def part(self, segment: str, number: int, component: int, subcomponent: int) -> tuple[str, str]:
        """Data type and table of what is read there, as it stands; '' where not known."""
        shape = self.field(segment, number)
        if shape is None or shape.datatype.lower() in _VARIES:
            return "", ""
        first = component <= 1 and subcomponent <= 1
        table = (shape.table or "") if first and shape.datatype in _CODED else ""
        datatype = shape.datatype
        for step in (component, subcomponent):
            parts = self.datatype(datatype) or ()
            if max(len(parts), 1) < step:
                return "", ""
            if not parts or (first and datatype == "TS"):
                break
            inner = parts[max(step, 1) - 1]
            # The table of a whole is that of its first part.
            table = (table if step <= 1 else "") or inner.table or ""
            datatype = inner.datatype
        said = self.declared.fields.get(f"{segment}-{number}.{component or 1}")
        if said and said.table and subcomponent <= 1:
            table = said.table
        return datatype, table

    def codes(self, table: str) -> Codes | None:
        """The codes of a table; None where nothing can be said (`PID-10`: HL7 has examples)."""
        if table not in self._codes:
            self._codes[table] = self._read_codes(table)
        return self._codes[table]

    def _read_codes(self, table: str) -> Codes | None:
        use = self.declared.codes.get(table)
        if use is not None and use.values is not None:
            return Codes(table, {**use.values, **use.adds}, bool(use.closed))
        known = self._dictionary.table(table)
        if known is None or table in _ELSEWHERE or any(map(_is_example, known)):
            return None
        values = {**dict.fromkeys(known, ""), **(use.adds if use else {})}
        families = tuple(code[:-3] for code in known if code.endswith("xxx"))
        return Codes(table, values, bool(use and use.closed), families)


def _z_segment(name: str, use: SegmentUse) -> SegmentShape:
    fields = (
        FieldShape(
            number=number,
            name=said.name,
            datatype=said.datatype,
            required=said.usage == "R",
            repeats=said.repeats or 1,
            table=said.table or None,
        )
        for number, said in sorted(use.fields.items())
    )
    return SegmentShape(name, tuple(fields))


def _narrowed(shape: FieldShape, use: FieldUse) -> FieldShape:
    return replace(
        shape,
        name=use.name or shape.name,
        datatype=use.datatype or shape.datatype,
        required=use.usage == "R" if use.usage else shape.required,
        repeats=use.repeats or shape.repeats,
        table=use.table or shape.table,
    )


def _is_example(code: str) -> bool:
    """`10 _19`, `E1... E9`, `...`: HL7 describes codes, it does not list them."""
    return "..." in code or " _" in code or code.startswith("<")

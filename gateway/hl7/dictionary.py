"""What each version of HL7 v2 says: segments, data types, tables, message structures.

The facts are hl7apy's tables, read lazily, one version at a time, into small frozen values.
Which ADT event uses which structure is not among them and stands here (HL7 2.5 ch. 3, App. A);
older versions have fewer structures, so each event names the ones to try in turn.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from gateway.errors import ConfigurationError

UNBOUNDED = sys.maxsize
"""The maximum of what may repeat without limit."""

_MODULES = {
    **{v: v for v in ("2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7")},
    "2.7.1": "2.7",  # adds nothing to ADT that 2.7 has not
    **{v: v for v in ("2.8", "2.8.1", "2.8.2")},
}
VERSIONS: tuple[str, ...] = tuple(_MODULES)
"""The versions the gateway speaks, in order."""

_FAMILIES = {
    "A01": "A04 A05 A08 A13 A14 A28 A31",
    "A05": "A14 A28 A31",
    "A06": "A07",
    "A09": "A10 A11 A12",
    "A21": "A22 A23 A25 A26 A27 A29 A32 A33",
    "A30": "A34 A35 A36 A46 A47 A48 A49",
    "A39": "A40 A41 A42",
    "A43": "A44",
    "A50": "A51",
    "A52": "A53 A55",
    "A61": "A62",
}
_ELSEWHERE: dict[str, list[str]] = {}
"""For each event, the events whose structure it shares, the newest versions' first."""
for _family, _events in reversed(_FAMILIES.items()):
    for _event in _events.split():
        _ELSEWHERE.setdefault(_event, []).append(_family)

ADT_EVENTS = frozenset(f"A{n:02}" for n in (*range(1, 56), 60, 61, 62))
"""Every trigger event of chapter 3, of any version."""


def spoken(name: str) -> str:
    """`ADMINISTRATIVE_SEX` as one says it: `Administrative sex`."""
    return name.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class FieldShape:
    """One field of a segment. `table` is four digits or None; `repeats` its maximum."""

    number: int
    name: str
    datatype: str
    required: bool
    repeats: int
    table: str | None


@dataclass(frozen=True, slots=True)
class SegmentShape:
    """A segment's fields, in order; `[n]` by number, None if it has no such field."""

    name: str
    fields: tuple[FieldShape, ...]

    def __getitem__(self, number: int) -> FieldShape | None:
        if 0 < number <= len(self.fields) and self.fields[number - 1].number == number:
            return self.fields[number - 1]
        return next((field for field in self.fields if field.number == number), None)


@dataclass(frozen=True, slots=True)
class ComponentShape:
    """One component of a data type."""

    number: int
    name: str
    datatype: str
    required: bool
    table: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """A segment or, with `parts`, a group, in its place in a structure. In a choice group each
    part is optional."""

    name: str
    least: int
    most: int
    parts: tuple[Part, ...] = ()

    def segments(self) -> Iterator[str]:
        """Names of the segments below, in order, each as often as it has a place."""
        if not self.parts:
            yield self.name
        for part in self.parts:
            yield from part.segments()


class Dictionary:
    """One version's facts. Use `dictionary(version)`, which keeps one of each."""

    def __init__(self, version: str) -> None:
        self.version = version
        self._package = f"hl7apy.v{_MODULES[version].replace('.', '_')}"
        self._segments: dict[str, SegmentShape | None] = {}
        self._datatypes: dict[str, tuple[ComponentShape, ...] | None] = {}
        self._structures: dict[str, Part | None] = {}

    def _tables_of(self, module: str, name: str | None = None) -> Mapping[str, Any]:
        try:
            loaded = importlib.import_module(f"{self._package}.{module}")
        except ModuleNotFoundError:  # hl7apy has no tables before 2.3.1
            return {}
        found: Mapping[str, Any] = getattr(loaded, name or module.upper())
        return found

    def segment(self, name: str) -> SegmentShape | None:
        """The segment's fields; None if the version does not know it (Z segments)."""
        if name not in self._segments:
            self._segments[name] = self._read_segment(name)
        return self._segments[name]

    def _read_segment(self, name: str) -> SegmentShape | None:
        entry = self._tables_of("segments").get(name)
        if entry is None or entry[0] != "sequence" or len(entry) < 2:
            return None  # a choice ('any segment'), or one that hl7apy only names
        fields = tuple(
            FieldShape(
                number=int(key.rpartition("_")[2]),
                name=known[3],
                datatype=known[2],
                required=least > 0,
                repeats=_most(most) or 1,  # 0: withdrawn, which many feeds still fill
                table=_digits(known[4]),
            )
            for key, known, (least, most), _ in entry[1]
        )
        return SegmentShape(name, tuple(sorted(fields, key=lambda field: field.number)))

    def datatype(self, name: str) -> tuple[ComponentShape, ...] | None:
        """The components of a data type; () if it has none, None if there is no such type."""
        if name not in self._datatypes:
            self._datatypes[name] = self._read_datatype(name)
        return self._datatypes[name]

    def _read_datatype(self, name: str) -> tuple[ComponentShape, ...] | None:
        entry = self._tables_of("datatypes", "DATATYPES_STRUCTS").get(name)
        if entry is None:
            return () if name in self._primitives else None
        components = (
            ComponentShape(int(key.rpartition("_")[2]), c[3], c[2], least > 0, _digits(c[4]))
            for key, c, (least, _), _ in entry
        )
        return tuple(sorted(components, key=lambda component: component.number))

    @cached_property
    def _primitives(self) -> frozenset[str]:
        """Types of what hl7apy calls leaves."""
        leaves = (*self._tables_of("fields").values(), *self._tables_of("datatypes").values())
        return frozenset(leaf[2] for leaf in leaves if leaf[0] == "leaf")

    def table(self, number: str) -> frozenset[str] | None:
        """The codes of table `0001`; None if the version (or hl7apy, before 2.3.1) has none."""
        entry = self._tables_of("tables").get(f"HL7{number}")
        return frozenset(entry[1]) if entry and entry[1] else None

    @property
    def structure_names(self) -> frozenset[str]:
        """The names of all message structures."""
        return frozenset(self._tables_of("messages"))

    def structure(self, name: str) -> Part | None:
        """The structure `ADT_A01`: a group whose parts are segments and groups, in order."""
        if name not in self._structures:
            entry = self._tables_of("messages").get(name)
            found = Part(name, 1, 1, self._parts(entry)) if entry else None
            self._structures[name] = found
        return self._structures[name]

    def _parts(self, entry: Any) -> tuple[Part, ...]:
        kind, children = entry[0], entry[1]
        parts: list[Part] = []
        for name, _, (least, most), what in children:
            below: tuple[Part, ...] = ()
            if what == "GRP":
                below = self._parts(self._tables_of("groups")[name])
            parts.append(Part(name, 0 if kind == "choice" else least, _most(most), below))
        return tuple(parts)

    def structure_for(self, event: str) -> str | None:
        """The structure an ADT event has in this version: `ADT_A01` for `A04`; None if unknown."""
        known = self._tables_of("messages")
        for candidate in (event, *_ELSEWHERE.get(event, ())):
            if f"ADT_{candidate}" in known:
                return f"ADT_{candidate}"
        return None


def _most(most: int) -> int:
    return UNBOUNDED if most < 0 else most


def _digits(table: str | None) -> str | None:
    return table[3:] if table and table.startswith("HL7") else None


@cache
def _load(version: str) -> Dictionary:
    return Dictionary(version)


def dictionary(version: str) -> Dictionary:
    """The dictionary of one of VERSIONS; ConfigurationError for any other."""
    if version not in _MODULES:
        raise ConfigurationError([f"HL7 version {version!r}: known are {', '.join(VERSIONS)}"])
    return _load(version)

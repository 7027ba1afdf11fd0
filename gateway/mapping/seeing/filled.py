"""What a source fills, part by part, and whether a mapping ever looked there.

Three things need no reading: the header, which the gateway itself reads; numbers that only count
(data type SI); and what the mapping calls `unmapped`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from gateway.hl7.dictionary import VERSIONS, Dictionary, dictionary, spoken
from gateway.hl7.location import Location
from gateway.hl7.message import Message, Segment
from gateway.mapping.seeing.watched import path_of

HEADER = "MSH"
TOLD_APART = {"OBX": "8339-4", "NK1": "MTH"}
"""Segments that are different things by their field 3, and what such a thing is called."""


@dataclass(frozen=True, slots=True)
class Part:
    """One component of a repetition, or the separator before it."""

    text: str = field(repr=False)
    read: bool


@dataclass(frozen=True, slots=True)
class Filled:
    """One repetition of a field, or one element. `name` is what it is in HL7, '' if unknown.

    `exempt` needs no reading; `kind` is what coverage counts it as: `OBX[3.1 == '8339-4']-5`.
    """

    path: str
    name: str
    kind: str
    parts: tuple[Part, ...]
    exempt: bool

    @property
    def read(self) -> bool:
        return any(part.read for part in self.parts)


def filled(
    source: Message | etree._Element, readings: Mapping[object, object], unmapped: Collection[str]
) -> Iterator[Filled]:
    """Everything that `source` fills, in its order. `readings` are a Trace's."""
    if isinstance(source, Message):
        read = {place for place in readings if isinstance(place, Location)}
        return _of_message(source, _Read(read), unmapped)
    return _of_document(source, readings, unmapped)


class _Read:
    """Locations that were read, by repetition."""

    def __init__(self, read: set[Location]) -> None:
        self._parts: dict[tuple[str, int, int, int], set[int]] = {}
        for place in read:
            key = (place.segment, place.occurrence, place.field, place.repetition)
            self._parts.setdefault(key, set()).add(place.component)

    def components(self, place: Location) -> set[int]:
        """Those of the repetition; 0 stands for all of it."""
        return self._parts.get(place[:4], set())


def _of_message(message: Message, read: _Read, unmapped: Collection[str]) -> Iterator[Filled]:
    known = dictionary(message.version if message.version in VERSIONS else VERSIONS[-1])
    for segment in message:
        occurrence = message.occurrence(segment)
        for number in range(1 + 2 * (segment.name == HEADER), len(segment.fields)):
            name, datatype = _field(known, segment.name, number)
            exempt = segment.name == HEADER or datatype == "SI"
            exempt = exempt or not {segment.name, f"{segment.name}-{number}"}.isdisjoint(unmapped)
            for rep, written in enumerate(segment.repetitions(number), 1):
                if not written:
                    continue
                place = Location(segment.name, occurrence, number, rep)
                parts = _parts(segment, written, read.components(place))
                kind = _kind(segment, number)
                yield Filled(str(place), name, kind, parts, exempt)


def _kind(segment: Segment, number: int) -> str:
    code = segment.text(3) if segment.name in TOLD_APART else None
    which = f"[3.1 == '{code}']" if code else ""
    return f"{segment.name}{which}-{number}"


def _field(known: Dictionary, segment: str, number: int) -> tuple[str, str]:
    shape = known.segment(segment)
    found = shape[number] if shape else None
    return (spoken(found.name), found.datatype) if found else ("", "")


def _parts(segment: Segment, written: str, read: set[int]) -> tuple[Part, ...]:
    separator = segment.delimiters.component
    if segment.name == HEADER or not separator:
        return (Part(written, bool(read)),)
    parts: list[Part] = []
    for number, text in enumerate(written.split(separator), 1):
        if number > 1:
            parts.append(Part(separator, False))
        parts.append(Part(segment.decoded(text), bool(text) and bool(read & {0, number})))
    return tuple(parts)


def _of_document(
    root: etree._Element, readings: Mapping[object, object], unmapped: Collection[str]
) -> Iterator[Filled]:
    for element in root.iter(etree.Element):
        path = path_of(element)
        plain = "/".join(step.partition("[")[0] for step in path.split("/"))
        exempt = any(plain == each or plain.startswith(f"{each}/") for each in unmapped)
        text = (element.text or "").strip()
        if text and not len(element):
            yield Filled(path, "", plain, (Part(text, path in readings),), exempt)
        for name, value in element.attrib.items():
            where = f"{path}/@{etree.QName(name).localname}".lstrip("/")
            kind = f"{plain}/@{etree.QName(name).localname}".lstrip("/")
            yield Filled(where, "", kind, (Part(str(value), where in readings),), exempt)

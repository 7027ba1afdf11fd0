"""What is wrong with a message, as findings with a place and a code of table 0357.

`structure` is what decides AA or not: type, event, processing id, version, control id, and what
the sender's profile requires. `check` is everything, for people (`icaro hl7 check`): it also
holds the message against its version's dictionary. Real feeds break that in a hundred ways, so
`check` never decides an acknowledgment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gateway.hl7.datatypes import fault
from gateway.hl7.dictionary import ADT_EVENTS, VERSIONS, Dictionary, FieldShape, dictionary
from gateway.hl7.echo import LONGEST, too_long
from gateway.hl7.finding import Finding
from gateway.hl7.location import Location
from gateway.hl7.message import Message
from gateway.hl7.order import check_order
from gateway.hl7.segment import NULL, Segment

_PROCESSING = frozenset("PTD")
_FALLBACK = "2.5"  # a message whose version is wrong is still checked, against the usual one
_SEGMENT_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
# ID fields whose tables take local or other bodies' codes too.
_OPEN_TABLES = frozenset({"0203", "0396", "0399", "0291", "0834"})
_VARIES = frozenset({"varies", "VARIES", "Varies", "*"})


def structure(message: Message, required: Iterable[str] = ()) -> list[Finding]:
    """What refuses the message; [] means AA. `required`: paths such as `PID-3` or `NK1`."""
    return [*_header(message), *_continued(message), *_required(message, required)]


def _header(message: Message) -> Iterator[Finding]:
    if not message.code:
        yield _missing(Location("MSH", 1, 9))
    elif message.code != "ADT":
        yield _wrong(Location("MSH", 1, 9, 1, 1), 200, "this message type is not supported")
    elif not message.event:
        yield _missing(Location("MSH", 1, 9, 1, 2))
    elif message.event not in ADT_EVENTS:
        yield _wrong(Location("MSH", 1, 9, 1, 2), 201, "this event is not supported")
    if not message.control_id.strip():
        yield _missing(Location("MSH", 1, 10))
    if not message.processing_id:
        yield _missing(Location("MSH", 1, 11))
    elif message.processing_id not in _PROCESSING:
        yield _wrong(Location("MSH", 1, 11, 1, 1), 202, "the processing id must be P, T or D")
    if not message.version:
        yield _missing(Location("MSH", 1, 12))
    elif message.version not in VERSIONS:
        yield _wrong(Location("MSH", 1, 12, 1, 1), 203, "this HL7 version is not supported")
    for number in too_long(message.msh):
        yield _wrong(Location("MSH", 1, number), 102, f"is longer than {LONGEST} characters")


def _continued(message: Message) -> Iterator[Finding]:
    """A piece of a message (HL7 2.5 ch. 2.10.2): half a birth must not be taken for a whole one."""
    text = "this is a piece of a continued message; send it whole"
    # Feeds write anything into MSH-14; a later piece is one that has no beginning either.
    begins = message.first("EVN") is not None or message.first("PID") is not None
    if (message.msh.text(14) or "").strip() and not begins:
        yield _wrong(Location("MSH", 1, 14), 100, text)
    dsc = message.first("DSC")
    if dsc is not None and (dsc.text(1) or "").strip() not in ("", NULL):
        yield _wrong(Location("DSC", 1, 1), 100, text)
    if message.first("ADD") is not None:
        yield _wrong(Location("ADD", 1), 100, text)


def _required(message: Message, paths: Iterable[str]) -> Iterator[Finding]:
    for path in paths:
        where = Location.parse(path)
        if where.field:
            value = message.get(path)
            if value is None or value == NULL or not value.strip():
                yield _missing(where)
        elif len(message.all(where.segment)) < where.occurrence:
            yield _missing(where)


def check(message: Message, required: Iterable[str] = ()) -> list[Finding]:
    """Everything that can be said about the message, in its own order, each thing once."""
    known = dictionary(message.version if message.version in VERSIONS else _FALLBACK)
    found = structure(message, required)
    found += _names(message, known)
    if (name := known.structure_for(message.event)) and message.code == "ADT":
        found += check_order(message, known, name)
        found += _agreement(message, name)
    for segment_name in dict.fromkeys(segment.name for segment in message):
        for occurrence, segment in enumerate(message.all(segment_name), 1):
            found += _segment(segment, occurrence, known)
    return sorted(_once(found), key=lambda finding: _rank(message, finding))


def _once(found: Iterable[Finding]) -> Iterator[Finding]:
    """Without what two rules said of the same place, such as a missing MSH-12."""
    seen: set[tuple[Location, int]] = set()
    for finding in found:
        if (key := (finding.location, finding.code)) not in seen:
            seen.add(key)
            yield finding


def _rank(message: Message, finding: Finding) -> tuple[int, int]:
    segments = message.all(finding.location.segment)
    if finding.location.occurrence <= len(segments):
        return segments[finding.location.occurrence - 1].index, finding.location.field
    return len(message.segments), finding.location.field


def _names(message: Message, known: Dictionary) -> Iterator[Finding]:
    for name in dict.fromkeys(segment.name for segment in message):
        if not _SEGMENT_NAME.fullmatch(name):
            number = message.all(name)[0].index + 1
            yield _wrong(Location("???"), 100, f"line {number} does not begin with a segment name")
        elif not name.startswith("Z") and known.segment(name) is None:
            text = f"HL7 {known.version} has no such segment"
            yield Finding(Location(name), 100, "W", text)


def _agreement(message: Message, name: str) -> Iterator[Finding]:
    evn = message.first("EVN")
    if evn is not None and evn.text(1) not in (None, NULL, message.event):
        text = "EVN-1 says another event than MSH-9"
        yield Finding(Location("EVN", 1, 1), 103, "W", text)
    if message.structure and message.structure != name:
        text = f"the structure of this event is {name}"
        yield Finding(Location("MSH", 1, 9, 1, 3), 103, "W", text)


def _segment(segment: Segment, occurrence: int, known: Dictionary) -> Iterator[Finding]:
    shape = known.segment(segment.name)
    if shape is None:
        return
    header = segment.name == "MSH"
    for field in shape.fields:
        if header and field.number <= 2:
            continue
        where = Location(segment.name, occurrence, field.number)
        count = segment.count(field.number)
        if not count:
            if field.required:
                yield _missing(where)
            continue
        if count > field.repeats:
            text = f"repeats {count} times, {field.repeats} allowed"
            yield Finding(where, 102, "W", text)
        for rep in range(1, count + 1):
            yield from _repetition(segment, field, where._replace(repetition=rep), known)


def _repetition(
    segment: Segment, field: FieldShape, where: Location, known: Dictionary
) -> Iterator[Finding]:
    datatype = field.datatype
    if datatype in _VARIES:
        datatype = segment.text(2) or "" if segment.name == "OBX" else ""
    components = known.datatype(datatype)
    if not components or datatype == "TS":
        yield from _value(segment, where, datatype, field.table, known)
        return
    for component in components:
        inner = known.datatype(component.datatype)
        place = where._replace(component=component.number)
        if not inner or component.datatype == "TS":
            yield from _value(segment, place, component.datatype, component.table, known)


def _value(
    segment: Segment, where: Location, datatype: str, table: str | None, known: Dictionary
) -> Iterator[Finding]:
    value = segment.text(where.field, where.repetition, where.component or 1)
    if value is None or value == NULL:
        return
    reason = fault(datatype, value)
    if reason:
        yield Finding(where, 102, "E", reason)
    # Tables of ID fields are HL7's own and closed; those of IS fields are the site's.
    closed = table and datatype == "ID" and table not in _OPEN_TABLES
    codes = known.table(table) if table and closed else None
    if codes is not None and value not in codes:
        yield Finding(where, 103, "W", f"the code is not in HL7 table {table}")


def _missing(where: Location) -> Finding:
    return Finding(where, 101, "E", "is required and missing")


def _wrong(where: Location, code: int, text: str) -> Finding:
    return Finding(where, code, "E", text)

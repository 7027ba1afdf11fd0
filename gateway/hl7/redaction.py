"""Keeps of a message only what a list says may stay: for a mother who does not want to be named.

An allow-list, so that a field nobody thought of is gone, not left. Entries:
`PV1` a segment; `PID-3` a field; `PID-11[7 in (N, BDL)]` the repetitions whose component says so;
`OBX[3.1 in (8339-4, 11884-4)]` the segments whose field says so, `OBX[3.1 in (8339-4)]-2,3,5` some
of their fields. MSH-1, 2 and 9 to 12 always stay: without them there is no message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.errors import ConfigurationError
from gateway.hl7.compose import as_header, compose, field_of, fields_of, repetition_of
from gateway.hl7.dossier import Dossier
from gateway.hl7.location import Location
from gateway.hl7.message import Message
from gateway.hl7.segment import Segment

_CONDITION = r"\[\s*(\d+)(?:\.(\d+))?\s+in\s*\(([^()\[\]]+)\)\s*\]"
_ENTRY = re.compile(rf"([A-Z][A-Z0-9]{{2}})({_CONDITION})?(?:-(.+))?")
_FIELD = re.compile(rf"(\d{{1,3}})({_CONDITION})?")
_PROTECTION = 22
_HEADERS = (b"MSH", b"FHS", b"BHS")
_LINE_ENDS = re.compile(rb"\r\n?|\n")
_MSH_STAYS = frozenset({9, 10, 11, 12})


@dataclass(frozen=True, slots=True)
class _Condition:
    """`first.second in values`: field.component of a segment, component.subcomponent of a field."""

    first: int
    second: int
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Keep:
    """One entry. `fields` None: all of them."""

    segment: str
    condition: _Condition | None
    fields: tuple[tuple[int, _Condition | None], ...] | None


def redact(message: Message, keep: Sequence[str]) -> Message:
    """A message of only the listed paths (UTF-8, standard delimiters).

    Raises ConfigurationError, naming every entry that cannot be read.
    """
    return compose(fields for _, fields in _kept(message, _entries(keep)))


def redact_dossier(dossier: Dossier, keep: Sequence[str]) -> Dossier:
    """The same for a dossier; the origins of what stays, stay."""
    origins: dict[str, str] = {}
    seen: dict[str, int] = {}
    before: dict[str, int] = {}
    kept = dict(_kept(dossier.message, _entries(keep)))
    lines = []
    for segment in dossier.message:
        old = before[segment.name] = before.get(segment.name, 0) + 1
        if segment.index not in kept:
            continue
        lines.append(fields := kept[segment.index])
        new = seen[segment.name] = seen.get(segment.name, 0) + 1
        for number in (n for n in range(1, len(fields)) if fields[n]):
            origin = dossier.origins.get(str(Location(segment.name, old, number)))
            if origin is not None:
                origins[str(Location(segment.name, new, number))] = origin
    # What was deleted is no more than a path, but where it stood may have gone.
    return Dossier(compose(lines), origins, {}, dossier.carried, dossier.moments)


def outline(piece: bytes) -> bytes:
    """Of bytes that cannot be read: the headers, and of each other line its first three bytes."""
    lines = _LINE_ENDS.split(piece)
    return b"\r".join(each if each[:3] in _HEADERS else each[:3] for each in lines)


def mark_unnamed(dossier: Dossier) -> Dossier:
    """The dossier with `Y` in PV2-22 (visit protection): the wish, where it came by another way."""
    lines = [fields_of(segment) for segment in dossier.message]
    names = [line[0] for line in lines]
    if "PV2" not in names:
        lines.insert(_after(names, "PV1", "PID", "MSH"), ["PV2"])
    line = next(line for line in lines if line[0] == "PV2")
    line += [""] * (_PROTECTION + 1 - len(line))
    line[_PROTECTION] = "Y"
    return Dossier(compose(lines), dossier.origins)


def _after(names: Sequence[str], *before: str) -> int:
    return next(names.index(name) for name in before if name in names) + 1


def _kept(message: Message, entries: Iterable[_Keep]) -> list[tuple[int, list[str]]]:
    """(index of segment, what stays of it by field number) of the segments that stay."""
    entries = list(entries)
    kept = []
    for segment in message:
        applying = [entry for entry in entries if _applies(entry, segment)]
        fields = _fields(segment, applying)
        if segment.index == 0:
            for number in _MSH_STAYS.intersection(range(len(segment.fields))):
                fields[number] = field_of(segment, number)
            kept.append((0, as_header(["MSH", *fields[1:]])))
        elif applying:
            kept.append((segment.index, [segment.name, *fields[1:]]))
    return kept


def _applies(entry: _Keep, segment: Segment) -> bool:
    if entry.segment != segment.name:
        return False
    condition = entry.condition
    return condition is None or any(
        segment.text(condition.first, rep, condition.second) in condition.values
        for rep in range(1, segment.count(condition.first) + 1)
    )


def _fields(segment: Segment, entries: Sequence[_Keep]) -> list[str]:
    """Each field's text as far as some entry keeps it, else ''."""
    if any(entry.fields is None for entry in entries):
        return fields_of(segment)
    kept = [""] * len(segment.fields)
    for number in range(1, len(segment.fields)):
        conditions = [
            condition
            for entry in entries
            for field, condition in entry.fields or ()
            if field == number
        ]
        if conditions:
            kept[number] = _repetitions(segment, number, conditions)
    return kept


def _repetitions(segment: Segment, field: int, conditions: list[_Condition | None]) -> str:
    reps = range(1, segment.count(field) + 1)
    wanted = (rep for rep in reps if any(_holds(c, segment, field, rep) for c in conditions))
    return "~".join(repetition_of(segment, field, rep) for rep in wanted)


def _holds(condition: _Condition | None, segment: Segment, field: int, rep: int) -> bool:
    if condition is None:
        return True
    return segment.text(field, rep, condition.first, condition.second) in condition.values


def _entries(keep: Sequence[str]) -> list[_Keep]:
    entries, problems = [], []
    for text in keep:
        entry = _entry(text.strip())
        if entry is None:
            problems.append(f"keeps: {text!r} is not SEG, SEG-n, SEG-n[c in (…)] or SEG[f in (…)]")
        else:
            entries.append(entry)
    if problems:
        raise ConfigurationError(problems)
    return entries


def _entry(text: str) -> _Keep | None:
    match = _ENTRY.fullmatch(text)
    if match is None:
        return None
    name, chosen, first, second, values, rest = match.groups()
    condition = _condition(first, second, values) if chosen else None
    if rest is None:
        return _Keep(name, condition, None)
    fields = [_FIELD.fullmatch(part.strip()) for part in re.split(r",(?![^(]*\))", rest)]
    if not all(fields):
        return None
    return _Keep(name, condition, tuple(_field(found) for found in fields if found))


def _field(match: re.Match[str]) -> tuple[int, _Condition | None]:
    number, chosen, first, second, values = match.groups()
    return int(number), _condition(first, second, values) if chosen else None


def _condition(first: str, second: str | None, values: str) -> _Condition:
    wanted = frozenset(value.strip().strip("'\"") for value in values.split(","))
    return _Condition(int(first), int(second or 1), wanted)

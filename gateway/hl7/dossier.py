"""What all messages of a case say, folded into one message.

ADT is snapshot mode: segments that a later message carries replace the earlier ones of their
kind; a kind it does not carry stays. Where a segment is surely the same thing as an earlier one,
an empty field leaves what was there and `""` deletes it. Two persons are never mixed: a next of
kin whose relationship or name differs stands alone. Each field knows the message it came from, and
each message its moment: one that came late fills what nobody newer said, and changes nothing else.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.errors import UnreadableMessage
from gateway.hl7.compose import SEGMENT_NAME, compose, fields_of
from gateway.hl7.location import Location
from gateway.hl7.message import Message
from gateway.hl7.segment import NULL, Segment

_NEWEST = frozenset({"MSH", "EVN"})
_SINGLE = frozenset({"PID", "PD1", "PV1", "PV2", "ABS", "ACC", "DRG", "PDA", "UB1", "UB2"})
_NEVER = frozenset({"ROL", "MRG", "CON"})
"""A role, a merge or a consent has no number that would tell two of them apart."""
_KEYS = {"NK1": (3,), "OBX": (3, 4), "DG1": (1, 3), "AL1": (1, 3), "PR1": (1, 3), "IN1": (1, 2)}
"""Fields that together tell segments of a kind apart; for others the set id, field 1."""
_NAMES = {"NK1": 2, "GT1": 3, "IN1": 16}
"""The field that holds the person's name (XPN)."""
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(slots=True)
class _Line:
    """A segment by field number, and the message each of its fields came from.

    `deleted`: field → the message that deleted it, so that an older one does not bring it back.
    """

    fields: list[str]
    origins: list[str]
    key: str | None
    deleted: dict[int, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.fields[0]


@dataclass(frozen=True)
class Dossier:
    """`origins`: `PID-5` or `NK1[2]-33` → id of the message that said it; `deleted` likewise.

    `carried`: kind of segment → the newest message that had it; `moments`: message → when it was
    written (`hl7.moment`), '' where that is not known.
    """

    message: Message = field(repr=False)
    origins: Mapping[str, str] = field(repr=False)
    deleted: Mapping[str, str] = field(default_factory=dict, repr=False)
    carried: Mapping[str, str] = field(default_factory=dict, repr=False)
    moments: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def newest(self) -> str:
        """The moment of the newest message in it; '' if none is known."""
        return max(self.moments.values(), default="")

    def encode(self) -> bytes:
        """Bytes for the journal; `decode` gives the dossier back."""
        told = {"origins": self.origins, "deleted": self.deleted, "carried": self.carried}
        ids = sorted({each for paths in told.values() for each in paths.values()})
        number = {message_id: at for at, message_id in enumerate(ids)}
        body = {
            "lang": 1,
            "message": self.message.raw.decode(),
            "ids": ids,
            "moments": [self.moments.get(each, "") for each in ids],
            **{name: {at: number[i] for at, i in paths.items()} for name, paths in told.items()},
        }
        return _json(body).encode()

    @classmethod
    def decode(cls, stored: bytes) -> Dossier:
        """Read what `encode` wrote; UnreadableMessage if it did not."""
        try:
            body = json.loads(stored)
            ids = body["ids"]
            # Before there were moments, a dossier knew only its origins.
            maps = (body["origins"], body.get("deleted", {}), body.get("carried", {}))
            told = [{path: ids[number] for path, number in each.items()} for each in maps]
            moments = dict(zip(ids, body.get("moments", ()), strict=False))
            return cls(Message.parse(body["message"].encode()), told[0], told[1], told[2], moments)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise UnreadableMessage("the stored dossier cannot be read") from None


def fold(dossier: Dossier | None, message: Message, message_id: str, moment: str = "") -> Dossier:
    """The dossier after `message`, written at `moment`; '' if that is not known: then it is new.

    The result is canonical: UTF-8, standard delimiters.
    """
    before = dossier or Dossier(message, {})
    moments = {**before.moments, message_id: moment or before.newest}
    new = [_new_line(segment, message_id) for segment in message if _is_named(segment)]
    old = _old_lines(before) if dossier is not None else []
    late = _late(before, new, moments)
    for name in dict.fromkeys(line.name for line in new) if old else ():
        if name in late:
            _fill_kind(_of(name, old), _of(name, new), moments)
        else:
            _fold_kind(_of(name, old), _of(name, new))
    new = [line for line in new if line.name not in late]
    for line in new:
        _delete_nulls(line)
    carried = {**before.carried, **{line.name: message_id for line in new}}
    return _dossier(_in_order(old, new), carried, moments)


def unite(old: Dossier, stays: Dossier) -> Dossier:
    """The dossiers of two records of one child: what the one that `stays` says counts first."""
    before, lines = _old_lines(old), _old_lines(stays)
    for name in dict.fromkeys(line.name for line in lines):
        _fold_kind(_of(name, before), _of(name, lines))
    moments = {**old.moments, **stays.moments}
    return _dossier(_in_order(before, lines), {**old.carried, **stays.carried}, moments)


def _late(before: Dossier, new: list[_Line], moments: Mapping[str, str]) -> set[str]:
    """The kinds that a newer message than this one has carried."""
    known = {name: moments.get(told, "") for name, told in before.carried.items()}
    return {line.name for line in new if moments[line.origins[0]] < known.get(line.name, "")}


def _is_named(segment: Segment) -> bool:
    return SEGMENT_NAME.fullmatch(segment.name) is not None


def _new_line(segment: Segment, message_id: str) -> _Line:
    fields = fields_of(segment)
    return _Line(fields, [message_id] * len(fields), _key(segment))


def _old_lines(dossier: Dossier) -> list[_Line]:
    lines = []
    seen: Counter[str] = Counter()
    for segment in dossier.message:
        seen[segment.name] += 1
        fields = fields_of(segment)
        start = f"{Location(segment.name, seen[segment.name])}-"
        origins = [dossier.origins.get(f"{start}{n}", "") for n in range(len(fields))]
        lines.append(_Line(fields, origins, _key(segment), _deleted(dossier, start)))
    return lines


def _deleted(dossier: Dossier, start: str) -> dict[int, str]:
    return {
        int(path[len(start) :]): told
        for path, told in dossier.deleted.items()
        if path.startswith(start)
    }


def _of(name: str, lines: Sequence[_Line]) -> list[_Line]:
    return [line for line in lines if line.name == name]


def _key(segment: Segment) -> str | None:
    """What tells a segment from others of its kind; None if nothing sure does."""
    if segment.name in _SINGLE:
        return "single"
    if segment.name in _NEVER or segment.name in _NEWEST:
        return None
    values = [segment.text(number) or "" for number in _KEYS.get(segment.name, (1,))]
    return "\n".join(values) if values[0] else None


def _fold_kind(old: list[_Line], new: list[_Line]) -> None:
    """Fill the empty fields of each new line from the old line that is the same thing."""
    for before, after in _same(old, new):
        _inherit(before, after)


def _fill_kind(old: list[_Line], new: list[_Line], moments: Mapping[str, str]) -> None:
    """A message that came late: its fields replace only what an older one said."""
    for before, after in _same(old, new):
        _fill(before, after, moments)


def _same(old: list[_Line], new: list[_Line]) -> Iterator[tuple[_Line, _Line]]:
    """The pairs of lines that are surely the same thing."""
    if new[0].name.startswith("Z") and len(old) == len(new) == 1:
        yield old[0], new[0]
        return
    before, after = _unique(old), _unique(new)
    for key, line in after.items():
        if key in before and _same_person(before[key], line):
            yield before[key], line


def _unique(lines: list[_Line]) -> dict[str, _Line]:
    counts = Counter(line.key for line in lines)
    return {line.key: line for line in lines if line.key and counts[line.key] == 1}


def _same_person(old: _Line, new: _Line) -> bool:
    """True unless both lines name a person and the names differ."""
    number = _NAMES.get(new.name)
    if number is None:
        return True
    before, after = _person(old, number), _person(new, number)
    return all(not a or not b or a == b for a, b in zip(before, after, strict=True))


def _person(line: _Line, number: int) -> tuple[str, str]:
    """Family and given name of the first repetition, folded for comparison."""
    value = line.fields[number] if number < len(line.fields) else ""
    family, given, *_ = [*value.partition("~")[0].split("^"), "", ""]
    return _folded(family.partition("&")[0]), _folded(given)


def _folded(name: str) -> str:
    return "" if name == NULL else " ".join(name.split()).casefold()


def _inherit(old: _Line, new: _Line) -> None:
    _reach(new, len(old.fields))
    for number, value in enumerate(old.fields):
        if value and not new.fields[number]:
            new.fields[number], new.origins[number] = value, old.origins[number]
    said = {number for number, value in enumerate(new.fields) if value}
    new.deleted = {number: told for number, told in old.deleted.items() if number not in said}


def _fill(old: _Line, late: _Line, moments: Mapping[str, str]) -> None:
    _reach(old, len(late.fields))
    for number, value in enumerate(late.fields):
        said = old.origins[number] if old.fields[number] else old.deleted.get(number, "")
        if not value or (said and moments[late.origins[0]] < moments.get(said, "")):
            continue
        old.fields[number], old.origins[number] = value, late.origins[0]
        old.deleted.pop(number, None)
    _delete_nulls(old)


def _reach(line: _Line, length: int) -> None:
    missing = length - len(line.fields)
    line.fields += [""] * missing
    line.origins += [""] * missing


def _delete_nulls(line: _Line) -> None:
    for number, value in enumerate(line.fields) if NULL in line.fields else ():
        if value == NULL:
            line.fields[number], line.deleted[number] = "", line.origins[number]


def _in_order(old: list[_Line], new: list[_Line]) -> list[_Line]:
    """The new lines in their order; kinds that only the old ones have stay where they stood."""
    places: dict[str, list[int]] = {}
    for number, line in enumerate(new):
        places.setdefault(line.name, []).append(number)
    total = Counter(line.name for line in old)
    passed: Counter[str] = Counter()
    after: dict[int, list[_Line]] = {}
    anchor = -1
    for line in old:
        passed[line.name] += 1
        if there := places.get(line.name):
            # After the last of its kind; within a kind that goes on, after the same one.
            last = passed[line.name] == total[line.name]
            anchor = there[-1] if last else there[min(len(there), passed[line.name]) - 1]
        else:
            after.setdefault(anchor, []).append(line)
    result = after.pop(-1, [])
    for number, line in enumerate(new):
        result += [line, *after.get(number, ())]
    return result


def _dossier(lines: list[_Line], carried: Mapping[str, str], moments: Mapping[str, str]) -> Dossier:
    origins: dict[str, str] = {}
    deleted: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for line in lines:
        seen[line.name] += 1
        start = f"{Location(line.name, seen[line.name])}-"
        for number, value in enumerate(line.fields):
            if value and number:
                origins[f"{start}{number}"] = line.origins[number]
        deleted |= {f"{start}{number}": told for number, told in line.deleted.items()}
    told = {*origins.values(), *deleted.values(), *carried.values()}
    known = {message_id: moment for message_id, moment in moments.items() if message_id in told}
    return Dossier(compose(line.fields for line in lines), origins, deleted, carried, known)

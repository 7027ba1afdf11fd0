"""What all messages of a case say, folded into one message.

ADT is snapshot mode: segments that a later message carries replace the earlier ones of their
kind; a kind it does not carry stays. Where a segment is surely the same thing as an earlier one,
an empty field leaves what was there and `""` deletes it. Two persons are never mixed: a next of
kin whose relationship or name differs stands alone. Each field knows the message it came from.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
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


@dataclass(slots=True)
class _Line:
    """A segment by field number, and the message each of its fields came from."""

    fields: list[str]
    origins: list[str]
    key: str | None

    @property
    def name(self) -> str:
        return self.fields[0]


@dataclass(frozen=True)
class Dossier:
    """`origins`: `PID-5` or `NK1[2]-33` → id of the message that said it."""

    message: Message = field(repr=False)
    origins: Mapping[str, str] = field(repr=False)

    def encode(self) -> bytes:
        """Bytes for the journal; `decode` gives the dossier back."""
        ids = sorted(set(self.origins.values()))
        number = {message_id: at for at, message_id in enumerate(ids)}
        origins = {path: number[message_id] for path, message_id in self.origins.items()}
        body = {"lang": 1, "message": self.message.raw.decode(), "ids": ids, "origins": origins}
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, stored: bytes) -> Dossier:
        """Read what `encode` wrote; UnreadableMessage if it did not."""
        try:
            body = json.loads(stored)
            ids = body["ids"]
            origins = {path: ids[number] for path, number in body["origins"].items()}
            return cls(Message.parse(body["message"].encode()), origins)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise UnreadableMessage("the stored dossier cannot be read") from None


def fold(dossier: Dossier | None, message: Message, message_id: str) -> Dossier:
    """The dossier after `message`. The result is canonical: UTF-8, standard delimiters."""
    new = [_new_line(segment, message_id) for segment in message if _is_named(segment)]
    old = _old_lines(dossier) if dossier is not None else []
    for name in dict.fromkeys(line.name for line in new):
        _fold_kind(_of(name, old), _of(name, new))
    for line in new:
        _delete_nulls(line)
    return _dossier(_in_order(old, new))


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
        lines.append(_Line(fields, origins, _key(segment)))
    return lines


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
    if new[0].name.startswith("Z") and len(old) == len(new) == 1:
        _inherit(old[0], new[0])
        return
    before, after = _unique(old), _unique(new)
    for key, line in after.items():
        if key in before and _same_person(before[key], line):
            _inherit(before[key], line)


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
    missing = len(old.fields) - len(new.fields)
    new.fields += [""] * missing
    new.origins += [""] * missing
    for number, value in enumerate(old.fields):
        if not new.fields[number]:
            new.fields[number], new.origins[number] = value, old.origins[number]


def _delete_nulls(line: _Line) -> None:
    line.fields = ["" if value == NULL else value for value in line.fields]


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


def _dossier(lines: list[_Line]) -> Dossier:
    origins: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for line in lines:
        seen[line.name] += 1
        start = f"{Location(line.name, seen[line.name])}-"
        for number, value in enumerate(line.fields):
            if value and number:
                origins[f"{start}{number}"] = line.origins[number]
    return Dossier(compose(line.fields for line in lines), origins)

"""What a profile declares of the messages it gets: segments, fields and codes, as written.

It narrows what the version's dictionary allows (a field that is always there, or never) and
widens it (Z segments, codes of its own). Reads shapes only; `dialect` joins it with a dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.hl7.dictionary import UNBOUNDED
from gateway.mapping.finding import Findings, Position, did_you_mean
from gateway.mapping.tree import Scalar, Sequence, Table, Tree

USAGES: Final = ("R", "RE", "O", "C", "X")
"""Required; required but may be empty; optional; conditional; never sent (HL7 2.5 ch. 2.12)."""

_SEGMENT: Final = re.compile(r"[A-Z][A-Z0-9]{2}")
_FIELD: Final = re.compile(r"([A-Z][A-Z0-9]{2})-([1-9]\d{0,2})(?:\.([1-9]\d?))?")
_FIELD_KEYS: Final = ("name", "datatype", "usage", "repeats", "table", "$note")
_SEGMENT_KEYS: Final = ("name", "usage", "fields", "$note")
_CODES_KEYS: Final = ("values", "adds", "closed", "$note")


@dataclass(frozen=True, slots=True)
class FieldUse:
    """Of one field (or component): what is said. '' and None leave it to the dictionary."""

    position: Position
    name: str = ""
    datatype: str = ""
    usage: str = ""
    repeats: int | None = None
    table: str = ""

    def over(self, below: FieldUse | None) -> FieldUse:
        """What `below` says too, as far as this says nothing."""
        if below is None:
            return self
        return FieldUse(
            self.position,
            self.name or below.name,
            self.datatype or below.datatype,
            self.usage or below.usage,
            below.repeats if self.repeats is None else self.repeats,
            self.table or below.table,
        )


@dataclass(frozen=True, slots=True)
class SegmentUse:
    """Of one segment; `fields` are those of a Z segment, by number."""

    position: Position
    name: str = ""
    usage: str = ""
    fields: Mapping[int, FieldUse] = field(default_factory=dict)

    def over(self, below: SegmentUse | None) -> SegmentUse:
        if below is None:
            return self
        fields = {**below.fields}
        for number, use in self.fields.items():
            fields[number] = use.over(below.fields.get(number))
        name, usage = self.name or below.name, self.usage or below.usage
        return SegmentUse(self.position, name, usage, fields)


@dataclass(frozen=True, slots=True)
class CodesUse:
    """Of one table: `values` are its codes, instead of HL7's; `adds` come beside them.

    Each code → `file:line`. `closed`: no other code ever comes.
    """

    position: Position
    values: Mapping[str, str] | None = None
    adds: Mapping[str, str] = field(default_factory=dict)
    closed: bool | None = None

    def over(self, below: CodesUse | None) -> CodesUse:
        if below is None:
            return self
        values = below.values if self.values is None else self.values
        # Who writes the codes anew means these and none that were added before.
        adds = {**below.adds, **self.adds} if self.values is None else self.adds
        closed = below.closed if self.closed is None else self.closed
        return CodesUse(self.position, values, adds, closed)


@dataclass(frozen=True, slots=True)
class Declared:
    """All three; fields by `PID-3` or `PID-3.5`, codes by table."""

    segments: Mapping[str, SegmentUse] = field(default_factory=dict)
    fields: Mapping[str, FieldUse] = field(default_factory=dict)
    codes: Mapping[str, CodesUse] = field(default_factory=dict)

    def over(self, below: Declared) -> Declared:
        """What a profile says, and what it inherits."""
        return Declared(
            {
                **below.segments,
                **{k: v.over(below.segments.get(k)) for k, v in self.segments.items()},
            },
            {**below.fields, **{k: v.over(below.fields.get(k)) for k, v in self.fields.items()}},
            {**below.codes, **{k: v.over(below.codes.get(k)) for k, v in self.codes.items()}},
        )


NOTHING: Final = Declared()


def read_declared(tree: Table, findings: Findings) -> Declared:
    """`segments:`, `fields:` and `codes:` of a profile file; mistakes are findings."""
    reader = _Reader(findings)
    return Declared(
        reader.segments(tree.get("segments")),
        reader.fields(tree.get("fields")),
        reader.codes(tree.get("codes")),
    )


class _Reader:
    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def _error(self, position: Position, text: str) -> None:
        self._findings.error(position, "M06", text)

    def _pairs(
        self, tree: Tree | None, what: str, known: tuple[str, ...] = ()
    ) -> tuple[tuple[Scalar, Tree], ...]:
        """The keys and values of a table; with `known`, a finding for each key that is not."""
        if tree is None or (isinstance(tree, Scalar) and not tree.text):
            return ()
        if not isinstance(tree, Table):
            self._error(tree.position, f"{what} must be a table of keys")
            return ()
        for key, _ in tree.pairs if known else ():
            if key.text not in known:
                guess = did_you_mean(key.text, known)
                self._error(key.position, f"unknown key {key.text}{guess}")
        return tree.pairs

    def segments(self, tree: Tree | None) -> dict[str, SegmentUse]:
        found: dict[str, SegmentUse] = {}
        for key, value in self._pairs(tree, "segments"):
            if not _SEGMENT.fullmatch(key.text):
                self._error(key.position, f"{key.text} is no name of a segment")
            else:
                found[key.text] = self._segment(key, value)
        return found

    def _segment(self, key: Scalar, tree: Tree) -> SegmentUse:
        said = {name.text: value for name, value in self._pairs(tree, key.text, _SEGMENT_KEYS)}
        fields: dict[int, FieldUse] = {}
        if "fields" in said and not key.text.startswith("Z"):
            text = f"only a Z segment has fields here; write fields: {key.text}-1 beside segments"
            self._error(said["fields"].position, text)
            said.pop("fields")
        for number, value in self._pairs(said.get("fields"), "fields"):
            if not re.fullmatch(r"[1-9]\d{0,2}", number.text):
                self._error(number.position, f"{number.text} is no number of a field")
            else:
                fields[int(number.text)] = self._field(number, value)
        name, usage = self._text(said.get("name")), self._usage(said.get("usage"))
        return SegmentUse(key.position, name, usage, fields)

    def fields(self, tree: Tree | None) -> dict[str, FieldUse]:
        found: dict[str, FieldUse] = {}
        for key, value in self._pairs(tree, "fields"):
            if not _FIELD.fullmatch(key.text):
                self._error(key.position, f"{key.text} is no field such as PID-3 or PID-3.5")
            else:
                found[key.text] = self._field(key, value)
        return found

    def _field(self, key: Scalar, tree: Tree) -> FieldUse:
        said = {name.text: value for name, value in self._pairs(tree, key.text, _FIELD_KEYS)}
        return FieldUse(
            position=key.position,
            name=self._text(said.get("name")),
            datatype=self._text(said.get("datatype")),
            usage=self._usage(said.get("usage")),
            repeats=self._repeats(said.get("repeats")),
            table=self._text(said.get("table")),
        )

    def _text(self, tree: Tree | None) -> str:
        if tree is None or isinstance(tree, Scalar):
            return tree.text if tree else ""
        self._error(tree.position, "must be one text")
        return ""

    def _usage(self, tree: Tree | None) -> str:
        usage = self._text(tree)
        if tree is not None and usage not in USAGES:
            self._error(tree.position, f"usage must be one of {', '.join(USAGES)}")
            return ""
        return usage

    def _repeats(self, tree: Tree | None) -> int | None:
        if tree is None:
            return None
        text = self._text(tree)
        if re.fullmatch(r"[1-9]\d{0,3}", text):
            return int(text)
        if text not in ("true", "false"):
            self._error(tree.position, "repeats must be true, false or how often")
        return UNBOUNDED if text == "true" else 1

    def codes(self, tree: Tree | None) -> dict[str, CodesUse]:
        return {key.text: self._codes(key, value) for key, value in self._pairs(tree, "codes")}

    def _codes(self, key: Scalar, tree: Tree) -> CodesUse:
        said = {name.text: value for name, value in self._pairs(tree, key.text, _CODES_KEYS)}
        values = self._list(said["values"]) if "values" in said else None
        closed = self._text(said.get("closed"))
        if "closed" in said and closed not in ("true", "false"):
            self._error(said["closed"].position, "closed must be true or false")
        return CodesUse(
            position=key.position,
            values=values,
            adds=self._list(said["adds"]) if "adds" in said else {},
            closed=closed == "true" if "closed" in said else None,
        )

    def _list(self, tree: Tree) -> dict[str, str]:
        items = tree.items if isinstance(tree, Sequence) else ()
        texts = [item for item in items if isinstance(item, Scalar) and item.text]
        if not isinstance(tree, Sequence) or len(texts) != len(items) or not texts:
            self._error(tree.position, "must be a list of codes")
        return {one.text: f"{one.position.file}:{one.position.line}" for one in texts}

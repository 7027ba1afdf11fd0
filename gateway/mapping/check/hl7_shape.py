"""What a mapping writes into a message of ours, against the structure of its version.

Asked by `hl7_target` while it compiles: paths, what is required and never written, what is
written over, and values that the type of a field does not take. The dictionary knows no lengths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from gateway.errors import ConfigurationError
from gateway.hl7.builder import MORE, Target, target
from gateway.hl7.dictionary import Part, dictionary
from gateway.mapping.check.codes import tell_code
from gateway.mapping.check.simple_type import SimpleType
from gateway.mapping.check.values import a_kind
from gateway.mapping.dialect import Dialect
from gateway.mapping.emission import Node
from gateway.mapping.expressions import start_of
from gateway.mapping.finding import Findings, Position, did_you_mean
from gateway.mapping.kinds import NUMERIC, Kind
from gateway.mapping.leaves import Leaf, Said

_BY_ITSELF: Final = frozenset({("MSH", 1), ("MSH", 2), ("MSH", 12)})
"""What the builder writes where the mapping does not."""

_FORMS: Final = {
    "NM": (NUMERIC, r"[+-]?[0-9]*\.?[0-9]+"),
    "SI": (NUMERIC, r"[0-9]{1,4}"),
    "DT": ({Kind.DATE}, r"[0-9]{4}([0-9]{2}([0-9]{2})?)?"),
    "TM": ({Kind.TIME}, r"[0-9]{2}([0-9]{2}([0-9]{2}(\.[0-9]{1,4})?)?)?([+-][0-9]{4})?"),
    "DTM": (
        {Kind.DATE, Kind.DATETIME},
        r"[0-9]{4}([0-9]{2}([0-9]{2}([0-9]{2}([0-9]{2}([0-9]{2}(\.[0-9]{1,4})?)?)?)?)?)?([+-][0-9]{4})?",
    ),
}


def _type(name: str) -> SimpleType:
    kinds, form = _FORMS[name]
    pattern = re.compile(form)

    def refuse(text: str) -> str | None:
        return None if pattern.fullmatch(text) else f"is no {name}"

    return SimpleType(name, frozenset(kinds), refuse)


_TYPES: Final = {name: _type(name) for name in _FORMS} | {"TS": _type("DTM")}


class MessageCheck:
    """Of one mapping; remembers what was written and where."""

    def __init__(self, findings: Findings, structure: str, dialect: Dialect) -> None:
        self._findings = findings
        self._dialect = dialect
        self._version = dialect.version
        self._structure = structure
        self._fields: dict[tuple[str, int], Position] = {}
        self._texts: set[Target] = set()
        self._bad: list[str] = []

    def path(self, path: str, position: Position) -> None:
        """A path must be in the structure; what it names counts as written."""
        if any(path.startswith(known) for known in self._bad):
            return
        try:
            where = target(self._version, self._structure, path)
        except ConfigurationError as error:
            self._bad.append(path)
            for problem in error.problems:
                self._findings.error(position, *self._told(path, problem))
            return
        if where.field:
            self._fields.setdefault((where.segment, where.field), position)
        if where.segment.startswith("Z"):
            self._check_own(where, position)

    def _check_own(self, where: Target, position: Position) -> None:
        """A Z segment is what the profile says it is."""
        shape, said = self._dialect.segment(where.segment), self._dialect.profile_said
        if shape is None:
            guess = did_you_mean(where.segment, self._dialect.own_segments)
            self._findings.error(position, "H01", f"no segment {where.segment} in {said}{guess}")
        elif where.field and shape[where.field] is None:
            text = f"{where.segment} has no field {where.field} in {said}"
            self._findings.error(position, "H02", text)

    def _told(self, path: str, problem: str) -> tuple[str, str]:
        """A repetition too many is no unknown path."""
        try:
            target(self._version, self._structure, re.sub(r"\[[0-9+]+\](?=[.]|$)", "", path))
        except ConfigurationError:
            structure = dictionary(self._version).structure(self._structure)
            known = set(structure.segments()) if structure else set()
            return "X01", problem + (did_you_mean(path[:3], known) if path[:3] not in known else "")
        return "X07", problem

    def repetition(self, node: Node, path: str) -> None:
        """A list or `$each` writes over what it wrote, unless the path says `[+]`."""
        if "[+]" in path:
            return
        if len(node.several) > 1:
            text = f"each item writes over the one before; say {path}[+]"
            self._findings.error(node.several[1].position, "X07", text)
        elif node.each is not None:
            text = f"each item writes over the one before; say {path}[+]"
            self._findings.error(start_of(node.each.path), "X07", text)

    def leaf(self, leaf: Leaf, path: str, position: Position, *, free: bool) -> None:
        """One text; `free`: no `$when` or `$choose` decides whether it is written."""
        try:
            where = target(self._version, self._structure, path)
        except ConfigurationError:
            return  # told already
        if not where.field:
            self._findings.error(position, "X03", f"{path} is a segment; name one of its fields")
            return
        if free and MORE not in (where.occurrence, where.repetition):
            if where in self._texts:
                self._findings.error(position, "X07", f"{path} is written twice")
            self._texts.add(where)
        for said in leaf.said:
            self._code(said, where, path)
        wanted = _TYPES.get(self._datatype(where))
        for said in leaf.said if wanted else ():
            assert wanted is not None  # or there is no loop
            self._value(said, wanted, path)

    def _code(self, said: Said, where: Target, path: str) -> None:
        """Known codes, one by one, against the table of the field that they are written to."""
        parts = where.component, where.subcomponent
        _, table = self._dialect.part(where.segment, where.field, *parts)
        texts = said.value.domain.values if said.value.kind is Kind.TEXT else None
        for text, cell in (texts or {}).items() if table else ():
            told = f"{path} takes codes of"
            tell_code({text: cell}, table, told, self._dialect, self._findings, said.position)

    def _value(self, said: Said, wanted: SimpleType, path: str) -> None:
        kind, texts = said.value.kind, said.value.domain.values
        if kind not in (Kind.TEXT, Kind.UNKNOWN, *wanted.kinds):
            text = f"{a_kind(kind)}, where {path} wants a {wanted.name}"
            self._findings.error(said.position, "X05", text)
        elif kind is Kind.TEXT and texts and (refused := wanted.refuses_any(texts)):
            cell = f" ({refused.written})" if refused.written else ""
            text = f"'{refused.text}'{cell} {refused.reason}, which {path} wants"
            self._findings.error(said.position, "X06", text)

    def _datatype(self, where: Target) -> str:
        """The type of the text itself; '' where the version does not say."""
        known = dictionary(self._version)
        segment = known.segment(where.segment)
        field = segment[where.field] if segment else None
        datatype = field.datatype if field else ""
        for number in (where.component, where.subcomponent):
            parts = known.datatype(datatype) or ()
            datatype = next((part.datatype for part in parts if part.number == number), datatype)
        return datatype

    def message(self, position: Position) -> None:
        """What the structure requires and nothing writes: segments, and fields of those there."""
        structure = dictionary(self._version).structure(self._structure)
        places: dict[str, Position] = {"MSH": position}
        for (name, _), at in self._fields.items():
            places[name] = min(at, places.get(name, at))
        for name in _required(structure) if structure else ():
            if name not in places:
                self._never_written(f"segment {name} in {self._structure}", position)
        for name, first in places.items():
            for number in self._missing(name):
                self._never_written(f"{name}-{number} in HL7 {self._version}", first)

    def _missing(self, name: str) -> Iterator[int]:
        shape = dictionary(self._version).segment(name)
        for field in shape.fields if shape else ():
            place = name, field.number
            if field.required and place not in self._fields and place not in _BY_ITSELF:
                yield field.number

    def _never_written(self, what: str, position: Position) -> None:
        self._findings.warning(position, "X02", f"never written: {what}")


def _required(part: Part) -> Iterator[str]:
    """The segments that no message of the structure can be without."""
    for below in part.parts:
        if below.least and below.parts:
            yield from _required(below)
        elif below.least:
            yield below.name

"""Reads YAML into a tree of texts with positions, and nothing else of YAML.

Every scalar is text (Milano's ISTAT code is a number to YAML 1.1, Norway is false). Anchors,
aliases, tags, tabs and duplicate keys are findings; so is what is larger, deeper or wider than
a mapping may be. Knows no directive of the language.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import yaml

from gateway.mapping.finding import Findings, Position

LIMIT: Final = 256 * 1024
DEPTH: Final = 32
LEAVES: Final = 2000

# libyaml reads the same language ten times faster where PyYAML was built with it.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text; `quoted` tells `'x'` from `x`."""

    text: str
    position: Position
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """`- a` or `[a, b]`."""

    items: tuple[Tree, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Table:
    """`key: value` pairs in the order written, keys unique."""

    pairs: tuple[tuple[Scalar, Tree], ...]
    position: Position

    def get(self, key: str) -> Tree | None:
        return next((value for name, value in self.pairs if name.text == key), None)


Tree: TypeAlias = Scalar | Sequence | Table


def read(text: bytes, file: str, findings: Findings) -> Table | None:
    """The file's top table, or None where a finding says why there is none."""
    start = Position(file, 1)
    if len(text) > LIMIT:
        findings.error(start, "Y04", f"larger than {LIMIT // 1024} KiB")
        return None
    reader = _Reader(file, findings)
    tree = reader.tree(text)
    if tree is None:
        return None
    if not isinstance(tree, Table):
        findings.error(start, "M06", "the file must be a table of keys, starting with lang: 1")
        return None
    if reader.leaves > LEAVES:
        findings.error(start, "Y04", f"more than {LEAVES} leaves")
        return None
    return tree


class _Malformed(Exception):
    """Stops the reading; the finding is already there."""


@dataclass(slots=True)
class _Reader:
    file: str
    findings: Findings
    leaves: int = field(default=0)

    def tree(self, text: bytes) -> Tree | None:
        try:
            decoded = text.decode("utf-8")
            for number, line in enumerate(decoded.splitlines(), 1):
                if "\t" in line:
                    self._refuse(number, line.index("\t"), "Y03", "a tab; use spaces")
            node = self._node(iter(yaml.parse(decoded, Loader=_LOADER)))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = self._at(mark.line, mark.column) if mark else Position(self.file, 1)
            self.findings.error(place, "Y01", error.problem or "not YAML")
        except (yaml.YAMLError, UnicodeDecodeError):
            self.findings.error(Position(self.file, 1), "Y01", "not YAML in UTF-8")
        except _Malformed:
            pass
        else:
            return node
        return None

    def _at(self, line: int, column: int) -> Position:
        return Position(self.file, line + 1, column + 1)

    def _refuse(self, line: int, column: int, code: str, text: str) -> None:
        self.findings.error(Position(self.file, line, column + 1), code, text)
        raise _Malformed

    def _node(self, events: Iterator[yaml.Event]) -> Tree | None:
        """The only document's tree. Events, not nodes: an alias is seen, never expanded."""
        tree: Tree | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if tree is not None:
                    raise self._stop(event, "Y01", "a second document")
                tree = self._value(next(events), events, 1)
        if tree is None:
            self.findings.error(Position(self.file, 1), "Y01", "the file is empty")
        return tree

    def _stop(self, event: yaml.Event, code: str, text: str) -> _Malformed:
        self.findings.error(self._start(event), code, text)
        return _Malformed()

    def _start(self, event: yaml.Event) -> Position:
        mark = event.start_mark
        return self._at(mark.line, mark.column) if mark else Position(self.file, 1)

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Tree:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self._stop(event, "Y03", "anchors and aliases are not used in mappings")
        if getattr(event, "tag", None):
            raise self._stop(event, "Y03", "tags are not used in mappings; every value is text")
        if depth > DEPTH:
            raise self._stop(event, "Y04", f"deeper than {DEPTH}")
        position = self._start(event)
        if isinstance(event, yaml.ScalarEvent):
            self.leaves += 1
            return Scalar(event.value, position, quoted=event.style in ("'", '"'))
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(tuple(self._items(events, depth)), position)
        return self._table(event, events, depth, position)

    def _items(self, events: Iterator[yaml.Event], depth: int) -> Iterator[Tree]:
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            yield self._value(event, events, depth + 1)

    def _table(
        self, start: yaml.Event, events: Iterator[yaml.Event], depth: int, position: Position
    ) -> Table:
        pairs: dict[str, tuple[Scalar, Tree]] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._value(event, events, depth + 1)
            value = self._value(next(events), events, depth + 1)
            if not isinstance(key, Scalar):
                raise self._stop(event, "M06", "a key must be a text")
            if getattr(start, "flow_style", False) and _cut_by_comma(key, value):
                text = "an expression with a comma inside { }: write it on a line of its own"
                raise self._stop(event, "Y05", text)
            if key.text in pairs:
                first = pairs[key.text][0].position.line
                text = f"duplicate key {key.text}, first on line {first}"
                self.findings.error(key.position, "Y02", text)
                continue
            pairs[key.text] = (key, value)
        return Table(tuple(pairs.values()), position)


def _cut_by_comma(key: Scalar, value: Tree) -> bool:
    """`{a: f(b, c)}` is to YAML the keys `a` and `c)`; the brackets tell."""
    return _unbalanced(key) or (isinstance(value, Scalar) and _unbalanced(value))


def _unbalanced(scalar: Scalar) -> bool:
    return not scalar.quoted and scalar.text.count("(") != scalar.text.count(")")

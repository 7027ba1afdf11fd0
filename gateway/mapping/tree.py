"""Reads YAML into a tree of texts with positions, and nothing else of YAML.

Every scalar is text (Milano's ISTAT code is a number to YAML 1.1, Norway is false). Anchors,
aliases, tags, tabs and duplicate keys are findings; so is what is larger, deeper or wider than
a mapping may be. Knows no directive of the language, but that its tests are no leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import yaml

from gateway.mapping.finding import Findings, Position
from gateway.mapping.layout import winding, winds

LIMIT: Final = 256 * 1024
DEPTH: Final = 32
LEAVES: Final = 2000

# Characters that YAML refuses (1.2, 5.1), and line ends that only YAML 1.1 knows.
_ODD: Final = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
# libyaml reads the same language ten times faster where PyYAML was built with it.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text; `quoted` tells `'x'` from `x`, `raw` and `style` how it is written if it winds."""

    text: str
    position: Position
    quoted: bool = False
    raw: str = field(default="", compare=False, repr=False)
    style: str | None = field(default=None, compare=False, repr=False)

    @property
    def start(self) -> Position:
        """Where the text itself begins, after its quote; `.after(n)` is where its sign n is."""
        if self.raw:
            return winding(self.text, self.raw, self.style, self.position)
        return self.position.after(1) if self.quoted else self.position


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
    tree = _Reader(file, findings).tree(text)
    if tree is None:
        return None
    if not isinstance(tree, Table):
        findings.error(start, "M06", "the file must be a table of keys, starting with lang: 1")
        return None
    leaves = [leaf for key, value in tree.pairs if key.text != "tests" for leaf in _leaves(value)]
    if len(leaves) > LEAVES:
        findings.error(leaves[LEAVES].position, "Y04", f"more than {LEAVES} leaves")
        return None
    return tree


def _leaves(tree: Tree) -> Iterator[Scalar]:
    if isinstance(tree, Scalar):
        yield tree
        return
    below = tree.items if isinstance(tree, Sequence) else (value for _, value in tree.pairs)
    for each in below:
        yield from _leaves(each)


_IN_BRACES: Final = (
    "an expression with a comma or brackets inside { }: quote it, or give it a line of its own"
)


class _Malformed(Exception):
    """Stops the reading; the finding is already there."""


@dataclass(slots=True)
class _Reader:
    """`broken`: a finding says why the tree is not to be used, and the reading goes on."""

    file: str
    findings: Findings
    broken: bool = field(default=False)
    _lines: list[str] = field(default_factory=list)

    def tree(self, text: bytes) -> Tree | None:
        try:
            decoded = self._decoded(text)
            self._lines = decoded.split("\n")
            tree = self._node(iter(yaml.parse(decoded, Loader=_LOADER)))
        except yaml.MarkedYAMLError as error:
            self._tell_error(error)
        except yaml.YAMLError:
            self.findings.error(Position(self.file, 1), "Y01", "not YAML")
        except _Malformed:
            pass
        else:
            return None if self.broken else tree
        return None

    def _decoded(self, content: bytes) -> str:
        """The text with line ends as they should be, so that all positions are right."""
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            before = content[: error.start].decode("utf-8")
            raise self._refused(before, "Y01", "not UTF-8") from None
        if text.startswith("\ufeff"):
            self._refused("", "Y03", "a byte order mark; save the file as UTF-8 without it")
            text = text[1:]
        if "\r" in text:
            self._refused(text[: text.index("\r")], "Y03", "Windows line ends; save it with LF")
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if odd := _ODD.search(text):
            raise self._refused(text[: odd.start()], "Y01", f"a character U+{ord(odd[0]):04X}")
        tabs = [(at, line) for at, line in enumerate(text.split("\n")) if "\t" in line]
        for at, line in tabs:
            self.findings.error(self._at(at, line.index("\t")), "Y03", "a tab; use spaces")
        if tabs:
            raise _Malformed
        return text

    def _refused(self, before: str, code: str, text: str) -> _Malformed:
        """A finding after `before`; raised where there is nothing to go on with."""
        line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
        self.findings.error(self._at(line, column), code, text)
        self.broken = True
        return _Malformed()

    def _tell_error(self, error: yaml.MarkedYAMLError) -> None:
        """Where the mistake is: of a token that does not end, where it begins."""
        problem = error.problem or "not YAML"
        mark = _begin(error) or error.problem_mark or error.context_mark
        place = self._at(mark.line, mark.column) if mark else Position(self.file, 1)
        if "',' or '}'" in problem:
            self.findings.error(place, "Y05", _IN_BRACES)
        else:
            self.findings.error(place, "Y01", problem)

    def _at(self, line: int, column: int) -> Position:
        return Position(self.file, line + 1, column + 1)

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

    def _tell(self, event: yaml.Event, code: str, text: str) -> None:
        self.findings.error(self._start(event), code, text)
        self.broken = True

    def _stop(self, event: yaml.Event, code: str, text: str) -> _Malformed:
        self._tell(event, code, text)
        return _Malformed()

    def _start(self, event: yaml.Event) -> Position:
        mark = event.start_mark
        return self._at(mark.line, mark.column) if mark else Position(self.file, 1)

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Tree:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self._tell(event, "Y03", "anchors and aliases are not used in mappings")
        elif getattr(event, "tag", None):
            self._tell(event, "Y03", "tags are not used in mappings; every value is text")
        if depth > DEPTH:
            raise self._stop(event, "Y04", f"deeper than {DEPTH}")
        position = self._start(event)
        if isinstance(event, yaml.AliasEvent):
            return Scalar("", position)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, position)
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(tuple(self._items(events, depth)), position)
        return self._table(event, events, depth, position)

    def _scalar(self, event: yaml.ScalarEvent, position: Position) -> Scalar:
        quoted, style, raw = event.style in ("'", '"'), event.style, ""
        begin, end = event.start_mark, event.end_mark
        if begin and end and (style or end.line > begin.line):
            rows = self._lines[begin.line : end.line + 1]
            rows[-1] = rows[-1][: end.column]
            rows[0] = rows[0][begin.column :]
            raw = "\n".join(rows)
        return Scalar(event.value, position, quoted, *((raw, style) if winds(raw, style) else ()))

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
            cut = _cut_by_comma(key, value) if getattr(start, "flow_style", False) else None
            if cut is not None:
                self.findings.error(cut.position, "Y05", _IN_BRACES)
                raise _Malformed
            if key.text in pairs:
                first = pairs[key.text][0].position.line
                text = f"duplicate key {key.text}, first on line {first}"
                self.findings.error(key.position, "Y02", text)
                continue
            pairs[key.text] = (key, value)
        return Table(tuple(pairs.values()), position)


def _begin(error: yaml.MarkedYAMLError) -> yaml.Mark | None:
    """Where a token or a bracket begins that does not end; None if something else is wrong."""
    begin, end, doing = error.context_mark, error.problem_mark, error.context or ""
    if begin and doing.startswith("while scanning"):
        return begin
    later = begin and end and end.line > begin.line
    return begin if later and "a flow" in doing else None


def _cut_by_comma(key: Scalar, value: Tree) -> Scalar | None:
    """`{a: f(b, c)}` is to YAML the keys `a` and `c)`; the brackets tell."""
    if isinstance(value, Scalar) and _unbalanced(value):
        return value
    return key if _unbalanced(key) else None


def _unbalanced(scalar: Scalar) -> bool:
    return not scalar.quoted and scalar.text.count("(") != scalar.text.count(")")

"""The one layout of a mapping file: keys in the order of the reference, two blanks a level.

Works line by line on what was written, so that comments stay; the tree read from the result must
be the tree that was read before, else the file is left alone. What stands in braces stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from gateway.mapping.document import KEYS
from gateway.mapping.finding import Findings
from gateway.mapping.tree import Scalar, Sequence, Table, Tree, read
from gateway.mapping.writing import spelling

_ORDER: Final = ("lang", "mapping", "library", *KEYS[2:])
_TEXTS: Final = frozenset({"$text", "$note", "$required", "$on_null", "refuse", "code"})
"""Directives whose text is no expression."""

_WORDS: Final = frozenset({"null", "~", "error", "absent", "keep"})
"""Texts that mean something else in quotes."""

_EXPRESSIONS: Final = frozenset({"emit", "blocks", "let", "rules"})


@dataclass(slots=True)
class _Line:
    """One line of the file as it was, where it is to begin, and what is to stand there."""

    was: str
    text: str
    indent: int | None = None
    column: int = 0


@dataclass(slots=True)
class _Layout:
    lines: list[_Line]
    levels: dict[int, int] = field(default_factory=dict)

    def walk(self, tree: Tree, indent: int, kind: str) -> None:
        """`kind` is the top-level key that all of it is below."""
        if isinstance(tree, Table) and not self._is_flow(tree):
            for key, value in tree.pairs:
                self._pair(key, value, indent, kind or key.text, top=not kind)
        elif isinstance(tree, Sequence) and not self._is_flow(tree):
            for item in tree.items:
                self._begin(item.position.line, indent)
                self.walk(item, indent + 2, kind)

    def _pair(self, key: Scalar, value: Tree, indent: int, kind: str, *, top: bool) -> None:
        line = key.position.line
        self._begin(line, indent)
        if isinstance(value, Scalar):
            self._leaf(key, value, kind, top=top)
        else:
            if value.position.line == line:
                self._join(key, value)
            self.walk(value, indent + 2, kind)

    def _begin(self, number: int, indent: int) -> None:
        """A key or an item; what follows a dash begins with the dash."""
        line = self.lines[number - 1]
        if line.indent is None:
            line.column = len(line.text) - len(line.text.lstrip())
            line.indent = indent

    def _join(self, key: Scalar, value: Tree) -> None:
        """One blank between a key and the brace or list beside it."""
        line = self.lines[key.position.line - 1]
        at = value.position.column - 1
        line.text = f"{line.text[:at].rstrip()} {line.text[at:]}"

    def _leaf(self, key: Scalar, value: Scalar, kind: str, *, top: bool) -> None:
        line = self.lines[key.position.line - 1]
        at = value.position.column - 1
        if value.position.line != key.position.line or value.style or "\n" in value.raw:
            return
        length = len(value.raw) or len(value.text) + 2 * value.quoted
        head, rest = line.text[:at].rstrip(), line.text[at + length :].strip()
        if not value.text and not value.quoted:
            return
        text = value.text
        if not top and kind in _EXPRESSIONS and key.text not in _TEXTS:
            text = spelling.expression(text)
        keep = key.text == "missing" or text in _WORDS
        written = spelling.scalar(text, keep=keep) if value.quoted else text
        line.text = f"{head} {written}" + (f"  {rest}" if rest else "")

    def _is_flow(self, tree: Tree) -> bool:
        line = self.lines[tree.position.line - 1].was
        return line[tree.position.column - 1 : tree.position.column] in ("{", "[")

    def placed(self) -> Iterator[str]:
        """Every line where it belongs; comments go with the level that they stood at."""
        delta = 0
        for line in self.lines:
            text = line.text.rstrip()
            inside = text.lstrip()
            if line.indent is not None:
                self.levels = {c: i for c, i in self.levels.items() if c < line.column}
                self.levels[line.column] = line.indent
                delta = line.indent - line.column
                yield " " * line.indent + _dashed(inside)
            elif inside.startswith("#"):
                yield " " * self._level(len(text) - len(inside)) + inside
            else:
                yield " " * max(len(text) - len(inside) + delta, 0) + inside if inside else ""

    def _level(self, column: int) -> int:
        """Where a comment goes that stood at a column: deeper than any level, deeper than it."""
        around = [known for known in self.levels if known <= column]
        if not around:
            return 0
        nearest = max(around)
        return self.levels[nearest] + (2 if column > nearest else 0)


def _dashed(text: str) -> str:
    """`- ` with one blank."""
    return f"- {text[1:].lstrip()}" if text.startswith("- ") else text


def formatted(content: bytes, file: str, findings: Findings) -> str | None:
    """The file as it should be laid out; None, and findings, if it cannot be read.

    A comment between two keys stands with what follows it.
    """
    own = Findings()
    tree = read(content, file, own)
    findings.found |= own.found
    if tree is None or own.errors:
        return None
    text = content.decode("utf-8")
    layout = _Layout([_Line(line, line) for line in text.rstrip("\n").split("\n")])
    layout.walk(tree, 0, "")
    found = _ordered(list(layout.placed()), tree)
    again = read(found.encode(), file, Findings())
    if again is None or meaning(again) != meaning(tree):
        return text
    return found


def _ordered(lines: list[str], tree: Table) -> str:
    """The parts of the file in their order; what stands above the first stays there."""
    starts = [_above(lines, key.position.line - 1) for key, _ in tree.pairs]
    head = lines[: starts[0]]
    ends = [*starts[1:], len(lines)]
    parts = {
        key.text: lines[start:end]
        for (key, _), start, end in zip(tree.pairs, starts, ends, strict=True)
    }
    known = [key for key in _ORDER if key in parts]
    order = [*known, *(key for key in parts if key not in known)]
    whole = [*head, *(line for key in order for line in parts[key])]
    single = [line for at, line in enumerate(whole) if line or (at and whole[at - 1])]
    return "\n".join(single).strip("\n") + "\n"


def _above(lines: list[str], at: int) -> int:
    """Where the comments begin that stand directly above a line; of the file's head, nowhere."""
    start = at
    while start and lines[start - 1].startswith("#"):
        start -= 1
    return at if start == 0 else start


def meaning(tree: Tree) -> object:
    """What a tree says, whatever it looks like: keys in any order at the top, expressions read."""
    if not isinstance(tree, Table):
        return _value(tree, False)
    return {key.text: _value(value, key.text in _EXPRESSIONS) for key, value in tree.pairs}


def _value(tree: Tree, expressions: bool) -> object:
    if isinstance(tree, Scalar):
        # What a text without quotes may mean to a reader of mappings: nothing.
        said = tree.quoted and tree.text in _WORDS
        return spelling.expression(tree.text) if expressions else tree.text, said
    if isinstance(tree, Sequence):
        return [_value(item, expressions) for item in tree.items]
    return [
        (key.text, _value(value, expressions and key.text not in _TEXTS))
        for key, value in tree.pairs
    ]

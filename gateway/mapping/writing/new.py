"""A mapping for a schema that nobody has mapped yet: header, skeleton, a first test.

A guess stays only if the checker takes it; what is left to find is what is left to fill in. The
sample says version, structure and which of several likely fields is filled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from gateway.errors import ConfigurationError, GatewayError
from gateway.hl7.dictionary import VERSIONS, dictionary
from gateway.hl7.message import Message
from gateway.mapping.check.simple_type import SimpleType
from gateway.mapping.document import TableUse
from gateway.mapping.finding import Finding, Findings, Position
from gateway.mapping.library import Library
from gateway.mapping.lint import lint_mapping
from gateway.mapping.profile import Profile
from gateway.mapping.samples import with_hl7_ends
from gateway.mapping.shape import ElementShape
from gateway.mapping.writing.guess import Guess, guess
from gateway.mapping.writing.skeleton import Line, Skeleton, paths_at

_KEYS: Final = {"sesso": "hl7", "stato_civile": "hl7", "comuni": "istat"}
"""The tables that a guess may want, `<name>.csv`, and the column that HL7's codes stand in."""

_DATED: Final = {"comuni": ", valid: [dal, al]"}
_FLOW: Final = {"operationId": "text", "now": "dateTime"}
_STRUCTURES: Final = ("ADT_A01", "ADT_A05")
"""Births come as A01 or A28, where no sample says otherwise."""

_LEFT: Final = frozenset({"X02", "M07"})
"""What may be found in a skeleton: what is still to fill in, and a test that expects nothing."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. `name` is the file below the folder of mappings."""

    name: str
    xsd: str
    root: str
    sample: str = ""
    profile: str = ""
    optional: bool = False


@dataclass(slots=True)
class _Known:
    """Expressions for paths: guesses that nothing has been found against."""

    library: Library
    profile: Profile
    version: str
    message: Message | None
    refused: set[str] = field(default_factory=set)
    tables: dict[str, None] = field(default_factory=dict)

    def __call__(self, path: Sequence[str], wanted: SimpleType) -> str | None:
        if len(wanted.values) == 1:
            fixed = wanted.values[0].replace("'", "''")
            return f"{{$text: '{fixed}'}}"
        found = guess(path, wanted.kind) if "/".join(path) not in self.refused else None
        if found is None:
            return None
        text = self._likeliest(found)
        table, _, wish = found.table.partition(".")
        column = self._column(table, wish, wanted) if table else ""
        if table and not column:
            return None
        if column:
            self.tables[table] = None
            text += f" | lookup({table}, {column})"
        return text

    def _likeliest(self, found: Guess) -> str:
        """The first that the sample fills, else the first."""
        return next((text for text in found.texts if self._is_filled(text)), found.texts[0])

    def _is_filled(self, text: str) -> bool:
        if self.message is None:
            return False
        try:
            expression = self.library.expression(text, self.profile, {"flow": _FLOW})
            return expression(self.message, {}) is not None
        except GatewayError:
            return False

    def _column(self, name: str, wish: str, wanted: SimpleType) -> str:
        """The column wished for, or the first, of which the schema takes every cell; or ''."""
        use = TableUse(f"{name}.csv", _KEYS[name], Position(name, 1))
        table = self.library.table(name, use, Findings())
        if not table.readable:
            return ""
        sheet = table.sheet
        for number, column in enumerate(sheet.columns):
            cells = {row[number]: "" for row in sheet.rows if row[number]}
            likely = column == wish if wish else column != _KEYS[name]
            if likely and cells and wanted.refuses_any(cells) is None:
                return column
        return ""


def new_mapping(library: Library, wish: Wish) -> str:
    """The text of the mapping. Raises ConfigurationError: no such root, schema or sample."""
    root = _root(library, wish)
    message = _sample(library, wish)
    profile = library.profile(wish.profile or "default")
    known = _Known(library, profile, _version(message, profile), message)
    # Every guess is checked as if it were written, also those that become comments.
    _without_faults(known, wish, root)
    return _file(known, wish, Skeleton(known, optional=wish.optional).lines(root))[0]


def _without_faults(known: _Known, wish: Wish, root: ElementShape) -> None:
    while True:
        known.tables = {}
        lines = Skeleton(known, optional=True).lines(root)
        text, first = _file(known, wish, lines)
        at = paths_at(lines, first)
        library = known.library.with_open({wish.name: text.encode()})
        found = lint_mapping(library, wish.name, wish.profile or None)
        wrong = {at[one.position.line] for one in found if _counts(one) and one.position.line in at}
        known.tables = {}
        if not wrong:
            return
        known.refused |= wrong


def _counts(finding: Finding) -> bool:
    return finding.code not in _LEFT


def _root(library: Library, wish: Wish) -> ElementShape:
    roots = library.shapes(wish.xsd).roots
    if wish.root in roots:
        return roots[wish.root]
    names = ", ".join(sorted(roots)) or "none"
    raise ConfigurationError([f"{wish.xsd} has no root element {wish.root}; it has {names}"])


def _sample(library: Library, wish: Wish) -> Message | None:
    if not wish.sample:
        return None
    return Message.parse(with_hl7_ends(library.content(wish.sample)))


def _version(message: Message | None, profile: Profile) -> str:
    version = message.version if message else ""
    return version if version in VERSIONS else profile.version


def _file(known: _Known, wish: Wish, lines: Sequence[Line]) -> tuple[str, int]:
    """The whole text, and the line on which `lines` begin."""
    head = list(_head(known, wish, lines))
    whole = [*head, *map(str, lines), *_tests(wish)]
    return "\n".join(whole) + "\n", len(head) + 1


def _head(known: _Known, wish: Wish, lines: Sequence[Line]) -> Iterator[str]:
    stem = PurePosixPath(wish.name).stem
    yield f"# yaml-language-server: $schema=./{stem}.map.schema.json"
    yield "lang: 1"
    yield f"mapping: {wish.name.removesuffix('.yaml')}"
    yield "source:"
    yield f"  hl7: '{known.version}'"
    yield f"  messages: [{', '.join(_messages(known))}]"
    if wish.profile:
        yield f"  profile: {wish.profile}"
    yield f"target: {{xsd: {wish.xsd}, root: {wish.root}}}"
    facts = [name for name in _FLOW if any(f"flow.{name}" in line.text for line in _live(lines))]
    if facts:
        yield "inputs:"
        yield f"  flow: {{{', '.join(f'{name}: {_FLOW[name]}' for name in facts)}}}"
    used = [name for name in known.tables if any(f"({name}," in one.text for one in _live(lines))]
    if used:
        yield "tables:"
    for name in used:
        dated = _DATED.get(name, "")
        yield f"  {name}: {{file: {name}.csv, key: {_KEYS[name]}, missing: error{dated}}}"
    yield "emit:"


def _live(lines: Sequence[Line]) -> Iterator[Line]:
    return (line for line in lines if line.path)


def _messages(known: _Known) -> tuple[str, ...]:
    message = known.message
    if message is None:
        return _STRUCTURES
    found = dictionary(known.version).structure_for(message.event)
    return (found,) if found else _STRUCTURES


def _tests(wish: Wish) -> Iterator[str]:
    yield "tests:"
    if not wish.sample:
        yield "  # - name: what it shows"
        yield "  #   given: samples/a.hl7"
        return
    yield "  - name: what the sample says"
    yield f"    given: {wish.sample}"
    yield "    # What must come of it, written by hand: a path of the document, and its text."
    yield "    expect:"

"""A mapping file as its author meant it: header, names, and the tree of what is emitted.

Reads shapes and directives only; expressions stay texts with a position. Every misplaced or
unknown directive is a finding with a guess. Knows no HL7, no XSD, no message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.mapping.emission import Node, NodeReader
from gateway.mapping.finding import Findings, Position, did_you_mean
from gateway.mapping.kinds import DECLARED
from gateway.mapping.rules import Rule, read_rules
from gateway.mapping.tree import Scalar, Sequence, Table, Tree

_SIGNATURE: Final = re.compile(r"([A-Za-z_]\w*)\s*(?:\(\s*([\w\s,]*?)\s*\))?")
_NAME: Final = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Definition:
    """`name(parameters): expression` of a `let:` or of a profile's `define:`.

    `version` is the HL7 version its author wrote for, '' if that of the mapping: a profile for
    2.1 may inherit what a later version names, and finds it absent.
    """

    name: str
    parameters: tuple[str, ...]
    text: Scalar
    key: Scalar
    version: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """`name(parameters):`, as written in `key`, and the tree it stands for."""

    name: str
    parameters: tuple[str, ...]
    node: Node
    key: Scalar


@dataclass(frozen=True, slots=True)
class TableUse:
    """`tables:` entry. `missing` is error, absent, keep, or `default` holds the text to give."""

    file: str
    key: str
    position: Position = field(compare=False)
    missing: str = "error"
    default: str | None = None
    valid: tuple[str, str] | None = None
    places: Mapping[str, Position] = field(default_factory=dict, compare=False, repr=False)

    def at(self, key: str) -> Position:
        """Where `file:`, `key:` or `valid:` says what it says."""
        return self.places.get(key, self.position)


@dataclass(frozen=True, slots=True)
class End:
    """`source:` or `target:` as written."""

    position: Position
    values: Mapping[str, Tree] = field(default_factory=dict)

    def text(self, key: str) -> str:
        value = self.values.get(key)
        return value.text if isinstance(value, Scalar) else ""

    def at(self, key: str) -> Position:
        """Where a key says what it says, or else where the whole begins."""
        return self.values[key].position if key in self.values else self.position

    @property
    def optional(self) -> bool:
        """Whether the mapping waits where its schema is not there, rather than be a mistake."""
        return self.text("optional") == "true"


Facts = Mapping[str, Mapping[str, str]]
"""Namespace → fact → declared type."""


@dataclass(frozen=True, slots=True)
class Document:
    """One mapping file, read."""

    file: str
    position: Position
    name: str
    source: End
    target: End
    inputs: Facts
    input_positions: Mapping[tuple[str, str], Position]
    tables: Mapping[str, TableUse]
    lets: Mapping[str, Definition]
    use: tuple[Scalar, ...]
    blocks: Mapping[str, Block]
    emit: Node
    rules: tuple[Rule, ...]
    unmapped: tuple[Scalar, ...]
    tests: Tree | None


KEYS: Final = (
    *("lang", "mapping", "source", "target", "inputs", "tables", "let", "use", "blocks"),
    *("emit", "rules", "unmapped", "tests", "$note"),
)
_SOURCE: Final = ("hl7", "messages", "profile", "when", "xsd", "root", "optional")
_TARGET: Final = ("xsd", "root", "facts", "hl7", "message", "optional")


class Reader:
    """The parts that mapping, library and profile files share."""

    def __init__(self, tree: Table, findings: Findings) -> None:
        self.tree = tree
        self.findings = findings

    def check_keys(self, known: tuple[str, ...], table: Table | None = None) -> None:
        for key, _ in (table or self.tree).pairs:
            if key.text not in known:
                text = f"unknown key {key.text}{did_you_mean(key.text, known)}"
                self.findings.error(key.position, "M06", text)

    def check_language(self) -> None:
        if self.text("lang") != "1":
            self.findings.error(self.tree.position, "M06", "say `lang: 1` first")

    def text(self, key: str, table: Table | None = None) -> str:
        """A scalar, or '' if there is none; `null` and `~` are none too."""
        value = (table or self.tree).get(key)
        if value is None:
            return ""
        if not isinstance(value, Scalar):
            self.findings.error(value.position, "M06", f"{key} must be one text")
            return ""
        return "" if value.text in ("null", "~") and not value.quoted else value.text

    def texts(self, key: str) -> tuple[Scalar, ...]:
        value = self.tree.get(key)
        if value is None or (isinstance(value, Scalar) and not value.text):
            return ()
        items = value.items if isinstance(value, Sequence) else ()
        scalars = tuple(item for item in items if isinstance(item, Scalar))
        if not isinstance(value, Sequence) or len(scalars) != len(items):
            self.findings.error(value.position, "M06", f"{key} must be a list of texts")
        return scalars

    def table(self, key: str) -> Table | None:
        value = self.tree.get(key)
        if isinstance(value, Table):
            return value
        if value is not None and not (isinstance(value, Scalar) and not value.text):
            self.findings.error(value.position, "M06", f"{key} must be a table of keys")
        return None

    def signature(self, key: Scalar) -> tuple[str, tuple[str, ...]]:
        match = _SIGNATURE.fullmatch(key.text)
        if not match:
            self.findings.error(key.position, "M06", f"{key.text} is no name")
            # What begins it is what it will be called by.
            begins = _NAME.match(key.text)
            return begins[0] if begins else key.text, ()
        names = [name.strip() for name in (match[2] or "").split(",") if name.strip()]
        return match[1], tuple(names)

    def definitions(self, key: str) -> dict[str, Definition]:
        found: dict[str, Definition] = {}
        table = self.table(key)
        for name, value in table.pairs if table else ():
            if not isinstance(value, Scalar):
                self.findings.error(name.position, "M06", f"{name.text} must be one expression")
                continue
            word, parameters = self.signature(name)
            found[word] = Definition(word, parameters, value, name)
        return found

    def blocks(self) -> dict[str, Block]:
        found: dict[str, Block] = {}
        table = self.table("blocks")
        for name, value in table.pairs if table else ():
            word, parameters = self.signature(name)
            node = NodeReader(self.findings).node(value)
            found[word] = Block(word, parameters, node, name)
        return found

    def tables(self) -> dict[str, TableUse]:
        table = self.table("tables")
        pairs = table.pairs if table else ()
        return {name.text: use for name, value in pairs if (use := self._table_use(name, value))}

    def _table_use(self, name: Scalar, value: Tree) -> TableUse | None:
        if not isinstance(value, Table):
            self.findings.error(name.position, "M06", f"table {name.text} needs file and key")
            return None
        self.check_keys(("file", "key", "missing", "valid"), value)
        missing, default = self._missing(value)
        valid = value.get("valid")
        ends = (
            [item.text for item in valid.items if isinstance(item, Scalar)]
            if isinstance(valid, Sequence)
            else []
        )
        if valid is not None and len(ends) != 2:
            self.findings.error(name.position, "M06", "valid must be [from column, to column]")
        return TableUse(
            file=self.text("file", value),
            key=self.text("key", value),
            position=name.position,
            missing=missing,
            default=default,
            valid=(ends[0], ends[1]) if len(ends) == 2 else None,
            places={key.text: each.position for key, each in value.pairs},
        )

    def _missing(self, table: Table) -> tuple[str, str | None]:
        value = table.get("missing")
        if not isinstance(value, Scalar):
            return "error", None
        if value.quoted:
            return "default", value.text
        if value.text not in ("error", "absent", "keep"):
            text = "missing must be error, absent, keep, or a 'text' in quotes"
            self.findings.error(value.position, "M06", text)
        return value.text, None

    def facts(self, key: str) -> tuple[dict[str, dict[str, str]], dict[tuple[str, str], Position]]:
        """`inputs:`: namespace → fact → declared type, and where each was declared."""
        facts: dict[str, dict[str, str]] = {}
        positions: dict[tuple[str, str], Position] = {}
        table = self.table(key)
        for namespace, value in table.pairs if table else ():
            if not isinstance(value, Table):
                self.findings.error(namespace.position, "M06", f"{namespace.text} needs facts")
                continue
            facts[namespace.text] = declared(value, self.findings)
            for name, _ in value.pairs:
                positions[namespace.text, name.text] = name.position
        return facts, positions


def declared(table: Table, findings: Findings) -> dict[str, str]:
    """`{codiceFiscale: cf, now: dateTime}`, the types checked."""
    types: dict[str, str] = {}
    for name, value in table.pairs:
        word = value.text if isinstance(value, Scalar) else ""
        if word not in DECLARED:
            text = f"{name.text}: no type {word}; one of {', '.join(DECLARED)}"
            findings.error(name.position, "M06", text)
        types[name.text] = word if word in DECLARED else "text"
    return types


def read_document(tree: Table, file: str, findings: Findings) -> Document:
    """The mapping in `tree`; what cannot be read is a finding and left out."""
    reader = Reader(tree, findings)
    reader.check_language()
    reader.check_keys(KEYS)
    inputs, positions = reader.facts("inputs")
    emit = tree.get("emit")
    if emit is None:
        findings.error(tree.position, "M06", "nothing is emitted: write `emit:`")
        emit = Table((), tree.position)
    return Document(
        file=file,
        position=tree.position,
        name=reader.text("mapping"),
        source=_end(reader, "source", _SOURCE),
        target=_end(reader, "target", _TARGET),
        inputs=inputs,
        input_positions=positions,
        tables=reader.tables(),
        lets=reader.definitions("let"),
        use=reader.texts("use"),
        blocks=reader.blocks(),
        emit=NodeReader(findings).node(emit),
        rules=read_rules(tree.get("rules"), findings),
        unmapped=reader.texts("unmapped"),
        tests=tree.get("tests"),
    )


def read_shared(tree: Table, findings: Findings) -> tuple[dict[str, Block], tuple[Rule, ...]]:
    """A file that `use:` names: blocks and rules, nothing else."""
    reader = Reader(tree, findings)
    reader.check_language()
    reader.check_keys(("lang", "library", "blocks", "rules", "$note"))
    return reader.blocks(), read_rules(tree.get("rules"), findings)


def _end(reader: Reader, key: str, known: tuple[str, ...]) -> End:
    table = reader.table(key)
    if table is None:
        reader.findings.error(
            reader.tree.position, "M06", f"say where it goes: `{key}:` is missing"
        )
        return End(reader.tree.position)
    reader.check_keys(known, table)
    return End(table.position, {name.text: value for name, value in table.pairs})

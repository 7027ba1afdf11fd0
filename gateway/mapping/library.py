"""The folder of mappings and the folder of schemas, read once: profiles, mappings, expressions.

Nothing outside the two folders is ever opened. Files, tables and schemas are kept and shared;
what changes on disk is seen by a new Library. Every file read leaves a pin, its SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from gateway.errors import ConfigurationError
from gateway.mapping import shape
from gateway.mapping.compiled import Compiled, Expression
from gateway.mapping.compiler import Compilation
from gateway.mapping.content import Place
from gateway.mapping.document import (
    Block,
    Definition,
    Document,
    TableUse,
    read_document,
    read_shared,
)
from gateway.mapping.expressions import as_value, inlined, read_expression
from gateway.mapping.finding import Findings, Position
from gateway.mapping.hl7_paths import Segments
from gateway.mapping.kinds import Kind
from gateway.mapping.meaning import UNKNOWN, Run, Value
from gateway.mapping.names import Meaning, Scope, World
from gateway.mapping.profile import SENDER, Chapter, Profile, assemble, read_chapter
from gateway.mapping.rules import Rule
from gateway.mapping.tables import BadSheet, CodeTable, Sheet, read_sheet
from gateway.mapping.tree import Scalar, Table, read
from gateway.xml import Schema

_EXTENSIONS = 8
"""How long a chain of `extends:` may be."""


class Library:
    """`mappings` has partners' mappings, `profiles/` and `tables/`; `xsd` a folder a partner."""

    def __init__(self, mappings: Path, xsd: Path) -> None:
        self.mappings = mappings.resolve()
        self.xsd = xsd.resolve()
        self._contents: dict[Path, bytes] = {}
        self._profiles: dict[str, Profile] = {}
        self._compiled: dict[tuple[str, str], Compiled] = {}
        self._sheets: dict[str, Sheet] = {}
        self._tables: dict[TableUse, CodeTable] = {}
        self._shapes: dict[str, shape.Document] = {}
        self._schemas: dict[str, Schema] = {}

    def with_open(self, texts: Mapping[str, bytes]) -> Library:
        """A new library in which files of the folder hold what an editor has in them.

        Schemas and sheets, which take longest to read, are shared where no editor has them open.
        """
        other = Library(self.mappings, self.xsd)
        other._contents = {self.mappings / name: text for name, text in texts.items()}
        # The very dictionary, where none is open: what one of many such libraries reads, all have.
        sheets = self._sheets
        if any(name.startswith("tables/") for name in texts):
            sheets = {name: sheet for name, sheet in sheets.items() if name not in texts}
        other._sheets, other._shapes, other._schemas = sheets, self._shapes, self._schemas
        return other

    def profile(self, name: str) -> Profile:
        """`profiles/<name>.yaml` and what it extends. Raises ConfigurationError, all mistakes."""
        if name not in self._profiles:
            findings = Findings()
            profile = self.read_profile(name, findings)
            _refuse(findings)
            assert profile is not None  # without findings there is one
            self._profiles[name] = profile
        return self._profiles[name]

    def read_profile(self, name: str, findings: Findings) -> Profile | None:
        """As `profile`, with mistakes as findings; None if its files cannot be read."""
        chain: list[Chapter] = []
        pins: dict[str, str] = {}
        file = f"profiles/{name}.yaml"
        while True:
            tree = self._tree(file, findings, pins)
            if tree is None:
                return None
            chapter = read_chapter(tree, findings)
            chain.append(chapter)
            if not chapter.extends:
                return assemble(name, chain, pins)
            if len(chain) > _EXTENSIONS or f"mappings/profiles/{chapter.extends}.yaml" in pins:
                findings.error(tree.position, "M05", "the chain of extends does not end")
                return None
            file = f"profiles/{chapter.extends}.yaml"

    def mapping(self, name: str, profile: Profile) -> Compiled:
        """The mapping compiled for a profile, kept. Raises ConfigurationError, all mistakes."""
        key = name, profile.content_hash
        if key not in self._compiled:
            findings = Findings()
            compiled = self.compile(name, profile, findings)
            _refuse(findings)
            assert compiled is not None  # without findings there is one
            self._compiled[key] = compiled
        return self._compiled[key]

    def compile(self, name: str, profile: Profile, findings: Findings) -> Compiled | None:
        """As `mapping`, with mistakes and doubts as findings, and nothing kept."""
        compilation = self.compilation(name, profile, findings)
        return run_compilation(*compilation) if compilation else None

    def profile_of(self, name: str) -> str:
        """The profile that a mapping names under `source:` for its checks and tests."""
        document = self._document(name)
        return (document.source.text("profile") if document else "") or "default"

    def absent_schema(self, name: str) -> str | None:
        """The schema that a mapping waits for: it says `optional: true`, and the file is not there.

        Such a schema is not ours to ship; whoever uses the mapping puts it into the folder.
        """
        if b"optional:" not in self.content(name):
            return None
        document = self._document(name)
        ends = (document.source, document.target) if document else ()
        waiting = (end.text("xsd") for end in ends if end.optional)
        return next((xsd for xsd in waiting if not (self.xsd / xsd).is_file()), None)

    def _document(self, name: str) -> Document | None:
        """The mapping as written, for a look at its header; None if it cannot be read."""
        findings = Findings()
        try:
            tree = read(self.content(name), name, findings)
        except ConfigurationError:
            return None
        return read_document(tree, name, findings) if tree else None

    def compilation(
        self, name: str, profile: Profile, findings: Findings
    ) -> tuple[Compilation, dict[str, str]] | None:
        """The mapping read, with its blocks, and the pins of its files; not yet compiled."""
        pins = dict(profile.pins)
        tree = self._tree(name, findings, pins)
        if tree is None:
            return None
        document = read_document(tree, name, findings)
        blocks, rules = self._shared(document, findings, pins)
        files = _Pinning(self, pins)
        document = replace(document, rules=(*rules, *document.rules))
        return Compilation(document, profile, blocks, files, findings), pins

    def _shared(
        self, document: Document, findings: Findings, pins: dict[str, str]
    ) -> tuple[dict[str, Block], list[Rule]]:
        """Blocks and rules of the files that `use:` names, and the mapping's own blocks."""
        blocks: dict[str, Block] = {}
        rules: list[Rule] = []
        for use in document.use:
            tree = self._tree(use.text, findings, pins, use.position)
            found, more = read_shared(tree, findings) if tree else ({}, ())
            for name in found.keys() & blocks.keys():
                text = f"block {name} is in two of the files"
                findings.error(use.position, "Y02", text)
            blocks |= found
            rules += more
        return {**blocks, **document.blocks}, rules

    def expression(
        self,
        text: str,
        profile: Profile,
        inputs: Mapping[str, Mapping[str, str]] | None = None,
        where: str = "",
    ) -> Expression:
        """One expression, compiled for a profile; see `expressions`."""
        return self.expressions(profile, inputs)(text, where)

    def expressions(
        self, profile: Profile, inputs: Mapping[str, Mapping[str, str]] | None = None
    ) -> Callable[[str, str], Expression]:
        """Compiles the expressions of one flow, from a text and its `file:line`, for a profile.

        They may be asked in one Run, which reads once what several of them read. `inputs` are
        namespaces, facts and their types. Raises ConfigurationError, all mistakes.
        """
        return partial(self._expression, self._world(profile, inputs or {}, Findings()))

    def _expression(self, world: World, text: str, where: str) -> Expression:
        file, _, line = where.rpartition(":")
        position = Position(file or where, int(line) if line.isdigit() else 1)
        scope = Scope(world, position)
        value = _as_answer(read_expression(Scalar(text, position), scope), scope)
        _refuse(world.findings)
        return Expression(text, Place("", position), value.read, world.slots)

    def check_definition(
        self, definition: Definition, profile: Profile, findings: Findings
    ) -> None:
        """Compile one definition of a profile for its findings alone."""
        world = self._world(profile, {}, findings)
        position, version = definition.text.position, definition.version
        # What is passed is not known here: of that nothing is said.
        given = dict.fromkeys(definition.parameters, UNKNOWN)
        inlined(definition, Scope(world, position, given, level="profile", version=version))

    def _world(
        self, profile: Profile, inputs: Mapping[str, Mapping[str, str]], findings: Findings
    ) -> World:
        return World(
            findings,
            inputs=inputs,
            profile_inputs=SENDER,
            definitions=profile.definitions,
            profile_tables=self._profile_tables(profile, findings),
            dialect=profile.dialect(profile.version),
        )

    def _profile_tables(self, profile: Profile, findings: Findings) -> dict[str, CodeTable]:
        return {name: self.table(name, use, findings) for name, use in profile.tables.items()}

    def content(self, name: str) -> bytes:
        """A file under the folder of mappings. Raises ConfigurationError."""
        return self._content(self.mappings, name)

    def _content(self, folder: Path, name: str) -> bytes:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise ConfigurationError([f"{name}: lies outside the folder"])
        if path not in self._contents:
            try:
                self._contents[path] = path.read_bytes()
            except OSError:
                raise ConfigurationError([f"{name}: no such file"]) from None
        return self._contents[path]

    def _tree(
        self, name: str, findings: Findings, pins: dict[str, str], at: Position | None = None
    ) -> Table | None:
        try:
            content = self.content(name)
        except ConfigurationError as error:
            findings.error(at or Position(name, 1), "Y01", error.problems[0])
            return None
        pins[f"mappings/{name}"] = hashlib.sha256(content).hexdigest()
        return read(content, name, findings)

    def table(self, name: str, use: TableUse, findings: Findings) -> CodeTable:
        """A code table. What is wrong with it is a finding, each time that it is asked for."""
        if use in self._tables:
            return self._tables[use]
        file = f"tables/{use.file}"
        try:
            sheet = self._sheets.get(file) or read_sheet(self.content(file), file)
        except (BadSheet, ConfigurationError) as error:
            findings.error(use.at("file"), "T01", f"table {name}: {error}")
            return CodeTable.unreadable(name, use)
        self._sheets[file] = sheet
        before = len(findings.errors)
        table = CodeTable(name, use, sheet, findings)
        if len(findings.errors) == before:
            self._tables[use] = table
        return table

    def shapes(self, xsd: str) -> shape.Document:
        """The root elements of a schema. Raises ConfigurationError."""
        if xsd not in self._shapes:
            self.schema(xsd)  # refuses what lies outside before anything else reads it
            from gateway.mapping.schema_reader import load  # slow to import

            self._shapes[xsd] = load(self.xsd / xsd)
        return self._shapes[xsd]

    def schema(self, xsd: str) -> Schema:
        """The validator of a schema. Raises ConfigurationError."""
        if xsd not in self._schemas:
            self._content(self.xsd, xsd)
            self._schemas[xsd] = Schema.load(self.xsd / xsd, self.xsd)
        return self._schemas[xsd]


def run_compilation(compilation: Compilation, pins: Mapping[str, str]) -> Compiled | None:
    """Compile; what is nested deeper than Python can follow is one more finding."""
    try:
        return compilation.compile(pins)
    except RecursionError:
        position = compilation.document.position
        compilation.findings.error(position, "M05", "blocks and elements are nested too deep")
        return None


class _Pinning:
    """The library as one compilation sees it: what it opens is pinned."""

    def __init__(self, library: Library, pins: dict[str, str]) -> None:
        self._library = library
        self._pins = pins

    def table(self, name: str, use: TableUse, findings: Findings) -> CodeTable:
        table = self._library.table(name, use, findings)
        if table.readable:
            file = f"tables/{use.file}"
            self._pin(f"mappings/{file}", self._library.content(file))
        return table

    def roots(self, xsd: str) -> Mapping[str, Any]:
        found = self._library.shapes(xsd)
        for path in found.files:
            name = path.relative_to(self._library.xsd).as_posix()
            self._pin(f"xsd/{name}", path.read_bytes())
        return found.roots

    def schema(self, xsd: str) -> Schema:
        return self._library.schema(xsd)

    def _pin(self, name: str, content: bytes) -> None:
        self._pins[name] = hashlib.sha256(content).hexdigest()


def _refuse(findings: Findings) -> None:
    if findings.errors:
        raise ConfigurationError([str(finding) for finding in findings.errors])


def _as_answer(meaning: Meaning, scope: Scope) -> Value:
    """What an expression of a flow gives: of an alias, whether it is there."""
    if isinstance(meaning, Segments):
        return Value(partial(_is_there, meaning), Kind.BOOLEAN)
    return as_value(meaning, scope, 0)


def _is_there(segments: Segments, run: Run) -> bool | None:
    return None if segments.one(run) is None else True

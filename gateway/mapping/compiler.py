"""From files that were read to what can be run: the direction, the world of names, the target.

Every mistake becomes a finding and compiling goes on; only the caller decides to refuse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from lxml import etree

from gateway.errors import ConfigurationError
from gateway.hl7.dictionary import VERSIONS, Part, dictionary
from gateway.mapping import expressions
from gateway.mapping.check.overlooked import read_overlooked
from gateway.mapping.compiled import Check, Compiled, Direction
from gateway.mapping.content import Flattening, Place
from gateway.mapping.dialect import Dialect
from gateway.mapping.document import Block, Document, TableUse
from gateway.mapping.document import declared as declared_types
from gateway.mapping.facts_target import Declared, FactsTarget
from gateway.mapping.finding import Findings, did_you_mean
from gateway.mapping.hl7_target import Hl7Target
from gateway.mapping.meaning import Read, Slots
from gateway.mapping.names import Scope, World
from gateway.mapping.problem import Problem, ProblemKind
from gateway.mapping.profile import SENDER, Profile
from gateway.mapping.rule_checks import RuleCheck, compile_rules
from gateway.mapping.shape import ElementShape
from gateway.mapping.tables import CodeTable
from gateway.mapping.tracing import Tracer
from gateway.mapping.tree import Scalar, Sequence, Table
from gateway.mapping.xml_target import XmlTarget, place_of, told_path
from gateway.xml import Schema


class Files(Protocol):
    """What a compilation asks of the library; each remembers what it read as a pin."""

    def table(self, name: str, use: TableUse, findings: Findings) -> CodeTable: ...

    def roots(self, xsd: str) -> Mapping[str, ElementShape]: ...

    def schema(self, xsd: str) -> Schema: ...


@dataclass(slots=True)
class Compilation:
    """One mapping, for one profile, on its way to be run."""

    document: Document
    profile: Profile
    blocks: Mapping[str, Block]
    files: Files
    findings: Findings
    world: World | None = None
    tracer: Tracer | None = None

    @property
    def is_whole(self) -> bool:
        """Whether each file of `use:` gave something; else names in it are not known."""
        files = {block.key.position.file for block in self.blocks.values()}
        files |= {rule.position.file for rule in self.document.rules}
        return all(use.text in files for use in self.document.use)

    def compile(self, pins: Mapping[str, str]) -> Compiled | None:
        """The mapping, or None where findings leave nothing to run. `pins` may still grow."""
        direction = self._direction()
        if direction is None:
            return None
        world = self._world(direction)
        if direction == "xml_to_facts" and world.root is None:
            return None  # without its schema nothing can be said of an answer
        self.world = world
        scope = Scope(world, self.document.position)
        made = self._target(direction, scope)
        if self.document.rules and direction != "hl7_to_xml":
            text = "rules are asked of an XML document; this mapping writes none"
            self.findings.error(self.document.rules[0].position, "M06", text)
        when = self._when(scope)
        if made is None or self.findings.errors:
            return None
        write, check = made
        return Compiled(
            name=self.document.file,
            direction=direction,
            pins=pins,
            inputs=self.document.inputs,
            place=Place("", self.document.emit.position),
            write=write,
            check=check,
            when=when,
            root=world.root.tag if world.root else None,
            memo=world.slots.memo,
            items=world.slots.items,
        )

    def _direction(self) -> Direction | None:
        source, target = self.document.source, self.document.target
        if "hl7" in target.values:
            return "facts_to_hl7"
        if "facts" in target.values and "xsd" in source.values:
            return "xml_to_facts"
        if "xsd" in target.values and "hl7" in source.values:
            return "hl7_to_xml"
        text = "source and target must be {hl7} → {xsd, root}, {xsd, root} → {facts}, or → {hl7}"
        self.findings.error(self.document.position, "M06", text)
        return None

    def _world(self, direction: Direction) -> World:
        document, profile = self.document, self.profile
        from_xml = direction == "xml_to_facts"
        known = None if from_xml else self._dialect()
        return World(
            self.findings,
            inputs=document.inputs,
            profile_inputs=SENDER,
            lets=document.lets,
            # Definitions read HL7: of an answer they could say nothing.
            definitions={} if from_xml else profile.definitions,
            tables=self._tables(document.tables),
            profile_tables={} if from_xml else self._tables(profile.tables),
            root=self._root("source") if from_xml else None,
            dialect=known,
            structures=self._structures(known),
            is_whole=self.is_whole,
            slots=self.tracer.slots if self.tracer else Slots(),
            tracer=self.tracer,
        )

    def _dialect(self) -> Dialect | None:
        source = self.document.source
        version = source.text("hl7") or self.profile.version
        if version not in VERSIONS:
            position = source.values["hl7"].position
            self.findings.error(position, "H04", f"HL7 versions are {', '.join(VERSIONS)}")
            return None
        return self.profile.dialect(version)

    def _structures(self, known: Dialect | None) -> tuple[Part, ...]:
        messages = self.document.source.values.get("messages")
        items = messages.items if isinstance(messages, Sequence) else ()
        found = []
        for item in items if known else ():
            structure = known.structure(item.text) if known and isinstance(item, Scalar) else None
            if structure is None:
                name = getattr(item, "text", "")
                guess = did_you_mean(name, known.structure_names) if known else ""
                text = f"no message structure {name} in this HL7 version{guess}"
                self.findings.error(item.position, "H04", text)
            else:
                found.append(structure)
        return tuple(found)

    def _tables(self, uses: Mapping[str, TableUse]) -> dict[str, CodeTable]:
        return {name: self.files.table(name, use, self.findings) for name, use in uses.items()}

    def _root(self, end: str) -> ElementShape | None:
        where = self.document.source if end == "source" else self.document.target
        xsd, name = where.text("xsd"), where.text("root")
        try:
            roots = self.files.roots(xsd)
        except ConfigurationError as error:
            hint = f"; {_whence(xsd)} says where it comes from" if where.optional else ""
            for problem in error.problems:
                self.findings.error(where.at("xsd"), "X04", f"{problem}{hint}")
            return None
        if name not in roots:
            text = f"{xsd} has no root element {name}{did_you_mean(name, roots)}"
            self.findings.error(where.at("root"), "X01", text)
        return roots.get(name)

    def _when(self, scope: Scope) -> Read[object] | None:
        when = self.document.source.values.get("when")
        if not isinstance(when, Scalar):
            return None
        return expressions.read_condition(when, scope).read

    def _target(self, direction: Direction, scope: Scope) -> tuple[Read[object], Check] | None:
        flattening = Flattening(self.blocks)
        if direction == "hl7_to_xml":
            return self._xml(flattening, scope)
        if direction == "xml_to_facts":
            facts = FactsTarget(flattening, self.findings)
            return facts.root(self.document.emit, self.facts(), scope), _unchecked
        return self._hl7(flattening, scope)

    def _xml(self, flattening: Flattening, scope: Scope) -> tuple[Read[object], Check] | None:
        shape = self._root("target")
        if shape is None:
            read_overlooked(self.document.emit, scope, flattening, "")
            return None
        target = XmlTarget(flattening, self.findings)
        write = target.root(self.document.emit, shape, scope)
        schema = self.files.schema(self.document.target.text("xsd"))
        position, places = self.document.emit.position, target.places
        refused = self._rules(shape, scope)

        def check(element: etree._Element) -> list[Problem]:
            problems = []
            for fault in schema.check(element):
                path = told_path(element, fault.path.partition("/")[2])
                place = place_of(path, places, position)
                problems.append(place.problem(ProblemKind.SCHEMA, fault.reason))
            # What the schema refuses, no rule needs to read.
            return problems or refused(element)

        return write, check

    def _rules(self, shape: ElementShape, scope: Scope) -> RuleCheck:
        world, rules = scope.world, self.document.rules
        return compile_rules(rules, shape, world.tables, world.used, self.findings)

    def facts(self) -> Declared:
        """The facts that `target:` declares, and their types."""
        table = self.document.target.values.get("facts")
        declared: dict[str, str | dict[str, str]] = {}
        for name, value in table.pairs if isinstance(table, Table) else ():
            if isinstance(value, Table):
                declared[name.text] = declared_types(value, self.findings)
            else:
                declared |= declared_types(Table(((name, value),), name.position), self.findings)
        return declared

    def _hl7(self, flattening: Flattening, scope: Scope) -> tuple[Read[object], Check] | None:
        target = self.document.target
        version, structure = target.text("hl7"), target.text("message")
        if version not in VERSIONS or dictionary(version).structure(structure) is None:
            known = dictionary(version).structure_names if version in VERSIONS else ()
            guess = did_you_mean(structure, known)
            text = f"no message structure {structure} in HL7 {version}{guess}"
            self.findings.error(target.at("message" if version in VERSIONS else "hl7"), "H04", text)
            read_overlooked(self.document.emit, scope, flattening, "")
            return None
        spoken = self.profile.dialect(version)
        writer = Hl7Target(flattening, self.findings, structure, spoken)
        return writer.root(self.document.emit, self.profile.charset, scope), _unchecked


def _whence(xsd: str) -> str:
    """The page about a schema that an operator brings."""
    return f"xsd/{xsd.rpartition('/')[0]}/README.md"


def _unchecked(value: object) -> list[Problem]:
    """Facts and messages are checked while they are written."""
    return []

"""Which names an expression may use, and what each stands for.

In order: parameter or alias, let, input, definition of the profile, then the source itself (a
segment, a group, an element). Lets and definitions are inlined; those without parameters are
read once a run. Nothing refers to itself, and inlining has an end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from gateway.hl7.dictionary import Part
from gateway.mapping import hl7_paths, xml_paths
from gateway.mapping.dialect import Dialect
from gateway.mapping.document import Definition
from gateway.mapping.finding import Findings, Position, did_you_mean
from gateway.mapping.hl7_groups import Groups, group_names, named_groups
from gateway.mapping.hl7_paths import Repetitions, Segments
from gateway.mapping.kinds import DECLARED, Kind, typed
from gateway.mapping.meaning import UNKNOWN, Run, Slots, Value
from gateway.mapping.problem import Fault
from gateway.mapping.shape import ElementShape
from gateway.mapping.xml_paths import Elements

if TYPE_CHECKING:
    from gateway.mapping.tables import CodeTable
    from gateway.mapping.tracing import Tracer

Meaning: TypeAlias = Value | Segments | Repetitions | Groups | Elements
Inlined: TypeAlias = Callable[[Definition, "Scope"], Meaning]

NESTED: Final = 24
"""How many names may stand in one another."""

EXPANSIONS: Final = 20_000
"""How many lets, definitions and blocks one mapping may inline: doubling ends somewhere."""


@dataclass(slots=True)
class World:
    """What all expressions of one compilation share. `tracer` watches a traced build.

    `is_whole`: all blocks there should be could be read. `unknown` are names already told, with
    the text they stand in.
    """

    findings: Findings
    slots: Slots = field(default_factory=Slots)
    inputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    profile_inputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lets: Mapping[str, Definition] = field(default_factory=dict)
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    tables: Mapping[str, CodeTable] = field(default_factory=dict)
    profile_tables: Mapping[str, CodeTable] = field(default_factory=dict)
    root: ElementShape | None = None
    dialect: Dialect | None = None
    structures: tuple[Part, ...] = ()
    used: set[tuple[str, ...]] = field(default_factory=set)
    open: list[str] = field(default_factory=list)
    known: dict[tuple[object, ...], Meaning] = field(default_factory=dict)
    expansions: int = 0
    tracer: Tracer | None = None
    is_whole: bool = True
    unknown: set[tuple[Position, str]] = field(default_factory=set)

    def expand(self, name: str, position: Position) -> bool:
        """Whether one more thing may be inlined; else a finding says why not."""
        self.expansions += 1
        if name in self.open:
            self.findings.error(position, "M05", f"{name} refers to itself")
            return False
        if len(self.open) >= NESTED:
            self.findings.error(position, "M05", f"more than {NESTED} names in one another")
            return False
        if self.expansions > EXPANSIONS:
            self.findings.error(position, "M05", f"more than {EXPANSIONS} names inlined")
            return False
        return True


@dataclass(frozen=True, slots=True)
class Scope:
    """What the names of one text mean: the bindings around it, and where it stands.

    `level` is 'mapping' or 'profile': definitions of a profile see no lets. `relative` is what
    numbers and names mean inside a selector, `version` what the text was written for, `blocks`
    the blocks it stands in.
    """

    world: World
    position: Position
    bindings: Mapping[str, Meaning] = field(default_factory=dict)
    level: str = "mapping"
    relative: Relative | None = None
    version: str = ""
    blocks: tuple[str, ...] = ()

    def at(self, position: Position) -> Scope:
        return replace(self, position=position)

    def with_names(self, names: Mapping[str, Meaning]) -> Scope:
        return replace(self, bindings={**self.bindings, **names})

    def inside(self, relative: Relative) -> Scope:
        return replace(self, relative=relative)

    def error(self, column: int, code: str, text: str) -> Value:
        """Tell a finding at a column of the text; gives what stands for the mistake."""
        self.world.findings.once(self.position.after(column), "error", code, text)
        return UNKNOWN

    def warning(self, column: int, code: str, text: str) -> None:
        """As `error`, of what is doubtful."""
        self.world.findings.once(self.position.after(column), "warning", code, text)

    @property
    def dialect(self) -> Dialect | None:
        """What paths are held against; None where nothing can be."""
        dialect = self.world.dialect
        return dialect.of(self.version) if dialect and self.version else dialect

    @property
    def tables(self) -> Mapping[str, CodeTable]:
        world = self.world
        if self.level == "profile":
            return world.profile_tables
        return {**world.profile_tables, **world.tables}

    @property
    def inputs(self) -> Mapping[str, Mapping[str, str]]:
        world = self.world
        return world.profile_inputs if self.level == "profile" else world.inputs


def shared(world: World, key: tuple[object, ...], make: Callable[[], Meaning]) -> Meaning:
    """What `make` gives, made once a compilation and read once a run.

    For paths and calls that come back in a mapping: blocks ask for the same field many times.
    """
    if key not in world.known:
        world.known[key] = remembered(make(), world.slots)
    return world.known[key]


@dataclass(frozen=True, slots=True)
class Relative:
    """Inside `NK1[…]` (number 0), `PID-3[…]` (its field number) or `a[…]` (its shape)."""

    number: int = 0
    shape: ElementShape | None = None


def find(name: str, scope: Scope, column: int, inlined: Inlined) -> Meaning | None:
    """What a bare name stands for; None if it is nothing, and the caller says so."""
    if scope.relative and scope.relative.shape:
        found = xml_paths.child(xml_paths.item_at_hand(scope.relative.shape), name)
        if found is not None:
            return found
    if name in scope.bindings:
        return scope.bindings[name]
    definition = defined(name, scope)
    if definition is not None:
        if definition.parameters:
            text = f"{name} needs {len(definition.parameters)} arguments"
            return scope.error(column, "M04", text)
        return _inlined_once(definition, scope, column, inlined)
    return _source(name, scope.world)


def defined(name: str, scope: Scope) -> Definition | None:
    """The let or definition of that name, as far as the text may see it."""
    world = scope.world
    if scope.level == "mapping" and name in world.lets:
        world.used.add(("let", name))
        return world.lets[name]
    return world.definitions.get(name)


def _inlined_once(definition: Definition, scope: Scope, column: int, inlined: Inlined) -> Meaning:
    """A definition without parameters means the same everywhere: read once a run."""
    world = scope.world
    level = "mapping" if world.lets.get(definition.name) is definition else "profile"
    key = (level, definition.name)
    if key not in world.known:
        if not world.expand(definition.name, scope.position.after(column)):
            return UNKNOWN
        around = Scope(world, definition.text.position, level=level, version=definition.version)
        found = said_by(inlined(definition, around), level)
        world.known[key] = remembered(found, world.slots)
    return world.known[key]


def passed(meaning: Meaning) -> Meaning:
    """What a caller gives: another may give another, so no constant in it is a mistake."""
    if isinstance(meaning, Value) and meaning is not UNKNOWN:
        return replace(meaning, domain=meaning.domain.from_outside())
    return meaning


def said_by(meaning: Meaning, level: str) -> Meaning:
    """What a let or a definition means; another profile's words may mean another thing."""
    return passed(meaning) if level == "profile" else meaning


def remembered(meaning: Meaning, slots: Slots) -> Meaning:
    """The same meaning, found once a run."""
    if isinstance(meaning, Segments):
        return hl7_paths.remember_segments(meaning, slots)
    if isinstance(meaning, Repetitions):
        return hl7_paths.remember_repetitions(meaning, slots)
    if isinstance(meaning, Elements):
        return xml_paths.remember(meaning, slots)
    if isinstance(meaning, Value) and not meaning.is_constant:
        return replace(meaning, read=slots.remember(meaning.read))
    return meaning


def _source(name: str, world: World) -> Meaning | None:
    if world.root is not None:
        return xml_paths.child(xml_paths.document(world.root), name)
    if len(name) == 3 and name.isupper() and name.isalnum():
        return shared(world, ("segment", name), lambda: hl7_paths.named_segments(name))
    return _groups_named(name, world.structures)


def _groups_named(name: str, structures: Iterable[Part]) -> Groups | None:
    """The group of that name in the first structure that has it."""
    return next((found for part in structures if (found := named_groups(part, name))), None)


def input_value(namespace: str, name: str, scope: Scope, column: int) -> Value:
    """`flow.now`: a fact of the kind that is declared for it."""
    facts = scope.inputs.get(namespace)
    if facts is None:
        guess = did_you_mean(namespace, scope.inputs)
        return scope.error(column, "M02", f"no input {namespace}{guess}")
    if name not in facts:
        guess = did_you_mean(name, facts)
        return scope.error(column, "M02", f"input {namespace} has no {name}{guess}")
    scope.world.used.add(("input", namespace, name))
    return _fact(namespace, name, DECLARED[facts[name]])


def _fact(namespace: str, name: str, kind: Kind) -> Value:
    is_text = kind is Kind.TEXT

    def read(run: Run) -> object:
        facts = run.inputs.get(namespace)
        value = facts.get(name) if facts else None
        if value is None or value == "":
            return None
        if is_text and type(value) is str:
            return value
        try:
            return typed(value, kind)
        except Fault as fault:
            raise Fault(f"{namespace}.{name} {fault.reason}") from None

    return Value(read, kind)


def unknown(name: str, scope: Scope, column: int) -> Value:
    """The finding for a name that is nothing, with a guess; of a text, the first time."""
    world = scope.world
    if (scope.position, name) in world.unknown:
        return UNKNOWN
    world.unknown.add((scope.position, name))
    known = [*scope.bindings, *world.definitions]
    known += world.lets if scope.level == "mapping" else ()
    known += world.root.children if world.root else ()
    known += (group for part in world.structures for group in group_names(part))
    guess = did_you_mean(name, known)
    if name in scope.inputs:
        guess = f"; an input has facts: {name}.…"
    return scope.error(column, "M02", f"unknown name {name}{guess}")

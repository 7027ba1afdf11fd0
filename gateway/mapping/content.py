"""What a node holds once its blocks are put in and its choices are known.

`$use` is replaced by the block's tree with its arguments bound, `$choose` becomes gates: each
time the node is written, picks decide, gates let through. Knows no target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from gateway.mapping import expressions, hl7_groups, hl7_paths, xml_paths
from gateway.mapping.check.branches import check_choice
from gateway.mapping.document import Block
from gateway.mapping.emission import Each, Node
from gateway.mapping.finding import Position, did_you_mean
from gateway.mapping.hl7_groups import Groups
from gateway.mapping.hl7_paths import Repetitions, Segments
from gateway.mapping.meaning import Read, Run, Value
from gateway.mapping.names import NESTED, Meaning, Scope, passed
from gateway.mapping.problem import Fault, Problem, ProblemKind
from gateway.mapping.syntax import Call, Name, Unreadable, parse_expression
from gateway.mapping.tree import Scalar
from gateway.mapping.xml_paths import Elements

Pick: TypeAlias = Callable[[Run], object]
Blocks: TypeAlias = Mapping[str, Block]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the target and in the mapping: what a Fault needs to become a Problem."""

    target: str
    position: Position
    called_from: str = ""

    def under(self, name: str) -> str:
        """The target path of a child."""
        return f"{self.target}/{name}" if self.target else name

    def below(self, name: str, position: Position, called_from: str) -> Place:
        return Place(self.under(name), position, called_from)

    def problem(self, kind: ProblemKind, reason: str) -> Problem:
        file, line, _ = self.position
        return Problem(kind, self.target, file, line, reason, self.called_from)

    def fault(self, fault: Fault) -> Problem:
        return self.problem(fault.kind, fault.reason)


class Gate(NamedTuple):
    """Open while the slot, which a pick fills, holds the number."""

    slot: int
    number: int

    def is_open(self, run: Run) -> bool:
        return bool(run.items[self.slot] == self.number)


@dataclass(frozen=True, slots=True)
class Entry:
    """A child or attribute of a node, and the names that its texts see."""

    key: Scalar
    node: Node
    scope: Scope
    gate: Gate | None
    called_from: str


@dataclass(frozen=True, slots=True)
class LeafEntry:
    """A value that the node itself has, behind a gate if `$choose` gave it."""

    node: Node
    scope: Scope
    gate: Gate | None
    called_from: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The gates of one `$choose`, of which at most one is open; `outer` is the one around it."""

    outer: Gate | None
    gates: tuple[Gate, ...]
    positions: tuple[Position, ...]


@dataclass(slots=True)
class Content:
    """A node, flattened. `picks` run first, in order, each time the node is written.

    `broken`: a finding says why something of it is not there; that it lacks is no mistake more.
    """

    entries: list[Entry] = field(default_factory=list)
    attributes: list[Entry] = field(default_factory=list)
    leaves: list[LeafEntry] = field(default_factory=list)
    picks: list[Pick] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    broken: bool = False


class Flattening:
    """Flattens nodes with the blocks of one mapping."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks

    def content(self, node: Node, scope: Scope, called_from: str) -> Content:
        """All that the node holds; its own `$when` and `$each` are its writer's."""
        content = Content()
        self._add(content, node, scope, None, called_from)
        return content

    def _add(
        self, content: Content, node: Node, scope: Scope, gate: Gate | None, called_from: str
    ) -> None:
        content.broken = content.broken or node.broken
        if node.is_leaf:
            content.leaves.append(LeafEntry(node, scope, gate, called_from))
        for key, child in node.children:
            content.entries.append(Entry(key, child, scope, gate, called_from))
        for key, child in node.attributes:
            content.attributes.append(Entry(key, child, scope, gate, called_from))
        if node.use is not None:
            self._use(content, node.use, scope, gate, called_from)
        if node.choose:
            self._choose(content, node.choose, scope, gate, called_from)

    def _choose(
        self,
        content: Content,
        nodes: Sequence[Node],
        scope: Scope,
        gate: Gate | None,
        called_from: str,
    ) -> None:
        slot = scope.world.slots.item()
        conditions = [
            expressions.read_condition(node.when, scope) if node.when else None for node in nodes
        ]
        check_choice([each.domain if each else None for each in conditions], nodes, scope)
        tests = [each.read if each else None for each in conditions]
        pick, tracer = _pick(tests, slot, gate), scope.world.tracer
        content.picks.append(tracer.choice(pick, nodes, slot) if tracer else pick)
        gates = tuple(Gate(slot, number) for number in range(len(nodes)))
        content.choices.append(Choice(gate, gates, tuple(node.position for node in nodes)))
        for chosen, node in zip(gates, nodes, strict=True):
            self._refuse_each(node, scope)
            if tracer:
                tracer.branch(chosen, node, gate)
            self._add(content, node, scope, chosen, called_from)

    def _use(
        self, content: Content, text: Scalar, scope: Scope, gate: Gate | None, called_from: str
    ) -> None:
        block, names = self._call(text, scope)
        if block is None:
            content.broken = True
            return
        world, blocks = scope.world, (*scope.blocks, block.name)
        if block.name in scope.blocks or len(blocks) > NESTED:
            why = "refers to itself" if block.name in scope.blocks else "stands too deep"
            world.findings.error(text.start, "M05", f"block {block.name} {why}")
            content.broken = True
            return
        if not world.expand(f"block {block.name}", text.start):
            content.broken = True
            return
        inner = Scope(world, block.node.position, bindings=names, blocks=blocks)
        here = f"{text.position.file}:{text.position.line}"
        chain = f"{called_from} > {here}" if called_from else here
        if block.node.when is not None:
            slot = world.slots.item()
            test = expressions.read_condition(block.node.when, inner).read
            content.picks.append(_pick([test], slot, gate))
            outer, gate = gate, Gate(slot, 0)
            content.choices.append(Choice(outer, (gate,), (text.position,)))
            if world.tracer:
                world.tracer.branch(gate, block.node, outer)
        self._refuse_each(block.node, inner)
        self._add(content, block.node, inner, gate, chain)

    def _refuse_each(self, node: Node, scope: Scope) -> None:
        if node.each is not None or node.several:
            text = "$each and lists stand at an element, not at a block or a choice"
            scope.world.findings.error(node.position, "M06", text)

    def _call(self, text: Scalar, scope: Scope) -> tuple[Block | None, dict[str, Meaning]]:
        """The block that `$use` names, and its parameters bound to what is passed."""
        here = scope.at(expressions.start_of(text))
        try:
            tree = parse_expression(text.text)
        except Unreadable as error:
            here.error(error.column, "M01", error.reason)
            return None, {}
        call = Call(tree.value, (), tree.column) if isinstance(tree, Name) else tree
        if not isinstance(call, Call):
            here.error(0, "M01", "$use names a block: block(arguments)")
            return None, {}
        block = self._blocks.get(call.name)
        if block is None:
            guess = did_you_mean(call.name, self._blocks)
            if scope.world.is_whole:
                here.error(call.column, "M02", f"no block {call.name}{guess}")
            return None, {}
        here.world.used.add(("block", block.name))
        if len(call.arguments) != len(block.parameters):
            wanted = f"{block.name}({', '.join(block.parameters)})"
            here.error(call.column, "M04", f"{wanted} has {len(call.arguments)} arguments here")
            return None, {}
        given = [passed(expressions.meaning_of(argument, here)) for argument in call.arguments]
        return block, dict(zip(block.parameters, given, strict=True))


def _pick(tests: Sequence[Read[object] | None], slot: int, gate: Gate | None) -> Pick:
    """Puts the number of the first alternative that holds into the slot; -1 if none does."""

    def pick(run: Run) -> None:
        chosen = -1
        if gate is None or gate.is_open(run):
            for number, test in enumerate(tests):
                if test is None or test(run) is True:
                    chosen = number
                    break
        run.items[slot] = chosen

    return pick


@dataclass(frozen=True, slots=True)
class Items:
    """What `$each` goes over, and where each item is put."""

    every: Read[Sequence[object]]
    slot: int


def items_of(each: Each, scope: Scope) -> tuple[Items | None, Scope]:
    """The list of `$each`, and the scope in which its alias is the item at hand."""
    meaning = expressions.read_expression(each.path, scope)
    slot = scope.world.slots.item()
    alias: Meaning
    if isinstance(meaning, Segments):
        alias = hl7_paths.alias_of_segment(meaning.name, slot)
    elif isinstance(meaning, Repetitions) and not meaning.component:
        alias = hl7_paths.alias_of_repetition(meaning, slot)
    elif isinstance(meaning, Elements):
        alias = xml_paths.alias(meaning, slot)
    elif isinstance(meaning, Groups):
        alias = hl7_groups.alias_of_group(meaning, slot)
    elif isinstance(meaning, Value) and meaning.many:
        alias = Value(_item_at(slot), meaning.kind)
    else:
        text = "$each goes over segments, repetitions, groups or elements"
        here = scope.at(expressions.start_of(each.path))
        # What is already a finding is not told twice.
        alias = here.error(0, "M04", text) if not _is_unknown(meaning) else meaning
        return None, scope.with_names({each.alias: alias})
    items, tracer = Items(meaning_items(meaning), slot), scope.world.tracer
    inner = scope.with_names({each.alias: alias})
    return tracer.items(items, each) if tracer else items, inner


def _is_unknown(meaning: Meaning) -> bool:
    return isinstance(meaning, Value) and meaning.kind == "unknown"


def meaning_items(
    meaning: Segments | Repetitions | Elements | Groups | Value,
) -> Read[Sequence[object]]:
    """All there is at the path."""
    return meaning.read if isinstance(meaning, Value) else meaning.every


def _item_at(slot: int) -> Read[object]:
    def read(run: Run) -> object:
        return run.items[slot]

    return read

"""The traced build: what a mapping reads, decides and writes, recorded step by step.

Compiling with a Tracer in the World puts a recording closure around each expression, condition,
choice, list, table and element; without one, nothing of this is called. A Step is one evaluation,
with what it evaluated in turn; a Site is the place in the mapping where it happens. Steps hold
what a message says: they are for the operator's own eyes and never go into a log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from gateway.mapping.finding import Position
from gateway.mapping.meaning import Read, Run, Slots, Value
from gateway.mapping.problem import Fault

if TYPE_CHECKING:
    from gateway.mapping.content import Entry, Gate, Items, LeafEntry, Pick, Place
    from gateway.mapping.document import Definition
    from gateway.mapping.emission import Each, Node
    from gateway.mapping.syntax import Syntax
    from gateway.mapping.tables import CodeTable
    from gateway.mapping.tree import Scalar

ELEMENT: Final = "element"
ITEM: Final = "item"
LEAF: Final = "leaf"
WHEN: Final = "when"
CHOICE: Final = "choice"
EACH: Final = "each"
EXPRESSION: Final = "expression"
NAME: Final = "name"
MESSAGE: Final = "message"


@dataclass(frozen=True, slots=True)
class Condition:
    """Why a branch is taken: its `$when`, or (`otherwise`) that none of those before it holds."""

    text: str
    position: Position
    otherwise: bool = False


@dataclass(eq=False, slots=True)
class Site:
    """A place in the mapping, compiled. `text` is what stands there.

    `target` is a path without numbers; `alternatives` are the positions of a `$choose`;
    `conditions` are those of the branches around an element, the outermost first.
    """

    kind: str
    position: Position
    text: str = ""
    target: str = ""
    called_from: str = ""
    blocks: tuple[str, ...] = ()
    node: Node | None = field(default=None, repr=False)
    tree: Syntax | None = field(default=None, repr=False)
    alternatives: tuple[Position, ...] = ()
    conditions: tuple[Condition, ...] = ()
    parent: Site | None = field(default=None, repr=False)


@dataclass(eq=False, slots=True)
class Reading:
    """One place of the source that was looked at: `PID-5.1`, `atto/numero`; None is absent."""

    location: object
    value: str | None = field(repr=False)


@dataclass(eq=False, slots=True)
class Row:
    """One look into a table; `line` is None where it has no row for what was looked for."""

    table: CodeTable = field(repr=False)
    line: int | None
    code: str = field(repr=False)

    @property
    def file(self) -> str:
        return self.table.sheet.file


@dataclass(eq=False, slots=True)
class Step:
    """One evaluation. `value` of an element is its State, `reason` that of a Fault."""

    site: Site
    value: Any = field(default=None, repr=False)
    reason: str = ""
    below: list[Step | Reading | Row] = field(default_factory=list, repr=False)


Hook: TypeAlias = Callable[..., Any]


class Tracer:
    """Wraps what one compilation makes; afterwards records one run at a time."""

    def __init__(self) -> None:
        self.sites: list[Site] = []
        self.tables: dict[int, CodeTable] = {}
        self.slots = TracedSlots(self)
        self.kept: dict[int, list[Step | Reading | Row]] = {}
        self._open: list[Site] = []
        self._gates: dict[Gate, tuple[Condition, ...]] = {}
        self._steps: list[Step] = []

    # ------------------------------------------------------------------ while a message runs
    def start(self) -> Step:
        """Forget the run before; gives the step that will hold all others."""
        self.kept = {}
        self._steps = [Step(Site(MESSAGE, Position("", 0)))]
        return self._steps[0]

    @property
    def now(self) -> Step:
        """The step that is being evaluated."""
        return self._steps[-1]

    def record(self, call: Hook, site: Site) -> Hook:
        """`call` with a step around it."""
        steps = self._steps_of

        def recorded(run: Run, *rest: Any) -> Any:
            open_ = steps()
            step = Step(site)
            open_[-1].below.append(step)
            open_.append(step)
            try:
                step.value = call(run, *rest)
            except Fault as fault:
                step.reason = fault.reason
                raise
            finally:
                open_.pop()
            return step.value

        return recorded

    def _steps_of(self) -> list[Step]:
        return self._steps

    def _site(self, kind: str, position: Position, **more: Any) -> Site:
        site = Site(kind, position, parent=self._open[-1] if self._open else None, **more)
        self.sites.append(site)
        return site

    # ------------------------------------------------------------------ expressions
    def expression(self, value: Value, tree: Syntax, position: Position) -> Value:
        """A part of an expression; constants say what they are without being watched."""
        if value.is_constant:
            return value
        site = Site(EXPRESSION, position, tree=tree)
        return replace(value, read=self.record(value.read, site))

    def name(self, meaning: Any, definition: Definition) -> Any:
        """A let or definition, put in where it is named; a path is seen where it is read."""
        if not isinstance(meaning, Value) or meaning.is_constant:
            return meaning
        text = definition.text
        site = Site(NAME, text.position, text=definition.name)
        return replace(meaning, read=self.record(meaning.read, site))

    def condition(self, value: Value, text: Scalar) -> Value:
        """A `$when`. One that is constant is watched too: it decides."""
        site = self._site(WHEN, text.position, text=text.text)
        return replace(value, read=self.record(value.read, site))

    def looking(self, table: CodeTable) -> Callable[[str, int, date | None], str | None]:
        """The table's `look_up`, with the row that it takes."""
        self.tables[id(table)] = table

        def look_up(code: str, column: int, on: date | None) -> str | None:
            self.now.below.append(Row(table, table.line_of(code, on), code))
            return table.look_up(code, column, on)

        return look_up

    # ------------------------------------------------------------------ the tree
    def leaf(self, read: Read[Any], entry: LeafEntry) -> Read[Any]:
        """The value of a leaf, with what `$required` and `$on_null` make of it."""
        node = entry.node
        scalar = node.value or node.text
        assert scalar is not None  # a leaf has one of the two
        site = self._site(
            LEAF,
            scalar.position,
            text=scalar.text,
            node=node,
            called_from=entry.called_from,
            blocks=entry.scope.blocks,
            conditions=self.conditions(entry.gate),
        )
        return self.record(read, site)

    def conditions(self, gate: Gate | None) -> tuple[Condition, ...]:
        """Of the branches that a gate stands for."""
        return self._gates.get(gate, ()) if gate else ()

    def branch(self, gate: Gate, node: Node, outer: Gate | None) -> None:
        """`gate` opens for one alternative of a `$choose`, or for a block with `$when`."""
        when = node.when
        text = when.text if when else ""
        position = when.position if when else node.position
        condition = Condition(text, position, otherwise=when is None)
        self._gates[gate] = (*self.conditions(outer), condition)

    def choice(self, pick: Pick, nodes: Sequence[Node], slot: int) -> Pick:
        """A `$choose`: the number of what was chosen, -1 for none."""
        site = self._site(
            CHOICE, nodes[0].position, alternatives=tuple(_place_of(node) for node in nodes)
        )

        def choose(run: Run) -> Any:
            pick(run)
            return run.items[slot]

        return self.record(choose, site)

    def items(self, items: Items, each: Each) -> Items:
        """The list that `$each` goes over."""
        site = self._site(EACH, each.path.position, text=each.path.text)
        return replace(items, every=self.record(items.every, site))

    def item(self, emit: Hook) -> Hook:
        """One of several at one place; its number is its place among its siblings."""
        parent = self._open[-1]
        site = Site(ITEM, parent.position, target=parent.target, parent=parent)
        return self.record(emit, site)

    def begin(self, place: Place, entry: Entry, target: str = "") -> None:
        """What is compiled until `end` belongs to this element, attribute or field."""
        scope = entry.scope
        site = self._site(
            ELEMENT,
            place.position,
            text=entry.key.text,
            target=target or place.target or self._below(entry.key.text),
            called_from=entry.called_from,
            blocks=scope.blocks,
            node=entry.node,
            conditions=self.conditions(entry.gate),
        )
        self._open.append(site)

    def _below(self, name: str) -> str:
        """A fact's key: `errore.codice`."""
        return f"{self._open[-1].target}.{name}" if self._open else name

    def end(self, emit: Hook) -> Hook:
        """The compiled element, watched."""
        return self.record(emit, self._open.pop())


def _place_of(node: Node) -> Position:
    return node.when.position if node.when else node.position


class TracedSlots(Slots):
    """What is read once a run is recorded once, and shown wherever it is asked for again."""

    def __init__(self, tracer: Tracer) -> None:
        super().__init__()
        self._tracer = tracer
        self._recorded: set[Read[Any]] = set()

    def remember(self, read: Read[Any]) -> Read[Any]:
        """As Slots, with the steps of the first reading."""
        if read in self._recorded:
            return read
        tracer, number = self._tracer, self.memo

        def first(run: Run) -> Any:
            below = tracer.now.below
            before = len(below)
            value = read(run)
            tracer.kept[number] = below[before:]
            return value

        recall = super().remember(first)

        def recalled(run: Run) -> Any:
            known = tracer.kept.get(number)
            value = recall(run)
            if known is not None:
                tracer.now.below.extend(known)
            return value

        self._recorded.add(recalled)
        return recalled


def steps_below(step: Step) -> Iterator[Step | Reading | Row]:
    """All that a step evaluated, each once, in the order in which it was begun."""
    seen: set[int] = set()
    waiting: list[Step | Reading | Row] = list(reversed(step.below))
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, Step):
            waiting += reversed(one.below)

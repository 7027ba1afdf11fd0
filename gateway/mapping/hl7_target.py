"""Facts → HL7: sets the paths of a mapping on a message builder, in the order written.

Keys are `PID-5.1.1`, `PID-3[+]` with components below, `NK1[+]` with fields below. Each path is
held against the dictionary while compiling. Absent sets nothing; `$on_null: nil` writes `""`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from gateway.errors import ConfigurationError, TranslationError
from gateway.hl7.builder import Builder
from gateway.hl7.compose import CHARSET
from gateway.hl7.message import NULL
from gateway.mapping import expressions
from gateway.mapping.check.hl7_shape import MessageCheck
from gateway.mapping.content import Content, Entry, Flattening, Gate, Items, Pick, Place, items_of
from gateway.mapping.dialect import Dialect
from gateway.mapping.emission import Node
from gateway.mapping.finding import Findings
from gateway.mapping.kinds import written_in_hl7
from gateway.mapping.leaves import NIL, State, guarded, leaf_of, tell
from gateway.mapping.meaning import Read, Run
from gateway.mapping.names import Scope
from gateway.mapping.problem import Fault, ProblemKind

Emit: TypeAlias = Callable[[Run, Builder], State]


class Hl7Target:
    """Compiles the nodes of one mapping for one version and structure."""

    def __init__(
        self, flattening: Flattening, findings: Findings, structure: str, dialect: Dialect
    ) -> None:
        self._flattening = flattening
        self._findings = findings
        self._checks = MessageCheck(findings, structure, dialect)
        self._version = dialect.version
        self._structure = structure

    def root(self, node: Node, charset: str | None, scope: Scope) -> Callable[[Run], bytes]:
        """The whole message, in the profile's character set or else in UTF-8."""
        content = self._flattening.content(node, scope, "")
        for leaf in content.leaves:
            self._findings.error(leaf.node.position, "X03", "a message needs paths")
        fill = self._fill(content, Place("", node.position))
        self._checks.message(node.position)
        version, structure, codec = self._version, self._structure, charset or CHARSET

        def write(run: Run) -> bytes:
            builder = Builder(version, structure, codec)
            fill(run, builder)
            return builder.build()

        return write

    def _fill(self, content: Content, place: Place) -> Emit:
        for entry in content.attributes:
            self._findings.error(entry.key.position, "X01", "a message has no attributes")
        return _fill(content.picks, [self._top(entry) for entry in content.entries], place)

    def _top(self, entry: Entry) -> tuple[Gate | None, Emit]:
        path = entry.key.text
        value = entry.node.value
        position = value.position if value else entry.key.position
        place = Place(path, position, entry.called_from)
        self._checks.path(path, entry.key.position)
        tracer = entry.scope.world.tracer
        if tracer:
            tracer.begin(place, entry)
        emit = self._node(entry, entry.node, place)
        return entry.gate, tracer.end(emit) if tracer else emit

    def _node(self, entry: Entry, node: Node, place: Place) -> Emit:
        tracer = entry.scope.world.tracer
        self._checks.repetition(node, place.target)
        if node.several:
            emits = [self._node(entry, one, place) for one in node.several]
            emits = [tracer.item(one) for one in emits] if tracer else emits
            return _fill((), [(None, one) for one in emits], place)
        if node.each is not None:
            items, scope = items_of(node.each, entry.scope)
            inner = replace(entry, scope=scope)
            emit = self._node(inner, replace(node, each=None), place)
            emit = tracer.item(emit) if tracer else emit
            return _for_each(items, emit, place) if items else emit
        when = expressions.read_condition(node.when, entry.scope).read if node.when else None
        content = self._flattening.content(node, entry.scope, entry.called_from)
        if content.leaves:
            leaf = leaf_of(content, entry.scope)
            several = entry.node.several or entry.node.each
            free = entry.gate is None and when is None and not several
            self._checks.leaf(leaf, place.target, entry.key.position, free=free)
            return _leaf(guarded(leaf.read, when), place)
        return self._parts(content, when, place)

    def _parts(self, content: Content, when: Read[Any] | None, place: Place) -> Emit:
        """The components below a repetition, or the fields below a segment."""
        separator = "." if "-" in place.target else "-"
        rows: list[tuple[Gate | None, str, Read[Any], Place]] = []
        for entry in content.entries:
            path = f"{place.target}{separator}{entry.key.text}"
            self._checks.path(path, entry.key.position)
            below = Place(path, entry.key.position, entry.called_from)
            tracer = entry.scope.world.tracer
            if tracer:
                tracer.begin(below, entry)
            read = self._part(entry, path)
            read = tracer.end(read) if tracer else read
            rows.append((entry.gate, entry.key.text, read, below))
        return _parts(content.picks, rows, when, place)

    def _part(self, entry: Entry, path: str) -> Read[Any]:
        node = entry.node
        content = self._flattening.content(node, entry.scope, entry.called_from)
        if not (content.leaves or content.broken) or node.each or node.several:
            self._findings.error(entry.key.position, "X03", f"{entry.key.text} needs one value")
        test = expressions.read_condition(node.when, entry.scope).read if node.when else None
        leaf = leaf_of(content, entry.scope)
        free = entry.gate is None and test is None
        self._checks.leaf(leaf, path, entry.key.position, free=free)
        return guarded(leaf.read, test)


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return NULL if value is NIL else written_in_hl7(value)


def _leaf(read: Read[Any], place: Place) -> Emit:
    def emit(run: Run, builder: Builder) -> State:
        try:
            text = _text(read(run))
        except Fault as fault:
            return tell(run, place, fault)
        return _set(run, builder, place, text) if text else State.NOTHING

    return emit


def _set(run: Run, builder: Builder, place: Place, value: str | dict[str, str]) -> State:
    try:
        builder.set(place.target, value)
    except (TranslationError, ConfigurationError) as error:
        run.problems.append(place.problem(ProblemKind.VALUE, str(error)))
        return State.FAILED
    return State.WROTE


def _parts(
    picks: Sequence[Pick],
    rows: Sequence[tuple[Gate | None, str, Read[Any], Place]],
    when: Read[Any] | None,
    place: Place,
) -> Emit:
    def emit(run: Run, builder: Builder) -> State:
        values: dict[str, str] = {}
        try:
            if when is not None and when(run) is not True:
                return State.NOTHING
            for pick in picks:
                pick(run)
        except Fault as fault:
            return tell(run, place, fault)
        for gate, key, read, below in rows:
            try:
                text = _text(read(run)) if gate is None or gate.is_open(run) else None
            except Fault as fault:
                tell(run, below, fault)
                continue
            if text:
                values[key] = text
        return _set(run, builder, place, values) if values else State.NOTHING

    return emit


def _fill(picks: Sequence[Pick], rows: Sequence[tuple[Gate | None, Emit]], place: Place) -> Emit:
    def emit(run: Run, builder: Builder) -> State:
        try:
            for pick in picks:
                pick(run)
        except Fault as fault:
            return tell(run, place, fault)
        states = (child(run, builder) for gate, child in rows if gate is None or gate.is_open(run))
        return max(states, default=State.NOTHING)

    return emit


def _for_each(items: Items, emit: Emit, place: Place) -> Emit:
    every, slot = items.every, items.slot

    def emit_each(run: Run, builder: Builder) -> State:
        try:
            found = every(run)
        except Fault as fault:
            return tell(run, place, fault)
        state = State.NOTHING
        for item in found:
            run.items[slot] = item
            state = max(state, emit(run, builder))
        return state

    return emit_each

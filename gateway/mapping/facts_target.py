"""XML → facts: a flat table of texts, typed by what the mapping declares.

Groups under `$each` give keys such as `candidato[1].codiceFiscale`; undeclared, their facts are
texts. An absent fact is left out; a codice fiscale whose check letter is wrong is a problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from gateway.mapping import codice_fiscale, expressions
from gateway.mapping.check.fact_types import check_fact, check_facts
from gateway.mapping.content import Content, Entry, Flattening, Items, Place, items_of
from gateway.mapping.emission import Node
from gateway.mapping.finding import Findings, did_you_mean
from gateway.mapping.kinds import DECLARED, Kind, typed, written
from gateway.mapping.leaves import NIL, State, guarded, leaf_of, tell
from gateway.mapping.meaning import Read, Run
from gateway.mapping.names import Scope
from gateway.mapping.problem import Fault

Facts: TypeAlias = dict[str, str]
Emit: TypeAlias = Callable[[Run, Facts, str], State]
Declared: TypeAlias = Mapping[str, "str | Mapping[str, str]"]
"""Fact → type; of a group, its own facts."""


class _Texts(Mapping[str, str]):
    """Of a group that is not declared: every fact is a text."""

    def __getitem__(self, name: str) -> str:
        return "text"

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


_TEXTS: Final = _Texts()


class FactsTarget:
    """Compiles the nodes of one mapping."""

    def __init__(self, flattening: Flattening, findings: Findings) -> None:
        self._flattening = flattening
        self._findings = findings

    def root(self, node: Node, declared: Declared, scope: Scope) -> Callable[[Run], Facts]:
        """The whole table."""
        content = self._flattening.content(node, scope, "")
        for leaf in content.leaves:
            self._findings.error(leaf.node.position, "X03", "facts need names")
        fill = self._fill(content, declared, Place("", node.position))

        def write(run: Run) -> Facts:
            facts: Facts = {}
            fill(run, facts, "")
            return facts

        return write

    def _fill(self, content: Content, declared: Declared, place: Place) -> Emit:
        for entry in content.attributes:
            self._findings.error(entry.key.position, "X01", "facts have no attributes")
        check_facts(content.entries, declared, place.position, self._findings)
        rows = tuple((entry.gate, self._entry(entry, declared)) for entry in content.entries)
        picks = tuple(content.picks)

        def emit(run: Run, facts: Facts, prefix: str) -> State:
            try:
                for pick in picks:
                    pick(run)
            except Fault as fault:
                return tell(run, replace(place, target=prefix.rstrip(".")), fault)
            state = State.NOTHING
            for gate, child in rows:
                if gate is None or gate.is_open(run):
                    state = max(state, child(run, facts, prefix))
            return state

        return emit

    def _entry(self, entry: Entry, declared: Declared) -> Emit:
        name = entry.key.text
        grouped = entry.node.each is not None
        if name not in declared and not grouped:
            text = f"no fact {name} is declared in target{did_you_mean(name, declared)}"
            self._findings.error(entry.key.position, "X01", text)
        tracer = entry.scope.world.tracer
        if tracer:
            tracer.begin(Place("", entry.key.position), entry)
        emit = self._node(entry, entry.node, self._declared(name, declared, grouped))
        return tracer.end(emit) if tracer else emit

    def _declared(self, name: str, declared: Declared, grouped: bool) -> str | Mapping[str, str]:
        if name in declared:
            return declared[name]
        return _TEXTS if grouped else "text"

    def _node(self, entry: Entry, node: Node, declared: str | Mapping[str, str]) -> Emit:
        value = node.value
        place = Place("", value.position if value else entry.key.position, entry.called_from)
        if node.several:
            self._findings.error(entry.key.position, "X03", "a fact is no list; use $each")
        if node.each is not None:
            items, scope = items_of(node.each, entry.scope)
            inner = replace(entry, scope=scope)
            emit = self._node(inner, replace(node, each=None), declared)
            tracer = scope.world.tracer
            emit = tracer.item(emit) if tracer else emit
            return _for_each(items, emit, entry.key.text, place) if items else emit
        test = expressions.read_condition(node.when, entry.scope).read if node.when else None
        content = self._flattening.content(node, entry.scope, entry.called_from)
        if isinstance(declared, str):
            return self._leaf(entry, content, declared, test, place)
        if content.leaves:
            self._findings.error(entry.key.position, "X03", f"{entry.key.text} is a group of facts")
        return _group(entry.key.text, self._fill(content, declared, place), test, place)

    def _leaf(
        self, entry: Entry, content: Content, declared: str, test: Read[Any] | None, place: Place
    ) -> Emit:
        if content.entries or not (content.leaves or content.broken):
            text = f"{entry.key.text} is one fact, not a group"
            self._findings.error(entry.key.position, "X03", text)
        leaf = leaf_of(content, entry.scope)
        check_fact(leaf, declared, entry.key.text, self._findings)
        return _fact(entry.key.text, guarded(leaf.read, test), declared, place)


def _fact(name: str, read: Read[Any], declared: str, place: Place) -> Emit:
    kind = DECLARED[declared]

    def emit(run: Run, facts: Facts, prefix: str) -> State:
        try:
            value = read(run)
            if value is None or value == "" or value is NIL:
                return State.NOTHING
            text = written(typed(value, kind) if kind is not Kind.TEXT else value)
            if declared == "cf" and not codice_fiscale.is_valid(text):
                raise Fault("is no codice fiscale: its form or check letter is wrong")
        except Fault as fault:
            # An item of a group has its number already in the prefix, or is the item itself.
            return tell(run, replace(place, target=_key(prefix, name)), fault)
        facts[_key(prefix, name)] = text
        return State.WROTE

    return emit


def _key(prefix: str, name: str) -> str:
    """`candidato[1].` and `nome`; an item that is itself the fact ends in `]`."""
    return prefix if prefix.endswith("]") else prefix + name


def _group(name: str, fill: Emit, test: Read[Any] | None, place: Place) -> Emit:
    def emit(run: Run, facts: Facts, prefix: str) -> State:
        try:
            if test is not None and test(run) is not True:
                return State.NOTHING
        except Fault as fault:
            return tell(run, replace(place, target=_key(prefix, name)), fault)
        return fill(run, facts, f"{_key(prefix, name)}.")

    return emit


def _for_each(items: Items, emit: Emit, name: str, place: Place) -> Emit:
    every, slot = items.every, items.slot

    def emit_each(run: Run, facts: Facts, prefix: str) -> State:
        try:
            found = every(run)
        except Fault as fault:
            return tell(run, replace(place, target=prefix + name), fault)
        state = State.NOTHING
        for number, item in enumerate(found, 1):
            run.items[slot] = item
            state = max(state, emit(run, facts, f"{prefix}{name}[{number}]"))
        return state

    return emit_each

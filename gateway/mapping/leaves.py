"""Leaves: one value read, absent or not, with what `$required` and `$on_null` say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from gateway.mapping import expressions
from gateway.mapping.content import Content, Gate, LeafEntry, Place
from gateway.mapping.finding import Position
from gateway.mapping.kinds import Kind
from gateway.mapping.meaning import Read, Run, Value, constant
from gateway.mapping.names import Scope
from gateway.mapping.problem import Fault, ProblemKind

NIL: Final = object()
"""Read from a leaf that says `$on_null: nil` where the source says null."""


class State(IntEnum):
    """What became of a node: a failed one counts as written, for its problem is told already."""

    NOTHING = 0
    WROTE = 1
    FAILED = 2


@dataclass(frozen=True, slots=True)
class Said:
    """A value, and where the mapping says it."""

    value: Value
    position: Position


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value and what its absence means; `said` are the values that it may be."""

    read: Read[Any]
    kind: Kind
    nil: bool = False
    said: tuple[Said, ...] = ()


def leaf_of(content: Content, scope: Scope) -> Leaf:
    """The node's value: its only leaf, or the one that `$choose` lets through."""
    leaves = [(_leaf(entry), entry.gate) for entry in content.leaves]
    if len(leaves) == 1 and leaves[0][1] is None and not content.picks:
        return leaves[0][0]
    kinds = {leaf.kind for leaf, _ in leaves}
    kind = kinds.pop() if len(kinds) == 1 else Kind.UNKNOWN
    nil = any(leaf.nil for leaf, _ in leaves)
    said = tuple(each for leaf, _ in leaves for each in leaf.said)
    return Leaf(_first_open(leaves, content), kind, nil, said)


def _first_open(leaves: Sequence[tuple[Leaf, Gate | None]], content: Content) -> Read[Any]:
    picks = tuple(content.picks)

    def read(run: Run) -> Any:
        for pick in picks:
            pick(run)
        for leaf, gate in leaves:
            if gate is None or gate.is_open(run):
                return leaf.read(run)
        return None

    return read


def _leaf(entry: LeafEntry) -> Leaf:
    node = entry.node
    text = node.text or node.value
    assert text is not None  # a leaf has one of the two
    if node.text is not None:
        value = constant(text.text or None, Kind.TEXT)
    else:
        value = expressions.read_value(text, entry.scope)
    read = _with_null(value, node.on_null)
    if node.required is not None:
        read = _with_required(read, node.required)
    tracer = entry.scope.world.tracer
    if tracer is not None:
        read = tracer.leaf(read, entry)
    said = Said(value, expressions.start_of(text))
    return Leaf(read, value.kind, nil=node.on_null == "nil", said=(said,))


def _with_null(value: Value, on_null: str) -> Read[Any]:
    read, null = value.read, value.null
    if on_null == "omit" or null is None:
        return read

    def read_null(run: Run) -> Any:
        found = read(run)
        if found is not None or not null(run):
            return found
        if on_null == "nil":
            return NIL
        raise Fault("the message says it is to be deleted", ProblemKind.NULL)

    return read_null


def _with_required(read: Read[Any], message: str) -> Read[Any]:
    def read_required(run: Run) -> Any:
        found = read(run)
        if found is None or found == "":
            raise Fault(message, ProblemKind.REQUIRED)
        return found

    return read_required


def guarded(read: Read[Any], when: Read[Any] | None) -> Read[Any]:
    """`read` where `when` is true, else absent."""
    if when is None:
        return read

    def read_when(run: Run) -> Any:
        return read(run) if when(run) is True else None

    return read_when


def tell(run: Run, place: Place, fault: Fault) -> State:
    """Keep the problem; the rest of the document goes on."""
    run.problems.append(place.fault(fault))
    return State.FAILED

"""The closures that write XML, each for one node: what is decided is decided before.

A document is a list of texts, an opening tag, a leaf or a closing tag each; read once when it is
whole. Every closure tells what became of its node. A Fault is caught at the node that reads,
becomes a Problem there, and the rest of the document goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from lxml import etree

from gateway.mapping.content import Gate, Items, Pick, Place
from gateway.mapping.leaves import NIL, State, tell
from gateway.mapping.meaning import Read, Run
from gateway.mapping.problem import Fault, ProblemKind
from gateway.mapping.xml_content import ABSENT, ContentModel
from gateway.mapping.xml_names import Tags
from gateway.mapping.xml_write import escaped, odd, quoted
from gateway.xml import own

Draft: TypeAlias = list[str]
Emit: TypeAlias = Callable[[Run, Draft], State]

_OPEN: Final = Gate(-1, 0)
_IS_NIL: Final = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"'


@dataclass(frozen=True, slots=True)
class Child:
    """One entry among its siblings: its bit tells in a mask that it was written."""

    name: str
    bit: int
    gate: Gate | None
    emit: Emit


@dataclass(frozen=True, slots=True)
class Setter:
    """Sets one attribute; `needed` is where to tell that a required one is absent."""

    emit: Emit
    needed: Place | None


@dataclass(frozen=True, slots=True)
class Inside:
    """What an element holds, and the content model that judges it."""

    picks: Sequence[Pick]
    setters: Sequence[Setter]
    children: Sequence[Child]
    model: ContentModel


def nothing(run: Run, draft: Draft) -> State:
    """Writes nothing: stands where a finding was told."""
    return State.NOTHING


def document(emit: Emit) -> Callable[[Run], etree._Element]:
    """The whole document, from what writes its root."""

    def write(run: Run) -> etree._Element:
        draft: Draft = []
        emit(run, draft)
        return own("".join(draft))

    return write


def leaf_element(
    tags: Tags,
    read: Read[Any],
    when: Read[object] | None,
    write: Callable[[object], str],
    place: Place,
) -> Emit:
    """One element with a text, if there is one."""
    start, end = tags
    nil = f"{start[:-1]} {_IS_NIL}>{end}"
    absent, wrote = State.NOTHING, State.WROTE

    def emit(run: Run, draft: Draft) -> State:
        try:
            if when is not None and when(run) is not True:
                return absent
            value = read(run)
            if type(value) is str:
                text = value
            elif value is None:
                return absent
            elif value is NIL:
                draft.append(nil)
                return wrote
            else:
                text = write(value)
            if not text:
                return absent
            if not text.isalnum() and odd(text):
                text = escaped(text)
            draft.append(f"{start}{text}{end}")
        except Fault as fault:
            return tell(run, place, fault)
        return wrote

    return emit


def with_attributes(emit: Emit, setters: Sequence[Setter]) -> Emit:
    """A text element and, if it is written, its attributes."""

    def emit_all(run: Run, draft: Draft) -> State:
        state = emit(run, draft)
        if state is not State.WROTE:
            return state
        _, missing = _set_all(setters, run, draft, len(draft) - 1)
        return _tell_missing(run, missing) if missing else state

    return emit_all


def _set_all(
    setters: Sequence[Setter], run: Run, draft: Draft, at: int
) -> tuple[State, list[Place]]:
    """What became of the attributes of the tag at a place, and which required ones are absent."""
    state, missing, attributes = State.NOTHING, [], [""]
    for setter in setters:
        became = setter.emit(run, attributes)
        if became:
            state = max(state, became)
        elif setter.needed:
            missing.append(setter.needed)
    opening, _, rest = draft[at].partition(">")
    draft[at] = f"{opening}{' '.join(attributes)}>{rest}"
    return state, missing


def _tell_missing(run: Run, missing: Sequence[Place]) -> State:
    run.problems += (place.problem(ProblemKind.REQUIRED, ABSENT) for place in missing)
    return State.FAILED


def attribute(
    name: str, read: Read[object], write: Callable[[object], str], gate: Gate | None, place: Place
) -> Emit:
    """One attribute of the element at hand."""

    def emit(run: Run, attributes: list[str]) -> State:
        try:
            value = read(run) if gate is None or gate.is_open(run) else None
            if value is None or value == "":
                return State.NOTHING
            attributes.append(f"{name}={quoted(write(value))}")
        except Fault as fault:
            return tell(run, place, fault)
        return State.WROTE

    return emit


def complex_element(
    tags: Tags,
    when: Read[object] | None,
    inside: Inside,
    place: Place,
    *,
    keep: bool = False,
    root: bool = False,
) -> Emit:
    """An element with attributes and children, between the two `tags`; without any it is not
    written, unless `keep`. The `root` is always written, and always asked what it lacks.
    """
    start, end = tags
    picks, setters, model = inside.picks, inside.setters, inside.model
    rows = tuple((each.bit, *(each.gate or _OPEN), each.emit) for each in inside.children)
    asked, asks_more = model.mask, model.asks_more
    absent, failed, wrote = State.NOTHING, State.FAILED, State.WROTE
    kept = keep or root

    def emit(run: Run, draft: Draft) -> State:
        try:
            if when is not None and when(run) is not True:
                return absent
            for pick in picks:
                pick(run)
        except Fault as fault:
            if root:
                draft.append(f"{start}{end}")
            return tell(run, place, fault)
        at = len(draft)
        draft.append(start)
        mask, state = 0, absent
        items = run.items
        for bit, slot, number, child in rows:
            if slot >= 0 and items[slot] != number:  # the gate is shut
                continue
            became = child(run, draft)
            if became is not absent:
                mask |= bit
                if state is not failed:
                    state = became
        missing: list[Place] = []
        if setters:
            became, missing = _set_all(setters, run, draft, at)
            state = max(state, became)
        if state is absent and not kept:
            del draft[at:]
            return absent
        draft.append(end)
        if state or root:
            if asks_more or mask & asked != asked:
                model.tell(run, mask)
            if missing:
                return _tell_missing(run, missing)
        return state or wrote

    return emit


def several(emits: Sequence[Emit]) -> Emit:
    """A list of nodes for one repeated element."""

    def emit(run: Run, draft: Draft) -> State:
        return max((one(run, draft) for one in emits), default=State.NOTHING)

    return emit


def for_each(items: Items, emit: Emit, place: Place) -> Emit:
    """Writes once for each item; problems name the item's number."""
    every, slot, target = items.every, items.slot, place.target

    def emit_each(run: Run, draft: Draft) -> State:
        try:
            found = every(run)
        except Fault as fault:
            return tell(run, place, fault)
        state = State.NOTHING
        for number, item in enumerate(found, 1):
            run.items[slot] = item
            before = len(run.problems)
            state = max(state, emit(run, draft))
            if len(run.problems) > before:
                _number(run, before, target, number)
        return state

    return emit_each


def _number(run: Run, start: int, target: str, number: int) -> None:
    """`rilevazione/valore` becomes `rilevazione[2]/valore`."""
    for at in range(start, len(run.problems)):
        problem = run.problems[at]
        rest = problem.target[len(target) :]
        run.problems[at] = replace(problem, target=f"{target}[{number}]{rest}")

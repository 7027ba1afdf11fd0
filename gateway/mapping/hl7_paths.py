"""Paths into a message: segments, their fields' repetitions, and the texts in them.

Nothing is ever picked silently: where a path names one thing and the message has two, the run
raises a Fault that names the field. Absent and `""` both read as absent. Knows no names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from gateway.hl7.segment import NULL, ONLY, Repeats, Segment
from gateway.mapping.kinds import Kind
from gateway.mapping.meaning import UNSET, Read, Run, Slots, Value, slot_of
from gateway.mapping.problem import Fault

Repetition: TypeAlias = tuple[Segment, int]
Test: TypeAlias = Callable[[Run], Any]


@dataclass(frozen=True, slots=True)
class Segments:
    """A path to segments: `NK1`, `NK1[3.1 == 'MTH']`, an alias of them.

    `chosen`: a selector was applied, `many`: it was `[*]`, `varies`: it is what an `$each` or a
    selector looks at, so it is not the same throughout a run. `direct`: `one` costs no more than
    asking `every`.
    """

    name: str
    label: str
    every: Read[Sequence[Segment]]
    one: Read[Segment | None]
    chosen: bool = False
    many: bool = False
    varies: bool = False
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Repetitions:
    """A path to a field: `PID-3`, `PID-3[5 == 'CF']`, with `.4.1` if a part was named.

    `index` is a repetition's number where the path says one, else 0.
    """

    segments: Segments
    number: int
    label: str
    every: Read[Sequence[Repetition]]
    one: Read[Repetition | None]
    index: int = 0
    chosen: bool = False
    many: bool = False
    component: int = 0
    subcomponent: int = 0
    varies: bool = False
    direct: bool = False


def named_segments(name: str) -> Segments:
    """Every segment of one name in the message."""

    def every(run: Run) -> Sequence[Segment]:
        return run.source.all(name)  # type: ignore[no-any-return]  # the source is a Message

    return Segments(name, name, every, only(every, name, ""))


def only(every: Read[Sequence[Any]], label: str, chosen_by: str) -> Read[Any]:
    """The one thing, or absent; two are a Fault."""

    def one(run: Run) -> Any:
        found = every(run)
        if len(found) > 1:
            raise Fault(repeats(label, len(found), chosen_by))
        return found[0] if found else None

    return one


def repeats(label: str, count: int, chosen_by: str) -> str:
    """Why two are a mistake; `chosen_by` is what the path already says."""
    return f"{label} repeats {count} times{chosen_by}; the mapping must choose one"


def as_list(one: Read[Any]) -> Read[Sequence[Any]]:
    """`one` as a list of one or none."""

    def every(run: Run) -> Sequence[Any]:
        found = one(run)
        return () if found is None else (found,)

    return every


def filter_items(every: Read[Sequence[Any]], test: Test) -> Read[Sequence[Any]]:
    """What of `every` passes `test`, which looks at `run.item`."""

    def chosen(run: Run) -> Sequence[Any]:
        candidates = every(run)
        if not candidates:
            return ()
        outer = run.item
        found = []
        for candidate in candidates:
            run.item = candidate
            if test(run) is True:
                found.append(candidate)
        run.item = outer
        return found

    return chosen


def alias_of_segment(name: str, slot: int) -> Segments:
    """What `$each: OBX[…] as o` stands at."""

    def one(run: Run) -> Segment | None:
        return run.items[slot]  # type: ignore[no-any-return]  # the slot holds segments

    return Segments(name, name, as_list(one), one, chosen=True, varies=True)


def alias_of_repetition(path: Repetitions, slot: int) -> Repetitions:
    """What `$each: PID-3[*] as id` stands at."""

    def one(run: Run) -> Repetition | None:
        return run.items[slot]  # type: ignore[no-any-return]  # the slot holds repetitions

    every = as_list(one)
    return replace(path, every=every, one=one, index=0, chosen=True, many=False, varies=True)


def remember_segments(path: Segments, slots: Slots) -> Segments:
    """The same path, looked for once a run."""
    every = slots.remember(path.every)
    return replace(path, every=every, one=slots.remember(_one_of(every, path)))


def remember_repetitions(path: Repetitions, slots: Slots) -> Repetitions:
    """The same path, looked for once a run; only choosing among repetitions takes time."""
    if not path.chosen or path.index:
        return path
    every = slots.remember(path.every)
    return replace(path, every=every, one=slots.remember(_one_of(every, path)))


def _one_of(every: Read[Sequence[Any]], path: Segments | Repetitions) -> Read[Any]:
    """What the path's own `one` gives, without looking again: `every` is remembered."""
    if every is path.every or path.direct:
        return path.one
    among = path.one

    def one(run: Run) -> Any:
        found = every(run)
        if len(found) == 1:
            return found[0]
        return among(run) if found else None

    return one


def field_of(segments: Segments, number: int) -> Repetitions:
    """`PID-3` of `PID`."""
    label = f"{segments.label}-{number}"

    every = _every_of_all(segments.every, number) if segments.many else _every_of(segments, number)

    one = only(every, label, "")
    many, varies = segments.many, segments.varies
    return Repetitions(segments, number, label, every, one, many=many, varies=varies)


def _every_of(segments: Segments, number: int) -> Read[Sequence[Repetition]]:
    find, slot = segments.one, slot_of(segments.one)

    def every(run: Run) -> Sequence[Repetition]:
        segment = run.memo[slot]
        if segment is UNSET:
            segment = find(run)
        if segment is None:
            return ()
        count = segment.count(number)
        if count == 1:
            return ((segment, 1),)
        return [(segment, each) for each in range(1, count + 1)]

    return every


def _every_of_all(find: Read[Sequence[Segment]], number: int) -> Read[Sequence[Repetition]]:
    def every(run: Run) -> Sequence[Repetition]:
        return [
            (segment, each) for segment in find(run) for each in range(1, segment.count(number) + 1)
        ]

    return every


def text_in_segment(number: int, component: int, subcomponent: int) -> Value:
    """Inside `NK1[…]`: a number is a field of the segment at hand."""

    def read(run: Run) -> str | None:
        segment: Segment = run.item
        return _said(only_text(segment, number, component or 1, subcomponent or 1))

    return Value(read, Kind.TEXT)


def text_in_repetition(number: int, component: int, subcomponent: int) -> Value:
    """Inside `PID-3[…]`: a number is a component of the repetition at hand."""

    def read(run: Run) -> str | None:
        segment, repetition = run.item
        return _said(segment.text(number, repetition, component, subcomponent or 1))

    return Value(read, Kind.TEXT)


def only_text(segment: Segment, number: int, component: int, subcomponent: int = 1) -> str | None:
    """What a field of `segment` says that must not repeat."""
    try:
        return segment.text(number, ONLY, component, subcomponent)
    except Repeats as repeated:
        raise Fault(repeats(f"{segment.name}-{number}", repeated.count, "")) from None


def _said(text: str | None) -> str | None:
    return None if text is None or text == NULL else text


def value_of(path: Repetitions) -> Value:
    """The path's text; with `[*]` all texts that are there."""
    if path.many:
        return Value(_texts(path), Kind.TEXT, many=True, null=is_null(path))
    if path.index:
        read = _text_at(path)
    elif path.chosen:
        read = _text_of_chosen(path)
    else:
        read = _only_text(path)
    part = f".{path.component}" if path.component else ""
    return Value(read, Kind.TEXT, null=is_null(path), label=path.label + part)


def _only_text(path: Repetitions) -> Read[str | None]:
    find, number, label = path.segments.one, path.number, path.label
    component, subcomponent, slot = path.component or 1, path.subcomponent or 1, slot_of(find)

    def read(run: Run) -> str | None:
        segment = run.memo[slot]
        if segment is UNSET:
            segment = find(run)
        if segment is None:
            return None
        try:
            text = segment.text(number, ONLY, component, subcomponent)
        except Repeats as repeated:
            raise Fault(repeats(label, repeated.count, "")) from None
        return None if text is None or text == NULL else text

    return read


def _text_at(path: Repetitions) -> Read[str | None]:
    find, number, index = path.segments.one, path.number, path.index
    component, subcomponent, slot = path.component or 1, path.subcomponent or 1, slot_of(find)

    def read(run: Run) -> str | None:
        segment = run.memo[slot]
        if segment is UNSET:
            segment = find(run)
        if segment is None:
            return None
        text = segment.text(number, index, component, subcomponent)
        return None if text is None or text == NULL else text

    return read


def _text_of_chosen(path: Repetitions) -> Read[str | None]:
    one, number = path.one, path.number
    component, subcomponent, slot = path.component or 1, path.subcomponent or 1, slot_of(one)

    def read(run: Run) -> str | None:
        found = run.memo[slot]
        if found is UNSET:
            found = one(run)
        if found is None:
            return None
        text = found[0].text(number, found[1], component, subcomponent)
        return None if text is None or text == NULL else text

    return read


def _texts(path: Repetitions) -> Read[list[str]]:
    every, number = path.every, path.number
    component, subcomponent = path.component or 1, path.subcomponent or 1

    def read(run: Run) -> list[str]:
        texts = []
        for segment, repetition in every(run):
            text = segment.text(number, repetition, component, subcomponent)
            if text is not None and text != NULL:
                texts.append(text)
        return texts

    return read


def is_null(path: Repetitions) -> Read[bool]:
    """Whether the source says `\"\"` where the path points."""
    number, component, subcomponent = path.number, path.component or 1, path.subcomponent or 1

    def read(run: Run) -> bool:
        return any(
            segment.text(number, repetition, component, subcomponent) == NULL
            for segment, repetition in path.every(run)
        )

    return read

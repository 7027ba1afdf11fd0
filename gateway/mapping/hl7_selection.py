"""Choosing among segments and repetitions: by number, by a test, by a fixed text in one part.

A path with a selector is a path again. Where several selectors of one path look at the same part
(`OBX[3.1 == …]`), the message is looked at once a run for all of them. Knows no names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from gateway.hl7.message import Segment
from gateway.mapping.hl7_paths import (
    Repetition,
    Repetitions,
    Segments,
    Test,
    as_list,
    filter_items,
    only,
    only_text,
    repeats,
)
from gateway.mapping.kinds import Kind
from gateway.mapping.meaning import UNSET, Read, Run, Value, slot_of
from gateway.mapping.problem import Fault

AnyPath = TypeVar("AnyPath", Segments, Repetitions)


def indexed(path: Segments, index: int) -> Segments:
    """`NK1[2]`."""

    def one(run: Run) -> Segment | None:
        found = path.every(run)
        return found[index - 1] if len(found) >= index else None

    return replace(path, label=f"{path.label}[{index}]", every=as_list(one), one=one, chosen=True)


def filtered(path: Segments, test: Test, chosen_by: str) -> Segments:
    """`NK1[3.1 == 'MTH']`; `test` looks at `run.item`."""
    every = filter_items(path.every, test)
    one = only(every, path.label, chosen_by)
    return replace(path, label=f"{path.label}[…]", every=every, one=one, chosen=True, direct=False)


def select_index(path: Repetitions, index: int) -> Repetitions:
    """`PID-3[1]`."""

    def one(run: Run) -> Repetition | None:
        found = path.every(run)
        return found[index - 1] if len(found) >= index else None

    direct = 0 if path.chosen or path.many else index
    label = f"{path.label}[{index}]"
    return replace(path, label=label, every=as_list(one), one=one, index=direct, chosen=True)


def select_where(path: Repetitions, test: Test, chosen_by: str) -> Repetitions:
    """`PID-3[5 == 'CF']`; `test` looks at `run.item`."""
    every = filter_items(path.every, test)
    one = only(every, path.label, chosen_by)
    return replace(
        path, label=f"{path.label}[…]", every=every, one=one, index=0, chosen=True, direct=False
    )


def texts_of_segments(path: Segments, number: int, component: int) -> Value:
    """Every segment with one part of it: what `NK1[3.1 in (…)]` looks at, whatever it wants."""
    every = path.every

    def read(run: Run) -> list[tuple[str | None, Segment]]:
        found = []
        for segment in every(run):
            found.append((only_text(segment, number, component), segment))
        return found

    return Value(read, Kind.UNKNOWN, many=True)


def texts_of_repetitions(path: Repetitions, component: int, subcomponent: int) -> Value:
    """Every repetition with one part of it: what `PID-3[5 == 'CF']` looks at."""
    every, number = path.every, path.number

    def read(run: Run) -> list[tuple[str | None, Repetition]]:
        looked = []
        for found in every(run):
            segment, repetition = found
            looked.append((segment.text(number, repetition, component, subcomponent), found))
        return looked

    return Value(read, Kind.UNKNOWN, many=True)


def with_text(
    path: AnyPath, texts: Read[Sequence[tuple[str | None, Any]]], wanted: frozenset[str], by: str
) -> AnyPath:
    """Of the path, what has one of the fixed texts: the usual selector, one look for all."""
    label, slot = path.label, slot_of(texts)

    def every(run: Run) -> Sequence[Any]:
        chosen = []
        looked = run.memo[slot]
        for text, found in texts(run) if looked is UNSET else looked:
            if text in wanted:
                chosen.append(found)
        return chosen

    def one(run: Run) -> Any:
        chosen = None
        looked = run.memo[slot]
        for text, found in texts(run) if looked is UNSET else looked:
            if text in wanted:
                if chosen is not None:
                    raise Fault(repeats(label, len(every(run)), by))
                chosen = found
        return chosen

    return replace(path, label=f"{label}[…]", every=every, one=one, chosen=True, direct=True)

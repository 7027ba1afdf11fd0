"""The three panes of a preview as values: what the message fills, the mapping with each leaf's
value, what was written. Terminal and page draw the same.

The mapping is shown as it was put together: each block stands where it is used, as often as it is
used, so that every value has a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.mapping.compiled import Result
from gateway.mapping.finding import Position
from gateway.mapping.problem import Problem
from gateway.mapping.seeing import words
from gateway.mapping.seeing.filled import Filled, filled
from gateway.mapping.seeing.traced import Trace, Traced
from gateway.mapping.seeing.written import Line, written_lines
from gateway.mapping.tracing import (
    CHOICE,
    EACH,
    ELEMENT,
    ITEM,
    LEAF,
    WHEN,
    Reading,
    Row,
    Site,
    Step,
    steps_below,
)

WRITTEN, EMPTY, FAILED, CLOSED = "written", "absent", "failed", "closed"
OPEN = "open"


@dataclass(frozen=True, slots=True)
class MappingLine:
    """One line of the mapping, put together. `state` is what became of it.

    `text` is the expression (or `$when: …`), `value` what it gave; `read` are the places of the
    source, `rows` those of tables, `target` the path with numbers. `links` are the lines of the
    source's pane that were read.
    """

    depth: int
    key: str
    text: str
    value: str = field(repr=False)
    state: str
    target: str
    position: Position
    read: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    reason: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Panes:
    """What a preview shows."""

    source: tuple[Filled, ...]
    mapping: tuple[MappingLine, ...]
    document: tuple[Line, ...]
    problems: tuple[Problem, ...]

    @property
    def unread(self) -> list[Filled]:
        """Filled, not looked at, and nobody said that this is meant."""
        return [one for one in self.source if not one.read and not one.exempt]


def panes(traced: Traced, source: object, result: Result, trace: Trace) -> Panes:
    """The panes of one run."""
    unmapped = [each.text for each in traced.compilation.document.unmapped]
    return Panes(
        tuple(filled(source, trace.readings, unmapped)),  # type: ignore[arg-type]  # a Source
        tuple(_Lines(traced.sites).of(trace)),
        tuple(written_lines(trace.written, result.problems)),
        result.problems,
    )


class _Lines:
    def __init__(self, sites: Sequence[Site]) -> None:
        self._below: dict[int, list[Site]] = {}
        for site in sites:
            if site.kind == ELEMENT:
                self._below.setdefault(id(site.parent), []).append(site)
        self._targets: dict[int, str] = {}

    def of(self, trace: Trace) -> Iterator[MappingLine]:
        self._targets = {id(leaf.step): leaf.target for leaf in trace.leaves}
        yield from self._inside(trace.step, None, 0)

    def _inside(self, step: Step, site: Site | None, depth: int) -> Iterator[MappingLine]:
        """Conditions and values of a step, then its elements; those never begun are closed."""
        steps = [one for one in step.below if isinstance(one, Step)]
        for one in steps:
            yield from self._own(one, depth)
        begun = {id(one.site): one for one in steps if one.site.kind == ELEMENT}
        for child in self._below.get(id(site), ()):
            found = begun.get(id(child))
            if found is None:
                yield _closed(child, depth)
            else:
                yield from self._element(found, depth)

    def _own(self, step: Step, depth: int) -> Iterator[MappingLine]:
        site = step.site
        if site.kind == LEAF:
            key = "$text" if site.node is not None and site.node.text is not None else "$value"
            yield _leaf(step, depth, key, self._targets.get(id(step), ""))
        elif site.kind == WHEN:
            yield _line(step, depth, "$when", _truth(step), OPEN if step.value is True else CLOSED)
        elif site.kind == EACH:
            count = "" if step.reason else f"{len(step.value)} found"
            yield _line(step, depth, "$each", count, OPEN if step.value else CLOSED)
        elif site.kind == CHOICE:
            whens = (one for one in step.below if isinstance(one, Step) and one.site.kind == WHEN)
            for one in whens:
                state = OPEN if one.value is True else CLOSED
                yield _line(one, depth, "- $when", _truth(one), state)

    def _element(self, step: Step, depth: int) -> Iterator[MappingLine]:
        leaf = _only_leaf(step)
        if leaf is not None:
            yield _leaf(leaf, depth, step.site.text, self._targets.get(id(leaf), step.site.target))
            return
        state = WRITTEN if step.value else EMPTY
        yield MappingLine(depth, step.site.text, "", "", state, "", step.site.position)
        items = [one for one in step.below if isinstance(one, Step) and one.site.kind == ITEM]
        if items:
            for one in step.below:
                if isinstance(one, Step) and one.site.kind == EACH:
                    yield from self._own(one, depth + 1)
        for number, one in enumerate(items or [step], 1):
            deeper = len(items) > 1
            if deeper:
                place = step.site.position
                yield MappingLine(depth + 1, f"[{number}]", "", "", state, "", place)
            yield from self._inside(one, step.site, depth + 1 + deeper)


def _only_leaf(step: Step) -> Step | None:
    """The leaf of an element that is nothing else."""
    steps = [one for one in step.below if isinstance(one, Step)]
    return steps[0] if len(steps) == 1 and steps[0].site.kind == LEAF else None


def _truth(step: Step) -> str:
    return {True: "true", False: "false"}.get(step.value, words.ABSENT)


def _leaf(step: Step, depth: int, key: str, target: str) -> MappingLine:
    value = "" if step.reason else words.value(step.value)
    state = FAILED if step.reason else EMPTY if value == words.ABSENT else WRITTEN
    return _line(step, depth, key, value, state, target)


def _line(
    step: Step, depth: int, key: str, value: str, state: str, target: str = ""
) -> MappingLine:
    below = list(steps_below(step))
    places = [one.location for one in below if isinstance(one, Reading)]
    rows = dict.fromkeys(
        f"{one.file}:{one.line}" for one in below if isinstance(one, Row) and one.line
    )
    return MappingLine(
        depth=depth,
        key=key,
        text=step.site.text,
        value=value,
        state=FAILED if step.reason else state,
        target=target,
        position=step.site.position,
        read=tuple(dict.fromkeys(map(words.place, places))),
        rows=tuple(rows),
        reason=step.reason,
        links=tuple(dict.fromkeys(map(words.repetition, places))),
    )


def _closed(site: Site, depth: int) -> MappingLine:
    node = site.node
    scalar = (node.value or node.text) if node else None
    text = scalar.text if scalar else ""
    return MappingLine(depth, site.text, text, "", CLOSED, "", site.position)


def as_tree(found: Panes) -> dict[str, Any]:
    """The panes for a program: lists of tables of texts."""
    return {
        "source": [
            {
                "path": one.path,
                "name": one.name,
                "text": "".join(part.text for part in one.parts),
                "read": one.read,
                "exempt": one.exempt,
            }
            for one in found.source
        ],
        "mapping": [_as_table(line) for line in found.mapping],
        "document": [
            {"target": line.target, "name": line.name, "text": line.text}
            for line in found.document
            if not line.missing
        ],
        "problems": [str(problem) for problem in found.problems],
    }


def _as_table(line: MappingLine) -> dict[str, Any]:
    table = asdict(line)
    table["position"] = str_of(line.position)
    return table


def str_of(position: Position) -> str:
    """`lib/nato.yaml:9:15`."""
    return f"{position.file}:{position.line}:{position.column}"

"""How one value came about, step by step: each part of the expression with what it gave.

What was evaluated once and asked for again is shown whole only the first time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.mapping.finding import Position
from gateway.mapping.seeing import words
from gateway.mapping.tracing import EXPRESSION, NAME, Reading, Row, Step


@dataclass(frozen=True, slots=True)
class Evaluated:
    """`text` is the part as written, or the name it stands for; `places` are those of the source
    it read itself, `rows` those of tables."""

    depth: int
    text: str
    position: Position
    value: str = field(repr=False)
    places: tuple[str, ...]
    rows: tuple[str, ...]
    reason: str


def evaluation(step: Step) -> list[Evaluated]:
    """Every step below, the outermost first."""
    return list(_below(step, 0, set()))


def _below(step: Step, depth: int, seen: set[int]) -> Iterator[Evaluated]:
    for one in step.below:
        if not isinstance(one, Step):
            continue
        if one.site.kind not in (EXPRESSION, NAME):
            yield from _below(one, depth, seen)
            continue
        first = id(one) not in seen
        seen.add(id(one))
        yield _line(one, depth)
        if first:
            yield from _below(one, depth + 1, seen)


def _line(step: Step, depth: int) -> Evaluated:
    site = step.site
    text = words.expression(site.tree) if site.tree is not None else f"{site.text} ="
    readings = [one for one in step.below if isinstance(one, Reading)]
    rows = [one for one in step.below if isinstance(one, Row)]
    return Evaluated(
        depth=depth,
        text=text,
        position=site.position,
        value="" if step.reason else words.value(step.value),
        places=tuple(dict.fromkeys(words.place(one.location) for one in readings)),
        rows=tuple(f"{one.file}:{one.line}" if one.line else f"{one.file}: no row" for one in rows),
        reason=step.reason,
    )

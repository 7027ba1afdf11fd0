"""What one run wrote into an element, against the element's content model.

The document goes on; the problem is told where the element's node stands in the mapping. The
validator would say the same of the finished document, and could not say where.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from gateway.mapping.content import Place
from gateway.mapping.meaning import Run
from gateway.mapping.particles import excluding, missing
from gateway.mapping.problem import ProblemKind
from gateway.mapping.shape import ElementShape

_MASKS: Final = 4096
ABSENT: Final = "required by the schema, and the message does not say it"


class Breach(NamedTuple):
    """One child that is not there, or is beside what excludes it."""

    name: str
    kind: ProblemKind
    reason: str


class ContentModel:
    """Tells what the schema asks of the children of one element and a message did not give.

    Children are told by a mask: the bit of each is its place in the schema's order.
    """

    def __init__(self, shape: ElementShape, place: Place, places: dict[str, Place]) -> None:
        order = {name: number for number, name in enumerate(shape.children)}
        always = missing(shape.content, frozenset())
        self.mask = sum(1 << order[name] for name in always if name in order)
        # Choices and optional groups ask for more once something of them is there.
        self.asks_more = shape.content.choice or any(part.parts for part in shape.content.parts)
        self._content = shape.content
        self._names = list(shape.children)
        self._place = place
        self._places = places
        self._breaches: dict[int, tuple[Breach, ...]] = {}

    def tell(self, run: Run, mask: int) -> None:
        """Keep a problem for each breach."""
        for name, kind, reason in self._of(mask):
            target = f"{self._place.target}/{name}" if self._place.target else name
            known = self._places.get(target, self._place)
            run.problems.append(replace(known, target=target).problem(kind, reason))

    def _of(self, mask: int) -> tuple[Breach, ...]:
        """Found once for each mask."""
        breaches = self._breaches.get(mask)
        if breaches is None:
            if len(self._breaches) > _MASKS:  # a hostile feed could show many
                self._breaches.clear()
            present = frozenset(name for at, name in enumerate(self._names) if mask >> at & 1)
            breaches = self._breaches[mask] = tuple(self._found(present))
        return breaches

    def _found(self, present: frozenset[str]) -> Iterator[Breach]:
        for name in missing(self._content, present):
            yield Breach(name, ProblemKind.REQUIRED, ABSENT)
        for one, other in excluding(self._content, present):
            reason = f"{one} is written too, and the schema allows one of them"
            yield Breach(other, ProblemKind.CHOICE, reason)

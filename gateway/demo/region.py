"""A region's births from a seed: every story once in a turn, in an order by chance, without end.

What a story needs beside its messages is told here, because not every deployment has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from gateway.demo.changes import CHANGES
from gateway.demo.families import BIRTHS
from gateway.demo.nursery import Due, Family, Nursery, Said

__all__ = ["ALONE", "STORIES", "Due", "Family", "Region", "Said"]

_STORIES: Final = {**BIRTHS, **CHANGES}
STORIES: Final = tuple(_STORIES)
"""The titles."""
_HELPED: Final = frozenset(
    {
        # A person decides.
        *("the late wish", "late declaration", "several candidates", "cancelled after sending"),
        # A sender of its own; an administration with a bad day.
        *("two feeds", "one code for two", "code issued already"),
    }
)
ALONE: Final = tuple(title for title in STORIES if title not in _HELPED)
"""Those that end well by their messages alone, whatever else is configured."""


class Region(Nursery):
    """Families without end, the same for the same seed."""

    def families(self, titles: Iterable[str] = STORIES) -> Iterator[Family]:
        """One after another: every story once, then again in another order."""
        stories = list(titles)
        while True:
            self.chance.shuffle(stories)
            yield from (self.family(title) for title in stories)

    def family(self, title: str) -> Family:
        """The next family with this story."""
        return _STORIES[title](self, title)

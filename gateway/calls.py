"""Calls on their way to partners and hospitals, so that a node that must go can hang up on them.

A call that was hung up on ends as one whose answer was lost, or, if nothing left yet, as one that
was not made: its own transport says which, and the journal hears it. Knows no transport.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

T = TypeVar("T")


class Calls:
    """One for the node."""

    def __init__(self) -> None:
        self._on_way: set[Deferred[Any]] = set()
        self._over = False

    async def end_of(self, call: Coroutine[Any, Any, T]) -> T:
        """Make a call, and give what came of it. Where all were hung up on, it does not get far."""
        on_way = Deferred.fromCoroutine(call)
        self._on_way.add(on_way)
        if self._over:
            on_way.cancel()
        try:
            return await on_way
        finally:
            self._on_way.discard(on_way)

    def hang_up(self) -> int:
        """Wait for no answer any more, now or later; gives for how many it was waited."""
        self._over, on_way = True, tuple(self._on_way)
        for each in on_way:
            each.cancel()
        return len(on_way)

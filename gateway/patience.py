"""How long a message waits for the journal before its hospital is told to keep it.

A full or slow disk is waited for: what came first is tried first, and nothing is acknowledged
meanwhile. When time is up, work that has not begun is taken back, so that what is refused is not
stored later; work that has begun is waited for, because it may be stored.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from gateway.bridge import Bridge
from gateway.errors import JournalError
from gateway.journal import Journal, Unit

T = TypeVar("T")


class Reminder(Protocol):
    """A call that is still to come."""

    def active(self) -> bool: ...
    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], Any]], Reminder]
"""Calls after so many seconds."""


class Patience:
    """Stores through `journal`, for at most `longest` per unit of work."""

    def __init__(self, journal: Journal, bridge: Bridge, later: Later, longest: timedelta) -> None:
        self._journal = journal
        self._bridge = bridge
        self._later = later
        self._longest = longest.total_seconds()

    async def store(self, work: Callable[[Unit], T]) -> T:
        """What `work` gave, after its commit; it must bear being done again.

        Raises JournalError when time is up.
        """
        future = self._journal.submit(work, endure=self._longest)
        overdue = self._later(self._longest, future.cancel)
        try:
            return await self._bridge(future)
        except CancelledError as error:
            raise JournalError("the journal does not keep up") from error
        finally:
            if overdue.active():
                overdue.cancel()

"""What this node knows of the pauses: for /health, for the metrics, and to go on without delay.

Nothing is held up here: every claim asks the journal itself. This only looks every half second,
so that what a person resumed goes at once, and that whoever watches the gateway sees the pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.task import LoopingCall

from gateway.errors import JournalError
from gateway.gates import Endpoint
from gateway.journal import Journal, PauseRow

EVERY: Final = 0.5
"""Seconds."""


class Pausing:
    """One for the node. `changed` hears of the pauses in force whenever they are others."""

    def __init__(
        self, reactor: Any, journal: Journal, changed: Callable[[Sequence[PauseRow]], None]
    ) -> None:
        self._journal = journal
        self._changed = changed
        self.in_force: tuple[PauseRow, ...] = ()
        self._looping = LoopingCall(self.look)
        self._looping.clock = reactor

    def start(self) -> None:
        """Look now, and from now on."""
        self._looping.start(EVERY, now=True).addErrback(lambda _: None)

    def stop(self) -> None:
        """Look no more."""
        if self._looping.running:
            self._looping.stop()

    def look(self) -> None:
        """Read them; while the journal cannot be read, what was known stands."""
        try:
            with self._journal.view() as view:
                found = tuple(view.pauses())
        except JournalError:
            return
        if found != self.in_force:
            self.in_force = found
            self._changed(found)

    def covers(self, endpoint: Endpoint) -> bool:
        """Whether nothing at all goes to this endpoint."""
        return any(row.scope.covers(*endpoint) for row in self.in_force)

    def health(self) -> list[dict[str, str]]:
        """What is paused and since when; a person's reason stays in the journal."""
        return [{"what": str(row.scope), "since": row.at.isoformat()} for row in self.in_force]

    def by_partner(self) -> dict[str, float]:
        """How many pauses are in force for each kind of partner; `step` counts those of steps."""
        counts: dict[str, float] = {}
        for row in self.in_force:
            name = row.scope.partner or "step"
            counts[name] = counts.get(name, 0) + 1
        return counts

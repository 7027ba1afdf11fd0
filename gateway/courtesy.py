"""How this node treats its partners: what each bears, who is asked whether it is back, what a
person has paused. Puts the three together, and tells the log and the metrics of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from gateway.destination import Echo
from gateway.gates import Gates
from gateway.journal import Journal, PauseRow
from gateway.outcomes import NotFound, Outcome
from gateway.partners import Directory, Entry
from gateway.pausing import Pausing
from gateway.probes import Probes
from gateway.telemetry import Log, Metrics


class Courtesy:
    """One for the node. `ceiling`: for how long at most an office is left alone at its wish."""

    def __init__(
        self,
        reactor: Any,
        journal: Journal,
        directory: Directory,
        echoes: Mapping[str, Echo],
        clock: Callable[[], datetime],
        ceiling: timedelta,
        log: Log,
        metrics: Metrics,
    ) -> None:
        self._log, self._metrics = log, metrics
        self._wake: Callable[[], None] | None = None
        self.gates = Gates(directory.entries, echoes, ceiling)
        self.pausing = Pausing(reactor, journal, self._pauses_changed)
        self._probes = Probes(
            reactor, self.gates, directory, echoes, clock, self.pausing.covers, self
        )

    def start(self, wake: Callable[[], None]) -> None:
        """Watch from now on; `wake` is called when something may go again."""
        self._wake = wake
        self.pausing.start()
        self._probes.start()

    def stop(self) -> None:
        """Watch no more."""
        self._probes.stop()
        self.pausing.stop()

    def echoed(self, entry: Entry, outcome: Outcome | NotFound, *, back: bool) -> None:
        """An office whose circuit is open was asked whether it is back (Told)."""
        self._metrics.echoed(entry.partner, type(outcome).__name__)
        if back:
            self._log("partner_back", partner=entry.partner, path=entry.code)
            self._go_on()

    def alarm(self, what: str, error: BaseException) -> None:
        """Something a person must hear of (Told)."""
        self._log("alarm", "error", path=what, error=type(error).__name__)

    def _pauses_changed(self, pauses: Sequence[PauseRow]) -> None:
        self._log("pauses", count=len(pauses))
        self._go_on()

    def _go_on(self) -> None:
        if self._wake is not None:
            self._wake()

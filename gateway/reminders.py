"""Looks now and then which terms end soon or have passed, and tells each of them once.

Reads in a thread of its own, so that no acknowledgment waits for it. Tells ids, names of terms and
counts; a new life of the gateway tells again what still stands so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from gateway.clocks import Standing, owing, today
from gateway.flow.definition import Flow
from gateway.journal import Journal
from gateway.telemetry import Log, Metrics

EVERY: Final = timedelta(minutes=10)
"""Terms are days; this is how late one may be told of."""

_LINES: Final = 20
"""Lines of the log at one look; all terms are in `icaro case overdue --near`."""

Reminder = tuple[str, str, Standing]
"""Id of a case, name of its term, how it stands."""


class Told(Protocol):
    """Who hears of terms."""

    def terms(self, standing: Mapping[Standing, int], fresh: Sequence[Reminder]) -> None:
        """How many terms stand how, and those that do so since the last look."""

    def alarm(self, what: str, error: BaseException) -> None:
        """It could not be looked."""


class Telling:
    """Tells them to the log, a bounded number at once, and to the metrics."""

    def __init__(self, log: Log, metrics: Metrics) -> None:
        self._log = log
        self._metrics = metrics

    def terms(self, standing: Mapping[Standing, int], fresh: Sequence[Reminder]) -> None:
        """A count for each standing, a line for each fresh one."""
        for each in Standing:
            self._metrics.terms(each, standing.get(each, 0))
        for case, term, stands in fresh[:_LINES]:
            self._log(f"term_{stands}", "warning", case=case, term=term)
        if len(fresh) > _LINES:
            self._log("terms_due", "warning", count=len(fresh))

    def alarm(self, what: str, error: BaseException) -> None:
        """A line."""
        self._log("alarm", "error", path=what, error=type(error).__name__)


class Reminders:
    """One for the node. `flow` gives the one in use, `clock` this machine's time."""

    def __init__(
        self,
        reactor: Any,  # IReactorTime and IReactorThreads, which mypy cannot read
        journal: Journal,
        flow: Callable[[], Flow],
        clock: Callable[[], datetime],
        told: Told,
    ) -> None:
        self._reactor = reactor
        self._journal = journal
        self._flow = flow
        self._clock = clock
        self._told = told
        self._known: frozenset[Reminder] = frozenset()
        self._loop = LoopingCall(self._tick)
        self._loop.clock = reactor

    def begin(self) -> None:
        """Look now, and from now on."""
        self._loop.start(EVERY.total_seconds(), now=True)

    def stop(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()

    async def look(self) -> None:
        """Once."""
        pool = self._reactor.getThreadPool()
        found = await deferToThreadPool(
            self._reactor, pool, self._standing, self._flow(), today(self._clock())
        )
        due = frozenset(each for each in found if each[2] is not Standing.RUNS)
        fresh = sorted(due - self._known)
        self._known = due
        self._told.terms(Counter(each[2] for each in found), fresh)

    def _standing(self, flow: Flow, on: date) -> list[Reminder]:
        with self._journal.view() as view:
            return [
                (each.row.id, term.name, term.standing)
                for each in owing(view, flow, on)
                for term in each.running
            ]

    def _tick(self) -> Deferred[None]:
        looked = Deferred.fromCoroutine(self.look())
        looked.addErrback(self._failed)
        return looked

    def _failed(self, failure: Failure) -> None:
        # The next look may succeed; a loop that ended silently would remind nobody.
        self._told.alarm("clocks", failure.value or RuntimeError())

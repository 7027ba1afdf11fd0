"""What a node does now and then for its journal: purge what retention lets go, keep the back-ups'
key ring in step with destroyed keys, give free pages back.

In a thread of the reactor's pool and in small units, so that no acknowledgment waits for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from gateway.config import Configuration
from gateway.errors import JournalError
from gateway.ground import keyring_of
from gateway.journal import Journal, Unit, View
from gateway.journal.retention import Rule
from gateway.journal.ring import Ring
from gateway.journal.vacuum import vacuum
from gateway.keeping import Retention

AT_ONCE = 50
"""Cases asked for together."""

Alarm = Callable[[str, BaseException], None]


def periods(retention: Retention) -> Mapping[Rule, timedelta]:
    """The rules that the configuration gives a period; the key of a case last."""
    given = {
        Rule.BODIES: retention.bodies,
        Rule.DOCUMENTS: retention.documents,
        Rule.REJECTS: retention.rejects,
        Rule.CASES: retention.cases,
    }
    return {rule: period for rule, period in given.items() if period is not None}


def purge(
    journal: Journal,
    retention: Retention,
    now: datetime,
    stopped: Callable[[], bool] = lambda: False,
) -> Counter[str]:
    """Purge all that is due, a case a unit; gives cases (or refused payloads) by rule.

    A birth that was kept for a person, and that nobody decided, counts as a case. Callbacks of no
    case are never more than so many, whatever the rules say.
    """
    done: Counter[str] = Counter()
    rules = periods(retention)
    if forgotten := _forget_strays(journal, rules.get(Rule.REJECTS), now):
        done[Rule.REJECTS] = forgotten
    for rule, period in rules.items():
        before, done[rule] = now - period, done[rule]
        if rule is Rule.REJECTS:
            done[rule] += journal.run(partial(Unit.purge_rejects, before=before))
            continue
        while not stopped() and (cases := _due(journal, rule, before)):
            for case in cases:
                # Its own unit: whoever waits for an acknowledgment waits for one case at most.
                journal.run(partial(Unit.purge, case_id=case, rule=rule, before=before))
            done[rule] += len(cases)
        if rule is Rule.CASES:
            done[rule] += journal.run(partial(Unit.purge_asides, before=before))
    return done


def due(journal: Journal, retention: Retention, now: datetime, limit: int) -> dict[str, int]:
    """How many cases (or refused payloads) each rule would purge now; changes nothing."""
    with journal.view() as view:
        return {
            str(rule): _count(view, rule, now - period, limit)
            for rule, period in periods(retention).items()
        }


def _count(view: View, rule: Rule, before: datetime, limit: int) -> int:
    if rule is Rule.REJECTS:
        return view.old_rejects(before) + len(view.strays_to_forget(before))
    cases = len(view.ended_cases(rule, before, limit=limit))
    return cases + view.old_asides(before) if rule is Rule.CASES else cases


def keep_ring(journal: Journal, ring: Ring) -> int:
    """Destroy in the ring what the journal destroyed; gives how many keys."""
    if not ring.path.exists():
        return 0
    with journal.view() as view:
        live = view.case_keys()
    return ring.destroy(live)


def _forget_strays(journal: Journal, period: timedelta | None, now: datetime) -> int:
    with journal.view() as view:
        strays = view.strays_to_forget(None if period is None else now - period)
    for start in range(0, len(strays), AT_ONCE):
        some = strays[start : start + AT_ONCE]
        journal.run(partial(Unit.forget_strays, ids=some))
    return len(strays)


def _due(journal: Journal, rule: Rule, before: datetime) -> list[str]:
    with journal.view() as view:
        return view.ended_cases(rule, before, limit=AT_ONCE)


class Upkeep:
    """One for the node; `begin` and `stop` on the reactor."""

    def __init__(
        self,
        reactor: Any,
        journal: Journal,
        configuration: Configuration,
        clock: Callable[[], datetime],
        alarm: Alarm,
    ) -> None:
        self._reactor = reactor
        self._journal = journal
        self._configuration = configuration
        self._clock = clock
        self._alarm = alarm
        self._stopped = False
        self._loop: LoopingCall | None = None
        self._running: Deferred[None] | None = None

    def begin(self) -> None:
        """Look now and then."""
        self._loop = LoopingCall(self._tick)
        self._loop.clock = self._reactor
        self._loop.start(self._configuration.retention.every.total_seconds(), now=False)

    async def stop(self) -> None:
        """Look no more; the case in hand is brought to its end."""
        self._stopped = True
        if self._loop is not None and self._loop.running:
            self._loop.stop()
        if self._running is not None:
            await self._running

    def work(self) -> None:
        """One round, in the caller's thread. Raises JournalError."""
        settings = self._configuration.journal
        done = purge(
            self._journal, self._configuration.retention, self._clock(), lambda: self._stopped
        )
        keep_ring(self._journal, Ring(settings.ring_file, keyring_of(self._configuration)))
        if done.total():
            vacuum(settings.url, full=False, tell=lambda done, in_all: None)

    def _tick(self) -> Deferred[None]:
        pool = self._reactor.getThreadPool()
        self._running = deferToThreadPool(self._reactor, pool, self.work)
        self._running.addErrback(self._failed)
        return self._running

    def _failed(self, failure: Failure) -> None:
        # It is tried again at the next round; what was purged so far stays purged.
        self._alarm("retention", failure.value or JournalError("retention"))

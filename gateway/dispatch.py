"""Looks for due work, respects what each partner bears, and has it worked off.

The loop of the second corridor: one claim at a time, many submissions under way. It is woken by
the intake, by an ended submission, and by the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from gateway.bridge import Bridge
from gateway.delivery import PATIENCE, Delivery
from gateway.destination import Claimed
from gateway.errors import GatewayError, JournalError, SigningError
from gateway.gates import Endpoint, Gates
from gateway.journal import Journal, SubmissionRow, Unit
from gateway.lifecycle import Status
from gateway.outcomes import NotFound, Outcome

SENDING = frozenset({Status.READY, Status.DEFERRED, Status.IN_DOUBT, Status.TAKEN})
WATCHED = (*SENDING, Status.WAITING)
"""A WAITING submission has a due time when an embargo holds it."""

GATHER = 0.02
"""Seconds between a wake-up and the look: what becomes ready together is claimed together."""

CHANNEL_PAUSE = timedelta(seconds=30)


class Watcher(Protocol):
    """Hears what happens: for log lines and metrics."""

    def ended(self, claimed: Claimed, outcome: Outcome | NotFound | None, seconds: float) -> None:
        """A submission's work ended."""

    def alarm(self, what: str, error: BaseException) -> None:
        """Something a person must hear of."""


class Dispatch:
    """`concurrency` submissions are prepared at once; claims are leased for `lease`.

    What waits for a partner's answer is bounded by that partner's gate alone: an endpoint that
    hangs holds no place that the others need.
    """

    def __init__(
        self,
        reactor: Any,  # IReactorTime, which mypy cannot read
        journal: Journal,
        delivery: Delivery,
        gates: Gates,
        bridge: Bridge,
        clock: Callable[[], datetime],
        watcher: Watcher,
        *,
        node: str,
        concurrency: int,
        lease: timedelta,
        poll: timedelta,
    ) -> None:
        self._reactor = reactor
        self._journal = journal
        self._delivery = delivery
        self._gates = gates
        self._bridge = bridge
        self._clock = clock
        self._watcher = watcher
        self._node = node
        self._concurrency = concurrency
        self._lease = lease
        self._poll = poll
        self._under_way = 0
        self._at_work: set[str] = set()
        self._looking = False
        self._look_again = False
        self._stopped = True
        self._paused_until: datetime | None = None
        self._reclaim_at: datetime | None = None
        self._alarm_clock: Any = None
        self._idle: list[Deferred[None]] = []
        self._looping = LoopingCall(self._tick)
        self._looping.clock = reactor

    async def start(self) -> int:
        """Settle what an earlier life of this node left on the wire, then begin. Gives how many."""
        recovered = await self._bridge(
            self._journal.submit(
                lambda unit: self._delivery.recover(unit, unit.reclaim_node(self._node))
            )
        )
        self._stopped = False
        self._looping.start(self._poll.total_seconds(), now=True).addErrback(lambda _: None)
        return recovered

    async def stop(self) -> None:
        """Claim nothing more, and let what is under way end."""
        self._stopped = True
        if self._looping.running:
            self._looping.stop()
        if self._alarm_clock is not None and self._alarm_clock.active():
            self._alarm_clock.cancel()
        if self._under_way or self._looking:
            done: Deferred[None] = Deferred()
            self._idle.append(done)
            await done

    @property
    def paused(self) -> bool:
        """True while no document can be signed."""
        return self._paused_until is not None and self._clock() < self._paused_until

    def wake(self) -> None:
        """There may be work: look, once, soon."""
        if self._looking:
            self._look_again = True
        elif not self._stopped and not self.paused:
            self._looking = True
            self._reactor.callLater(GATHER, self._start_look)

    def _tick(self) -> None:
        self.wake()

    def _start_look(self) -> None:
        Deferred.fromCoroutine(self._look()).addErrback(self._failed)

    async def _look(self) -> None:
        self._look_again = False
        try:
            room = min(self._concurrency - len(self._at_work), self._gates.free())
            found = await self._claim(room) if room > 0 and not self._stopped else []
        except JournalError as error:
            self._watcher.alarm("journal", error)
            found = []
        finally:
            self._looking = False
        for claimed in found:
            self._begin(claimed)
        if self._look_again or len(found) == room > 0:
            self.wake()
        self._come_back()
        self._tell_idle()

    async def _claim(self, room: int) -> list[Claimed]:
        now = self._clock()
        room_at = self._gates.room_at(now)
        wait = timedelta() if self._reclaim_at is None else self._reclaim_at - now
        # Longer than we ever wait: this machine's clock was put back. Leases are the database's.
        reclaims = not timedelta() < wait <= self._lease / 4
        if reclaims:
            self._reclaim_at = now + self._lease / 4

        def claim(unit: Unit) -> list[Claimed]:
            if reclaims:
                self._delivery.recover(unit, unit.reclaim_expired())
            rows = unit.claim(
                self._node, limit=room, lease=self._lease, room=room_at, statuses=WATCHED
            )
            return [found for row in rows if (found := self._read(unit, row)) is not None]

        return await self._bridge(self._journal.submit(claim, PATIENCE))

    def _read(self, unit: Unit, row: SubmissionRow) -> Claimed | None:
        """One that cannot be read must not keep the others: it stays claimed, and is told."""
        try:
            return self._delivery.claimed(unit, row)
        except GatewayError as error:
            self._watcher.alarm("delivery", error)
            return None

    def _come_back(self) -> None:
        """Look again when a rate or a circuit lets an endpoint be called, not only at the poll."""
        now = self._clock()
        at = self._gates.opens_at(now)
        if at is None or self._stopped or at - now >= self._poll:
            return
        if self._alarm_clock is None or not self._alarm_clock.active():
            seconds = max(0.001, (at - now).total_seconds())
            self._alarm_clock = self._reactor.callLater(seconds, self.wake)

    def _begin(self, claimed: Claimed) -> None:
        self._under_way += 1
        self._at_work.add(claimed.row.id)
        Deferred.fromCoroutine(self._work(claimed)).addErrback(self._failed)

    async def _work(self, claimed: Claimed) -> None:
        endpoint: Endpoint = (claimed.row.partner, claimed.row.endpoint)
        started = self._reactor.seconds()
        outcome: Outcome | NotFound | None = None
        sending = claimed.row.status in SENDING
        if sending:
            self._gates.enter(endpoint, self._clock())
        try:
            outcome = await self._delivery.work(claimed, lambda: self._on_the_wire(claimed))
        except SigningError as error:
            # Stop the channel, not the message: its lease ends and it is claimed again.
            self._paused_until = self._clock() + CHANNEL_PAUSE
            self._watcher.alarm("signing", error)
        except GatewayError as error:
            self._watcher.alarm("delivery", error)
        finally:
            self._under_way -= 1
            self._at_work.discard(claimed.row.id)
            if sending:
                self._gates.leave(endpoint, self._clock(), outcome)
        self._watcher.ended(claimed, outcome, self._reactor.seconds() - started)
        self.wake()
        self._tell_idle()

    def _on_the_wire(self, claimed: Claimed) -> None:
        was_full = len(self._at_work) >= self._concurrency
        self._at_work.discard(claimed.row.id)
        if was_full:
            self.wake()

    def _failed(self, failure: Failure) -> None:
        # The outermost: a loop that died silently would be worse than any error it could meet.
        self._watcher.alarm("dispatch", failure.value or RuntimeError())
        self._tell_idle()

    def _tell_idle(self) -> None:
        if not self._under_way and not self._looking:
            waiting, self._idle = self._idle, []
            for done in waiting:
                done.callback(None)

"""Brings application acknowledgments to hospitals in enhanced mode, over connections of ours.

Each hospital has its own row: one that is away delays nobody else. What was not surely told is
told again, with the same bytes, so that the hospital recognises it by its MSH-10.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import groupby
from typing import Any, Final, Literal

from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from gateway.bridge import Bridge
from gateway.errors import MessageRefused
from gateway.journal import Journal
from gateway.journal.tellings import Telling

Told = Literal["TOLD", "LATER", "REFUSED"]
Tell = Callable[[str, bytes], Awaitable[Told]]
"""Sender's name and acknowledgment; TOLD only if the hospital surely has it."""
Alarm = Callable[[str, BaseException], None]

MOST: Final = 10
"""Of one sender in one round."""
LEASE: Final = timedelta(minutes=6)
"""Longer than a round of one sender: ten answers that are waited for, 30 s each."""
POLL: Final = 2.0
"""Seconds after which it looks again."""
FIRST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(minutes=5)
LONGEST_LIFE: Final = timedelta(days=9)


def wait_after(tries: int) -> timedelta:
    """How long until the next try, after so many."""
    doubled: timedelta = FIRST_WAIT * 2 ** min(max(tries - 1, 0), 10)
    return min(LONGEST_WAIT, doubled)


class Courier:
    """One for the node. `wake` begins a round; rounds do not overlap."""

    def __init__(
        self, reactor: Any, journal: Journal, bridge: Bridge, tell: Tell, alarm: Alarm
    ) -> None:
        self._reactor = reactor
        self._journal = journal
        self._bridge = bridge
        self._tell = tell
        self._alarm = alarm
        self._round: Deferred[None] | None = None
        self._again = False
        self._stopped = False
        self._timer: Any = None

    async def start(self) -> None:
        """What an earlier life of this node had begun to tell is told first."""
        await self._bridge(self._journal.submit(lambda unit: unit.recover_tellings()))
        self.wake()

    def wake(self) -> None:
        """There may be something to tell."""
        if self._round is not None or self._stopped:
            self._again = True
            return
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._again = False
        self._round = Deferred.fromCoroutine(self._rounds())
        self._round.addErrback(self._failed).addBoth(self._rest)

    async def stop(self) -> None:
        """After the round that runs; what it did not tell waits in the journal."""
        self._stopped = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._round is not None:
            ended: Deferred[None] = Deferred()
            self._round.addBoth(lambda _: ended.callback(None))
            await ended

    def _failed(self, failure: Failure) -> None:
        self._alarm("application_acks", failure.value or RuntimeError())

    def _rest(self, _: object) -> None:
        self._round = None
        if self._stopped:
            return
        self._timer = self._reactor.callLater(0 if self._again else POLL, self.wake)

    async def _rounds(self) -> None:
        with self._journal.view() as view:  # most of the time there is nothing
            if not view.has_tellings():
                return
        taking = self._journal.submit(lambda unit: unit.take_tellings(LEASE, MOST))
        taken = await self._bridge(taking)
        by_sender = groupby(sorted(taken, key=lambda each: each.sender), lambda each: each.sender)
        rows = [Deferred.fromCoroutine(self._row(list(row))) for _, row in by_sender]
        self._again = self._again or bool(rows)
        for went_well, ended in await DeferredList(rows, consumeErrors=True):
            if not went_well and isinstance(ended, Failure):
                self._failed(ended)

    async def _row(self, row: list[Telling]) -> None:
        """One sender's, in order, until one must wait; then those behind it wait too."""
        told: list[str] = []
        while row and not self._stopped:
            first = row[0]
            outcome = await self._tell(first.sender, first.payload)
            if outcome == "TOLD":
                told.append(row.pop(0).id)
                continue
            if outcome == "LATER" and not self._too_old(first):
                break
            await self._give_up(row.pop(0))
        wait = timedelta(0) if self._stopped or not row else wait_after(row[0].tries + 1)
        waiting = [each.id for each in row]
        if told:
            await self._bridge(self._journal.submit(lambda unit: unit.told(told)))
        if waiting:
            await self._bridge(self._journal.submit(lambda unit: unit.tell_again(waiting, wait)))

    def _too_old(self, telling: Telling) -> bool:
        return telling.due_at - telling.created_at > LONGEST_LIFE

    async def _give_up(self, telling: Telling) -> None:
        giving_up = self._journal.submit(lambda unit: unit.give_telling_up(telling.id))
        await self._bridge(giving_up)
        self._alarm("application_acks", MessageRefused("an application acknowledgment", code=207))

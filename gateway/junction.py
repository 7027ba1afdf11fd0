"""Joins the journal's writer, a thread, and the corridors, which live on the reactor.

Units of work run on the reactor, between two events; only the waiting for the disk is in the
writer's thread. Nothing here knows what a unit does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

T = TypeVar("T")


class Junction:
    """One for the node. `bridge` is a `Bridge`, `host` a journal's `Host`."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._settled: deque[tuple[Deferred[Any], Future[Any]]] = deque()
        # The writer settles futures, and the reactor those that it takes back.
        self._settling = Lock()

    def bridge(self, future: Future[T]) -> Awaitable[T]:
        """A future of the journal's writer thread, awaitable on the reactor."""
        awaited: Deferred[T] = Deferred()

        def settled(done: Future[T]) -> None:
            # One wake-up of the reactor for a whole group of units, not one each.
            with self._settling:
                self._settled.append((awaited, done))
                first = len(self._settled) == 1
            if first:
                self._reactor.callFromThread(self._hand_over)

        future.add_done_callback(settled)
        return awaited

    def host(self, work: Callable[[], None]) -> None:
        """Run a group's units on the reactor; called in the writer's thread, which waits."""
        done, failed = Lock(), list[BaseException]()
        done.acquire()

        def here() -> None:
            try:
                work()
            except BaseException as error:
                failed.append(error)
            done.release()

        self._reactor.callFromThread(here)
        done.acquire()
        if failed:
            raise failed[0]

    def _hand_over(self) -> None:
        while self._settled:
            awaited, done = self._settled[0]
            try:
                result = done.result()
            except BaseException as error:
                awaited.errback(error)
            else:
                awaited.callback(result)
            self._settled.popleft()

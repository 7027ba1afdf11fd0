"""Cuts connections on which a server has not answered in time: a frozen one never hangs up.

Only the client can tell: TCP says that all is well while the machine or the process behind it is
stopped. Who waits on a cut connection gets the driver's own error, as if the server had died.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

TICK = 0.25
"""Seconds between two looks at the deadlines."""


class Rounds:
    """Calls `work` every so many seconds in a thread of its own, until `stop`."""

    def __init__(self, name: str, seconds: float, work: Callable[[], None]) -> None:
        self._seconds = seconds
        self._work = work
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; a second call does nothing."""
        if not self._thread.ident:
            self._thread.start()

    def stop(self) -> None:
        """Call no more. What is under way ends by itself."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            self._work()


class Watch:
    """Deadlines of connections (psycopg's), by the socket they wait on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deadlines: dict[int, float] = {}
        self._rounds = Rounds("journal-watch", TICK, self._cut_overdue)

    @contextlib.contextmanager
    def within(self, seconds: float, driver: Any) -> Iterator[None]:
        """Cut the connection if what is inside lasts longer; it must not be closed there."""
        self._rounds.start()
        place = int(driver.pgconn.socket)
        with self._lock:
            self._deadlines[place] = time.monotonic() + seconds
        try:
            yield
        finally:
            with self._lock:
                self._deadlines.pop(place, None)

    def stop(self) -> None:
        """Cut no more."""
        self._rounds.stop()

    def _cut_overdue(self) -> None:
        now = time.monotonic()
        with self._lock:  # held, so that the socket cannot become another connection's meanwhile
            for place in [each for each, at in self._deadlines.items() if at < now]:
                del self._deadlines[place]
                _cut(place)


def _cut(place: int) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(place)) as doomed:
        doomed.shutdown(socket.SHUT_RDWR)

"""Tells the other nodes at once that there may be work, and hears when they tell it.

LISTEN and NOTIFY on a connection of its own, after the commit: a NOTIFY inside it would make the
nodes' commits wait for each other. Promptness and nothing more: what is not heard, the poll finds.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from select import POLLIN, poll
from typing import Any

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import JournalError
from gateway.journal.servers import ANSWER_SECONDS
from gateway.journal.watch import Watch

CHANNEL = "icaro_work"
SILENCE = 10.0
"""Seconds after which it asks whether the server is still there."""
PAUSE = 1.0
"""Seconds until it looks for a server again."""
GATHER = 0.02
"""Seconds in which many commits are one ring."""

_RING = "SELECT pg_notify(%(channel)s, %(node)s)"
_PREPARE = ("SET synchronous_commit = off", f"LISTEN {CHANNEL}")
"""A ring writes nothing that could be lost, and waits for no standby."""

_AWAY = (psycopg.Error, SQLAlchemyError, JournalError, OSError)

Dial = Callable[[], contextlib.AbstractContextManager[Any]]
"""Opens a psycopg connection to the primary, and closes it."""


class Bell:
    """One node's. `heard` is called in the bell's thread."""

    def __init__(self, dial: Dial, watch: Watch, node: str, heard: Callable[[], None]) -> None:
        self._dial = dial
        self._watch = watch
        self._node = node
        self._heard = heard
        self._closing = threading.Event()
        self._news = False
        self._asked, self._ask = os.pipe()
        os.set_blocking(self._ask, False)
        self._thread = threading.Thread(target=self._run, name="journal-bell", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def ring(self) -> None:
        """There may be work for another node. Returns at once, in any thread."""
        with contextlib.suppress(BlockingIOError):  # full: it will ring anyway
            os.write(self._ask, b"!")

    def close(self) -> None:
        """Listen no more."""
        self._closing.set()
        self.ring()
        self._thread.join()
        os.close(self._ask)
        os.close(self._asked)

    def _run(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(*_AWAY), self._dial() as line:
                self._attend(line)
            self._closing.wait(PAUSE)

    def _attend(self, line: Any) -> None:
        line.autocommit = True
        line.add_notify_handler(self._noted)
        for setting in _PREPARE:
            line.execute(setting)
        self._heard()  # what was told while nobody listened
        ready = poll()
        ready.register(line.fileno(), POLLIN)
        ready.register(self._asked, POLLIN)
        while not self._closing.is_set():
            places = [place for place, _ in ready.poll(1000 * SILENCE)]
            self._closing.wait(GATHER)
            with self._watch.within(ANSWER_SECONDS, line):
                self._exchange(line, rings=self._asked in places)
            if self._news:
                self._news = False
                self._heard()

    def _exchange(self, line: Any, *, rings: bool) -> None:
        """Ring if asked to; whatever is asked, what others told comes with the answer."""
        if not rings:
            line.execute("SELECT 1")
            return
        os.read(self._asked, 65536)
        line.execute(_RING, {"channel": CHANNEL, "node": self._node})

    def _noted(self, notice: psycopg.Notify) -> None:
        self._news = self._news or notice.payload != self._node

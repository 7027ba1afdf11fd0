"""The lines of a hospital: children are born, and threads tell the gateway of them, one each.

What a line says of a child, and to whom, is whoever makes the lines.
"""

from __future__ import annotations

import queue
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from gateway.demo.people import Child
from tests.journey.theatre import newborn

Line = Callable[[Iterator[Child]], None]
"""Tells of each child that comes to it, until none comes any more."""


class Lines:
    """What is born goes to the next line that is free. `sent`: how often each control id left."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.sent: Counter[str] = Counter()
        self._births: queue.SimpleQueue[Child | None] = queue.SimpleQueue()
        self._lines: list[Future[None]] = []

    def open(self, lines: Sequence[Line]) -> None:
        """Begin to work."""
        self._pool = ThreadPoolExecutor(len(lines))
        self._lines = [self._pool.submit(line, iter(self._births.get, None)) for line in lines]

    def births(self, number: int) -> None:
        """So many children are born."""
        for _ in range(number):
            self.children.append(newborn())
            self._births.put(self.children[-1])

    def close(self, patience: float = 180.0) -> None:
        """Send what waits, and hang up; raises what a line met."""
        self._end()
        for line in self._lines:
            line.result(patience)
        self._pool.shutdown()

    def leave(self) -> None:
        """Hang up, whatever the lines met."""
        self._end()
        self._pool.shutdown()

    def _end(self) -> None:
        for _ in self._lines:
            self._births.put(None)

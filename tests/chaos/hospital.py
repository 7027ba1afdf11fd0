"""A hospital that forgets a message only when it read its acknowledgment, and keeps a book.

The book (`hospital/book.jsonl`) is on the disk before a message leaves: what is due of each child,
what was sent, what was acknowledged and when. The checker believes the hospital nothing else.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gateway.demo.hospital import Feed, read
from gateway.demo.region import Family, Said


class Book:
    """One line a fact, with the time in seconds since 1970."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()

    def write(self, what: str, **more: Any) -> None:
        """Add a line."""
        line = json.dumps({"at": time.time(), "what": what, **more})
        with self._lock, self.path.open("a") as file:
            file.write(line + "\n")


class Hospital:
    """Sends families over a few lines at once, each family's messages in their order."""

    def __init__(self, port: int, folder: Path, *, lines: int = 4, patience: float = 3.0) -> None:
        self.book = Book(folder / "hospital" / "book.jsonl")
        self._port, self._patience = port, patience
        self._families: queue.SimpleQueue[Family | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(lines)
        self._lines: list[Future[None]] = [self._pool.submit(self._line) for _ in range(lines)]

    @property
    def waiting(self) -> int:
        """How many families wait for a line."""
        return self._families.qsize()

    def send(self, family: Family) -> None:
        """Take a family in."""
        said = [said.control_id for said in family.messages]
        dues = [due.plain() for due in family.dues]
        self.book.write("family", title=family.title, dues=dues, messages=said)
        self._families.put(family)

    def close(self, seconds: float) -> None:
        """Send what waits, for so long at most, and hang up; raises what a line met."""
        for _ in self._lines:
            self._families.put(None)
        timer = threading.Timer(seconds, self._stopped.set)
        timer.start()
        for line in self._lines:
            line.result(seconds + 30)
        timer.cancel()
        self._pool.shutdown()

    def leave(self) -> None:
        """The run is over, however it ended: hang up, and say nothing more."""
        self._stopped.set()
        for _ in self._lines:
            self._families.put(None)
        self._pool.shutdown()

    def _line(self) -> None:
        feed = Feed(self._port, timeout=self._patience)
        try:
            while family := self._families.get():
                if not all(self._say(feed, said) for said in family.messages):
                    return
        finally:
            feed.close()

    def _say(self, feed: Feed, said: Said) -> bool:
        """Until it is acknowledged; False when the time is over."""
        self._stopped.wait(said.pause)
        while not self._stopped.is_set():
            self.book.write("sent", control_id=said.control_id, birth=said.birth)
            reply = read(feed.raw(_block(said.payload)))
            if reply is not None and reply.code == "AA":
                self.book.write("acknowledged", control_id=said.control_id)
                return True
            if reply is not None:
                self.book.write("refused", control_id=said.control_id, code=reply.code)
            self._stopped.wait(0.3)
        return False


def _block(payload: bytes) -> bytes:
    return b"\x0b" + payload + b"\x1c\r"

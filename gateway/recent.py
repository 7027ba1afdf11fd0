"""What was found a moment ago: kept for a while and up to a number, then forgotten by itself."""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

KEPT: Final = 30.0
"""Seconds: a birth is looked at many times while its steps go on, and then for days not at all."""
MOST: Final = 512


class Recent(Generic[K, V]):
    """Values by key. Each is forgotten `kept` seconds after it came, the oldest first if there are
    more than `most`.
    """

    def __init__(self, kept: float = KEPT, most: int = MOST) -> None:
        self._kept, self._most = kept, most
        # A unit may run in the journal's thread while a view is read on the reactor.
        self._lock = Lock()
        self._found: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def get(self, key: K) -> V | None:
        """The value, if it came a moment ago."""
        found = self._found.get(key)
        return None if found is None else found[1]

    def put(self, key: K, value: V) -> V:
        """Keep it, and forget what is old. Gives the value back."""
        now = time.monotonic()
        with self._lock:
            self._found.pop(key, None)
            self._found[key] = (now, value)
            while self._is_full(now):
                self._found.popitem(last=False)
        return value

    def _is_full(self, now: float) -> bool:
        oldest, _ = next(iter(self._found.values()))
        return oldest < now - self._kept or len(self._found) > self._most

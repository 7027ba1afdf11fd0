"""Feeds that fell silent: a hospital that sends nothing for longer than it ever should.

Time runs from the start of this node, so that a start is no alarm; a message that another node took
counts too. Looks, and tells once when a feed falls silent and once when it is heard again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from twisted.internet.task import LoopingCall

from gateway.config import Sender
from gateway.errors import JournalError
from gateway.journal import Journal

EVERY = timedelta(seconds=30)
"""How often it looks, at most; a feed with a shorter time is looked at four times in it."""

_OVERLAP = timedelta(seconds=5)
"""What another node is still committing while we look is seen at the next look."""


class Silence:
    """Watches the senders that have a `silence:`."""

    def __init__(
        self,
        senders: Iterable[Sender],
        journal: Journal,
        clock: Callable[[], datetime],
        log: Callable[..., None],
    ) -> None:
        self._limits = {each.name: each.silence for each in senders if each.silence is not None}
        self._journal, self._clock, self._log = journal, clock, log
        self._heard = dict.fromkeys(self._limits, clock())
        self._looked = clock()
        self._silent: set[str] = set()
        self._looping = LoopingCall(self.look)

    def begin(self, reactor: Any) -> None:
        """Look from now on, if there is anything to look at."""
        if self.every is not None:
            self._looping.clock = reactor
            self._looping.start(self.every.total_seconds(), now=False)

    def stop(self) -> None:
        """Look no more."""
        if self._looping.running:
            self._looping.stop()

    @property
    def every(self) -> timedelta | None:
        """How often to look; None: no feed is watched."""
        shortest = min(self._limits.values(), default=None)
        return None if shortest is None else min(EVERY, shortest / 4)

    def heard(self, sender: str) -> None:
        """A message of this sender came, whatever became of it."""
        if sender in self._heard:
            self._heard[sender] = self._clock()

    def look(self) -> None:
        """Compare, and tell what changed."""
        now = self._clock()
        # Where the journal cannot be read, /health says so; what other nodes heard is asked later.
        with suppress(JournalError):
            self._ask_others()
            self._looked = now
        silent = {name for name in self._limits if now - self._heard[name] > self._limits[name]}
        for name in sorted(silent - self._silent):
            seconds = round((now - self._heard[name]).total_seconds())
            self._log("alarm", "error", path="silence", sender=name, seconds=seconds)
        for name in sorted(self._silent - silent):
            self._log("heard_again", sender=name)
        self._silent = silent

    def seconds(self) -> Mapping[str, float]:
        """How long each watched feed has been silent; 0 while it is not too long."""
        now = self._clock()
        return {
            name: (now - self._heard[name]).total_seconds() if name in self._silent else 0.0
            for name in self._limits
        }

    def note(self) -> Mapping[str, str]:
        """For /health: the feeds that are silent. It is not the gateway's own health."""
        return {
            name: f"silent for {seconds:.0f} s"
            for name, seconds in self.seconds().items()
            if seconds
        }

    def _ask_others(self) -> None:
        quiet = [name for name in self._limits if self._heard[name] < self._looked]
        if not quiet:
            return
        with self._journal.view() as view:
            for name in quiet:
                at = view.heard_since(name, self._looked - _OVERLAP)
                self._heard[name] = max(self._heard[name], at or self._heard[name])

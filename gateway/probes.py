"""Asks an office whose circuit is open whether it is back, by its service's `echo`.

No document of a birth is spent on finding out. The gates say who is to be asked, and when; a person
who has paused an office stops its questions too. An echo changes nothing, so it is no evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from gateway.destination import Echo
from gateway.gates import Endpoint, Gates
from gateway.outcomes import NotFound, Outcome
from gateway.partners import Directory, Entry

EVERY: Final = 0.25
"""Seconds between two looks at the gates."""


class Told(Protocol):
    """Who hears of echoes."""

    def echoed(self, entry: Entry, outcome: Outcome | NotFound, *, back: bool) -> None:
        """An office was asked; `back`: documents go to it again."""

    def alarm(self, what: str, error: BaseException) -> None:
        """Something a person must hear of."""


class Probes:
    """One for the node. `echoes` are by kind of partner."""

    def __init__(
        self,
        reactor: Any,
        gates: Gates,
        directory: Directory,
        echoes: Mapping[str, Echo],
        clock: Callable[[], datetime],
        is_paused: Callable[[Endpoint], bool],
        told: Told,
    ) -> None:
        self._gates = gates
        self._directory = directory
        self._echoes = echoes
        self._clock = clock
        self._is_paused = is_paused
        self._told = told
        self._looping = LoopingCall(self.look)
        self._looping.clock = reactor

    def start(self) -> None:
        """Look from now on."""
        self._looping.start(EVERY, now=False).addErrback(self._failed)

    def stop(self) -> None:
        """Ask nobody any more."""
        if self._looping.running:
            self._looping.stop()

    def look(self) -> None:
        """Ask everybody whose time has come; nobody waits for anybody."""
        for endpoint in self._gates.want_echo(self._clock()):
            entry = self._directory.entry(*endpoint)
            if entry is not None and not self._is_paused(endpoint):
                self._gates.enter(endpoint, self._clock())
                Deferred.fromCoroutine(self._ask(entry)).addErrback(self._failed)

    async def _ask(self, entry: Entry) -> None:
        endpoint = (entry.partner, entry.code)
        outcome: Outcome | NotFound | None = None
        try:
            outcome = await self._echoes[entry.partner].echo(entry)
        finally:
            self._gates.leave(endpoint, self._clock(), outcome)
        self._told.echoed(entry, outcome, back=endpoint not in self._gates.open_circuits())

    def _failed(self, failure: Failure) -> None:
        self._told.alarm("echo", failure.value or RuntimeError())

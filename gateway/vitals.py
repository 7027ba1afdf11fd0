"""How well the node is: what /health checks, and the figures that /metrics asks for when read.

Reads only. Green means that the gateway can do its job: store, sign, and reach its queue.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from math import nan
from time import monotonic

from gateway.bridge import Bridge
from gateway.connections import Connections
from gateway.courtesy import Courtesy
from gateway.dispatch import Dispatch
from gateway.errors import JournalError
from gateway.journal import Journal, View
from gateway.lifecycle import DONE, Status
from gateway.telemetry import Metrics

Check = Callable[[], Awaitable[str | None]]
"""None if all is well, else why not."""

OPEN = frozenset(Status) - DONE
SELDOM = 1000
"""Documents that are done grow in number for ever: they are counted again after so many times
as long as the last count took."""


class Vitals:
    """One for the node."""

    def __init__(
        self,
        journal: Journal,
        connections: Connections,
        dispatch: Dispatch,
        courtesy: Courtesy,
        clock: Callable[[], datetime],
        node: str,
        bridge: Bridge,
    ) -> None:
        self._journal = journal
        self._connections = connections
        self._dispatch = dispatch
        self._courtesy = courtesy
        self._clock = clock
        self._node = node
        self._bridge = bridge
        self._done: dict[Status, int] = {}
        self._count_again = 0.0

    def checks(self) -> dict[str, Check]:
        """What must be well, by the name that /health shows."""
        return {
            "store": self._store,
            "sign": self._sign,
            "queue": self._queue,
            "node": self._works,
        }

    def tell(self, metrics: Metrics) -> None:
        """Let `metrics` ask here whenever somebody reads them."""
        metrics.ask(
            evidence=self._evidence_age,
            queue=self._queue_age,
            circuits=lambda: len(self._courtesy.gates.open_circuits()),
            certificates=self._connections.days_left,
            submissions=self._submissions,
            pauses=self._courtesy.pausing.by_partner,
        )

    async def _store(self) -> str | None:
        health = self._journal.health()
        return None if health.healthy else health.error or "the journal cannot be written"

    async def _sign(self) -> str | None:
        if self._dispatch.paused:
            return "documents cannot be signed"
        ended = [name for name, days in self._connections.days_left().items() if days <= 0]
        return f"expired: {', '.join(ended)}" if ended else None

    async def _queue(self) -> str | None:
        # In the writer's thread: a database that is frozen must not freeze this loop too.
        await self._bridge(self._journal.submit(lambda unit: unit.next_due()))
        return None

    async def _works(self) -> str | None:
        """Red while drained: a balancer sends its messages to another node."""
        node = self._node
        drained = await self._bridge(self._journal.submit(lambda unit: unit.drained_at(node)))
        return f"drained since {drained:%Y-%m-%dT%H:%M:%SZ}" if drained else None

    def _evidence_age(self) -> float:
        return self._journal.health().checkpoint_age or 0.0

    def _queue_age(self) -> float:
        if not self._journal.health().healthy:
            return nan
        try:
            with self._journal.view() as view:
                due = view.next_due()
        except JournalError:  # /health says so; the other figures are still wanted
            return nan
        return max(0.0, (self._clock() - due).total_seconds()) if due else 0.0

    def _submissions(self) -> dict[str, float]:
        if not self._journal.health().healthy:
            return {}
        try:
            with self._journal.view() as view:
                counts = view.counts_by_status(OPEN) | self._settled(view)
        except JournalError:
            return {}
        return {status.value: counts.get(status, 0) for status in Status}

    def _settled(self, view: View) -> dict[Status, int]:
        began = monotonic()
        if began >= self._count_again:
            self._done = view.counts_by_status(DONE)
            ended = monotonic()
            self._count_again = ended + SELDOM * (ended - began)
        return self._done

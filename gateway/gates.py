"""How many calls each endpoint bears at once, how fast, and whether it may be called at all.

Pure: the clock is an argument. One gate per entry of the partner directory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.outcomes import NotFound, Outcome, Unavailable, Unknown
from gateway.partners import Entry
from gateway.retry import Circuit

Endpoint = tuple[str, str]


@dataclass(slots=True)
class Gate:
    """One endpoint's calls under way, its circuit, and how many calls its rate allows now.

    The rate is a token bucket that holds as many tokens as calls may be under way.
    """

    concurrency: int
    rate: float
    circuit: Circuit
    tokens: float
    inside: int = 0
    filled_at: datetime | None = None

    def room(self, now: datetime) -> int:
        """How many more calls may start now; one where the circuit tries whether it may close."""
        self._fill(now)
        if not self.circuit.allows(now):
            return 0
        free = min(self.concurrency - self.inside, int(self.tokens))
        return min(free, 1) if self.circuit.opened_at else free

    def opens_at(self, now: datetime) -> datetime | None:
        """When a gate that time alone will open does so; None if it is open or full."""
        if self.inside >= self.concurrency:
            return None
        circuit = self.circuit.opens_at()
        if circuit is not None and now < circuit:
            return circuit
        lacking = 1 - self.tokens
        return now + timedelta(seconds=lacking / self.rate) if lacking > 0 else None

    def _fill(self, now: datetime) -> None:
        if self.filled_at is not None:
            gained = (now - self.filled_at).total_seconds() * self.rate
            self.tokens = min(float(self.concurrency), self.tokens + max(0.0, gained))
        self.filled_at = now


class Gates:
    """All of them; an endpoint that is not in the directory has none and is always open."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._gates = {(entry.partner, entry.code): _gate(entry) for entry in entries}

    def room_at(self, now: datetime) -> dict[Endpoint, int]:
        """How many more calls each endpoint may take now."""
        return {endpoint: gate.room(now) for endpoint, gate in self._gates.items()}

    def opens_at(self, now: datetime) -> datetime | None:
        """When the next gate opens by itself, if one does."""
        times = [at for gate in self._gates.values() if (at := gate.opens_at(now)) is not None]
        return min(times, default=None)

    def enter(self, endpoint: Endpoint, now: datetime) -> None:
        """A call starts."""
        gate = self._gates.get(endpoint)
        if gate is not None:
            gate.inside += 1
            gate.tokens -= 1
            gate.circuit = gate.circuit.called()

    def leave(self, endpoint: Endpoint, now: datetime, outcome: Outcome | NotFound | None) -> None:
        """It ended. None: nothing was sent, so nothing is known of the endpoint."""
        gate = self._gates.get(endpoint)
        if gate is None:
            return
        gate.inside -= 1
        match outcome:
            case None:
                gate.circuit = gate.circuit.released()
            case Unavailable() | Unknown():
                gate.circuit = gate.circuit.failed(now)
            case _:
                gate.circuit = gate.circuit.succeeded()

    def open_circuits(self) -> list[Endpoint]:
        """For /health and the operator."""
        return [endpoint for endpoint, gate in self._gates.items() if gate.circuit.opened_at]


def _gate(entry: Entry) -> Gate:
    return Gate(
        concurrency=entry.concurrency,
        rate=entry.rate,
        circuit=Circuit(limit=entry.circuit.failures, pause=entry.circuit.pause),
        tokens=float(entry.concurrency),
    )

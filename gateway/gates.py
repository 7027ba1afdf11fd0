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
    """One endpoint's calls under way, its circuit, and when the next call may start."""

    concurrency: int
    spacing: timedelta
    circuit: Circuit
    inside: int = 0
    next_at: datetime | None = None

    def room(self, now: datetime) -> int:
        """How many more calls may start now; one where the circuit tries whether it may close."""
        early = self.next_at is not None and now < self.next_at
        if early or not self.circuit.allows(now):
            return 0
        free = self.concurrency - self.inside
        return min(free, 1) if self.circuit.opened_at else free


class Gates:
    """All of them; an endpoint that is not in the directory has none and is always open."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._gates = {(entry.partner, entry.code): _gate(entry) for entry in entries}

    def room_at(self, now: datetime) -> dict[Endpoint, int]:
        """How many more calls each endpoint may take now."""
        return {endpoint: gate.room(now) for endpoint, gate in self._gates.items()}

    def enter(self, endpoint: Endpoint, now: datetime) -> None:
        """A call starts."""
        gate = self._gates.get(endpoint)
        if gate is not None:
            gate.inside += 1
            gate.next_at = now + gate.spacing
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
        spacing=timedelta(seconds=1 / entry.rate),
        circuit=Circuit(limit=entry.circuit.failures, pause=entry.circuit.pause),
    )

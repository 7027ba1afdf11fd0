"""How many calls each endpoint bears at once, how fast, and whether it may be called at all.

Pure: the clock is an argument. One gate per entry of the partner directory. All of them together
bear `MOST` calls, and those that do not answer never more than half of that: whoever is slow
takes nothing from the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Final

from gateway.opening import ALWAYS, Opening
from gateway.outcomes import NotFound, Outcome, Unavailable, Unknown
from gateway.partners import Entry
from gateway.retry import Circuit

Endpoint = tuple[str, str]

MOST: Final = 512
"""Calls under way at once, of all endpoints: each is a connection and an envelope in memory."""
LONGEST: Final = timedelta(minutes=30)
"""For which an endpoint is left alone at its own wish, unless told otherwise."""
SILENCE: Final = timedelta(seconds=1)
"""An endpoint that has been called and has said nothing for so long is one that does not answer."""


@dataclass(slots=True)
class Gate:
    """One endpoint's calls under way, its circuit, and how many calls its rate allows now.

    The rate is a token bucket that holds as many tokens as calls may be under way.
    """

    concurrency: int
    rate: float
    circuit: Circuit
    tokens: float
    opening: Opening = ALWAYS
    echoes: bool = False
    inside: int = 0
    filled_at: datetime | None = None
    heard_at: datetime | None = None
    not_before: datetime | None = None
    is_open: bool = True
    turns_at: datetime | None = None
    told_turn: datetime | None = None

    def room(self, now: datetime) -> int:
        """How many more calls may start now. After a failure one at a time, until one is answered:
        what fails again costs the node one signature, not as many as the endpoint would bear.
        """
        self._fill(now)
        if not self._may_be_called(now) or (self.circuit.opened_at and self.echoes):
            return 0
        bears = 1 if self.circuit.failures else self.concurrency
        return max(0, min(bears - self.inside, int(self.tokens)))

    def wants_echo(self, now: datetime) -> bool:
        """Whether the moment has come to ask it if it is back."""
        return self.echoes and self.circuit.opened_at is not None and self._may_be_called(now)

    def opens_at(self, now: datetime) -> datetime | None:
        """When a gate that time alone will open does so; None if it is open or full."""
        if self.inside >= self.concurrency or (self.circuit.opened_at and self.echoes):
            return None
        turns = self.turns_at if not self._is_open(now) else None
        known = (self.circuit.opens_at(), self.not_before, turns)
        waits = [at for at in known if at is not None and now < at]
        if waits:
            return max(waits)
        lacking = 1 - self.tokens
        return now + timedelta(seconds=lacking / self.rate) if lacking > 0 else None

    def doubtful(self, now: datetime) -> bool:
        """Whether it failed last time, or has been called and says nothing."""
        silent = self.inside and self.heard_at is not None and now - self.heard_at > SILENCE
        return bool(silent) or self.circuit.failures > 0

    def at_rest(self) -> bool:
        """Whether nothing but its hours will change its room."""
        full = self.tokens >= self.concurrency and not self.inside
        return full and not self.circuit.failures and not self.not_before

    @property
    def always(self) -> bool:
        """Whether it has no hours."""
        return self.opening == ALWAYS

    def _may_be_called(self, now: datetime) -> bool:
        if self.not_before is not None and now >= self.not_before:
            self.not_before = None
        return self.not_before is None and self.circuit.allows(now) and self._is_open(now)

    def _is_open(self, now: datetime) -> bool:
        if not self.always and (self.turns_at is None or now >= self.turns_at):
            self.is_open, self.turns_at = self.opening.is_open(now), self.opening.changes_at(now)
        return self.is_open

    def _fill(self, now: datetime) -> None:
        if self.filled_at is not None:
            gained = (now - self.filled_at).total_seconds() * self.rate
            self.tokens = min(float(self.concurrency), self.tokens + max(0.0, gained))
        self.filled_at = now


class Gates:
    """All of them; an endpoint that is not in the directory has none and is always open.

    `echoing`: partners whose service has an `echo`; of others a document tries whether an open
    circuit may close. `ceiling`: for how long at most an endpoint is left alone at its own wish.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        echoing: Collection[str] = (),
        ceiling: timedelta = LONGEST,
    ) -> None:
        self._gates = {
            (entry.partner, entry.code): _gate(entry, entry.partner in echoing) for entry in entries
        }
        self._ceiling = ceiling
        self._at_rest = {endpoint: gate.concurrency for endpoint, gate in self._gates.items()}
        self._awake = {endpoint for endpoint, gate in self._gates.items() if not gate.always}
        self._turning: list[tuple[datetime, Endpoint]] = []
        self._inside = 0

    def free(self) -> int:
        """How many more calls all endpoints together may take now."""
        return MOST - self._inside

    def room_at(self, now: datetime) -> dict[Endpoint, int]:
        """How many more calls each endpoint may take now."""
        while self._turning and self._turning[0][0] <= now:
            self._awake.add(heappop(self._turning)[1])
        awake = [(endpoint, self._gates[endpoint]) for endpoint in self._awake]
        doubtful = {endpoint for endpoint, gate in awake if gate.doubtful(now)}
        left = MOST // 2 - sum(self._gates[endpoint].inside for endpoint in doubtful)
        room = dict(self._at_rest)
        for endpoint, gate in awake:
            found = gate.room(now)
            room[endpoint] = min(found, max(0, left)) if endpoint in doubtful else found
        for endpoint, gate in awake:
            if gate.at_rest():
                self._rest(endpoint, gate)
        return room

    def _rest(self, endpoint: Endpoint, gate: Gate) -> None:
        """Its room stands until somebody calls, or its office opens or closes."""
        self._awake.discard(endpoint)
        self._at_rest[endpoint] = gate.concurrency if gate.is_open else 0
        if gate.turns_at is not None and gate.told_turn != gate.turns_at:
            gate.told_turn = gate.turns_at
            heappush(self._turning, (gate.turns_at, endpoint))

    def opens_at(self, now: datetime) -> datetime | None:
        """When the next gate opens by itself, if one does."""
        gates = (self._gates[endpoint] for endpoint in self._awake)
        times = [at for gate in gates if (at := gate.opens_at(now)) is not None]
        return min([*times, *(at for at, _ in self._turning[:1])], default=None)

    def enter(self, endpoint: Endpoint, now: datetime) -> None:
        """A call starts."""
        self._inside += 1
        gate = self._gates.get(endpoint)
        if gate is not None:
            self._awake.add(endpoint)
            gate.heard_at = gate.heard_at if gate.inside else now
            gate.filled_at = gate.filled_at or now
            gate.inside += 1
            gate.tokens -= 1
            gate.circuit = gate.circuit.called()

    def leave(self, endpoint: Endpoint, now: datetime, outcome: Outcome | NotFound | None) -> None:
        """It ended. None: nothing was sent, so nothing is known of the endpoint."""
        self._inside -= 1
        gate = self._gates.get(endpoint)
        if gate is None:
            return
        gate.inside -= 1
        match outcome:
            case None:
                gate.circuit = gate.circuit.released()
            case Unavailable(retry_after=wanted) | Unknown(retry_after=wanted):
                gate.circuit = gate.circuit.failed(now)
                if wanted is not None:
                    gate.not_before = now + min(wanted, self._ceiling)
            case _:
                gate.heard_at = now
                gate.circuit = gate.circuit.succeeded()

    def want_echo(self, now: datetime) -> list[Endpoint]:
        """Whose circuit is open and may be tried now, by the service's `echo`."""
        return [each for each in sorted(self._awake) if self._gates[each].wants_echo(now)]

    def open_circuits(self) -> list[Endpoint]:
        """For /health and the operator."""
        return [each for each in sorted(self._awake) if self._gates[each].circuit.opened_at]


def _gate(entry: Entry, echoes: bool) -> Gate:
    return Gate(
        concurrency=entry.concurrency,
        rate=entry.rate,
        circuit=Circuit(limit=entry.circuit.failures, pause=entry.circuit.pause),
        tokens=float(entry.concurrency),
        opening=entry.opening,
        echoes=echoes,
    )

"""When to try again. Pure values: no clock, no randomness of its own, no network.

A `Backoff` tells how long to wait after an attempt; a `Circuit` tells whether an endpoint may
be called at all. Times are UTC datetimes given by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential delays with jitter, a ceiling, and an end.

    `jitter` is the share of a delay that chance may take away (0 to 1): peers that failed
    together do not come back together.
    """

    first: timedelta = timedelta(seconds=5)
    factor: float = 2.0
    ceiling: timedelta = timedelta(minutes=30)
    jitter: float = 0.3
    max_attempts: int = 50
    max_age: timedelta = timedelta(days=9)

    def delay(self, attempts: int, chance: Callable[[], float]) -> timedelta:
        """How long to wait after the attempt with this number (from 1). `chance` is in [0, 1)."""
        # 2**64 seconds would overflow a timedelta long before the ceiling stops it.
        doublings = min(max(attempts, 1) - 1, 64)
        seconds = min(self.first.total_seconds() * self.factor**doublings, self._ceiling_seconds)
        return timedelta(seconds=seconds * (1 - self.jitter * chance()))

    def exhausted(self, attempts: int, age: timedelta) -> bool:
        """True when neither another attempt nor more patience is left."""
        return attempts >= self.max_attempts or age >= self.max_age

    @property
    def _ceiling_seconds(self) -> float:
        return self.ceiling.total_seconds()


@dataclass(frozen=True, slots=True)
class Circuit:
    """The circuit breaker of one endpoint, as a value.

    Closed until `limit` failures in a row; then open for `pause`; then one call tries (half
    open): its success closes the circuit, its failure opens it again.
    """

    limit: int = 5
    pause: timedelta = timedelta(seconds=30)
    failures: int = 0
    opened_at: datetime | None = None
    trying: bool = False

    def allows(self, now: datetime) -> bool:
        """Whether a call may start now."""
        if self.opened_at is None:
            return True
        return not self.trying and now >= self.opened_at + self.pause

    def opens_at(self) -> datetime | None:
        """When an open circuit lets the next call try; None if it is closed."""
        return None if self.opened_at is None else self.opened_at + self.pause

    def called(self) -> Circuit:
        """A call starts; if the circuit is open, it is the one that tries."""
        return self if self.opened_at is None else replace(self, trying=True)

    def released(self) -> Circuit:
        """The call that was to try was not made after all."""
        return replace(self, trying=False)

    def succeeded(self) -> Circuit:
        """The endpoint answered, whatever it said."""
        closed = not (self.failures or self.opened_at or self.trying)
        return self if closed else replace(self, failures=0, opened_at=None, trying=False)

    def failed(self, now: datetime) -> Circuit:
        """The endpoint could not be reached or gave nonsense."""
        failures = self.failures + 1
        opens = self.trying or failures >= self.limit
        return replace(
            self,
            failures=failures,
            opened_at=now if opens else self.opened_at,
            trying=False,
        )

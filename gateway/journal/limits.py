"""How much the writer takes on at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one commit takes, how much may wait, how often heads are signed."""

    group: int = 256
    queue: int = 10_000
    checkpoint_every: timedelta = timedelta(minutes=1)
    checkpoint_entries: int = 1000

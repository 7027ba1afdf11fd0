"""What came of an attempt, as values; matched exhaustively. Knows nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

Facts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """A declared reason of the administration: its `code`, and its `text` (may be personal)."""

    code: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A positive receipt. `receipt` is the partner's protocol number, `facts` what it told."""

    receipt: str
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """The partner has it and will answer later, under `ticket`."""

    ticket: str
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejected:
    """The partner said no, in a declared way, signed; `facts` may help to ask again."""

    faults: tuple[Fault, ...]
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """Several answers are possible; a person chooses one of `candidates`."""

    candidates: tuple[Facts, ...]


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Not now. `received` is False only if the partner surely never got the document;
    `retry_after` is how long it wishes to be left alone.
    """

    reason: str
    retry_after: timedelta | None = None
    received: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Sent, and the answer was lost, or came and cannot be trusted (`untrusted`: an alarm)."""

    reason: str
    untrusted: bool = False
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """The partner, asked about an operation id, does not know it."""


Outcome = Accepted | Taken | Rejected | Choice | Unavailable | Unknown

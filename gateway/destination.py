"""What delivery and the adapters of partners say to each other.

The corridor knows a partner only as a `Destination`: it wraps a document into a letter and
carries the letter. Values and one protocol; no behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gateway.case import Case
from gateway.journal import SubmissionRow
from gateway.mapping import Compiled
from gateway.outcomes import NotFound, Outcome
from gateway.partners import Entry
from gateway.translation import Document


@dataclass(frozen=True, slots=True)
class Letter:
    """What will travel: the exact bytes, committed before they are sent."""

    message_id: str
    envelope: bytes = field(repr=False)
    url: str
    expires_at: datetime
    operation: str = ""
    operation_id: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: its meaning, and the bytes as they came. `note`: a short code of why."""

    outcome: Outcome | NotFound
    body: bytes = field(default=b"", repr=False)
    note: str | None = None


class Destination(Protocol):
    """One kind of partner."""

    def wrap(
        self, document: Document, entry: Entry, step: str, action: str, operation_id: str
    ) -> Letter:
        """Envelope and sign. `action`: a Kind's value or `query`. Raises SigningError."""
        ...

    async def send(self, letter: Letter, entry: Entry, answers: Compiled | None) -> Answer:
        """Carry it, verify and read the answer. Never raises for what a partner does."""
        ...


class Echo(Protocol):
    """One kind of partner whose service can be asked whether it is there."""

    async def echo(self, entry: Entry) -> Outcome | NotFound:
        """Unavailable or Unknown, or else a sign of life. Raises SigningError."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands at the partner, which an amendment is compared with and names."""

    id: str
    content_digest: str | None
    inputs: Mapping[str, Mapping[str, str]] = field(repr=False)
    operation_id: str
    receipt: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A submission that this node may work on, with all that its work needs.

    `beneath`: of an amendment, the facts with which what its step needs stands at its partner.
    """

    row: SubmissionRow
    case: Case
    entry: Entry | None
    document: bytes | None = field(repr=False)
    standing: Standing | None
    expires_at: datetime | None = None
    beneath: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

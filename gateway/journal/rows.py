"""What the journal gives out: frozen values, one class a table.

Reprs show ids, states and times; never a body, a dossier or a fact. Ciphertexts stay behind: a
case comes with its dossier and context opened, other documents are asked for one by one. What can
change keeps the row as it was read (`stored`), so that a change need not read it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Self, TypeVar

from sqlalchemy import Column

from gateway.journal import tables
from gateway.journal.prepared import Row
from gateway.journal.shapes import Shape
from gateway.journal.stored import moment, optional_moment
from gateway.lifecycle import Kind, Status

T = TypeVar("T")
_moment = datetime.fromisoformat
"""`moment`, in the rows that are read often, without a call of ours."""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message that came, as it was judged. `accepted`: a repetition gets the same answer."""

    id: str
    sender: str
    control_id: str
    event: str
    processing: str
    received_at: datetime
    digest: str
    size: int
    verdict: str
    accepted: bool
    acknowledgment: bytes | None = field(repr=False)
    case_id: str | None
    flagged: bool

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """From the columns MESSAGE, in that order."""
        return cls(*_converted(row, {5: moment}))


@dataclass(frozen=True)
class CaseRow:
    """One newborn at one facility. `dossier` and `context` are None once the key is destroyed."""

    id: str
    sender: str
    key_digest: str
    profile: str
    state: str
    processing: str
    opened_at: datetime
    declared_at: datetime | None
    updated_at: datetime
    version: int
    readable: bool
    dossier: bytes | None = field(repr=False)
    context: bytes | None = field(repr=False)
    stored: Row = field(repr=False, compare=False, default=())

    @classmethod
    def of(cls, stored: Row, dossier: bytes | None, context: bytes | None) -> Self:
        """From the columns CASE, in that order, and what was opened of it."""
        values = list(stored[: len(_CASE)])
        values[6:9] = [_moment(at) if at else None for at in stored[6:9]]
        values += [stored[len(_CASE)] is not None, dossier, context]
        return _made(cls, _OF_CASE, values, stored)


@dataclass(frozen=True)
class SubmissionRow:
    """One document of one step; `fence` grows with every claim."""

    id: str
    case_id: str
    step: str
    seq: int
    kind: Kind
    status: Status
    partner: str
    endpoint: str
    due_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deadline_at: datetime | None
    claimed_by: str | None
    lease_until: datetime | None
    fence: int
    attempts: int
    operation_id: str
    predecessor: str | None
    maybe_received: bool
    body_digest: str | None
    content_digest: str | None
    ticket: str | None
    receipt: str | None
    pins: Mapping[str, str] = field(repr=False)
    reason: str | None
    version: int
    stored: Row = field(repr=False, compare=False, default=())

    @classmethod
    def of(cls, row: Row) -> Self:
        """From the columns SUBMISSION, in that order."""
        values = list(row)
        values[4], values[5] = _KINDS[row[4]], _STATUSES[row[5]]
        due, deadline, lease = row[8], row[11], row[13]
        values[8] = _moment(due) if due else None
        values[9], values[10] = _moment(row[9]), _moment(row[10])
        values[11] = _moment(deadline) if deadline else None
        values[13] = _moment(lease) if lease else None
        values[23] = _pins(row[23])
        return _made(cls, _SUBMISSION, values, row)


@dataclass(frozen=True)
class AttemptRow:
    """One try to deliver a submission."""

    id: str
    submission_id: str
    number: int
    message_id: str
    created_at: datetime
    expires_at: datetime | None
    sent_at: datetime | None
    ended_at: datetime | None
    url: str
    outcome: str | None
    note: str | None
    stored: Row = field(repr=False, compare=False, default=())

    @classmethod
    def of(cls, row: Row) -> Self:
        """From the columns ATTEMPT, in that order."""
        values = list(row)
        values[4:8] = [_moment(at) if at else None for at in row[4:8]]
        return _made(cls, _ATTEMPT, values, row)


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A partner's callback, stored before it is acknowledged and applied after."""

    id: str
    partner: str
    message_id: str
    operation_id: str
    received_at: datetime
    applied_at: datetime | None
    submission_id: str | None
    outcome: str | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """From the columns CALLBACK, in that order."""
        return cls(*_converted(row[: len(_CALLBACK)], {4: moment, 5: optional_moment}))


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One entry of one node's chain."""

    node: str
    seq: int
    at: datetime
    what: str
    subjects: tuple[str, ...]
    digests: Mapping[str, str]
    note: Mapping[str, object]
    previous: str
    digest: str

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """From all columns of the table, in its order."""
        return cls(*_converted(row, _OF_EVIDENCE))


@dataclass(frozen=True, slots=True)
class RejectRow:
    """Bytes that were refused, kept for a while for the HIS team. `note`: the reason's code."""

    id: str
    at: datetime
    sender: str
    digest: str
    note: str | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """From the columns REJECT, in that order."""
        return cls(*_converted(row, {1: moment}))


def _made(cls: type[T], names: Sequence[str], values: Sequence[Any], stored: Row) -> T:
    """These are read often: frozen fields, set one by one, can cost more than the query."""
    made = object.__new__(cls)
    vars(made).update(zip(names, values, strict=False), stored=stored)
    return made


def _converted(row: Sequence[Any], read: Mapping[int, Callable[[Any], Any]]) -> list[Any]:
    """The columns of a row, some of them read from their stored form."""
    values = list(row)
    for place, convert in read.items():
        values[place] = convert(values[place])
    return values


def _words(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


@lru_cache(maxsize=256)
def _pins(text: str | None) -> Mapping[str, str]:
    """Every document of a mapping has the same, so it is read once and cannot be changed."""
    return MappingProxyType(json.loads(text) if text else {})


_OF_EVIDENCE: Mapping[int, Callable[[Any], Any]] = {
    2: moment,
    4: _words,
    5: json.loads,
    6: json.loads,
}
_KINDS = {str(kind): kind for kind in Kind}
_STATUSES = {str(status): status for status in Status}


def _names(row: type[Any]) -> Iterator[str]:
    return (each.name for each in fields(row) if each.name not in ("stored", *_OPENED))


_OPENED = ("readable", "dossier", "context")
"""What a case has beside its columns."""
_CASE, _SUBMISSION, _ATTEMPT, _CALLBACK = (
    tuple(_names(each)) for each in (CaseRow, SubmissionRow, AttemptRow, InboxRow)
)
_OF_CASE = (*_CASE, *_OPENED)

MESSAGES = Shape(tables.messages, tuple(_names(MessageRow)))
CASES = Shape(tables.cases, (*_CASE, "wrapped_key"))
SUBMISSIONS = Shape(tables.submissions, _SUBMISSION)
ATTEMPTS = Shape(tables.attempts, _ATTEMPT)
CALLBACKS = Shape(tables.inbox, _CALLBACK)

MESSAGE: tuple[Column[Any], ...] = tuple(tables.messages.c[name] for name in _names(MessageRow))
REJECT: tuple[Column[Any], ...] = tuple(tables.rejects.c[name] for name in _names(RejectRow))
SUBMISSION, ATTEMPT, CALLBACK = SUBMISSIONS.columns, ATTEMPTS.columns, CALLBACKS.columns

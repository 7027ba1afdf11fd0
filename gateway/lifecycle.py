"""The status table of a submission: `(status, event) → status`, as data.

Knows no storage and no clock. A pair that is not in the table raises; the diagram in
`docs/lifecycle.md` is printed from it.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.errors import LifecycleError


class Kind(StrEnum):
    """What a submission does at the partner."""

    REGISTER = "register"
    AMEND = "amend"
    CANCEL = "cancel"


class Status(StrEnum):
    """Where a submission stands; meanings in `docs/lifecycle.md`."""

    WAITING = "WAITING"
    HELD = "HELD"
    READY = "READY"
    SUBMITTING = "SUBMITTING"
    TAKEN = "TAKEN"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    DEFERRED = "DEFERRED"
    IN_DOUBT = "IN_DOUBT"
    INVALID = "INVALID"
    DEAD = "DEAD"
    REPLACED = "REPLACED"
    WITHDRAWN = "WITHDRAWN"


class Event(StrEnum):
    """What happens to a submission."""

    NEEDS_MET = "NEEDS_MET"
    HOLD = "HOLD"
    CONFIRM = "CONFIRM"
    SUBMIT = "SUBMIT"
    UNTRANSLATABLE = "UNTRANSLATABLE"
    UNCHANGED = "UNCHANGED"
    ANSWER_ACCEPTED = "ANSWER_ACCEPTED"
    ANSWER_TAKEN = "ANSWER_TAKEN"
    ANSWER_REJECTED = "ANSWER_REJECTED"
    ANSWER_CHOICE = "ANSWER_CHOICE"
    ANSWER_UNAVAILABLE = "ANSWER_UNAVAILABLE"
    ANSWER_LOST = "ANSWER_LOST"
    LEASE_LOST = "LEASE_LOST"
    RETRY_SAFE = "RETRY_SAFE"
    ASKED_NOT_FOUND = "ASKED_NOT_FOUND"
    UNRESOLVABLE = "UNRESOLVABLE"
    EXHAUSTED = "EXHAUSTED"
    DEADLINE = "DEADLINE"
    CALLBACK_ACCEPTED = "CALLBACK_ACCEPTED"
    CALLBACK_REJECTED = "CALLBACK_REJECTED"
    REPLACE = "REPLACE"
    WITHDRAW = "WITHDRAW"
    REPLAY = "REPLAY"
    REPROCESS = "REPROCESS"
    RESOLVED_RECEIVED = "RESOLVED_RECEIVED"
    RESOLVED_NOT_RECEIVED = "RESOLVED_NOT_RECEIVED"


TRANSITIONS: dict[tuple[Status, Event], Status] = {}
"""Filled below by status, so that one reads the life of a submission from top to bottom."""


def after(status: Status, event: Event) -> Status:
    """The status that follows; raises LifecycleError for a pair nobody allowed."""
    try:
        return TRANSITIONS[status, event]
    except KeyError:
        raise LifecycleError(f"{event} cannot happen to a submission that is {status}") from None

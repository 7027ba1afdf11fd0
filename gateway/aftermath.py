"""What an outcome does to a submission and to its case, inside one journal unit.

Answers, callbacks, doubts and a person's word all end here, so that each is matched exhaustively
once, and status, facts, evidence and the steps that wait change together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, assert_never

from gateway.casebook import Casebook
from gateway.flow.plan import Reason
from gateway.journal import SubmissionRow, Unit
from gateway.lifecycle import Event, Kind, Status, after
from gateway.mailing import goes_by_itself
from gateway.outcomes import (
    Accepted,
    Choice,
    NotFound,
    Outcome,
    Rejected,
    Taken,
    Unavailable,
    Unknown,
)
from gateway.partners import Entry, Idempotence
from gateway.remaking import again, newer
from gateway.retry import Backoff


class Aftermath:
    """Applies outcomes. `chance` gives a number in [0, 1) for the jitter of the next attempt."""

    def __init__(
        self,
        casebook: Casebook,
        backoff: Backoff,
        chance: Callable[[], float],
        tolerance: timedelta,
    ) -> None:
        self._casebook = casebook
        self._backoff = backoff
        self._chance = chance
        self._tolerance = tolerance

    def answered(
        self,
        unit: Unit,
        row: SubmissionRow,
        outcome: Outcome | NotFound,
        entry: Entry,
        expires_at: datetime | None = None,
    ) -> SubmissionRow:
        """An attempt, or a question about it, ended. `row` as it is now; gives it as it became."""
        match outcome:
            case Accepted():
                return self._accepted(unit, row, outcome, Event.ANSWER_ACCEPTED)
            case Taken():
                return self._taken(unit, row, outcome)
            case Rejected():
                return self._rejected(unit, row, outcome, Event.ANSWER_REJECTED)
            case Choice():
                return self._choice(unit, row, outcome)
            case Unavailable():
                return self._unavailable(unit, row, outcome)
            case Unknown(retry_after=wanted):
                return self.doubted(unit, row, Event.ANSWER_LOST, entry, expires_at, wanted)
            case NotFound():
                return self._not_found(unit, row)
            case never:
                assert_never(never)

    def called_back(self, unit: Unit, row: SubmissionRow, outcome: Outcome | NotFound) -> str:
        """A callback for this submission: early, late or repeated. Gives what it did."""
        if row.attempts == 0:
            return "stray"
        match outcome:
            case Accepted():
                self._accepted(unit, row, outcome, Event.CALLBACK_ACCEPTED)
            case Rejected():
                self._rejected(unit, row, outcome, Event.CALLBACK_REJECTED)
            case _:
                return "no outcome"
        return "applied"

    def doubted(
        self,
        unit: Unit,
        row: SubmissionRow,
        event: Event,
        entry: Entry | None,
        expires_at: datetime | None = None,
        wanted: timedelta | None = None,
    ) -> SubmissionRow:
        """It was sent, and nobody knows what became of it. `wanted`: see `Unknown.retry_after`."""
        status = after(row.status, event)
        if status is Status.TAKEN:
            return self._still_taken(unit, row, event)
        if status is not Status.IN_DOUBT:
            return self._move(unit, row, event)
        if self._spent(unit, row):
            row = self._move(unit, row, event, maybe_received=True)
            return self._move(unit, row, Event.EXHAUSTED, reason="EXHAUSTED")
        idempotence = entry.idempotence if entry else Idempotence.NEITHER
        due = max(
            self._doubt_due(unit, row, idempotence, expires_at),
            unit.now + self._asked_for(wanted),
            # It may be a doubt already, whose original has not expired.
            row.due_at or unit.now,
        )
        row = self._move(unit, row, event, maybe_received=True, due_at=due)
        if idempotence is Idempotence.NEITHER:
            return self._move(unit, row, Event.UNRESOLVABLE, reason="DOUBT", due_at=None)
        return row

    def _accepted(
        self, unit: Unit, row: SubmissionRow, outcome: Accepted, event: Event
    ) -> SubmissionRow:
        # Why it had to wait on its way is no reason for where it stands now.
        accepted = after(row.status, event) is Status.ACCEPTED
        moved = self._move(
            unit,
            row,
            event,
            receipt=outcome.receipt or row.receipt,
            facts=dict(outcome.facts),
            due_at=None,
            reason=None if accepted else row.reason,
        )
        case = self._casebook.load(unit, row.case_id)
        if moved.status is not Status.ACCEPTED:
            return moved
        if self._is_superseded(unit, row):
            self._casebook.went_on(unit, case)  # a late answer tells nothing that is newer
        elif row.kind is Kind.CANCEL:
            self._casebook.annulled(unit, case, row.step)
        else:
            facts = {"protocollo": outcome.receipt, **outcome.facts}
            self._casebook.learned(unit, case, row.step, facts)
        return moved

    def _is_superseded(self, unit: Unit, row: SubmissionRow) -> bool:
        """Whether what came after it in its step stands at the partner, or annulled it."""
        chain = unit.submissions(row.case_id, row.step)
        return any(each.seq > row.seq and each.status is Status.ACCEPTED for each in chain)

    def _taken(self, unit: Unit, row: SubmissionRow, outcome: Taken) -> SubmissionRow:
        if row.status is Status.TAKEN:
            return self._still_taken(unit, row, Event.ANSWER_TAKEN, ticket=outcome.ticket)
        return self._move(
            unit,
            row,
            Event.ANSWER_TAKEN,
            ticket=outcome.ticket,
            maybe_received=True,
            due_at=unit.now + self._backoff.ceiling,
            # A deadline that it has is of before a person said 'not received'.
            deadline_at=unit.now + self._backoff.max_age,
        )

    def _still_taken(
        self, unit: Unit, row: SubmissionRow, event: Event, **changes: Any
    ) -> SubmissionRow:
        """Asked, and nothing is settled. Its partner answers later: no haste, and not for ever."""
        due = unit.now + self._backoff.ceiling
        if row.deadline_at is not None:
            if row.deadline_at <= unit.now:
                return self._move(unit, row, Event.DEADLINE, reason="DEADLINE", due_at=None)
            due = min(due, row.deadline_at)
        return self._move(unit, row, event, due_at=due, **changes)

    def _rejected(
        self, unit: Unit, row: SubmissionRow, outcome: Rejected, event: Event
    ) -> SubmissionRow:
        faults = [asdict(fault) for fault in outcome.faults]
        refused = after(row.status, event) is Status.REJECTED
        reason = None if refused else row.reason
        moved = self._move(unit, row, event, faults=faults, due_at=None, reason=reason)
        case = self._casebook.load(unit, row.case_id)
        if refused:
            kind = self._request_type(row, outcome)
            # What waits behind it is newer, and will be answered likewise.
            asked_again = case.context.overrides.get(row.id) or newer(unit, row)
            if kind and not asked_again:
                overrides = {
                    "flow": {"tipoRichiesta": kind},
                    "scelta": {"candidato": outcome.facts.get("codiceFiscale", "")},
                }
                again(self._casebook, unit, case, moved, Event.REPROCESS, overrides=overrides)
                return moved
        self._casebook.went_on(unit, case)
        return moved

    def _choice(self, unit: Unit, row: SubmissionRow, outcome: Choice) -> SubmissionRow:
        candidates = {str(n): dict(each) for n, each in enumerate(outcome.candidates, 1)}
        held = after(row.status, Event.ANSWER_CHOICE) is Status.HELD
        moved = self._move(
            unit,
            row,
            Event.ANSWER_CHOICE,
            reason=Reason.CANDIDATES,
            facts=candidates,
            due_at=None,
            # Who asks back has done nothing.
            maybe_received=row.maybe_received and not held,
        )
        return self._never_arrived(unit, moved)

    def _unavailable(self, unit: Unit, row: SubmissionRow, outcome: Unavailable) -> SubmissionRow:
        if row.status is Status.TAKEN:
            return self._still_taken(unit, row, Event.ANSWER_UNAVAILABLE)
        due = unit.now + self._delay(row, outcome.retry_after)
        if row.status is not Status.SUBMITTING:
            # A question about a doubt that could not be asked: the doubt stays, but not for ever.
            if row.status is Status.IN_DOUBT and self._spent(unit, row):
                return self._move(unit, row, Event.EXHAUSTED, reason="EXHAUSTED", due_at=None)
            # Nor is it asked about earlier: the call that failed may be the original's own, told
            # late by a node that lost its lease.
            due = max(due, row.due_at or due)
            return self._move(unit, row, Event.ANSWER_UNAVAILABLE, due_at=due)
        received = row.maybe_received or outcome.received
        event = Event.EXHAUSTED if self._spent(unit, row) else Event.ANSWER_UNAVAILABLE
        moved = self._move(
            unit, row, event, maybe_received=received, due_at=due, reason=outcome.reason
        )
        if received:
            return moved
        never = self._never_arrived(unit, moved)
        if goes_by_itself(never, self._casebook.entry_of(never)):
            return self._move(unit, never, Event.MAIL, due_at=unit.now)
        return never

    def _not_found(self, unit: Unit, row: SubmissionRow) -> SubmissionRow:
        if row.status is Status.SUBMITTING:
            return self._move(unit, row, Event.ANSWER_LOST, maybe_received=True, due_at=unit.now)
        moved = self._move(unit, row, Event.ASKED_NOT_FOUND, maybe_received=False, due_at=unit.now)
        return self._never_arrived(unit, moved)

    def _never_arrived(self, unit: Unit, row: SubmissionRow) -> SubmissionRow:
        """If a newer one waits behind it, that one goes in its place."""
        self._casebook.went_on(unit, self._casebook.load(unit, row.case_id))
        return unit.submission(row.id)

    def _request_type(self, row: SubmissionRow, outcome: Rejected) -> str | None:
        again = self._casebook.flow.steps[row.step].again
        return next((again[fault.code] for fault in outcome.faults if fault.code in again), None)

    def _doubt_due(
        self,
        unit: Unit,
        row: SubmissionRow,
        idempotence: Idempotence,
        expires_at: datetime | None,
    ) -> datetime:
        """When the doubt may be resolved: a question proves nothing while the original may still
        be accepted (Expires plus the tolerance of clocks).
        """
        if idempotence is Idempotence.CAN_BE_ASKED and expires_at is not None:
            return max(expires_at + self._tolerance, unit.now + self._backoff.first)
        return unit.now + self._delay(row, None)

    def _delay(self, row: SubmissionRow, wanted: timedelta | None) -> timedelta:
        return max(self._backoff.delay(row.attempts, self._chance), self._asked_for(wanted))

    def _asked_for(self, wanted: timedelta | None) -> timedelta:
        """What the partner wishes, but never longer than our own longest pause."""
        return min(wanted, self._backoff.ceiling) if wanted else timedelta(0)

    def _spent(self, unit: Unit, row: SubmissionRow) -> bool:
        return self._backoff.exhausted(row.attempts, unit.now - row.created_at)

    def _move(self, unit: Unit, row: SubmissionRow, event: Event, **changes: Any) -> SubmissionRow:
        return unit.move(
            row.id,
            expect=row.status,
            fence=row.fence,
            to=after(row.status, event),
            **changes,
        )

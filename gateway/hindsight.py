"""What a restored journal cannot know: the world went on after the back-up was made.

What was on the wire is in doubt. What was ready may have been sent since: where the partner answers
a repeated operation id alike it goes again, else a person asks first. Every case that was not at
its end is told, one evidence entry each.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.aftermath import Aftermath
from gateway.casebook import Casebook
from gateway.journal import SubmissionRow, Unit
from gateway.lifecycle import Event, Status, after
from gateway.partners import Idempotence

RESTORED = "RESTORED"
"""Why a submission is HELD after a restore."""
DONE = (Status.ACCEPTED, Status.REPLACED, Status.WITHDRAWN)
EVERYTHING = 2**31


class Hindsight:
    """`recall` is a `Settle` of the journal's restore."""

    def __init__(self, casebook: Casebook, aftermath: Aftermath) -> None:
        self._casebook = casebook
        self._aftermath = aftermath

    def recall(self, unit: Unit) -> Mapping[str, int]:
        """Doubt, hold and tell; gives how many of each."""
        sending = unit.submissions(status=Status.SUBMITTING, limit=EVERYTHING)
        for row in sending:
            self._doubt(unit, row)
        held = 0
        for status in (Status.READY, Status.DEFERRED):
            for row in unit.submissions(status=status, limit=EVERYTHING):
                held += self._hold(unit, row)
        for row in unit.submissions(status=Status.TO_MAIL, limit=EVERYTHING):
            held += _held(unit, row)  # a mail that has gone since is no office's to recognise
        return {"doubted": len(sending), "held": held, "told": _tell(unit)}

    def _doubt(self, unit: Unit, row: SubmissionRow) -> None:
        attempts = unit.attempts(row.id)
        expires_at = attempts[-1].expires_at if attempts else None
        entry = self._casebook.entry_of(row)
        self._aftermath.doubted(unit, row, Event.LEASE_LOST, entry, expires_at)

    def _hold(self, unit: Unit, row: SubmissionRow) -> int:
        entry = self._casebook.entry_of(row)
        if entry is not None and entry.idempotence is Idempotence.IDEMPOTENT:
            return 0
        return _held(unit, row)


def _held(unit: Unit, row: SubmissionRow) -> int:
    unit.move(
        row,
        expect=row.status,
        to=after(row.status, Event.HOLD),
        due_at=None,
        maybe_received=True,
        reason=RESTORED,
    )
    return 1


def _tell(unit: Unit) -> int:
    open_cases: dict[str, int] = {}
    for row in unit.submissions(limit=EVERYTHING):
        if row.status not in DONE:
            open_cases[row.case_id] = open_cases.get(row.case_id, 0) + 1
    for case_id, count in open_cases.items():
        unit.record("case.restored", subjects=[case_id], note={"open": count})
    return len(open_cases)

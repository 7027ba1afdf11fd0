"""What a claimed submission is worked on with, read in the claim's own unit."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.casebook import Casebook
from gateway.destination import Claimed, Standing
from gateway.journal import SubmissionRow, Unit
from gateway.lifecycle import Kind, Status


def read_claimed(unit: Unit, row: SubmissionRow, book: Casebook) -> Claimed:
    """The submission with its case, its office, and what stands at the partner before it."""
    attempts = unit.attempts(row.id) if row.attempts else []
    standing = _standing(unit, row.predecessor)
    compares = standing is not None and row.kind is Kind.AMEND
    return Claimed(
        row=row,
        case=book.load(unit, row.case_id),
        entry=book.entry_of(row),
        document=unit.document(row.id) if row.attempts else None,
        standing=standing,
        beneath=_beneath(unit, row, book) if compares else {},
        expires_at=attempts[-1].expires_at if attempts else None,
    )


def _beneath(unit: Unit, row: SubmissionRow, book: Casebook) -> dict[str, Mapping[str, str]]:
    """The facts with which what this step needs was last accepted."""
    found = dict[str, Mapping[str, str]]()
    for need in book.flow.steps[row.step].needs:
        chain = unit.submissions(row.case_id, need)
        accepted = [each for each in chain if each.status is Status.ACCEPTED]
        told = (unit.inputs(accepted[-1].id) if accepted else None) or {}
        found |= {name: told[name] for name in book.flow.rests_on(need) if name in told}
    return found


def _standing(unit: Unit, submission_id: str | None) -> Standing | None:
    if submission_id is None:
        return None
    row = unit.submission(submission_id)
    return Standing(
        id=row.id,
        content_digest=row.content_digest,
        inputs=unit.inputs(submission_id) or {},
        operation_id=row.operation_id,
        receipt=row.receipt or row.ticket or "",
    )

"""Makes a submission again: the dossier translated anew, under an operation id of its own.

By a person's word, or because the partner's answer asks for it. What it is made with beside the
dossier (a candidate, a request type, a reason) is kept with the case.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from gateway.case import Case
from gateway.casebook import Casebook
from gateway.journal import SubmissionRow, Unit
from gateway.lifecycle import Event, Status, after

_GONE = (Status.REPLACED, Status.WITHDRAWN)


def newer(unit: Unit, row: SubmissionRow) -> SubmissionRow | None:
    """The one of its step that came after it, if there is one: it says what is known since, and
    both of them at the partner would be one too many.
    """
    chain = unit.submissions(row.case_id, row.step)
    return next((each for each in chain if each.seq > row.seq and each.status not in _GONE), None)


def again(
    book: Casebook,
    unit: Unit,
    case: Case,
    row: SubmissionRow,
    event: Event,
    *,
    overrides: Mapping[str, Mapping[str, str]] | None = None,
) -> SubmissionRow:
    """Translate the dossier again, as a new submission with an operation id of its own."""
    unit.move(row.id, expect=row.status, to=after(row.status, event), reason=event)
    opened = unit.add_submission(
        case_id=case.row.id,
        step=row.step,
        kind=row.kind,
        status=Status.READY,
        partner=row.partner,
        endpoint=book.wishes.endpoint(case, row),
        operation_id=str(uuid4()),
        predecessor=row.predecessor,
        reason=event,
        due_at=unit.now,
    )
    override(book, unit, case, opened.id, overrides or {})
    return opened


def override(
    book: Casebook,
    unit: Unit,
    case: Case,
    submission: str,
    values: Mapping[str, Mapping[str, str]],
) -> None:
    """Give one submission inputs of its own."""
    if values:
        case.context.overrides[submission] = {key: dict(each) for key, each in values.items()}
        book.save(unit, case)

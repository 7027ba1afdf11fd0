"""The wish of a mother who does not want to be named, on one case: heeded, kept, said late.

Once said it stays said. What was stored before is under a key that is destroyed here, and of the
answers to what was sent before only codes and receipts are kept; the steps of the case are the
casebook's.
"""

from __future__ import annotations

from gateway.case import Case, decoded
from gateway.errors import NotPossible
from gateway.hl7.redaction import mark_unnamed, redact_dossier
from gateway.journal import SubmissionRow, Unit
from gateway.outcomes import Choice, Fault, NotFound, Outcome, Rejected
from gateway.wishes import Wishes


def mark(wishes: Wishes, case: Case) -> None:
    """Write the wish into the dossier. NotPossible where the profile cannot be made to heed it."""
    case.dossier = mark_unnamed(case.dossier)
    if not wishes.account(case).anonymous():
        raise NotPossible("the sender's profile does not take PV2-22 for this wish")


def keep(wishes: Wishes, case: Case) -> None:
    """A later message that forgets the mark names nobody; where the profile reads its mark
    elsewhere than we can write it, that message changes nothing.
    """
    if wishes.account(case).anonymous():
        return
    case.dossier = mark_unnamed(case.dossier)
    if not wishes.account(case).anonymous():
        case.dossier = decoded(case.row.dossier or b"")


def said_since(unit: Unit, row: SubmissionRow) -> bool:
    """Whether the wish came after this was sent: what was sent can be read no more."""
    return row.attempts > 0 and unit.document(row.id) is None


def nameless(outcome: Outcome | NotFound) -> Outcome | NotFound:
    """What may be kept of an answer about somebody who now wishes not to be named: the persons to
    choose among and the texts of faults may name her.
    """
    match outcome:
        case Choice():
            return Choice(())
        case Rejected(faults, facts):
            return Rejected(tuple(Fault(fault.code) for fault in faults), facts)
    return outcome


def unname(unit: Unit, case: Case) -> None:
    """Nothing that names her stays in the dossier; what was stored before is readable no more."""
    case.context.unname()
    named_before = bool(case.row.dossier)
    case.dossier = redact_dossier(case.dossier, case.reader.profile.keeps)
    if named_before:
        # Messages, documents and envelopes of before cannot be read any more; the evidence that
        # they were there stays.
        case.row = unit.rekey(
            case.row.id, dossier=case.dossier.encode(), context=case.context.encode()
        )

"""The wish of a mother who does not want to be named, on one case: heeded, kept, said late.

Once said it stays said. What was stored before is under a key that is destroyed here; the steps of
the case are the casebook's.
"""

from __future__ import annotations

from gateway.case import Case, decoded
from gateway.errors import NotPossible
from gateway.hl7.redaction import mark_unnamed, redact_dossier
from gateway.journal import Unit
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

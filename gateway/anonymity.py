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


def heed(wishes: Wishes, unit: Unit, case: Case) -> None:
    """After a message was folded: do what its wish, or an earlier one, wants."""
    if case.context.anonymous:
        _keep(wishes, case)
    elif wishes.account(case).anonymous():
        _unname(unit, case)


def say(wishes: Wishes, unit: Unit, case: Case) -> None:
    """An operator says it. NotPossible where the sender's profile cannot be made to heed it."""
    case.dossier = mark_unnamed(case.dossier)
    if not wishes.account(case).anonymous():
        raise NotPossible("the sender's profile does not take PV2-22 for this wish")
    _unname(unit, case)


def _keep(wishes: Wishes, case: Case) -> None:
    """A later message that forgets the mark names nobody; where the profile reads its mark
    elsewhere than we can write it, that message changes nothing.
    """
    if wishes.account(case).anonymous():
        return
    case.dossier = mark_unnamed(case.dossier)
    if not wishes.account(case).anonymous():
        case.dossier = decoded(case.row.dossier or b"")


def _unname(unit: Unit, case: Case) -> None:
    case.context.unname()
    named_before = bool(case.row.dossier)
    case.dossier = redact_dossier(case.dossier, case.reader.profile.keeps)
    if named_before:
        # Messages, documents and envelopes of before cannot be read any more; the evidence that
        # they were there stays.
        case.row = unit.rekey(
            case.row.id, dossier=case.dossier.encode(), context=case.context.encode()
        )

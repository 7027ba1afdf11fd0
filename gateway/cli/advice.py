"""What an operator can do about a submission, by its status and reason. Texts only."""

from __future__ import annotations

from gateway.flow.plan import Reason
from gateway.journal import SubmissionRow
from gateway.lifecycle import Status

_BY_REASON = {
    (Status.WAITING, Reason.DECLARATION): "the parents declare, or: icaro case declare",
    (Status.WAITING, Reason.NEEDS): "goes when the steps it needs have told their facts",
    (Status.WAITING, Reason.CHOICE): "the family chooses: icaro case choose",
    (Status.WAITING, Reason.LATE): "declared after the term, give the reasons: icaro case late",
    (Status.WAITING, Reason.EMBARGO): "goes when its embargo ends",
    (Status.WAITING, Reason.PREDECESSOR): "goes when the one before it has ended",
    (Status.HELD, Reason.CONFIRM): "confirm the cancellation, or withdraw it",
    (Status.HELD, Reason.ROUTE_CHANGED): (
        "another office is competent now: confirm that the first one amends, or withdraw"
    ),
    (Status.HELD, Reason.DEATH): (
        "registered alive, and dead now: confirm if it died before the declaration, withdraw if "
        "after it: the act of birth stays as it is"
    ),
    (Status.HELD, "CANDIDATES"): "choose one: icaro submission resolve --candidate N",
    (Status.TAKEN, "PEC_DELIVERED"): (
        "the office has it by certified mail: when it answers, resolve --received"
    ),
    (Status.INVALID, Reason.NOT_IN_DIRECTORY): (
        "add the office to partners.yaml and run the gateway again, then reprocess"
    ),
    (Status.INVALID, Reason.NO_ROUTE): (
        "no message tells the competent office: the hospital corrects it, then reprocess"
    ),
}
_BY_STATUS = {
    Status.WAITING: "goes by itself",
    Status.READY: "goes by itself",
    Status.SUBMITTING: "the answer is awaited",
    Status.TAKEN: "the partner answers later; or ask it, then resolve",
    Status.DEFERRED: "tried again by itself, or withdraw",
    Status.IN_DOUBT: "settled by itself; or ask the partner, then resolve",
    Status.HELD: (
        "ask the partner whether it has it, then resolve --received (a codice fiscale too: --cf) "
        "or --not-received"
    ),
    Status.REJECTED: "mend what the faults name, at the hospital or in the mapping, then reprocess",
    Status.INVALID: "mend what the faults name, at the hospital or in the mapping, then reprocess",
    Status.DEAD: "find out why it never arrived, then replay (same content), mail or reprocess",
    Status.TO_MAIL: "goes by itself, as certified mail; or withdraw, or replay over the wire",
    Status.MAILING: "its receipt is awaited; nothing sends it again by itself",
    Status.MAILED: "its receipt of delivery is awaited",
}


def advice(row: SubmissionRow) -> str:
    """One sentence; empty where nothing is left to do."""
    default = _BY_STATUS.get(row.status, "")
    if row.status is Status.DEAD and row.maybe_received:
        return "ask the partner whether it has it, then resolve --received, or replay"
    return _BY_REASON.get((row.status, row.reason or ""), default)

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
    TO_MAIL = "TO_MAIL"
    MAILING = "MAILING"
    MAILED = "MAILED"
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
    MAIL = "MAIL"
    MAIL_LATER = "MAIL_LATER"
    MAIL_TAKEN = "MAIL_TAKEN"
    MAIL_DELIVERED = "MAIL_DELIVERED"
    MAIL_RETURNED = "MAIL_RETURNED"
    MAIL_UNCERTAIN = "MAIL_UNCERTAIN"


S, E = Status, Event

# What came in a callback is never dropped: where it can no longer change anything, or came for
# something that was never sent, the pair maps to the status it is in, and evidence keeps it.
TRANSITIONS: dict[tuple[Status, Event], Status] = {
    # Nothing was sent yet.
    (S.WAITING, E.NEEDS_MET): S.READY,
    (S.WAITING, E.HOLD): S.HELD,
    (S.WAITING, E.UNTRANSLATABLE): S.INVALID,
    (S.WAITING, E.REPLACE): S.REPLACED,
    (S.WAITING, E.WITHDRAW): S.WITHDRAWN,
    (S.WAITING, E.CALLBACK_ACCEPTED): S.WAITING,
    (S.WAITING, E.CALLBACK_REJECTED): S.WAITING,
    # May go. It may have been sent before: RETRY_SAFE and ASKED_NOT_FOUND lead here.
    (S.READY, E.SUBMIT): S.SUBMITTING,
    (S.READY, E.UNTRANSLATABLE): S.INVALID,
    (S.READY, E.UNCHANGED): S.WITHDRAWN,
    (S.READY, E.HOLD): S.HELD,
    (S.READY, E.EXHAUSTED): S.DEAD,
    (S.READY, E.REPLACE): S.REPLACED,
    (S.READY, E.WITHDRAW): S.WITHDRAWN,
    (S.READY, E.CALLBACK_ACCEPTED): S.ACCEPTED,
    (S.READY, E.CALLBACK_REJECTED): S.REJECTED,
    # Perhaps on the wire.
    (S.SUBMITTING, E.ANSWER_ACCEPTED): S.ACCEPTED,
    (S.SUBMITTING, E.ANSWER_TAKEN): S.TAKEN,
    (S.SUBMITTING, E.ANSWER_REJECTED): S.REJECTED,
    (S.SUBMITTING, E.ANSWER_CHOICE): S.HELD,
    (S.SUBMITTING, E.ANSWER_UNAVAILABLE): S.DEFERRED,
    (S.SUBMITTING, E.ANSWER_LOST): S.IN_DOUBT,
    (S.SUBMITTING, E.LEASE_LOST): S.IN_DOUBT,
    (S.SUBMITTING, E.EXHAUSTED): S.DEAD,
    (S.SUBMITTING, E.CALLBACK_ACCEPTED): S.ACCEPTED,
    (S.SUBMITTING, E.CALLBACK_REJECTED): S.REJECTED,
    # Could not be delivered; the clock brings it back.
    (S.DEFERRED, E.SUBMIT): S.SUBMITTING,
    (S.DEFERRED, E.UNTRANSLATABLE): S.INVALID,
    (S.DEFERRED, E.HOLD): S.HELD,
    (S.DEFERRED, E.EXHAUSTED): S.DEAD,
    (S.DEFERRED, E.REPLACE): S.REPLACED,
    (S.DEFERRED, E.WITHDRAW): S.WITHDRAWN,
    (S.DEFERRED, E.CALLBACK_ACCEPTED): S.ACCEPTED,
    (S.DEFERRED, E.CALLBACK_REJECTED): S.REJECTED,
    # Sent, and nobody knows.
    (S.IN_DOUBT, E.RETRY_SAFE): S.READY,
    (S.IN_DOUBT, E.ASKED_NOT_FOUND): S.READY,
    (S.IN_DOUBT, E.ANSWER_ACCEPTED): S.ACCEPTED,
    (S.IN_DOUBT, E.ANSWER_TAKEN): S.TAKEN,
    (S.IN_DOUBT, E.ANSWER_REJECTED): S.REJECTED,
    (S.IN_DOUBT, E.ANSWER_CHOICE): S.HELD,
    (S.IN_DOUBT, E.ANSWER_UNAVAILABLE): S.IN_DOUBT,
    (S.IN_DOUBT, E.ANSWER_LOST): S.IN_DOUBT,
    (S.IN_DOUBT, E.UNRESOLVABLE): S.HELD,
    (S.IN_DOUBT, E.EXHAUSTED): S.HELD,
    (S.IN_DOUBT, E.RESOLVED_RECEIVED): S.ACCEPTED,
    (S.IN_DOUBT, E.RESOLVED_NOT_RECEIVED): S.READY,
    (S.IN_DOUBT, E.CALLBACK_ACCEPTED): S.ACCEPTED,
    (S.IN_DOUBT, E.CALLBACK_REJECTED): S.REJECTED,
    # The partner has it and will answer later.
    (S.TAKEN, E.ANSWER_ACCEPTED): S.ACCEPTED,
    (S.TAKEN, E.ANSWER_TAKEN): S.TAKEN,
    (S.TAKEN, E.ANSWER_REJECTED): S.REJECTED,
    (S.TAKEN, E.ANSWER_CHOICE): S.HELD,
    (S.TAKEN, E.ANSWER_UNAVAILABLE): S.TAKEN,
    (S.TAKEN, E.ANSWER_LOST): S.TAKEN,
    (S.TAKEN, E.ASKED_NOT_FOUND): S.HELD,
    (S.TAKEN, E.DEADLINE): S.HELD,
    (S.TAKEN, E.RESOLVED_RECEIVED): S.ACCEPTED,
    (S.TAKEN, E.RESOLVED_NOT_RECEIVED): S.READY,
    (S.TAKEN, E.CALLBACK_ACCEPTED): S.ACCEPTED,
    (S.TAKEN, E.CALLBACK_REJECTED): S.REJECTED,
    # A person decides.
    (S.HELD, E.CONFIRM): S.READY,
    (S.HELD, E.RESOLVED_RECEIVED): S.ACCEPTED,
    (S.HELD, E.RESOLVED_NOT_RECEIVED): S.READY,
    (S.HELD, E.REPLACE): S.REPLACED,
    (S.HELD, E.WITHDRAW): S.WITHDRAWN,
    (S.HELD, E.CALLBACK_ACCEPTED): S.ACCEPTED,
    (S.HELD, E.CALLBACK_REJECTED): S.REJECTED,
    # A receipt of certified mail that was given up settles the doubt after all.
    (S.HELD, E.MAIL_DELIVERED): S.TAKEN,
    (S.HELD, E.MAIL_RETURNED): S.DEAD,
    # A callback came before the reply, or again, or tells the act after the protocol number.
    (S.ACCEPTED, E.ANSWER_ACCEPTED): S.ACCEPTED,
    (S.ACCEPTED, E.ANSWER_TAKEN): S.ACCEPTED,
    (S.ACCEPTED, E.ANSWER_UNAVAILABLE): S.ACCEPTED,
    (S.ACCEPTED, E.ANSWER_LOST): S.ACCEPTED,
    (S.ACCEPTED, E.LEASE_LOST): S.ACCEPTED,
    (S.ACCEPTED, E.CALLBACK_ACCEPTED): S.ACCEPTED,
    # The partner contradicts itself: which of its words counts, a person asks.
    (S.ACCEPTED, E.ANSWER_REJECTED): S.HELD,
    (S.ACCEPTED, E.ANSWER_CHOICE): S.HELD,
    (S.ACCEPTED, E.CALLBACK_REJECTED): S.HELD,
    (S.REJECTED, E.ANSWER_ACCEPTED): S.HELD,
    (S.REJECTED, E.CALLBACK_ACCEPTED): S.HELD,
    (S.REJECTED, E.ANSWER_TAKEN): S.REJECTED,
    (S.REJECTED, E.ANSWER_REJECTED): S.REJECTED,
    (S.REJECTED, E.ANSWER_CHOICE): S.REJECTED,
    (S.REJECTED, E.ANSWER_UNAVAILABLE): S.REJECTED,
    (S.REJECTED, E.ANSWER_LOST): S.REJECTED,
    (S.REJECTED, E.CALLBACK_REJECTED): S.REJECTED,
    # Reprocess makes a new submission with a new operation id: the old id has its answer.
    (S.REJECTED, E.REPROCESS): S.REPLACED,
    (S.REJECTED, E.REPLACE): S.REPLACED,
    (S.REJECTED, E.WITHDRAW): S.WITHDRAWN,
    (S.INVALID, E.REPROCESS): S.REPLACED,
    (S.INVALID, E.REPLACE): S.REPLACED,
    (S.INVALID, E.WITHDRAW): S.WITHDRAWN,
    (S.INVALID, E.CALLBACK_ACCEPTED): S.INVALID,
    (S.INVALID, E.CALLBACK_REJECTED): S.INVALID,
    (S.DEAD, E.REPLAY): S.READY,
    (S.DEAD, E.REPROCESS): S.REPLACED,
    (S.DEAD, E.REPLACE): S.REPLACED,
    (S.DEAD, E.WITHDRAW): S.WITHDRAWN,
    (S.DEAD, E.RESOLVED_RECEIVED): S.ACCEPTED,
    (S.DEAD, E.CALLBACK_ACCEPTED): S.ACCEPTED,
    (S.DEAD, E.CALLBACK_REJECTED): S.REJECTED,
    # The other channel: certified mail. Only what surely never arrived goes by it.
    (S.DEAD, E.MAIL): S.TO_MAIL,
    (S.TO_MAIL, E.SUBMIT): S.MAILING,
    (S.TO_MAIL, E.HOLD): S.HELD,
    (S.TO_MAIL, E.EXHAUSTED): S.DEAD,
    (S.TO_MAIL, E.REPLAY): S.READY,
    (S.TO_MAIL, E.REPLACE): S.REPLACED,
    (S.TO_MAIL, E.WITHDRAW): S.WITHDRAWN,
    (S.TO_MAIL, E.CALLBACK_ACCEPTED): S.ACCEPTED,
    (S.TO_MAIL, E.CALLBACK_REJECTED): S.REJECTED,
    # Perhaps with the provider: only its receipts tell, and nothing sends it again.
    (S.MAILING, E.MAIL_LATER): S.TO_MAIL,
    (S.MAILING, E.MAIL_TAKEN): S.MAILED,
    (S.MAILING, E.MAIL_DELIVERED): S.TAKEN,
    (S.MAILING, E.MAIL_RETURNED): S.DEAD,
    (S.MAILING, E.MAIL_UNCERTAIN): S.HELD,
    (S.MAILING, E.RESOLVED_RECEIVED): S.ACCEPTED,
    (S.MAILING, E.CALLBACK_ACCEPTED): S.ACCEPTED,
    (S.MAILING, E.CALLBACK_REJECTED): S.REJECTED,
    (S.MAILED, E.MAIL_DELIVERED): S.TAKEN,
    (S.MAILED, E.MAIL_RETURNED): S.DEAD,
    (S.MAILED, E.MAIL_UNCERTAIN): S.HELD,
    (S.MAILED, E.RESOLVED_RECEIVED): S.ACCEPTED,
    (S.MAILED, E.CALLBACK_ACCEPTED): S.ACCEPTED,
    (S.MAILED, E.CALLBACK_REJECTED): S.REJECTED,
    (S.REPLACED, E.CALLBACK_ACCEPTED): S.REPLACED,
    (S.REPLACED, E.CALLBACK_REJECTED): S.REPLACED,
    (S.WITHDRAWN, E.CALLBACK_ACCEPTED): S.WITHDRAWN,
    (S.WITHDRAWN, E.CALLBACK_REJECTED): S.WITHDRAWN,
}

DONE = frozenset({S.ACCEPTED, S.REPLACED, S.WITHDRAWN})
"""Nothing is left to do about these."""

RECEIVED = frozenset({S.ACCEPTED, S.TAKEN})
"""The partner surely has these, by its own word."""

FINAL = frozenset({S.ACCEPTED, S.REJECTED, S.REPLACED, S.WITHDRAWN})
"""What lets the next submission of the same case and step go."""

REPLACEABLE = frozenset(
    {S.WAITING, S.READY, S.INVALID, S.REJECTED, S.DEAD, S.TO_MAIL, S.HELD, S.DEFERRED}
)
"""What a new message may replace, if it surely never reached the partner."""

MEANINGS = {
    S.WAITING: "needs another step, a declaration, its predecessor, or an embargo's end",
    S.HELD: "a person must decide: confirm, choose, answer a doubt",
    S.READY: "may go",
    S.SUBMITTING: "the attempt's exact signed bytes are committed; they may be on the wire",
    S.TAKEN: "the partner has it and will answer later",
    S.ACCEPTED: "positive receipt stored",
    S.REJECTED: "the partner said no in a declared, signed way",
    S.DEFERRED: "could not be delivered; the next attempt is known",
    S.IN_DOUBT: "sent, and the answer is lost or not trusted",
    S.INVALID: "our document cannot be built or breaks the schema",
    S.DEAD: "attempts or age are used up",
    S.TO_MAIL: "goes by certified mail; surely not yet given to its provider",
    S.MAILING: "the mail's exact bytes are committed; its provider may have them",
    S.MAILED: "its provider has the mail; the receipt of delivery is awaited",
    S.REPLACED: "a later message made another one of it",
    S.WITHDRAWN: "a later message, or a person, made it unnecessary",
}


def may_be_replaced(status: Status, *, maybe_received: bool) -> bool:
    """True if a new message replaces it, False if the new one waits behind or amends.

    Whatever may have reached the partner is not replaced while nobody knows: that would
    register the child twice. A REJECTED one has its answer.
    """
    if status is Status.REJECTED:
        return True
    return status in REPLACEABLE and not maybe_received


def after(status: Status, event: Event) -> Status:
    """The status that follows; raises LifecycleError for a pair nobody allowed."""
    try:
        return TRANSITIONS[status, event]
    except KeyError:
        raise LifecycleError(f"{event} cannot happen to a submission that is {status}") from None

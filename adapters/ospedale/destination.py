"""The return feed as a destination: an `A31` over MLLP, acknowledged by the HIS.

An A31 is a snapshot, so a HIS that reads it twice knows the same; the same bytes go in every
attempt. AE and AR are refusals, silence is a doubt.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from adapters.mllp import Answered, Lost, MllpSender, NotSent
from gateway.destination import Answer, Letter
from gateway.errors import TranslationError
from gateway.hl7.acknowledgment import Reply
from gateway.mapping import Compiled
from gateway.outcomes import Accepted, Fault, Outcome, Rejected, Unavailable, Unknown
from gateway.partners import Entry
from gateway.translation import Document

LIFETIME = timedelta(days=1)
"""An A31 has no Timestamp that a receiver would judge; this only bounds our own queue."""

_LATER = frozenset({"206", "207"})
"""Table 0357: the record is locked, an internal error of the HIS."""


class ReturnFeed:
    """All hospitals that want the codice fiscale back; `sender` gives the way to each."""

    def __init__(
        self, sender: Callable[[Entry], MllpSender], clock: Callable[[], datetime]
    ) -> None:
        self._sender = sender
        self._clock = clock

    def wrap(
        self, document: Document, entry: Entry, step: str, action: str, operation_id: str
    ) -> Letter:
        """The message itself is the letter."""
        if not isinstance(document, bytes):
            raise TranslationError([f"{step}: a return feed carries HL7, not XML"])
        return Letter(
            message_id=f"mllp:{uuid4()}",
            envelope=document,
            url=entry.endpoint,
            expires_at=self._clock() + LIFETIME,
            operation=action,
            operation_id=operation_id,
        )

    async def send(self, letter: Letter, entry: Entry, answers: Compiled | None) -> Answer:
        """Send it, and wait for the acknowledgment that names it."""
        match await self._sender(entry).send(letter.envelope):
            case NotSent(reason):
                return Answer(Unavailable(reason, received=False), note=reason[:200])
            case Lost(reason):
                return Answer(Unknown(reason), note=reason[:200])
            case Answered(reply):
                return Answer(_outcome(reply), note=reply.code)


def _outcome(reply: Reply) -> Outcome:
    if reply.accepted:
        return Accepted(receipt=reply.control_id, facts={"esito": reply.code})
    codes = [error[:3] for error in reply.errors if error[:3].isdecimal()]
    if _LATER & set(codes):
        return Unavailable(reply.code, received=False)
    return Rejected(tuple(Fault(code) for code in codes) or (Fault(reply.code),))

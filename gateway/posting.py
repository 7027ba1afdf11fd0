"""What happens in the journal to a submission that goes by certified mail, each inside one unit.

Every receipt is kept with its exact bytes, under the key of the case, once, whatever it changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from gateway.anonymity import said_since
from gateway.casebook import Casebook
from gateway.errors import MailError, VerificationError
from gateway.journal import AttemptRow, SubmissionRow, Unit
from gateway.lifecycle import Event, Status, after
from gateway.mailbox import Mailbox
from gateway.mailing import (
    DELIVERED,
    EXHAUSTED,
    RETURNED,
    SCHEME,
    SILENT,
    UNDELIVERED,
    UNSURE,
    mails,
    signed,
)
from gateway.pec.compose import Mail, compose
from gateway.pec.receipt import OF_THE_RECIPIENT, Kind, Receipt
from gateway.retry import Backoff

ORIGIN: Final = "pec"
"""Whose callbacks receipts are, in the inbox."""

ON_THE_WAY: Final = (Status.MAILING, Status.MAILED)


@dataclass(frozen=True, slots=True)
class Posted:
    """A mail whose bytes are committed, and the attempt that it is."""

    submission_id: str
    attempt: AttemptRow
    mail: Mail


class Posting:
    """`chance` gives a number in [0, 1) for the jitter of the next try."""

    def __init__(
        self,
        node: str,
        casebook: Casebook,
        mailbox: Mailbox,
        backoff: Backoff,
        chance: Callable[[], float],
    ) -> None:
        self._node = node
        self._casebook = casebook
        self._mailbox = mailbox
        self._backoff = backoff
        self._chance = chance

    def claim(self, unit: Unit, lease: timedelta) -> list[SubmissionRow]:
        """The mail that is due the longest; none, or one."""
        return unit.claim(self._node, limit=1, lease=lease, statuses=(Status.TO_MAIL,))

    def commit(self, row: SubmissionRow, unit: Unit) -> Posted | None:
        """Make the mail and keep its exact bytes. None, and DEAD, if it cannot be made any more."""
        unit.case(row.case_id)  # before its submissions: locked, and its key at hand
        attempts = unit.attempts(row.id)
        mail = self._mail(unit, row, attempts)
        if mail is None:
            to = after(row.status, Event.EXHAUSTED)
            unit.move(row, expect=row.status, fence=row.fence, to=to, due_at=None, reason=EXHAUSTED)
            return None
        moved = unit.move(
            row,
            expect=row.status,
            fence=row.fence,
            to=after(row.status, Event.SUBMIT),
            attempts=row.attempts + 1,
            maybe_received=True,
            due_at=None,
            deadline_at=unit.now + self._mailbox.receipt,
        )
        attempt = unit.add_attempt(
            row.id,
            number=moved.attempts,
            message_id=mail.message_id,
            envelope=mail.content,
            url=f"{SCHEME}{mail.recipient}",
        )
        return Posted(row.id, attempt, mail)

    def taken(self, unit: Unit, posted: Posted, outcome: str) -> None:
        """The provider's server said that it has it."""
        row = self.ended(unit, posted, outcome)
        if row is not None:
            _move(unit, row, Event.MAIL_TAKEN)

    def later(self, unit: Unit, posted: Posted, outcome: str) -> None:
        """It surely has it not: another mail goes later."""
        row = self.ended(unit, posted, outcome)
        if row is not None:
            tries = len(mails(unit.attempts(row.id)))
            due = unit.now + self._backoff.delay(tries, self._chance)
            self._never_arrived(unit, row, Event.MAIL_LATER, due_at=due)

    def refused(self, unit: Unit, posted: Posted, outcome: str) -> None:
        """It will never take it."""
        row = self.ended(unit, posted, outcome)
        if row is not None:
            self._never_arrived(unit, row, Event.MAIL_RETURNED, due_at=None, reason=RETURNED)

    def ended(self, unit: Unit, posted: Posted, outcome: str) -> SubmissionRow | None:
        """The attempt is over; its submission, if nothing else has settled it meanwhile."""
        row = unit.submission(posted.submission_id)
        unit.case(row.case_id)
        unit.end_attempt(posted.attempt, outcome)
        row = unit.submission(row.id)
        mine = row.attempts == posted.attempt.number
        return row if mine and row.status is Status.MAILING else None

    def heard(
        self, submission_id: str, about: str, receipt: Receipt, raw: bytes, unit: Unit
    ) -> bool:
        """A receipt of one of its mails; True if a person should hear of it.

        Raises VerificationError if it is not about the mail that was looked for.
        """
        case_id = unit.submission(submission_id).case_id
        unit.case(case_id)  # locked: another node may have read the same receipt
        if unit.has_callback(ORIGIN, receipt.id):
            return False
        row = unit.submission(submission_id)
        attempts = unit.attempts(submission_id)
        _believed(receipt, about, attempts)
        kept, _ = unit.add_callback(ORIGIN, receipt.id, row.operation_id, raw)
        # A receipt may bring the mail back with it.
        unit.apply_callback(kept.id, row.id, str(receipt.kind), keep=not said_since(unit, row))
        last = mails(attempts)[-1].message_id == about
        return self._settled(unit, row, receipt) if last else receipt.kind is Kind.DELIVERED

    def give_up(self, submission_id: str, unit: Unit) -> bool:
        """If no final receipt came in time, a person asks the office; True if it was so.

        A receipt that comes later still counts.
        """
        row = unit.submission(submission_id)
        if row.status not in ON_THE_WAY or row.deadline_at is None or row.deadline_at > unit.now:
            return False
        _move(unit, row, Event.MAIL_UNCERTAIN, reason=SILENT)
        return True

    def _settled(self, unit: Unit, row: SubmissionRow, receipt: Receipt) -> bool:
        open_ = row.status in ON_THE_WAY
        unsure = row.status is Status.HELD and row.reason in UNSURE
        if receipt.kind is Kind.ACCEPTED:
            if row.status is Status.MAILING:
                _move(unit, row, Event.MAIL_TAKEN)
            return False
        if receipt.kind is Kind.DELIVERED and (open_ or unsure):
            end = unit.now + self._backoff.max_age
            more = {"due_at": end, "deadline_at": end}
            _move(unit, row, Event.MAIL_DELIVERED, reason=DELIVERED, **more)
            return False
        if receipt.never_arrived and (open_ or unsure):
            self._never_arrived(unit, row, Event.MAIL_RETURNED, due_at=None, reason=RETURNED)
        elif receipt.kind is Kind.UNDELIVERED and open_:
            _move(unit, row, Event.MAIL_UNCERTAIN, reason=UNDELIVERED)
        return True

    def _never_arrived(self, unit: Unit, row: SubmissionRow, event: Event, **more: Any) -> None:
        """If a newer one waits behind it, that one goes in its place."""
        _move(unit, row, event, maybe_received=False, deadline_at=None, **more)
        self._casebook.went_on(unit, self._casebook.load(unit, row.case_id))

    def _mail(self, unit: Unit, row: SubmissionRow, attempts: list[AttemptRow]) -> Mail | None:
        """None if its office has no address any more, its bytes are gone, or it failed for good."""
        entry, last = self._casebook.entry_of(row), signed(attempts)
        document = unit.envelope(last.id) if last is not None else None
        spent = self._backoff.exhausted(len(mails(attempts)), timedelta(0))
        if entry is None or entry.pec is None or document is None or spent:
            return None
        own, number = self._mailbox.address, row.attempts + 1
        try:
            return compose(own, entry.pec.address, row.operation_id, number, document, unit.now)
        except MailError:
            return None


def _believed(receipt: Receipt, about: str, attempts: list[AttemptRow]) -> None:
    mail = next((each for each in mails(attempts) if each.message_id == about), None)
    if mail is None or receipt.about != about:
        raise VerificationError("reference", "receipt", "one of our mails")
    office = mail.url.removeprefix(SCHEME).lower()
    if receipt.kind in OF_THE_RECIPIENT and receipt.recipient.lower() != office:
        raise VerificationError("recipient", "receipt", "the office that the mail went to")


def _move(unit: Unit, row: SubmissionRow, event: Event, **changes: Any) -> None:
    unit.move(row, expect=row.status, to=after(row.status, event), **changes)

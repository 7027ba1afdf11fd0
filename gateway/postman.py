"""The other way to an office: certified mail, when the wire has failed for good.

The exact bytes of a mail are committed before they are sent. What may be with the provider is never
sent again: only its receipts, or a person, tell what became of it. Rounds do not overlap; several
nodes may run them: a mail is claimed by one, a receipt is kept once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.bridge import Bridge
from gateway.errors import Fenced, GatewayError, JournalError, MailError, VerificationError
from gateway.journal import Journal, Unit, View
from gateway.lifecycle import Status
from gateway.mailbox import Mailbox
from gateway.mailing import UNSURE, mails
from gateway.pec.compose import Mail
from gateway.pec.receipt import read_receipt
from gateway.posting import ON_THE_WAY, Posted, Posting

T = TypeVar("T")

MOST: Final = 20
"""Mails sent, and receipts read, in one round."""
AWAITED: Final = 200
"""Mails whose receipts one round looks for; the others have their turn in the next."""
MOST_OPEN: Final = 10_000
"""Submissions of one status that are looked at for mails whose fate is open."""


class Given(Enum):
    """What the provider's server said to a mail."""

    TAKEN = "MailTaken"
    LATER = "MailLater"
    """It surely has it not, and may take it later."""
    REFUSED = "MailRefused"
    """It surely has it not, and never will."""
    LOST = "MailLost"
    """It may have it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A mail in the mailbox that speaks of one of ours. `place` is where it lies, for good."""

    place: str
    about: str
    raw: bytes = field(repr=False)


Send = Callable[[Mail], Awaitable[Given]]
Look = Callable[[Collection[str], Collection[str], int], Awaitable[Sequence[Found]]]
"""Ids of our mails, places seen already, how many at most. Fails with MailError."""
Alarm = Callable[[str, BaseException], None]


class Postman:
    """One for the node; `posting` is what happens in the journal."""

    def __init__(
        self,
        reactor: Any,  # IReactorTime, which mypy cannot read
        journal: Journal,
        bridge: Bridge,
        posting: Posting,
        mailbox: Mailbox,
        send: Send,
        look: Look,
        clock: Callable[[], datetime],
        alarm: Alarm,
    ) -> None:
        self._reactor = reactor
        self._journal = journal
        self._bridge = bridge
        self._posting = posting
        self._poll = mailbox.poll.total_seconds()
        self._lease = 2 * mailbox.timeout + timedelta(minutes=1)
        self._send = send
        self._look = look
        self._clock = clock
        self._alarm = alarm
        self._seen: set[str] = set()
        self._turn = 0
        self._running: Deferred[None] | None = None
        self._timer: Any = None
        self._stopped = False

    def begin(self) -> None:
        """A round now, and from now on."""
        self._running = Deferred.fromCoroutine(self.round())
        self._running.addErrback(self._failed).addBoth(self._rest)

    async def stop(self) -> None:
        """After the round that runs."""
        self._stopped = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._running is not None:
            ended: Deferred[None] = Deferred()
            self._running.addBoth(lambda _: ended.callback(None))
            await ended

    async def round(self) -> None:
        """Send what is to go, read what came back, give up what nobody tells of."""
        for _ in range(MOST):
            if self._stopped or not await self._send_one():
                break
        await self._read()
        for submission_id in self._in_view(self._overdue):
            if await self._do(partial(self._posting.give_up, submission_id)):
                self._alarm("pec.no_receipt", MailError("no final receipt"))

    async def _send_one(self) -> bool:
        """False if nothing is due."""
        if not self._in_view(lambda view: view.submissions(status=Status.TO_MAIL, limit=1)):
            return False
        claimed = await self._do(lambda unit: self._posting.claim(unit, self._lease))
        if not claimed:
            return False
        posted = await self._do(partial(self._posting.commit, claimed[0]))
        if posted is None:
            self._alarm("pec.not_sent", MailError("no mail could be made"))
            return True
        # Its bytes are in the journal: what dies from here on is never sent again.
        given = await self._send(posted.mail)
        await self._do(partial(self._told, posted, given))
        if given is not Given.TAKEN:
            self._alarm(f"pec.{given.value}", MailError(given.value))
        return True

    def _told(self, posted: Posted, given: Given, unit: Unit) -> None:
        posting, outcome = self._posting, given.value
        match given:
            case Given.TAKEN:
                posting.taken(unit, posted, outcome)
            case Given.LATER:
                posting.later(unit, posted, outcome)
            case Given.REFUSED:
                posting.refused(unit, posted, outcome)
            case Given.LOST:
                posting.ended(unit, posted, outcome)

    async def _read(self) -> None:
        awaited = self._in_view(_awaited)
        if not awaited:
            return
        try:
            found = await self._look(self._in_turn(sorted(awaited)), self._seen, MOST)
        except MailError as error:
            self._alarm("pec.mailbox", error)
            return
        for each in found:
            await self._heard(awaited[each.about], each)
            self._seen.add(each.place)

    def _in_turn(self, ids: list[str]) -> list[str]:
        """Those of this round, so that none waits for ever behind others."""
        first = self._turn % len(ids)
        self._turn += AWAITED
        return (ids[first:] + ids[:first])[:AWAITED]

    async def _heard(self, submission_id: str, found: Found) -> None:
        try:
            receipt = read_receipt(found.raw)
            hear = partial(self._posting.heard, submission_id, found.about, receipt, found.raw)
            troubled = await self._do(hear)
        except VerificationError as error:
            self._alarm("pec.receipt", error)
            return
        if troubled:
            self._alarm(f"pec.{receipt.kind}", MailError(receipt.kind))

    def _overdue(self, view: View) -> list[str]:
        """By this machine's clock; the database's has the last word."""
        rows = [row for each in ON_THE_WAY for row in view.submissions(status=each)]
        now = self._clock()
        return [row.id for row in rows if row.deadline_at is not None and row.deadline_at <= now]

    def _in_view(self, read: Callable[[View], T]) -> T:
        with self._journal.view() as view:
            return read(view)

    async def _do(self, work: Callable[[Unit], T]) -> T | None:
        """One unit; None if somebody else was first."""
        try:
            return await self._bridge(self._journal.submit(work))
        except Fenced:
            return None

    def _failed(self, failure: Failure) -> None:
        # The next round may go well; a loop that ended silently would tell nobody.
        error = failure.value
        known = isinstance(error, GatewayError) and not isinstance(error, JournalError)
        self._alarm("pec" if known else "journal", error or RuntimeError())

    def _rest(self, _: object) -> None:
        self._running = None
        if not self._stopped:
            self._timer = self._reactor.callLater(self._poll, self.begin)


def _awaited(view: View) -> dict[str, str]:
    """Message ids of mails whose fate is open, each with its submission."""
    rows = [
        row
        for status in (Status.MAILING, Status.MAILED, Status.HELD)
        for row in view.submissions(status=status, limit=MOST_OPEN)
        if status is not Status.HELD or row.reason in UNSURE
    ]
    return {each.message_id: row.id for row in rows for each in mails(view.attempts(row.id))}

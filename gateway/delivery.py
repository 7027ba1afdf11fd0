"""The second corridor: translate, sign, commit the exact bytes, send, record the outcome.

Knows no transport: a `Destination` wraps a document and carries it. What is on the wire is always
in the journal first; what died in between is in doubt and never sent again blindly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple, TypeVar

from gateway.aftermath import Aftermath
from gateway.anonymity import nameless, said_since
from gateway.bridge import Bridge
from gateway.calls import Calls
from gateway.casebook import Casebook
from gateway.claimed import read_claimed
from gateway.destination import Answer, Claimed, Destination, Letter
from gateway.errors import Fenced, TranslationError
from gateway.flow.plan import Reason
from gateway.journal import AttemptRow, Journal, SubmissionRow, Unit
from gateway.journal.submissions import Changes
from gateway.lifecycle import TRANSITIONS, Event, Status, after
from gateway.outcomes import Accepted, NotFound, Outcome, Unavailable
from gateway.partners import Entry, Idempotence
from gateway.preparation import Draft, Preparation

T = TypeVar("T")

PATIENCE = 0.02
"""Seconds for which a unit of this corridor waits for others, to share one commit with them:
nobody stands and waits for it, as a hospital does for an acknowledgment."""

RECORDING = 60.0
"""Seconds for which a journal that is away is waited for to record an answer that came: a database
restarts or fails over in less, and an answer forgotten is a doubt, which may be a person's."""

Sent = Callable[[], None]


def _nobody() -> None:
    """Nobody wants to hear when a letter goes out."""


HEARS_ANSWERS = frozenset(status for status, event in TRANSITIONS if event is Event.ANSWER_TAKEN)
"""Where a submission may be while an answer is awaited."""


class Carried(NamedTuple):
    """What came back, and when the letter went; None if surely nothing of it went."""

    answer: Answer
    sent_at: datetime | None


class Delivery:
    """Works on one submission at a time; one for the node."""

    def __init__(
        self,
        journal: Journal,
        casebook: Casebook,
        aftermath: Aftermath,
        preparation: Preparation,
        destinations: Mapping[str, Destination],
        bridge: Bridge,
        clock: Callable[[], datetime],
        calls: Calls,
    ) -> None:
        self._calls = calls
        self._journal = journal
        self._casebook = casebook
        self._aftermath = aftermath
        self._preparation = preparation
        self._destinations = destinations
        self._bridge = bridge
        self._clock = clock

    def claimed(self, unit: Unit, row: SubmissionRow) -> Claimed:
        """Read, in the claim's own unit, everything that the work needs."""
        return read_claimed(unit, row, self._casebook)

    async def work(self, claimed: Claimed, sent: Sent = _nobody) -> Outcome | NotFound | None:
        """Do what the submission's status asks for; gives the outcome if somebody was asked.

        `sent` is called when all that is left is the partner's to do.
        """
        match claimed.row.status:
            case Status.READY | Status.DEFERRED:
                return await self._deliver(claimed, sent)
            case Status.IN_DOUBT | Status.TAKEN:
                return await self._resolve(claimed, sent)
            case _:
                await self._do(lambda unit: self._clock_rang(unit, claimed))
                return None

    def recover(self, unit: Unit, rows: list[SubmissionRow]) -> int:
        """What a node was sending when it died or lost its lease: nobody knows what came of it."""
        for row in rows:
            attempts = unit.attempts(row.id)
            expires_at = attempts[-1].expires_at if attempts else None
            entry = self._casebook.entry_of(row)
            self._aftermath.doubted(unit, row, Event.LEASE_LOST, entry, expires_at)
        return len(rows)

    async def _deliver(self, claimed: Claimed, on_wire: Sent) -> Outcome | NotFound | None:
        entry = claimed.entry
        if entry is None:
            await self._nowhere(claimed)
            return None
        if claimed.document is None and claimed.row.maybe_received:
            # A late wish not to be named destroyed what was sent. Another Body under the same
            # operation id would not be seen as the same: a person asks the partner.
            await self._do(lambda unit: self._leave_doubt(unit, claimed.row, Event.HOLD))
            return None
        draft: Draft | None = None
        if claimed.document is None:
            try:
                draft = self._preparation.draft(claimed, entry)
            except TranslationError as error:
                await self._invalid(claimed, [str(problem) for problem in error.problems])
                return None
            if draft.compared is not None and await self._is_no_news(claimed, draft.compared):
                return None
        # Every attempt has the same operation id and Body, its own MessageID and Timestamp.
        document = draft.translation.document if draft else claimed.document
        assert document is not None  # a submission with attempts has its document
        letter = self._preparation.letter(document, claimed, entry)
        # Commit the exact bytes before sending them: what dies in between is in doubt.
        sent = await self._do(lambda unit: self._submit(unit, claimed, letter, draft))
        if sent is None:
            return None
        carried = await self._carry(letter, claimed, entry, on_wire)
        # Done twice, where a commit that failed had happened, it finds the attempt ended: Fenced.
        await self._do(lambda unit: self._record(unit, claimed, sent, letter, carried), RECORDING)
        return carried.answer.outcome

    async def _nowhere(self, claimed: Claimed) -> None:
        """Its office left the directory. What may have arrived there is a person's; the rest can
        be made again, for today's office.
        """
        row, gone = claimed.row, Reason.NOT_IN_DIRECTORY
        if row.maybe_received:
            await self._do(lambda unit: self._leave_doubt(unit, row, Event.HOLD, gone))
        else:
            await self._invalid(claimed, ["the partner is not in the directory"], gone)

    async def _is_no_news(self, claimed: Claimed, said: bytes) -> bool:
        """True, and withdrawn, if an amendment would say what already stands at the partner."""
        row, standing = claimed.row, claimed.standing

        def compare(unit: Unit) -> bool:
            if standing is None or unit.case_digest(row.case_id, said) != standing.content_digest:
                return False
            if self._outrun(unit, claimed):
                return True
            status = after(row.status, Event.UNCHANGED)
            case = self._casebook.load(unit, row.case_id)  # locked first, as by everybody
            unit.move(row.id, expect=row.status, fence=row.fence, to=status, reason="UNCHANGED")
            self._casebook.went_on(unit, case)
            return True

        return await self._do(compare) is not False

    async def _resolve(self, claimed: Claimed, on_wire: Sent) -> Outcome | NotFound | None:
        """A doubt, or an answer that does not come: ask, try again, or leave it to a person."""
        row, entry = claimed.row, claimed.entry
        idempotence = entry.idempotence if entry else Idempotence.NEITHER
        asks = idempotence is Idempotence.CAN_BE_ASKED and self._preparation.can_ask(claimed)
        if entry is not None and asks:
            return await self._ask(claimed, entry, on_wire)
        if row.status is Status.TAKEN:
            await self._do(lambda unit: self._overdue(unit, row))
            return None
        safe = idempotence is Idempotence.IDEMPOTENT
        event = Event.RETRY_SAFE if safe else Event.UNRESOLVABLE
        await self._do(lambda unit: self._leave_doubt(unit, row, event))
        return None

    async def _ask(self, claimed: Claimed, entry: Entry, on_wire: Sent) -> Outcome | NotFound:
        row = claimed.row
        letter = self._preparation.question(claimed, entry)
        answer = (await self._carry(letter, claimed, entry, on_wire, of_question=True)).answer
        await self._do(lambda unit: self._told(unit, row, letter, answer, entry))
        return answer.outcome

    async def _carry(
        self,
        letter: Letter,
        claimed: Claimed,
        entry: Entry,
        on_wire: Sent,
        *,
        of_question: bool = False,
    ) -> Carried:
        now = self._clock()
        if now >= letter.expires_at:
            # The Timestamp aged in our own queue: nobody would accept it, so it is not sent.
            return Carried(Answer(Unavailable("EXPIRED_BEFORE_SENDING")), None)
        destination = self._destinations[claimed.row.partner]
        answers = self._preparation.answers(claimed, of_question=of_question)
        on_wire()
        answer = await self._calls.end_of(destination.send(letter, entry, answers))
        outcome = answer.outcome
        never = isinstance(outcome, Unavailable) and not outcome.received
        return Carried(answer, None if never else now)

    def _submit(
        self, unit: Unit, claimed: Claimed, letter: Letter, draft: Draft | None
    ) -> tuple[SubmissionRow, AttemptRow] | None:
        row = claimed.row
        if draft is not None and self._outrun(unit, claimed):
            return None
        if draft is None:
            unit.lock_case(row.case_id)  # first, as by everybody
            if said_since(unit, row):
                # She wished not to be named while it was signed again: the next look holds it.
                unit.release(row.id, fence=row.fence, due_at=unit.now)
                return None
        moved = unit.move(
            row,
            expect=row.status,
            fence=row.fence,
            to=after(row.status, Event.SUBMIT),
            **(_kept(unit, row, draft) if draft else Changes(attempts=row.attempts + 1)),
        )
        attempt = unit.add_attempt(
            row.id,
            number=moved.attempts,
            message_id=letter.message_id,
            envelope=letter.envelope,
            url=letter.url,
            expires_at=letter.expires_at,
        )
        return moved, attempt

    def _outrun(self, unit: Unit, claimed: Claimed) -> bool:
        """True, and given back, if a fact that it needs changed while we translated: what we made
        or found of the facts of before is not the last word.
        """
        if self._same_grounds(unit, claimed):
            return False
        unit.release(claimed.row.id, fence=claimed.row.fence, due_at=unit.now)
        return True

    def _same_grounds(self, unit: Unit, claimed: Claimed) -> bool:
        """Whether facts and choice that the step reads are as they were when the claim was made.

        A new message needs no look: it replaces what is READY, and then the move is fenced. So the
        case is locked whatever the step reads: who plans what follows must not find it READY still.
        """
        step = self._casebook.flow.steps[claimed.row.step]
        if not step.reads and step.choice is None:
            unit.lock_case(claimed.row.case_id)
            return True
        if unit.case_version(claimed.row.case_id) == claimed.case.row.version:
            return True
        now = self._casebook.load(unit, claimed.row.case_id).context
        then = claimed.case.context
        if step.choice is not None and now.choice != then.choice:
            return False
        return all(now.facts.get(name) == then.facts.get(name) for name in step.reads)

    def _record(
        self,
        unit: Unit,
        claimed: Claimed,
        sent: tuple[SubmissionRow, AttemptRow],
        letter: Letter,
        carried: Carried,
    ) -> None:
        (row, attempt), (answer, sent_at), entry = sent, carried, claimed.entry
        assert entry is not None  # it was sent there
        # Before its submissions: locked, and its key at hand.
        case = unit.case(row.case_id)
        if case.version != claimed.case.row.version and said_since(unit, row):
            answer = Answer(nameless(answer.outcome), note=answer.note)
        # A callback may have come before the reply: what counts is what the row is now.
        current = next(each for each in unit.submissions(row.case_id) if each.id == row.id)
        name = type(answer.outcome).__name__
        unit.end_attempt(
            attempt, name, answer=answer.body or None, note=answer.note, sent_at=sent_at
        )
        newest = current.attempts == attempt.number
        if newest and current.status in HEARS_ANSWERS:
            self._aftermath.answered(unit, current, answer.outcome, entry, letter.expires_at)
        elif newest or isinstance(answer.outcome, Accepted):
            # Late, it counts as a callback; but what was refused once may be done the next time.
            self._aftermath.called_back(unit, current, answer.outcome)

    def _told(
        self, unit: Unit, row: SubmissionRow, letter: Letter, answer: Answer, entry: Entry
    ) -> None:
        note = {"messageId": letter.message_id, "outcome": type(answer.outcome).__name__}
        unit.record("submission.asked", subjects=(row.id, row.case_id), note=note)
        current = unit.submission(row.id)
        # Of this claim alone: in doubt again, it may be about an attempt that was made since.
        if current.status is row.status and current.fence == row.fence:
            self._aftermath.answered(unit, current, answer.outcome, entry)

    def _leave_doubt(self, unit: Unit, row: SubmissionRow, event: Event, why: str = "") -> None:
        due, why = unit.now if event is Event.RETRY_SAFE else None, why or "DOUBT"
        status = after(row.status, event)
        unit.move(row.id, expect=row.status, fence=row.fence, to=status, due_at=due, reason=why)

    def _overdue(self, unit: Unit, row: SubmissionRow) -> None:
        if row.deadline_at is not None and unit.now < row.deadline_at:
            unit.release(row.id, fence=row.fence, due_at=row.deadline_at)
            return
        status = after(row.status, Event.DEADLINE)
        unit.move(row.id, expect=row.status, fence=row.fence, to=status, reason="DEADLINE")

    def _clock_rang(self, unit: Unit, claimed: Claimed) -> None:
        case = self._casebook.load(unit, claimed.row.case_id)  # locked first, as by everybody
        unit.release(claimed.row.id, fence=claimed.row.fence, due_at=None)
        self._casebook.went_on(unit, case)

    async def _invalid(self, claimed: Claimed, faults: list[str], why: str | None = None) -> None:
        row = claimed.row
        told = [{"code": "INVALID", "text": text} for text in faults]
        changes = Changes(faults=told, reason=why or row.reason)
        status = after(row.status, Event.UNTRANSLATABLE)

        def refuse(unit: Unit) -> None:
            if not self._outrun(unit, claimed):
                unit.move(row.id, expect=row.status, fence=row.fence, to=status, **changes)

        await self._do(refuse)

    async def _do(self, work: Callable[[Unit], T], endure: float = 0.0) -> T | None:
        """One unit; None if a later message or another node was first. `endure`: for so many
        seconds it is tried again while the journal is away.
        """
        try:
            return await self._bridge(self._journal.submit(work, PATIENCE, endure))
        except Fenced:
            return None


def _kept(unit: Unit, row: SubmissionRow, draft: Draft) -> Changes:
    """What the submission keeps of its making: the Body, its inputs, the pins of its mapping."""
    return Changes(
        attempts=row.attempts + 1,
        document=draft.document,
        inputs=draft.facts,
        pins=draft.translation.pins,
        body_digest=unit.case_digest(row.case_id, draft.document),
        content_digest=unit.case_digest(row.case_id, draft.translation.content),
    )

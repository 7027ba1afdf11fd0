"""The second corridor: translate, sign, commit the exact bytes, send, record the outcome.

Knows no transport: a `Destination` wraps a document and carries it. What is on the wire is always
in the journal first; what died in between is in doubt and never sent again blindly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from lxml import etree

from gateway.aftermath import Aftermath
from gateway.bridge import Bridge
from gateway.casebook import Case, Casebook
from gateway.errors import Fenced, TranslationError
from gateway.journal import Journal, SubmissionRow, Unit
from gateway.lifecycle import Event, Kind, Status, after
from gateway.mapping import Compiled
from gateway.outcomes import NotFound, Outcome, Unavailable
from gateway.partners import Entry, Idempotence
from gateway.translation import Document, Translation, comparable, content, translate

QUERY = "query"
FLOW_INPUT = "flow"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Letter:
    """What will travel: the exact bytes, committed before they are sent."""

    message_id: str
    envelope: bytes = field(repr=False)
    url: str
    expires_at: datetime
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: its meaning, and the bytes as they came."""

    outcome: Outcome | NotFound
    body: bytes = field(default=b"", repr=False)


class Destination(Protocol):
    """One kind of partner."""

    def wrap(
        self, document: Document, entry: Entry, step: str, action: str, operation_id: str
    ) -> Letter:
        """Envelope and sign. `action`: a Kind's value or `query`. Raises SigningError."""
        ...

    async def send(self, letter: Letter, entry: Entry, answers: Compiled | None) -> Answer:
        """Carry it, verify and read the answer. Never raises for what a partner does."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands at the partner, which an amendment is compared with and names."""

    content_digest: str | None
    inputs: Mapping[str, Mapping[str, str]] = field(repr=False)
    operation_id: str
    receipt: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A submission that this node may work on, with all that its work needs."""

    row: SubmissionRow
    case: Case
    entry: Entry | None
    document: bytes | None = field(repr=False)
    standing: Standing | None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A letter and what the submission keeps of its making."""

    letter: Letter
    translation: Translation | None = None
    inputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)


class Delivery:
    """Works on one submission at a time; one for the node. `mapping(name, profile)` compiles."""

    def __init__(
        self,
        journal: Journal,
        casebook: Casebook,
        aftermath: Aftermath,
        mapping: Callable[[str, str], Compiled],
        destinations: Mapping[str, Destination],
        bridge: Bridge,
        clock: Callable[[], datetime],
    ) -> None:
        self._journal = journal
        self._casebook = casebook
        self._aftermath = aftermath
        self._mapping = mapping
        self._destinations = destinations
        self._bridge = bridge
        self._clock = clock

    def claimed(self, unit: Unit, row: SubmissionRow) -> Claimed:
        """Read, in the claim's own unit, everything that the work needs."""
        case = self._casebook.load(unit, row.case_id)
        attempts = unit.attempts(row.id) if row.attempts else []
        return Claimed(
            row=row,
            case=case,
            entry=self._casebook.entry_of(row),
            document=unit.document(row.id) if row.attempts else None,
            standing=self._standing(unit, row.predecessor),
            expires_at=attempts[-1].expires_at if attempts else None,
        )

    async def work(self, claimed: Claimed) -> Outcome | NotFound | None:
        """Do what the submission's status asks for; gives the outcome if somebody was asked."""
        match claimed.row.status:
            case Status.READY | Status.DEFERRED:
                return await self._deliver(claimed)
            case Status.IN_DOUBT | Status.TAKEN:
                return await self._resolve(claimed)
            case _:
                return await self._do(lambda unit: self._clock_rang(unit, claimed))

    def recover(self, unit: Unit, rows: list[SubmissionRow]) -> int:
        """What a node was sending when it died or lost its lease: nobody knows what came of it."""
        for row in rows:
            attempts = unit.attempts(row.id)
            expires_at = attempts[-1].expires_at if attempts else None
            entry = self._casebook.entry_of(row)
            self._aftermath.doubted(unit, row, Event.LEASE_LOST, entry, expires_at)
        return len(rows)

    async def _deliver(self, claimed: Claimed) -> Outcome | NotFound | None:
        entry = claimed.entry
        if entry is None:
            return await self._invalid(claimed, ["the partner is not in the directory"])
        try:
            parcel = self._parcel(claimed, entry)
        except TranslationError as error:
            return await self._invalid(claimed, [str(problem) for problem in error.problems])
        if parcel is None:
            return await self._do(lambda unit: self._unchanged(unit, claimed))
        # Commit the exact bytes before sending them: what dies in between is in doubt.
        sent = await self._do(lambda unit: self._submit(unit, claimed, parcel))
        if sent is None:
            return None
        row, attempt_id = sent
        answer = await self._carry(parcel.letter, claimed, entry)
        await self._do(
            lambda unit: self._record(unit, row, attempt_id, parcel.letter, answer, entry)
        )
        return answer.outcome

    def _parcel(self, claimed: Claimed, entry: Entry) -> Parcel | None:
        """What to send; None if an amendment would say what already stands there."""
        row, destination = claimed.row, self._destinations[claimed.row.partner]
        action = row.kind.value
        if claimed.document is not None:
            # Every attempt has the same operation id and Body, its own MessageID and times.
            again = destination.wrap(claimed.document, entry, row.step, action, row.operation_id)
            return Parcel(again)
        inputs = self._inputs(claimed, entry)
        translation = self._translation(claimed, inputs)
        if row.kind is Kind.AMEND and self._says_the_same(claimed, inputs, translation):
            return None
        letter = destination.wrap(translation.document, entry, row.step, action, row.operation_id)
        return Parcel(letter, translation, _facts_in(inputs))

    def _translation(
        self, claimed: Claimed, inputs: Mapping[str, Mapping[str, object]]
    ) -> Translation:
        step = self._casebook.flow.steps[claimed.row.step]
        mapping = self._of_profile(claimed)
        return translate(mapping, step, claimed.row.kind, claimed.case.message, inputs)

    def _says_the_same(
        self,
        claimed: Claimed,
        inputs: Mapping[str, Mapping[str, object]],
        translation: Translation,
    ) -> bool:
        standing = claimed.standing
        if standing is None or standing.content_digest is None:
            return False
        name = claimed.row.step
        step = self._casebook.flow.steps[name]
        then = comparable(step, name, inputs, standing.inputs)
        said = translation.content
        if then != inputs:
            said = content(self._of_profile(claimed), step, claimed.case.message, then)
        return self._journal.case_digest(claimed.case.row, said) == standing.content_digest

    async def _resolve(self, claimed: Claimed) -> Outcome | NotFound | None:
        """A doubt, or an answer that does not come: ask, try again, or leave it to a person."""
        row, entry = claimed.row, claimed.entry
        step = self._casebook.flow.steps[row.step]
        idempotence = entry.idempotence if entry else Idempotence.NEITHER
        if entry and idempotence is Idempotence.CAN_BE_ASKED and QUERY in step.maps:
            return await self._ask(claimed, entry)
        if row.status is Status.TAKEN:
            return await self._do(lambda unit: self._overdue(unit, row))
        safe = idempotence is Idempotence.IDEMPOTENT
        event = Event.RETRY_SAFE if safe else Event.UNRESOLVABLE
        return await self._do(lambda unit: self._leave_doubt(unit, row, event))

    async def _ask(self, claimed: Claimed, entry: Entry) -> Outcome | NotFound:
        row, step = claimed.row, self._casebook.flow.steps[claimed.row.step]
        inputs = self._inputs(claimed, entry)
        compiled = self._of_profile(claimed)(step.maps[QUERY])
        declared = {name: inputs.get(name, {}) for name in compiled.inputs}
        result = compiled.run(claimed.case.message, declared)
        if result.problems:
            await self._do(lambda unit: self._leave_doubt(unit, row, Event.UNRESOLVABLE))
            raise TranslationError(result.problems)
        letter = self._destinations[row.partner].wrap(
            result.value, entry, row.step, QUERY, row.operation_id
        )
        answer = await self._carry(letter, claimed, entry)
        await self._do(lambda unit: self._told(unit, row, letter, answer, entry))
        return answer.outcome

    async def _carry(self, letter: Letter, claimed: Claimed, entry: Entry) -> Answer:
        if self._clock() >= letter.expires_at:
            # The Timestamp aged in our own queue: nobody would accept it, so it is not sent.
            return Answer(Unavailable("EXPIRED_BEFORE_SENDING"))
        name = self._casebook.flow.steps[claimed.row.step].maps.get("answer")
        answers = self._of_profile(claimed)(name) if name else None
        return await self._destinations[claimed.row.partner].send(letter, entry, answers)

    def _inputs(self, claimed: Claimed, entry: Entry) -> dict[str, Mapping[str, object]]:
        row, case, standing = claimed.row, claimed.case, claimed.standing
        inputs: dict[str, Mapping[str, object]] = {**self._casebook.inputs(case)}
        overrides = case.context.overrides.get(row.id, {})
        now = self._clock()
        inputs["annullo"] = dict(case.context.cancellation)
        inputs[FLOW_INPUT] = {
            "operationId": row.operation_id,
            "now": now,
            "today": now.date(),
            "kind": row.kind.value,
            "predecessor": standing.operation_id if standing else None,
            "protocollo": standing.receipt if standing else None,
            "destinatario": entry.code,
            "ambiente": entry.processing,
            **overrides.get(FLOW_INPUT, {}),
        }
        for name, values in overrides.items():
            if name != FLOW_INPUT:
                inputs[name] = {**inputs.get(name, {}), **values}
        return inputs

    def _of_profile(self, claimed: Claimed) -> Callable[[str], Compiled]:
        profile = claimed.case.row.profile
        return lambda name: self._mapping(name, profile)

    def _standing(self, unit: Unit, submission_id: str | None) -> Standing | None:
        if submission_id is None:
            return None
        row = unit.submission(submission_id)
        stored = unit.inputs(submission_id)
        return Standing(
            content_digest=row.content_digest,
            inputs=json.loads(stored) if stored else {},
            operation_id=row.operation_id,
            receipt=row.receipt or row.ticket or "",
        )

    def _submit(
        self, unit: Unit, claimed: Claimed, parcel: Parcel
    ) -> tuple[SubmissionRow, str] | None:
        row, letter = claimed.row, parcel.letter
        if unit.case(row.case_id).version != claimed.case.row.version:
            # The dossier changed while we translated: what we have is not the last word.
            unit.release(row.id, fence=row.fence, due_at=unit.now)
            return None
        changes: dict[str, object] = {}
        if parcel.translation is not None:
            document = _bytes(parcel.translation.document)
            changes = {
                "document": document,
                "inputs": json.dumps(parcel.inputs).encode(),
                "pins": dict(parcel.translation.pins),
                "body_digest": unit.case_digest(row.case_id, document),
                "content_digest": unit.case_digest(row.case_id, parcel.translation.content),
            }
        moved = unit.move(
            row.id,
            expect=row.status,
            fence=row.fence,
            to=after(row.status, Event.SUBMIT),
            attempts=row.attempts + 1,
            **changes,
        )
        attempt = unit.add_attempt(
            row.id,
            number=moved.attempts,
            message_id=letter.message_id,
            envelope=letter.envelope,
            url=letter.url,
            expires_at=letter.expires_at,
        )
        return moved, attempt.id

    def _record(
        self,
        unit: Unit,
        row: SubmissionRow,
        attempt_id: str,
        letter: Letter,
        answer: Answer,
        entry: Entry,
    ) -> None:
        unit.end_attempt(
            attempt_id, outcome=type(answer.outcome).__name__, answer=answer.body or None
        )
        # A callback may have come before the reply: what counts is what the row is now.
        current = unit.submission(row.id)
        self._aftermath.answered(unit, current, answer.outcome, entry, letter.expires_at)

    def _told(
        self, unit: Unit, row: SubmissionRow, letter: Letter, answer: Answer, entry: Entry
    ) -> None:
        unit.record(
            "doubt.asked",
            subjects=(row.case_id, row.id),
            note={"messageId": letter.message_id, "outcome": type(answer.outcome).__name__},
        )
        current = unit.submission(row.id)
        if current.status is row.status:
            self._aftermath.answered(unit, current, answer.outcome, entry)

    def _leave_doubt(self, unit: Unit, row: SubmissionRow, event: Event) -> None:
        unit.move(
            row.id,
            expect=row.status,
            fence=row.fence,
            to=after(row.status, event),
            due_at=unit.now if event is Event.RETRY_SAFE else None,
            reason="DOUBT",
        )

    def _overdue(self, unit: Unit, row: SubmissionRow) -> None:
        if row.deadline_at is not None and unit.now < row.deadline_at:
            unit.release(row.id, fence=row.fence, due_at=row.deadline_at)
            return
        status = after(row.status, Event.DEADLINE)
        unit.move(row.id, expect=row.status, fence=row.fence, to=status, reason="DEADLINE")

    def _unchanged(self, unit: Unit, claimed: Claimed) -> None:
        row = claimed.row
        status = after(row.status, Event.UNCHANGED)
        unit.move(row.id, expect=row.status, fence=row.fence, to=status, reason="UNCHANGED")
        self._casebook.went_on(unit, self._casebook.load(unit, row.case_id))

    def _clock_rang(self, unit: Unit, claimed: Claimed) -> None:
        unit.release(claimed.row.id, fence=claimed.row.fence, due_at=None)
        self._casebook.went_on(unit, self._casebook.load(unit, claimed.row.case_id))

    async def _invalid(self, claimed: Claimed, reasons: list[str]) -> None:
        row = claimed.row
        faults = json.dumps([{"code": "INVALID", "text": text} for text in reasons]).encode()

        def invalid(unit: Unit) -> None:
            status = after(row.status, Event.UNTRANSLATABLE)
            unit.move(row.id, expect=row.status, fence=row.fence, to=status, faults=faults)

        await self._do(invalid)

    async def _do(self, work: Callable[[Unit], T]) -> T | None:
        """One unit; None if a later message or another node was first."""
        try:
            return await self._bridge(self._journal.submit(work))
        except Fenced:
            return None


def _bytes(document: Document) -> bytes:
    return document if isinstance(document, bytes) else etree.tostring(document)


def _facts_in(inputs: Mapping[str, Mapping[str, object]]) -> dict[str, Mapping[str, str]]:
    """The part of the inputs that later comparisons need: what steps had told, as text."""
    own = (FLOW_INPUT, "sender", "scelta", "partner", "annullo")
    return {
        name: {key: str(value) for key, value in values.items()}
        for name, values in inputs.items()
        if name not in own
    }

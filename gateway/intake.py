"""The first corridor: a message is read, judged, committed, and only then acknowledged.

Everything the hospital will ever hear about a message is decided here; what the administrations
hear is `delivery`'s. Knows no transport: bytes in, the bytes of an acknowledgment out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from time import perf_counter

from gateway import link
from gateway.admission import BORN_BEFORE
from gateway.answering import Answers, Receipt, Received, Unkept
from gateway.bridge import Bridge
from gateway.case import Case
from gateway.casebook import Casebook
from gateway.config import Configuration, Sender
from gateway.errors import (
    BlockTooLarge,
    GatewayError,
    JournalError,
    MessageRefused,
    NotWhole,
    PeerError,
    SenderNotAllowed,
)
from gateway.flow.reading import Account, Reader
from gateway.hl7.acknowledgment import (
    Verdict,
)
from gateway.hl7.conformance import structure
from gateway.hl7.finding import Finding
from gateway.hl7.location import Location
from gateway.hl7.message import Message
from gateway.hl7.patients import each_patient
from gateway.hl7.redaction import outline, redact
from gateway.journal import Journal, Unit
from gateway.merging import Merge, Merging
from gateway.patience import Patience
from gateway.recognition import Meaning, Recognition


class Intake:
    """One for all listeners. `told` hears every receipt after its commit.

    `patience`: how long a message waits for the journal; None: not at all.
    """

    def __init__(
        self,
        configuration: Configuration,
        journal: Journal,
        casebook: Casebook,
        readers: Callable[[str], Reader],
        bridge: Bridge,
        clock: Callable[[], datetime],
        told: Callable[[Receipt], None],
        patience: Patience | None = None,
    ) -> None:
        self._configuration = configuration
        self._known = {(each.application, each.facility): each for each in configuration.senders}
        self._journal = journal
        self._casebook = casebook
        self._recognition = Recognition(casebook)
        self._merging = Merging(casebook, self._recognition)
        self._readers = readers
        self._bridge = bridge
        self._answers = Answers(configuration, readers, clock)
        self._told = told
        self._patience = patience

    async def accept(
        self, payload: bytes, certificate_names: frozenset[str] | None = None
    ) -> bytes | None:
        """Judge and store one message; give back its acknowledgment, or None for silence.

        `certificate_names` are the names in the client's certificate, None without TLS.
        """
        began = perf_counter()
        try:
            received = self._read(payload, certificate_names)
        except PeerError as error:
            return await self.refuse(payload, error)
        try:
            # Commit before acknowledging: after AA/CA the hospital forgets the message.
            receipt = await self._store(lambda unit: self._take(unit, received))
        except PeerError as error:
            return await self.refuse(payload, error, received)
        except JournalError as error:
            # Fail closed: what cannot be stored is not taken; the hospital keeps it.
            internal = MessageRefused(str(error), code=207)
            return Unkept(self._answers.negative(payload, internal, received) or b"")
        self._told(replace(receipt, seconds=perf_counter() - began))
        return receipt.acknowledgment

    async def _store(self, work: Callable[[Unit], Receipt]) -> Receipt:
        if self._patience is None:
            return await self._bridge(self._journal.submit(work))
        return await self._patience.store(work)

    def _read(self, payload: bytes, certificate_names: frozenset[str] | None) -> Received:
        message = Message.parse(payload)
        sender = self._sender(message, certificate_names)
        reader = self._readers(sender.profile)
        charset = sender.charset or reader.profile.charset
        if charset and charset != message.charset:
            message = Message.parse(payload, charset=charset)
        received = Received(message, sender, reader)
        if sender.sequence and link.begins(message):
            return received
        findings = structure(message)
        if findings:
            raise _refusal(findings)
        return Received(
            message,
            sender,
            reader,
            acknowledgment=self._answers.positive(received),
            application=self._answers.application(received, Verdict.ACCEPTED),
        )

    def _sender(self, message: Message, certificate_names: frozenset[str] | None) -> Sender:
        application, facility = message.sending_application, message.sending_facility
        sender = self._known.get((application, facility))
        sender = sender or self._configuration.sender(application, facility)
        if sender is None:
            raise SenderNotAllowed("MSH-3 and MSH-4 name no sender of ours", location="MSH^1^3")
        if certificate_names is not None and not certificate_names & set(sender.certificate_names):
            text = "the client certificate may not speak for this MSH-3 and MSH-4"
            raise SenderNotAllowed(text, location="MSH^1^3")
        return sender

    def _take(self, unit: Unit, received: Received) -> Receipt:
        message, key = received.message, received.sender_key
        digest = unit.digest(message.raw)
        known = unit.find_duplicate(key, message.control_id, digest)
        if known is not None:
            # The sender did not read our answer: the same one again, and nothing else happens.
            return Receipt(
                known.acknowledgment, received.sender.name, received.verdict, "duplicate"
            )
        if received.sender.sequence:
            step = link.moved(unit, key, message)
            told = self._answers.positive(received, step.told)
            received = replace(received, acknowledgment=told)
            if step.link:
                return Receipt(
                    received.acknowledgment, received.sender.name, received.verdict, "link"
                )
        flagged = unit.control_id_seen(key, message.control_id)
        meanings = []
        for number, part in enumerate(self._parts(message), 1):
            heard = received if part is message else replace(received, message=part)
            meanings.append(self._hear(unit, heard, number, digest, flagged=flagged))
        if received.application is not None and received.sender.told_apart:
            unit.add_telling(received.sender.name, message.control_id, received.application)
        meaning = next((each for each in meanings if each is not Meaning.OTHER), Meaning.OTHER)
        return Receipt(
            received.acknowledgment,
            received.sender.name,
            received.verdict,
            meaning.value,
            application=received.application,
        )

    def _parts(self, message: Message) -> Sequence[Message]:
        """A merge may repeat the patient, and what is meant is meant of each. Else the message."""
        merges = message.event in self._casebook.flow.case.merge.events
        return each_patient(message) if merges else (message,)

    def _hear(
        self, unit: Unit, received: Received, number: int, digest: str, *, flagged: bool
    ) -> Meaning:
        """Do what a message says, or what it says of its patient of that `number`."""
        message = received.message
        account = received.reader.of(message, self._casebook.message_inputs(received.sender))
        if account.opens():
            _fit(received, account)
        try:
            meaning, case = self._recognition.of(unit, received.sender, message, account)
        except MessageRefused as error:
            if number == 1:
                raise
            raise _of_patient(error, number) from error
        if number > 1 and case is None:
            return meaning  # that the message came is kept with its first patient
        stored = self._storable(received, account, case)
        message_id = unit.add_message(
            sender=received.sender_key,
            control_id=message.control_id,
            event=message.event,
            processing=message.processing_id,
            body=stored.raw if case else None,
            # The first part's row is the one by which the whole message is recognised again.
            digest=digest if number == 1 else unit.digest(b"%d %s" % (number, digest.encode())),
            size=len(message.raw),
            verdict=received.verdict.name,
            acknowledgment=received.acknowledgment,
            case_id=case.row.id if case else None,
            flagged=flagged,
        )
        if case is not None:
            self._apply(unit, meaning, case, stored, message_id, received, account)
        elif meaning is Meaning.ASIDE:
            unit.set_aside(sender=received.sender.name, body=stored.raw, note=BORN_BEFORE)
        return meaning

    def _storable(self, received: Received, account: Account, case: Case | None) -> Message:
        """Nothing of an unnamed mother is stored: what is not on the profile's list goes first."""
        if case is None and not account.opens():
            return received.message
        if not account.anonymous() and not (case and case.context.anonymous):
            return received.message
        return redact(received.message, received.reader.profile.keeps)

    def _apply(
        self,
        unit: Unit,
        meaning: Meaning,
        case: Case,
        message: Message,
        message_id: str,
        received: Received,
        account: Account,
    ) -> None:
        match meaning:
            case Meaning.CANCEL:
                self._casebook.cancelled(unit, case, message, message_id)
            case Meaning.MERGE:
                said = Merge(received.sender, received.message, account)
                self._merging.merged(unit, said, message, message_id)
            case _:
                self._casebook.told(unit, case, message, message_id)

    async def refuse(
        self, payload: bytes, error: PeerError, received: Received | None = None
    ) -> bytes | None:
        """Keep the refused bytes for the operator, then say no and where."""
        sender = received.sender.name if received else "unreadable"
        whole = not isinstance(error, NotWhole | BlockTooLarge)
        body = self._keepable(payload, received) if whole else self._keepable_piece(payload)
        late = self._answers.late(received, error)

        def keep(unit: Unit) -> None:
            unit.add_reject(sender=sender, body=body, note=f"{error.code} {error.location}")
            if received is not None and late is not None:
                unit.add_telling(sender, received.message.control_id, late)

        verdict, stored = Verdict.REJECTED if error.rejects else Verdict.ERROR, False
        # The refusal stands even if it could not be kept: the hospital has the message.
        with contextlib.suppress(GatewayError):
            await self._bridge(self._journal.submit(keep))
            stored = True
            if received is not None and late is not None:
                # Committed: CA now, and why not on the channel for application acknowledgments.
                self._told(Receipt(None, sender, verdict, "refused", application=late))
                return received.acknowledgment
        self._told(Receipt(None, sender, verdict, "refused"))
        answer = self._answers.negative(payload, error, received)
        return answer if stored else Unkept(answer or b"")

    def _keepable(self, payload: bytes, received: Received | None) -> bytes:
        """Refused bytes as they came, but of an unnamed mother only what may be stored of her."""
        with contextlib.suppress(PeerError):  # what cannot be read cannot be judged either
            message = received.message if received else Message.parse(payload)
            reader = self._reader_of(message)
            # In a merge the wish is not said: it stands in the case of the record that ends.
            merges = message.event in self._casebook.flow.case.merge.events
            if merges or _perhaps_anonymous(reader, message):
                return redact(message, reader.profile.keeps).raw
        return payload

    def _keepable_piece(self, piece: bytes) -> bytes:
        """Of a message that did not come whole what may be stored of any mother: her wish not to
        be named may stand in what is missing.
        """
        try:
            message = Message.parse(piece)
            return redact(message, self._reader_of(message).profile.keeps).raw
        except PeerError:
            return outline(piece)

    def _reader_of(self, message: Message) -> Reader:
        application, facility = message.sending_application, message.sending_facility
        sender = self._configuration.sender(application, facility)
        return self._readers(sender.profile if sender else "default")


def _perhaps_anonymous(reader: Reader, message: Message) -> bool:
    """True also where the message does not let it be told: then the hospital alone keeps it."""
    try:
        return reader.of(message, {}).anonymous()
    except MessageRefused:
        return True


def _of_patient(error: MessageRefused, number: int) -> MessageRefused:
    """The refusal of one patient's part, with its place in the whole message."""
    where = Location.from_err2(error.location)
    place = where._replace(occurrence=number).err2 if where else error.location
    return MessageRefused(str(error), code=error.code, location=place)


def _refusal(findings: list[Finding]) -> MessageRefused:
    """The gravest finding speaks: what rejects comes before what errs."""
    worst = max(findings, key=lambda finding: finding.code)
    return MessageRefused(worst.text, code=worst.code, location=worst.location.err2)


def _fit(received: Received, account: Account) -> None:
    """What the sender's profile wants of a birth: fields that must be there, and findings that
    this hospital would rather hear of at once (AE) than have on the case.
    """
    profile, message = received.reader.profile, received.message
    lacking = structure(message, profile.required)
    if lacking:
        raise _refusal(lacking)
    if not profile.naks:
        return
    for finding in account.findings():
        if not {finding.code, finding.at}.isdisjoint(profile.naks):
            raise MessageRefused(finding.text, code=102, location=_place(finding.at))


def _place(at: str) -> str:
    """Where a check of the flow looked, as ERR-2; the segment, if its name is no path (NK1-MTH)."""
    try:
        return Location.parse(at).err2
    except ValueError:
        return at[:3]

"""Births that were kept for a person: on that person's word one opens a case, or goes.

Births of before the gateway's time (`births_since`, `births_within`) open no case by themselves:
somebody told the administrations already, or nobody did, and only a person knows.
"""

from __future__ import annotations

from gateway.casebook import Casebook
from gateway.config import Sender
from gateway.desk import Person
from gateway.errors import NotPossible
from gateway.hl7.message import Message
from gateway.hl7.redaction import redact
from gateway.journal import RejectRow, Unit
from gateway.journal.rejects import ASIDE
from gateway.recognition import Meaning, Recognition

BORN_BEFORE = "BORN_BEFORE PID^1^7"
"""The reason that a kept birth has in the evidence."""


def admit(book: Casebook, unit: Unit, aside_id: str, person: Person) -> str:
    """The id of the case that the kept birth opens, or belongs to. Raises NotPossible, NotFound."""
    row, body = _kept(unit, aside_id)
    sender = _unlimited(book.sender(row.sender))
    message = Message.parse(body, charset=sender.charset)
    reader = book.reader(sender.profile)
    account = reader.of(message, book.message_inputs(sender))
    meaning, case = Recognition(book).of(unit, sender, message, account)
    if case is None or meaning not in (Meaning.BIRTH, Meaning.AMEND):
        raise NotPossible(f"{aside_id} opens no case: its sender's profile does not take it so")
    if case.context.anonymous or account.anonymous():
        # She may have said so in what came since: then nothing of hers goes into the case.
        message = redact(message, reader.profile.keeps)
    note = {"person": person.name, "reason": person.reason}
    unit.record("case.admitted", subjects=(case.row.id, aside_id), note=note)
    book.told(unit, case, message, _add(unit, row, message, case.row.id))
    unit.end_aside(aside_id)
    return case.row.id


def dismiss(unit: Unit, aside_id: str, person: Person) -> None:
    """The administrations were told of this birth: its bytes go. Raises NotPossible, NotFound."""
    row, _ = _kept(unit, aside_id)
    note = {"person": person.name, "reason": person.reason}
    unit.record("birth.dismissed", subjects=(row.id,), digests={"payload": row.digest}, note=note)
    unit.end_aside(aside_id)


def _kept(unit: Unit, aside_id: str) -> tuple[RejectRow, bytes]:
    row, body = unit.reject(aside_id), unit.reject_body(aside_id)
    if body is None or not row.id.startswith(ASIDE):
        raise NotPossible(f"{aside_id} is no birth that was kept for a person")
    return row, body


def _add(unit: Unit, row: RejectRow, message: Message, case_id: str) -> str:
    """The bytes become a message of the case, under its key. Not heard anew from the sender, whose
    silence is watched, and no part of its duplicate filter.
    """
    return unit.add_message(
        sender=f"{ASIDE}{row.sender}",
        control_id=message.control_id,
        event=message.event,
        processing=message.processing_id,
        body=message.raw,
        digest=row.digest,
        size=len(message.raw),
        verdict="ADMITTED",
        acknowledgment=None,
        case_id=case_id,
    )


def _unlimited(sender: Sender) -> Sender:
    return sender.model_copy(update={"births_since": None, "births_within": None})

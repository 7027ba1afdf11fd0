"""Opens a case for a birth that was kept for a person, on that person's word.

Births of before the gateway's time (`births_since`, `births_within`) open no case by themselves:
somebody told the administrations already, or nobody did, and only a person knows.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.casebook import Casebook
from gateway.config import Sender
from gateway.desk import Person
from gateway.errors import NotPossible
from gateway.hl7.message import Message
from gateway.journal import RejectRow, Unit, View
from gateway.journal.rejects import KEPT, LARGEST
from gateway.recognition import Meaning, Recognition

BORN_BEFORE = "BORN_BEFORE PID^1^7"
"""The reason that a kept birth has in the evidence."""


def kept_births(view: View, limit: int) -> Sequence[RejectRow]:
    """The births that are kept, the newest first."""
    return [row for row in view.rejects(limit=KEPT) if row.note == BORN_BEFORE][:limit]


def admit(book: Casebook, unit: Unit, reject_id: str, person: Person) -> str:
    """The id of the case that the kept birth opens, or belongs to. Raises NotPossible, NotFound."""
    row, body = unit.reject(reject_id), unit.reject_body(reject_id)
    if body is None or row.note != BORN_BEFORE:
        raise NotPossible(f"{reject_id} is no birth that was kept for a person")
    if len(body) >= LARGEST:
        raise NotPossible(f"of {reject_id} only the beginning was kept: have it sent again")
    sender = _unlimited(book.sender(row.sender))
    message = Message.parse(body, charset=sender.charset)
    account = book.reader(sender.profile).of(message, book.message_inputs(sender))
    meaning, case = Recognition(book).of(unit, sender, message, account)
    if case is None or meaning not in (Meaning.BIRTH, Meaning.AMEND):
        raise NotPossible(f"{reject_id} opens no case: its sender's profile does not take it so")
    note = {"person": person.name, "reason": person.reason}
    unit.record("case.admitted", subjects=(case.row.id, reject_id), note=note)
    book.told(unit, case, message, reject_id)
    return case.row.id


def _unlimited(sender: Sender) -> Sender:
    return sender.model_copy(update={"births_since": None, "births_within": None})

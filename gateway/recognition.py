"""What a message is to us, and the case it is about.

A case is found by its child's number, by a number that the child had before, and by that of a
record which was merged into it. Most messages of a hospital are about nobody's birth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.case import UPDATES, Case, case_key
from gateway.casebook import Casebook
from gateway.config import Sender
from gateway.errors import Destroyed, MessageRefused
from gateway.flow.context import Context
from gateway.flow.reading import Account
from gateway.hl7.message import Message
from gateway.hl7.segment import Segment
from gateway.hl7.time import TimeError, parse_day
from gateway.journal import CaseRow, Unit

_ZONE = ZoneInfo("Europe/Rome")
_FORMER = 20
"""Numbers that a merge may end, and that a child may have: each is looked for."""


class Meaning(StrEnum):
    """What a message is to us."""

    BIRTH = "birth"
    AMEND = "amend"
    CANCEL = "cancel"
    MERGE = "merge"
    ASIDE = "aside"
    """A birth of before this gateway's time: kept for a person, told to nobody."""
    OTHER = "other"


class Recognition:
    """One for the node. Inside the unit of the message."""

    def __init__(self, casebook: Casebook) -> None:
        self._book = casebook

    def of(
        self, unit: Unit, sender: Sender, message: Message, account: Account
    ) -> tuple[Meaning, Case | None]:
        """The meaning, and the case: opened, if there is none and there must be one.

        About a case whose content was destroyed there is nothing left to say.
        """
        try:
            return self._of(unit, sender, message, account)
        except Destroyed:
            return Meaning.OTHER, None

    def _of(
        self, unit: Unit, sender: Sender, message: Message, account: Account
    ) -> tuple[Meaning, Case | None]:
        rules = self._book.flow.case
        key, birth = account.key(), account.opens()
        if birth and key is None:
            raise MessageRefused("the child has no identifier", code=101, location="PID^1^3")
        if not self._book.flow.means(message.event):
            return Meaning.OTHER, None
        if message.event in rules.merge.events:
            return self._of_merge(unit, sender, message, account)
        if key is None:
            return Meaning.OTHER, None
        again = birth and message.event not in UPDATES
        case = self.find(unit, sender, message, key, again=again)
        if case is not None and not self.starts_anew(unit, case, message):
            meaning = self._of_known(message, account)
            return meaning, None if meaning is Meaning.OTHER else case
        if birth and _is_of_before(sender, message, unit.now):
            return Meaning.ASIDE, None
        if birth:
            return Meaning.BIRTH, self.open(unit, sender, message, key)
        if case is None and message.event in rules.cancel.events and account.newborn():
            # It overtook the birth that it takes back: without a case that birth would be sent.
            return Meaning.CANCEL, self.open(unit, sender, message, key)
        return Meaning.OTHER, None

    def find(
        self,
        unit: Unit,
        sender: Sender,
        message: Message,
        key: Sequence[str],
        *,
        again: bool = False,
    ) -> Case | None:
        """The newest case of this child at this sender's facility. Raises Destroyed, unless it was
        cancelled and the child is admitted `again`.
        """
        own = self.owner(sender)
        digest = self.digest(unit, sender, message, key)
        row = unit.find_case(own.name, digest) or self._stands_for(unit, own.name, digest)
        if row is None or (again and row.state == "CANCELLED" and not row.readable):
            return None
        return self._book.read(row)

    def old_key(
        self, unit: Unit, sender: Sender, message: Message, account: Account
    ) -> Sequence[str] | None:
        """The number that a merge ends: the one that the profile chooses. Where no record of ours
        has that one, another of MRG-1 that one has: it was opened before the child had the other.
        """
        key, chosen = account.key(), account.old_key()
        if key is None or chosen is None or self.find(unit, sender, message, chosen):
            return chosen
        stays = self.find(unit, sender, message, key)
        for former in _former(message):
            if self._left_behind(unit, sender, message, former, stays):
                return former.key
        return chosen

    def open(self, unit: Unit, sender: Sender, message: Message, key: Sequence[str]) -> Case:
        """A child was born. The case is empty until it is `told` the message."""
        own = self.owner(sender)
        digest = self.digest(unit, sender, message, key)
        return self._book.open(unit, own, message, digest)

    def starts_anew(self, unit: Unit, case: Case, message: Message) -> bool:
        """Admitted again after a cancellation: another birth notice, another case."""
        if case.row.state != "CANCELLED" or message.event in UPDATES:
            return False
        moment = case.moment(message, unit.now)
        return not moment or moment >= case.context.cancelled_at

    def owner(self, sender: Sender) -> Sender:
        """Whose the cases are: the sender itself, or the feed that it is a second one of."""
        return self._book.sender(sender.cases_of) if sender.cases_of else sender

    def digest(self, unit: Unit, sender: Sender, message: Message, key: Sequence[str]) -> str:
        """What a case with this key is found by."""
        own, origin = self.owner(sender), (message.sending_application, message.sending_facility)
        if sender.cases_of:
            origin = (own.application, own.facility)
        return case_key(unit, own.name, *origin, message.processing_id, key)

    def _of_known(self, message: Message, account: Account) -> Meaning:
        if message.event in self._book.flow.case.cancel.events:
            return Meaning.CANCEL
        return Meaning.AMEND if account.amends() else Meaning.OTHER

    def _of_merge(
        self, unit: Unit, sender: Sender, message: Message, account: Account
    ) -> tuple[Meaning, Case | None]:
        """Kept with the record that stays; with that of an unnamed mother, if one of them is."""
        key, old_key = account.key(), self.old_key(unit, sender, message, account)
        if key is None or old_key is None:
            return self._of_half_a_merge(unit, sender, message, key, old_key)
        found = [self.find(unit, sender, message, each) for each in (key, old_key)]
        there = [case for case in found if case is not None]
        if not there:
            return Meaning.OTHER, None
        return Meaning.MERGE, next((case for case in there if case.context.anonymous), there[0])

    def _of_half_a_merge(
        self,
        unit: Unit,
        sender: Sender,
        message: Message,
        key: Sequence[str] | None,
        old_key: Sequence[str] | None,
    ) -> tuple[Meaning, Case | None]:
        """One of the two numbers is not there, or not to be told from others: an A47 of a feed
        that says only what is now amends. Refused if a record that we have would be left behind.
        """
        stays = None if key is None else self.find(unit, sender, message, key)
        numbers = _former(message) if old_key is None else (Former(old_key),)
        if any(self._left_behind(unit, sender, message, each, stays) for each in numbers):
            place = "PID^1^3" if key is None else "MRG^1^1"
            text = "of the identifiers here none, or more than one, can be the child's number"
            raise MessageRefused(text, code=101, location=place)
        return (Meaning.OTHER, None) if stays is None else (Meaning.AMEND, stays)

    def _left_behind(
        self, unit: Unit, sender: Sender, message: Message, former: Former, stays: Case | None
    ) -> bool:
        """Whether a record of ours, another than the one that `stays`, has this number."""
        old = self.find(unit, sender, message, former.key)
        if old is None or (stays is not None and old.row.id == stays.row.id):
            return False
        return former.type is None or former in _numbers(old.message)

    def _stands_for(self, unit: Unit, sender: str, digest: str) -> CaseRow | None:
        """The case that a record of this key was merged into, or that changed its number."""
        row, seen = unit.find_merged(sender, digest), set[str]()
        while row is not None and row.state == "MERGED" and row.id not in seen:
            seen.add(row.id)
            into = Context.decode(row.context or b"").merged_into
            row = unit.case(into) if into else None
        return row if row is not None and row.state != "MERGED" else None


class Former(NamedTuple):
    """A number that a merge ends: authority and identifier, and its type (None: whatever it is).

    Case keys have no type, and a visit's number may be another child's own.
    """

    key: Sequence[str]
    type: str | None = None


def _former(message: Message) -> Iterator[Former]:
    """All that MRG-1 says, up to so many that no hospital says more."""
    for segment in message.all("MRG")[:_FORMER]:
        yield from _identifiers(segment, 1)


def _numbers(message: Message) -> set[Former]:
    """All that PID-3 says."""
    return {each for segment in message.all("PID") for each in _identifiers(segment, 3)}


def _identifiers(segment: Segment, field: int) -> Iterator[Former]:
    for rep in range(1, min(segment.count(field), _FORMER) + 1):
        if number := segment.text(field, rep):
            key = (segment.text(field, rep, 4) or "", number)
            yield Former(key, segment.text(field, rep, 5) or "")


def _is_of_before(sender: Sender, message: Message, now: datetime) -> bool:
    try:
        born = parse_day(message.get("PID-7") or "")
    except TimeError:
        return False
    return born < _first_day(sender, now.astimezone(_ZONE).date())


def _first_day(sender: Sender, today: date) -> date:
    since = sender.births_since or date.min
    return since if sender.births_within is None else max(since, today - sender.births_within)

"""Two records turn out to be one child, or one child gets another number (A40, A47).

What was sent to an administration stays with the record that sent it, so that nothing is registered
twice: of a sent record and an open one the sent one lives on, under the number that stays. The
number that goes leads to the case that lives on, whoever still says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.case import Case
from gateway.casebook import Casebook
from gateway.config import Sender
from gateway.flow.context import Context
from gateway.flow.plan import Reason, may_stand, on_cancel
from gateway.flow.reading import Account
from gateway.hl7.dossier import Dossier, unite
from gateway.hl7.message import Message
from gateway.hl7.redaction import redact_dossier
from gateway.journal import Unit
from gateway.recognition import Recognition


class Merge(NamedTuple):
    """A merge as it was said: by whom, and the whole message. Keys are what it tells."""

    sender: Sender
    message: Message
    account: Account


class Merging:
    """Inside the unit of the message."""

    def __init__(self, casebook: Casebook, recognition: Recognition) -> None:
        self._book = casebook
        self._recognition = recognition

    def merged(self, unit: Unit, said: Merge, message: Message, message_id: str) -> None:
        """The record with the old number is the one with the message's own, if we know them.

        `message` is what may be stored of the one that was `said`.
        """
        key, old_key = said.account.key(), self._recognition.old_key(unit, *said)
        if key is None or old_key is None:
            return
        stays, old = (self._find(unit, said, each) for each in (key, old_key))
        if stays is None and old is not None:
            self._renumber(unit, old, self._digest(unit, said, key))
            self._book.told(unit, old, message, message_id)
        elif stays is not None and old is not None and stays.row.id != old.row.id:
            stays = self._unite(unit, stays, old, message)
            self._book.told(unit, stays, message, message_id)
        # An old number that was never heard of; who says it later means this child.
        chosen, lives = said.account.old_key(), stays or old
        if chosen is not None and lives is not None and self._find(unit, said, chosen) is None:
            self._stand_for(unit, lives, self._digest(unit, said, chosen))

    def _find(self, unit: Unit, said: Merge, key: Sequence[str]) -> Case | None:
        return self._recognition.find(unit, said.sender, said.message, key)

    def _digest(self, unit: Unit, said: Merge, key: Sequence[str]) -> str:
        return self._recognition.digest(unit, said.sender, said.message, key)

    def _renumber(self, unit: Unit, case: Case, digest: str) -> None:
        before = case.row.key_digest
        self._book.save(unit, case, key_digest=digest)
        self._stand_for(unit, case, before)

    def _stand_for(self, unit: Unit, case: Case, digest: str) -> None:
        """An empty record with this number leads to the case."""
        unit.open_case(
            sender=case.row.sender,
            key_digest=digest,
            profile=case.row.profile,
            processing=case.row.processing,
            dossier=b"",
            context=Context(merged_into=case.row.id).encode(),
            state="MERGED",
        )

    def _unite(self, unit: Unit, stays: Case, old: Case, message: Message) -> Case:
        lives, goes = (old, stays) if self._outlives(unit, old, stays) else (stays, old)
        digest, old_digest = stays.row.key_digest, old.row.key_digest
        self._go_into(unit, goes, lives, message, old_digest)
        if lives is old:
            self._book.save(unit, lives, key_digest=digest)
        self._take_over(unit, lives, goes, unite(old.dossier, stays.dossier))
        return lives

    def _go_into(self, unit: Unit, goes: Case, lives: Case, message: Message, digest: str) -> None:
        """What it did not send, the other sends; what both sent, a person takes back once."""
        goes.context.cancellation = {"evento": message.event, "data": message.get("EVN-2") or ""}
        goes.context.merged_into = lives.row.id
        self._book.save(unit, goes, state="MERGED", key_digest=digest)
        for name, wish, chain in self._book.wishes.of(unit, goes):
            self._book.carry_out(unit, goes, name, on_cancel(wish, chain, Reason.MERGED))

    def _take_over(self, unit: Unit, lives: Case, goes: Case, dossier: Dossier) -> None:
        """What was said and chosen for the one counts for the other."""
        ours, theirs = lives.context, goes.context
        lives.dossier, ours.choice = dossier, {**theirs.choice, **ours.choice}
        ours.declared_by = ours.declared_by or theirs.declared_by
        ours.admitted_at = max(ours.admitted_at, theirs.admitted_at)
        ours.merged_from.append(goes.row.id)
        anonymous = ours.anonymous or theirs.anonymous
        if ours.anonymous:
            lives.dossier = redact_dossier(dossier, lives.reader.profile.keeps)
        elif anonymous:
            self._book.unname(unit, lives)
        if anonymous and not theirs.anonymous:
            self._book.unname(unit, goes)
        self._book.save(unit, lives, told=True)

    def _outlives(self, unit: Unit, old: Case, stays: Case) -> bool:
        if "CANCELLED" in (old.row.state, stays.row.state):
            return old.row.state != "CANCELLED"
        return self._is_sent(unit, old) and not self._is_sent(unit, stays)

    def _is_sent(self, unit: Unit, case: Case) -> bool:
        return any(may_stand(chain) for _, _, chain in self._book.wishes.of(unit, case))

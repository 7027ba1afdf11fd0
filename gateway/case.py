"""A case while a unit of work holds it: its row, its dossier, its context, and how it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.config import Sender
from gateway.flow.context import Context
from gateway.flow.reading import Reader
from gateway.hl7.dossier import Dossier, fold
from gateway.hl7.message import Message
from gateway.hl7.moment import moment_of
from gateway.journal import CaseRow, View
from gateway.recent import Recent

UPDATES = ("A03", "A08", "A31")
"""Events that tell of a child who is there already."""


@dataclass(slots=True)
class Case:
    """One newborn at one facility, as stored, with what reads it."""

    row: CaseRow
    dossier: Dossier = field(repr=False)
    context: Context = field(repr=False)
    sender: Sender
    reader: Reader

    @property
    def stored(self) -> bytes:
        """The dossier as stored."""
        stored = self.dossier.encode()
        _known.put(stored, self.dossier)
        return stored

    @property
    def message(self) -> Message:
        """The dossier, read as a message."""
        return self.dossier.message

    def moment(self, message: Message, now: datetime) -> str:
        """When a message was written, as far as this sender's messages tell (`hl7.moment`)."""
        return moment_of(message, now, self.reader.profile.newer)

    def is_late(self, message: Message, now: datetime) -> bool:
        """Whether a message that is newer came before this one."""
        return bool(self.row.dossier) and "" < self.moment(message, now) < self.dossier.newest

    def is_overtaken(self, message: Message, now: datetime) -> bool:
        """Whether the child was admitted again after this cancellation was written."""
        if self.context.admitted_at:
            return "" < self.moment(message, now) < self.context.admitted_at
        # Stored by an earlier release, or never admitted here: the newest message tells.
        return self.is_late(message, now) and self.message.event not in UPDATES

    def take(self, message: Message, message_id: str, now: datetime) -> bool:
        """Fold a message into the dossier; True if it came late."""
        late, moment = self.is_late(message, now), self.moment(message, now)
        before = self.dossier if self.row.dossier else None
        self.dossier = fold(before, message, message_id, moment)
        if message.event in self.reader.flow.case.open.events and message.event not in UPDATES:
            self.context.admitted_at = max(self.context.admitted_at, moment)
        return late


def case_key(
    view: View, sender: str, application: str, facility: str, processing: str, key: Sequence[str]
) -> str:
    """The keyed digest a case is found by: sender, assigning authority and identifier.

    A test message never finds a case of production.
    """
    production = "P" if processing in ("", "P") else "T"
    return view.index(sender, application, facility, production, *key)


_known = Recent[bytes, Dossier]()
"""Dossiers as they were read, or as they were when they were stored; what was found in their
segments stays with them."""


def decoded(stored: bytes) -> Dossier:
    """A stored dossier; the same one for the same bytes."""
    return _known.get(stored) or _known.put(stored, Dossier.decode(stored))

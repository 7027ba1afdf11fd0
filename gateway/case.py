"""A case while a unit of work holds it: its row, its dossier, its context, and how it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.config import Sender
from gateway.flow.context import Context
from gateway.flow.reading import Reader
from gateway.hl7.dossier import Dossier
from gateway.hl7.message import Message
from gateway.journal import CaseRow, Unit


@dataclass(slots=True)
class Case:
    """A case while a unit works on it. `declared` and `anonymous` are of its dossier now."""

    row: CaseRow
    dossier: Dossier = field(repr=False)
    context: Context = field(repr=False)
    sender: Sender
    reader: Reader

    @property
    def message(self) -> Message:
        """The dossier, read as a message."""
        return self.dossier.message


def index(unit: Unit, sender: Sender, message: Message, key: Sequence[str]) -> str:
    """The keyed digest a case is found by: sender, assigning authority and identifier.

    A test message never finds a case of production.
    """
    production = "P" if message.processing_id in ("", "P") else "T"
    origin = (message.sending_application, message.sending_facility)
    return unit.index(sender.name, *origin, production, *key)

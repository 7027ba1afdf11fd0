"""A case while a unit of work holds it: its row, its dossier, its context, and how it is read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.config import Sender
from gateway.flow.context import Context
from gateway.flow.reading import Reader
from gateway.hl7.dossier import Dossier
from gateway.hl7.message import Message
from gateway.journal import CaseRow, View


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
        _remember(stored, self.dossier)
        return stored

    @property
    def message(self) -> Message:
        """The dossier, read as a message."""
        return self.dossier.message


def case_key(
    view: View, sender: str, application: str, facility: str, processing: str, key: Sequence[str]
) -> str:
    """The keyed digest a case is found by: sender, assigning authority and identifier.

    A test message never finds a case of production.
    """
    production = "P" if processing in ("", "P") else "T"
    return view.index(sender, application, facility, production, *key)


def index(view: View, sender: Sender, message: Message, key: Sequence[str]) -> str:
    """The `case_key` of the child that a message is about."""
    origin = (message.sending_application, message.sending_facility)
    return case_key(view, sender.name, *origin, message.processing_id, key)


REMEMBERED = 512
"""Dossiers that are kept as they were read, or as they were when they were stored: one birth is
looked at many times while its steps go on, and what was found in its segments stays with them."""

_known: OrderedDict[bytes, Dossier] = OrderedDict()


def decoded(stored: bytes) -> Dossier:
    """A stored dossier; the same one for the same bytes."""
    return _known.get(stored) or _remember(stored, Dossier.decode(stored))


def _remember(stored: bytes, dossier: Dossier) -> Dossier:
    _known[stored] = dossier
    if len(_known) > REMEMBERED:
        _known.popitem(last=False)
    return dossier

"""The only room with SQL. Knows no Twisted and no HL7 content."""

from gateway.journal.editions import EditionRow, Judgement
from gateway.journal.encryption import Keyring, load_public_key
from gateway.journal.journal import Health, Journal, look
from gateway.journal.nodes import NodeRow
from gateway.journal.pauses import PauseRow, Scope
from gateway.journal.rows import (
    AttemptRow,
    CaseRow,
    EvidenceRow,
    InboxRow,
    MessageRow,
    RejectRow,
    SubmissionRow,
)
from gateway.journal.unit import Unit, View

__all__ = [
    "AttemptRow",
    "CaseRow",
    "EditionRow",
    "EvidenceRow",
    "Health",
    "InboxRow",
    "Journal",
    "Judgement",
    "Keyring",
    "MessageRow",
    "NodeRow",
    "PauseRow",
    "RejectRow",
    "Scope",
    "SubmissionRow",
    "Unit",
    "View",
    "load_public_key",
    "look",
]

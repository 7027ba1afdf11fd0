"""All reads as one View, all writes as one Unit of work."""

from __future__ import annotations

from gateway.journal.asides import AsideReads, AsideWrites
from gateway.journal.attempts import AttemptReads, AttemptWrites
from gateway.journal.cases import CaseReads, CaseWrites
from gateway.journal.checkpoints import CheckpointReads, CheckpointWrites
from gateway.journal.claims import ClaimReads, ClaimWrites
from gateway.journal.editions import EditionReads, EditionWrites
from gateway.journal.export import ExportReads
from gateway.journal.inbox import InboxReads, InboxWrites
from gateway.journal.links import LinkReads, LinkWrites
from gateway.journal.messages import MessageReads, MessageWrites
from gateway.journal.nodes import NodeReads, NodeWrites
from gateway.journal.pauses import PauseReads, PauseWrites
from gateway.journal.rejects import RejectReads
from gateway.journal.retention import RetentionReads, RetentionWrites
from gateway.journal.strays import StrayReads, StrayWrites
from gateway.journal.submissions import SubmissionWrites
from gateway.journal.tellings import TellingReads, TellingWrites


class View(
    ExportReads,
    MessageReads,
    AsideReads,
    RejectReads,
    CaseReads,
    ClaimReads,
    AttemptReads,
    InboxReads,
    CheckpointReads,
    NodeReads,
    EditionReads,
    LinkReads,
    TellingReads,
    PauseReads,
    RetentionReads,
    StrayReads,
):
    """What the journal holds at one moment."""


class Unit(
    MessageWrites,
    AsideWrites,
    CaseWrites,
    SubmissionWrites,
    ClaimWrites,
    AttemptWrites,
    InboxWrites,
    CheckpointWrites,
    NodeWrites,
    EditionWrites,
    LinkWrites,
    TellingWrites,
    PauseWrites,
    RetentionWrites,
    StrayWrites,
    View,
):
    """Reads and writes that are kept together or not at all."""

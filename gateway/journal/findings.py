"""What verification can find, as values that name the place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What can be wrong with a journal."""

    ROW_EDITED = "row edited"
    BODY_EDITED = "body edited"
    ROW_DELETED = "row deleted"
    ROW_ADDED = "row added"
    ENTRY_EDITED = "evidence edited"
    ENTRY_DELETED = "evidence deleted"
    TAIL_TRUNCATED = "tail truncated"
    CHAIN_RECOMPUTED = "chain recomputed"
    NO_CHECKPOINT = "no checkpoint"
    CHECKPOINT_INVALID = "checkpoint invalid"
    CHECKPOINT_DELETED = "checkpoint deleted"
    DAMAGED = "database damaged"
    ORPHAN = "row without its parent"
    DOES_NOT_OPEN = "does not open"
    NO_EXIT = "state without an exit"


@dataclass(frozen=True, slots=True)
class Finding:
    """`place` is a table and row (`messages/018f…`), a column of it, or an entry (`node #7`)."""

    fault: Fault
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.fault}: {self.place}: {self.text}"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, and how much was looked at.

    `unsigned`: entries after the last checkpoint. They are chained, but until the next checkpoint
    somebody who can write the database could write them anew. `purged`: columns that retention
    emptied, as the evidence tells.
    """

    findings: tuple[Finding, ...]
    entries: int
    rows: int
    checkpoints: int
    unsigned: int
    purged: int = 0

"""Outcomes that a partner brings later: stored, recognised if repeated, acknowledged, applied.

Knows no transport. A callback that is stored is not lost: what a death left unapplied is applied
at the next start. What cannot be applied goes to its case as any other, if who sent it may speak
of it, and raises an alarm: it was acknowledged, and only a person can act on it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gateway.aftermath import Aftermath
from gateway.anonymity import nameless, said_since
from gateway.bridge import Bridge
from gateway.casebook import Casebook
from gateway.errors import Fenced, GatewayError, JournalError, VerificationError
from gateway.journal import InboxRow, Journal, SubmissionRow, Unit
from gateway.outcomes import Facts, NotFound, Outcome
from gateway.partners import Directory, Entry

ReadFacts = Callable[[bytes], Facts | None]
"""The Body of a callback to its facts; None if its mapping cannot read it."""


class Callbacks:
    """`outcome` tells what facts mean, in the words that all administrations share; `alarm` is
    told of what could not be applied.
    """

    def __init__(
        self,
        journal: Journal,
        casebook: Casebook,
        aftermath: Aftermath,
        directory: Directory,
        read: ReadFacts,
        outcome: Callable[[Facts], Outcome | NotFound],
        bridge: Bridge,
        alarm: Callable[[str, BaseException], None],
    ) -> None:
        self._journal = journal
        self._casebook = casebook
        self._aftermath = aftermath
        self._directory = directory
        self._read = read
        self._outcome = outcome
        self._bridge = bridge
        self._alarm = alarm

    async def store(self, office: Entry, message_id: str, operation_id: str, body: bytes) -> None:
        """Keep it; the partner may forget it when this returns. Raises JournalError."""
        origin = f"{office.partner}/{office.code}"
        await self._bridge(
            self._journal.submit(
                lambda unit: unit.add_callback(origin, message_id, operation_id, body)[0].id
            )
        )

    async def apply_stored(self) -> int:
        """Apply everything that waits, each in a unit of its own; gives how many there were."""
        waiting = await self._bridge(
            self._journal.submit(lambda unit: unit.pending_callbacks(limit=100))
        )
        for row in waiting:
            await self._apply_one(row)
        return len(waiting)

    async def _apply_one(self, row: InboxRow) -> None:
        try:
            read = await self._bridge(self._journal.submit(partial(self._apply, row)))
        except Fenced:
            return  # another node was first, or is at the submission: it is looked for again
        except JournalError:
            raise
        except GatewayError as error:
            # It would never be applied, and those behind it would wait for ever.
            await self._bridge(self._journal.submit(partial(self._give_up, row, error)))
            self._alarm("callback", error)
        else:
            if not read:
                self._alarm("callback", VerificationError("mapping", "Body", "what it can read"))

    def _apply(self, row: InboxRow, unit: Unit) -> bool:
        """False where it should tell of a submission, and its mapping cannot read it."""
        submission = self._meant(row, unit)
        if submission is None:
            return True
        unnamed, body = said_since(unit, submission), unit.callback_body(row.id)
        facts = self._read(body) if body else None
        told = "unreadable"
        if facts is not None:
            outcome = self._outcome(facts)
            outcome = nameless(outcome) if unnamed else outcome
            told = self._aftermath.called_back(unit, submission, outcome)
        unit.apply_callback(row.id, submission.id, told, keep=not unnamed)
        return facts is not None

    def _give_up(self, row: InboxRow, error: GatewayError, unit: Unit) -> None:
        """Its body is of the case all the same: whatever reaches the case must reach it."""
        submission = self._meant(row, unit)
        if submission is not None:
            told, keep = type(error).__name__, not said_since(unit, submission)
            unit.apply_callback(row.id, submission.id, told, keep=keep)

    def _meant(self, row: InboxRow, unit: Unit) -> SubmissionRow | None:
        """The submission that it may speak of and that can still learn; if none, it is told why."""
        submission = unit.by_operation(row.operation_id)
        if submission is None:
            unit.apply_callback(row.id, None, "unknown operation")
        elif not self._may_speak(row.partner, submission.partner, submission.endpoint):
            unit.apply_callback(row.id, None, "another office")
        elif not unit.case(submission.case_id).readable:
            unit.apply_callback(row.id, submission.id, "content destroyed")
        else:
            return submission
        return None

    def _may_speak(self, origin: str, partner: str, endpoint: str) -> bool:
        """Only who got a document tells what became of it: the same office, or the same keys."""
        kind, _, code = origin.partition("/")
        caller, owner = self._directory.entry(kind, code), self._directory.entry(partner, endpoint)
        if caller is None or owner is None:
            return False
        return (caller.partner, caller.ca, caller.signer) == (owner.partner, owner.ca, owner.signer)

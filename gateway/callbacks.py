"""Outcomes that a partner brings later: stored, recognised if repeated, acknowledged, applied.

Knows no transport. A callback that is stored is not lost: what a death left unapplied is applied
at the next start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gateway.aftermath import Aftermath
from gateway.anonymity import nameless, said_since
from gateway.bridge import Bridge
from gateway.casebook import Casebook
from gateway.errors import Fenced, GatewayError, JournalError
from gateway.journal import InboxRow, Journal, Unit
from gateway.outcomes import Facts, NotFound, Outcome
from gateway.partners import Directory, Entry

ReadFacts = Callable[[bytes], Facts | None]
"""The Body of a callback to its facts; None if its mapping cannot read it."""


class Callbacks:
    """`outcome` tells what facts mean, in the words that all administrations share."""

    def __init__(
        self,
        journal: Journal,
        casebook: Casebook,
        aftermath: Aftermath,
        directory: Directory,
        read: ReadFacts,
        outcome: Callable[[Facts], Outcome | NotFound],
        bridge: Bridge,
    ) -> None:
        self._journal = journal
        self._casebook = casebook
        self._aftermath = aftermath
        self._directory = directory
        self._read = read
        self._outcome = outcome
        self._bridge = bridge

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
            await self._bridge(self._journal.submit(partial(self._apply, row)))
        except Fenced:
            return  # another node was first, or is at the submission: it is looked for again
        except JournalError:
            raise
        except GatewayError as error:
            # It would never be applied, and those behind it would wait for ever.
            told = type(error).__name__
            await self._bridge(
                self._journal.submit(lambda unit: unit.apply_callback(row.id, None, told))
            )

    def _apply(self, row: InboxRow, unit: Unit) -> None:
        submission = unit.by_operation(row.operation_id)
        body = unit.callback_body(row.id)
        facts = self._read(body) if body else None
        if submission is None or facts is None:
            told = "unknown operation" if submission is None else "unreadable"
            unit.apply_callback(row.id, None, told)
        elif not self._may_speak(row.partner, submission.partner, submission.endpoint):
            unit.apply_callback(row.id, None, "another office")
        elif not unit.case(submission.case_id).readable:
            unit.apply_callback(row.id, submission.id, "content destroyed")
        else:
            unnamed, outcome = said_since(unit, submission), self._outcome(facts)
            outcome = nameless(outcome) if unnamed else outcome
            told = self._aftermath.called_back(unit, submission, outcome)
            unit.apply_callback(row.id, submission.id, told, keep=not unnamed)

    def _may_speak(self, origin: str, partner: str, endpoint: str) -> bool:
        """Only who got a document tells what became of it: the same office, or the same keys."""
        kind, _, code = origin.partition("/")
        caller, owner = self._directory.entry(kind, code), self._directory.entry(partner, endpoint)
        if caller is None or owner is None:
            return False
        return (caller.partner, caller.ca, caller.signer) == (owner.partner, owner.ca, owner.signer)

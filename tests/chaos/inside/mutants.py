"""Deliberate breaks of the gateway's promises, one a name: module → what is changed in it.

Runs inside the gateway's process (`sitecustomize`). Each breaks one promise and leaves the rest,
so that the checker has only that to see.
"""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

Change = Callable[[Any], None]


def acknowledge_before_commit(module: Any) -> None:
    """The hospital hears AA as soon as the message is understood."""

    async def accept(self: Any, payload: bytes, certificate_names: Any = None) -> Any:
        received = self._read(payload, certificate_names)
        self._journal.submit(lambda unit: self._take(unit, received))
        return received.acknowledgment

    module.Intake.accept = accept


def send_before_commit(module: Any) -> None:
    """What is sent is written down only when the answer is there."""
    real = module.Delivery._do

    async def deliver(self: Any, claimed: Any, on_wire: Any) -> Any:
        entry, draft = claimed.entry, None
        if claimed.document is None:
            draft = self._preparation.draft(claimed, entry)
        document = draft.translation.document if draft else claimed.document
        letter = self._preparation.letter(document, claimed, entry)
        carried = await self._carry(letter, claimed, entry, on_wire)
        sent = await real(self, lambda unit: self._submit(unit, claimed, letter, draft))
        if sent is not None:
            await real(self, lambda unit: self._record(unit, claimed, sent, letter, carried))
        return carried.answer.outcome

    module.Delivery._deliver = deliver


def new_operation_id(module: Any) -> None:
    """Every further attempt is another operation to the partner."""
    real = module.Preparation.letter

    def letter(self: Any, document: Any, claimed: Any, entry: Any) -> Any:
        if not claimed.row.attempts:
            return real(self, document, claimed, entry)
        other = str(uuid.uuid4())
        changed = bytes(document).replace(claimed.row.operation_id.encode(), other.encode())
        return replace(real(self, changed, claimed, entry), operation_id=other)

    module.Preparation.letter = letter


def no_fence(module: Any) -> None:
    """A claim that was lost is believed all the same: neither status nor fence is compared."""
    real = module.SubmissionWrites.move

    def move(
        self: Any, submission: Any, *, expect: Any, to: Any, fence: Any = None, **more: Any
    ) -> Any:
        row_id = submission if isinstance(submission, str) else submission.id
        now = self.submission(row_id)
        if fence is None:
            return real(self, submission, expect=expect, to=to, **more)
        return real(self, now, expect=now.status, to=to, **more)

    module.SubmissionWrites.move = move


def filter_in_memory(module: Any) -> None:
    """What was taken before is known only to the process that took it."""
    seen: set[tuple[str, str, str]] = set()
    real = module.MessageWrites.add_message

    def find_duplicate(self: Any, sender: str, control_id: str, digest: str) -> Any:
        known = (sender, control_id, digest) in seen
        return (
            module.MessageReads.find_duplicate(self, *(sender, control_id, digest))
            if known
            else None
        )

    def add_message(self: Any, **values: Any) -> str:
        self._connection.exec_driver_sql("DROP INDEX IF EXISTS messages_no_duplicates")
        seen.add((values["sender"], values["control_id"], values["digest"]))
        return str(real(self, **values))

    module.MessageWrites.find_duplicate = find_duplicate
    module.MessageWrites.add_message = add_message


def no_sync(module: Any) -> None:
    """`synchronous=OFF`, and nobody reads it back."""
    module.PRAGMAS = tuple(each.replace("=FULL", "=OFF") for each in module.PRAGMAS)
    module.Store.durability = lambda self, connection: None


def hasty_doubt(module: Any) -> None:
    """The partner is asked while the original may still be accepted."""
    module.Aftermath._doubt_due = lambda self, unit, *rest: unit.now + timedelta(seconds=0.2)


def frozen_with_a_claim(module: Any) -> None:
    """No break: this process stops itself once, between a claim and what it would send."""
    real, mark = module.Delivery._deliver, Path(os.environ["ICARO_FROZEN"])

    def stop_once() -> None:
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGSTOP)

    async def deliver(self: Any, *claimed: Any) -> Any:
        stop_once()
        return await real(self, *claimed)

    module.Delivery._deliver = deliver


MUTANTS: dict[str, dict[str, Change]] = {
    "acknowledge_before_commit": {"gateway.intake": acknowledge_before_commit},
    "send_before_commit": {"gateway.delivery": send_before_commit},
    "new_operation_id": {"gateway.preparation": new_operation_id},
    "no_fence": {"gateway.journal.submissions": no_fence},
    "filter_in_memory": {"gateway.journal.messages": filter_in_memory},
    "no_sync": {"gateway.journal.store": no_sync},
    "hasty_doubt": {"gateway.aftermath": hasty_doubt},
    "frozen_with_a_claim": {"gateway.delivery": frozen_with_a_claim},
}

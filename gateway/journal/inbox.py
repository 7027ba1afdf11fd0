"""Callbacks of partners: stored, recognised if repeated, acknowledged, and only then applied.

Until it is known which case a callback belongs to, its body is under the unmatched key; applying
it seals the body anew under the key of the case, so that destroying that key reaches it too. A
callback of no submission is a stray, and kept as such.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select

from gateway.errors import Fenced, NotFound
from gateway.journal.reading import Reading
from gateway.journal.rows import CALLBACK, CALLBACKS, InboxRow
from gateway.journal.stored import new_id, storable
from gateway.journal.tables import inbox, submissions
from gateway.journal.transaction import Values
from gateway.journal.writing import Writing

_SAME = select(*CALLBACK).where(
    inbox.c.partner == bindparam("partner"), inbox.c.message_id == bindparam("message_id")
)
_PENDING = (
    select(*CALLBACK)
    .where(inbox.c.applied_at.is_(None))
    .order_by(inbox.c.received_at, inbox.c.id)
    .limit(bindparam("most"))
)
_BODY = (
    select(submissions.c.case_id, inbox.c.body)
    .select_from(inbox.outerjoin(submissions, inbox.c.submission_id == submissions.c.id))
    .where(inbox.c.id == bindparam("id"))
)


_GONE: Values = {"body": None, "body_seal": None}


class InboxReads(Reading):
    """Look callbacks up."""

    def pending_callbacks(self, *, limit: int = 100) -> list[InboxRow]:
        """Those not applied yet, the oldest first."""
        return [InboxRow.of(row) for row in self._rows(_PENDING, {"most": limit})]

    def callback(self, callback_id: str) -> InboxRow:
        """One callback; raises NotFound."""
        found = self._row(select(*CALLBACK).where(inbox.c.id == callback_id))
        if found is None:
            raise NotFound(f"no callback {callback_id}")
        return InboxRow.of(found)

    def has_callback(self, partner: str, message_id: str) -> bool:
        """Whether this MessageID of the partner's is kept already."""
        key = {"partner": partner, "message_id": storable(message_id)}
        return self._row(_SAME, key) is not None

    def callback_body(self, callback_id: str) -> bytes | None:
        """The exact bytes; None once the case's key is destroyed."""
        found = self._row(_BODY, {"id": callback_id})
        if found is None:
            raise NotFound(f"no callback {callback_id}")
        return self._unseal(found[0], ("inbox", "body", callback_id), found[1])


class InboxWrites(InboxReads, Writing):
    """Keep callbacks."""

    def add_callback(
        self, partner: str, message_id: str, operation_id: str, body: bytes
    ) -> tuple[InboxRow, bool]:
        """Keep a callback; True beside it if the partner sent this MessageID before."""
        key = {"partner": partner, "message_id": storable(message_id)}
        same = self._row(_SAME, key)
        if same is not None:
            self.record("callback.repeated", subjects=[same.id])
            return InboxRow.of(same), True
        callback_id = new_id()
        values: Values = {
            **key,
            "id": callback_id,
            "operation_id": storable(operation_id),
            "received_at": self._transaction.stamp,
            "version": 1,
            **self._sealed(self._keyring.unmatched, "inbox", callback_id, {"body": body}),
        }
        row = self._insert(CALLBACKS, values)
        self._witness("callback.stored", CALLBACKS, row)
        return InboxRow.of(row), False

    def apply_callback(
        self, callback_id: str, submission_id: str | None, outcome: str, *, keep: bool = True
    ) -> InboxRow:
        """Say what came of it (a code), and for which submission if any; Fenced if it was said.
        Without `keep` its body goes; without a submission it is a stray.
        """
        values: Values = {
            "applied_at": self._transaction.stamp,
            "submission_id": submission_id,
            "outcome": outcome,
        }
        if submission_id is not None:
            values |= self._sealed_for(submission_id, callback_id) if keep else _GONE
        row = self._change(CALLBACKS, callback_id, {"applied_at": None}, values)
        if row is None:
            raise Fenced(f"callback {callback_id} is not there or was applied")
        subjects = () if submission_id is None else (submission_id,)
        self._witness("callback.applied", CALLBACKS, row, subjects, {"outcome": outcome})
        return InboxRow.of(row)

    def _sealed_for(self, submission_id: str, callback_id: str) -> Values:
        """The body under the key of the submission's case; dropped if that key is destroyed."""
        key = self._case_key(self._case_of_submission(submission_id))
        body = None if key is None else self.callback_body(callback_id)
        if key is None or body is None:
            return _GONE
        return self._sealed(key, "inbox", callback_id, {"body": body})

"""Attempts: the exact signed bytes, committed before they are sent, and what came back.

What died between the commit and the answer is in doubt; the bytes here are what may have been sent.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select

from gateway.errors import Fenced, NotFound
from gateway.journal.prepared import Prepared, Row
from gateway.journal.reading import Reading
from gateway.journal.rows import ATTEMPT, ATTEMPTS, AttemptRow
from gateway.journal.stored import new_id, optional_stamp, stamp
from gateway.journal.tables import attempts, cases, submissions
from gateway.journal.transaction import Values
from gateway.journal.writing import Writing

_OF_SUBMISSION = Prepared(
    select(*ATTEMPT)
    .where(attempts.c.submission_id == bindparam("submission_id"))
    .order_by(attempts.c.number)
)
_CASE_OF_ATTEMPT = Prepared(
    select(submissions.c.id, submissions.c.case_id, cases.c.wrapped_key)
    .select_from(attempts.join(submissions).join(cases))
    .where(attempts.c.id == bindparam("id"))
)
_SECRETS = {
    column: select(submissions.c.case_id, attempts.c[column])
    .join(submissions, attempts.c.submission_id == submissions.c.id)
    .where(attempts.c.id == bindparam("id"))
    for column in ("envelope", "answer")
}


class AttemptReads(Reading):
    """Look attempts up."""

    def attempts(self, submission_id: str) -> list[AttemptRow]:
        """Every try of a submission, the first first."""
        rows = self._driver.rows(_OF_SUBMISSION, {"submission_id": submission_id})
        return [AttemptRow.of(row) for row in rows]

    def envelope(self, attempt_id: str) -> bytes | None:
        """The exact signed bytes; None once the case's key is destroyed."""
        return self._attempt_secret("envelope", attempt_id)

    def answer(self, attempt_id: str) -> bytes | None:
        """The exact bytes of the answer; None if none came or the key is destroyed."""
        return self._attempt_secret("answer", attempt_id)

    def _attempt_secret(self, column: str, attempt_id: str) -> bytes | None:
        found = self._row(_SECRETS[column], {"id": attempt_id})
        if found is None:
            raise NotFound(f"no attempt {attempt_id}")
        return self._unseal(found[0], ("attempts", column, attempt_id), found[1])


class AttemptWrites(AttemptReads, Writing):
    """Keep attempts."""

    def add_attempt(
        self,
        submission_id: str,
        number: int,
        message_id: str,
        envelope: bytes,
        url: str,
        expires_at: datetime | None = None,
    ) -> AttemptRow:
        """Keep the exact bytes that are about to be sent."""
        attempt_id = new_id()
        key = self._writing_key(self._case_of_submission(submission_id))
        values: Values = {
            "id": attempt_id,
            "submission_id": submission_id,
            "number": number,
            "message_id": message_id,
            "created_at": self._transaction.stamp,
            "expires_at": optional_stamp(expires_at),
            "url": url,
            "version": 1,
            **self._sealed(key, "attempts", attempt_id, {"envelope": envelope}),
        }
        row = self._insert(ATTEMPTS, values)
        self._witness("attempt.added", ATTEMPTS, row, (submission_id,), {"number": number})
        return AttemptRow.of(row)

    def end_attempt(
        self,
        attempt: AttemptRow | str,
        outcome: str,
        *,
        answer: bytes | None = None,
        note: str | None = None,
        sent_at: datetime | None = None,
    ) -> AttemptRow:
        """What came of it: `outcome` and `note` are codes, `answer` the exact bytes, `sent_at` when
        they were given to the wire, None if surely nothing was.

        `attempt`: as it was read, or its id. Fenced if it has ended before.
        """
        known = attempt if isinstance(attempt, AttemptRow) else None
        attempt_id = str(attempt) if known is None else known.id
        values: Values = {"ended_at": self._transaction.stamp, "outcome": outcome, "note": note}
        if sent_at is not None:
            values["sent_at"] = stamp(sent_at)
        if answer is not None:
            key = self._writing_key(self._case_of_attempt(attempt_id, known))
            values |= self._sealed(key, "attempts", attempt_id, {"answer": answer})
        stored = None if known is None else known.stored
        row = self._change(ATTEMPTS, attempt_id, {"ended_at": None}, values, stored)
        return self._attempt("attempt.ended", attempt_id, row)

    def _attempt(self, what: str, attempt_id: str, row: Row | None) -> AttemptRow:
        if row is None:
            raise Fenced(f"attempt {attempt_id} is not there or has ended")
        made = AttemptRow.of(row)
        note = {"outcome": made.outcome} if made.outcome else {}
        self._witness(what, ATTEMPTS, row, (made.submission_id,), note)
        return made

    def _case_of_attempt(self, attempt_id: str, known: AttemptRow | None) -> str:
        if known is not None:
            return self._case_of_submission(known.submission_id)
        found = self._driver.row(_CASE_OF_ATTEMPT, {"id": attempt_id})
        if found is None:
            raise NotFound(f"no attempt {attempt_id}")
        return self._remember_case(*found)

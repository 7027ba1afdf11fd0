"""Submissions: one document of one step, and its way through the statuses.

Every `move` names the status it expects, and the fence of the claim where there is one; when no row
matches, somebody else was first (Fenced). Document, inputs, facts and faults are under the key of
the case. Which move is allowed, `gateway/lifecycle.py` says; this room only keeps it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypedDict, Unpack

from sqlalchemy import bindparam, func, literal, select

from gateway.errors import Fenced, NotFound
from gateway.journal.prepared import Prepared, Row
from gateway.journal.reading import Reading
from gateway.journal.rows import SUBMISSION, SUBMISSIONS, SubmissionRow
from gateway.journal.stored import canonical, canonical_object, new_id, optional_stamp
from gateway.journal.tables import submissions
from gateway.journal.transaction import Values
from gateway.journal.writing import Writing
from gateway.lifecycle import FINAL, Kind, Status

LIMIT = 1000
"""Rows given at most, unless more are asked for."""


class Content(TypedDict, total=False):
    """What a submission is made with; what is not named stays empty."""

    partner: str
    endpoint: str
    predecessor: str | None
    due_at: datetime | None
    deadline_at: datetime | None
    attempts: int
    maybe_received: bool
    body_digest: str | None
    content_digest: str | None
    document: bytes | None
    inputs: Mapping[str, object] | None
    facts: Mapping[str, object] | None
    faults: Sequence[object] | None
    ticket: str | None
    receipt: str | None
    pins: Mapping[str, str] | None
    reason: str | None


class Changes(Content, total=False):
    """What a move may change beside the status; what is not named stays."""

    kind: Kind


_SECRET_JSON = ("inputs", "facts", "faults")
_BY_ID = Prepared(select(*SUBMISSION).where(submissions.c.id == bindparam("id")))
_BY_OPERATION = Prepared(
    select(*SUBMISSION).where(submissions.c.operation_id == bindparam("operation_id"))
)
_COUNTS = (
    select(submissions.c.status, func.count())
    .where(submissions.c.status.in_(bindparam("among", expanding=True)))
    .group_by(submissions.c.status)
)
_SECRETS = {
    column: Prepared(
        select(submissions.c.case_id, submissions.c[column]).where(
            submissions.c.id == bindparam("id")
        )
    )
    for column in ("document", *_SECRET_JSON)
}


def _json(plain: Any) -> str:
    return canonical_object(plain) if isinstance(plain, dict) else canonical(plain)


@cache
def _matching(columns: tuple[str, ...]) -> Prepared:
    query = select(*SUBMISSION).where(
        *(submissions.c[column] == bindparam(column) for column in columns)
    )
    in_order = query.order_by(submissions.c.created_at, submissions.c.id)
    return Prepared(in_order.limit(bindparam("most")))


_EARLIER = submissions.alias("earlier")
NOT_OVERTAKING = ~(
    select(_EARLIER.c.id)
    .where(
        _EARLIER.c.case_id == submissions.c.case_id,
        _EARLIER.c.step == submissions.c.step,
        _EARLIER.c.seq < submissions.c.seq,
        _EARLIER.c.status.not_in([literal(str(status)) for status in FINAL]),
    )
    .exists()
)
"""True of the earliest submission of its case and step that is not final."""


class SubmissionReads(Reading):
    """Look submissions up."""

    def submission(self, submission_id: str) -> SubmissionRow:
        """One submission; raises NotFound."""
        found = self._driver.row(_BY_ID, {"id": submission_id})
        if found is None:
            raise NotFound(f"no submission {submission_id}")
        return self._submission(found)

    def by_operation(self, operation_id: str) -> SubmissionRow | None:
        """The submission a partner's answer names."""
        found = self._driver.row(_BY_OPERATION, {"operation_id": operation_id})
        return None if found is None else self._submission(found)

    def submissions(
        self,
        case_id: str | None = None,
        step: str | None = None,
        status: Status | None = None,
        *,
        limit: int = LIMIT,
    ) -> list[SubmissionRow]:
        """Those that match all that is given, in the order they were made."""
        given = {"case_id": case_id, "step": step, "status": status}
        wanted: Values = {name: str(value) for name, value in given.items() if value is not None}
        query = _matching(tuple(wanted))
        return [
            self._submission(row) for row in self._driver.rows(query, {**wanted, "most": limit})
        ]

    def document(self, submission_id: str) -> bytes | None:
        """The document as translated; None if there is none or the case's key is destroyed."""
        return self._secret("document", submission_id)

    def inputs(self, submission_id: str) -> dict[str, Any] | None:
        """What the mapping was given beside the dossier."""
        found: dict[str, Any] | None = self._secret_json("inputs", submission_id)
        return found

    def facts(self, submission_id: str) -> dict[str, Any] | None:
        """What the partner's answer gave."""
        found: dict[str, Any] | None = self._secret_json("facts", submission_id)
        return found

    def faults(self, submission_id: str) -> list[Any] | None:
        """Why the partner refused, or why no document could be built."""
        found: list[Any] | None = self._secret_json("faults", submission_id)
        return found

    def counts_by_status(self, among: Collection[Status] = tuple(Status)) -> dict[Status, int]:
        """How many submissions stand where; those of statuses that are not `among` are not read."""
        asked = {"among": [str(status) for status in among]}
        return {Status(status): count for status, count in self._rows(_COUNTS, asked)}

    def _submission(self, stored: Row) -> SubmissionRow:
        self._kept[stored[0]] = stored
        return SubmissionRow.of(stored)

    def _secret(self, column: str, submission_id: str) -> bytes | None:
        found = self._driver.row(_SECRETS[column], {"id": submission_id})
        if found is None:
            raise NotFound(f"no submission {submission_id}")
        return self._unseal(found[0], ("submissions", column, submission_id), found[1])

    def _secret_json(self, column: str, submission_id: str) -> Any:
        plain = self._secret(column, submission_id)
        return None if plain is None else json.loads(plain)


class SubmissionWrites(SubmissionReads, Writing):
    """Make submissions and move them on."""

    def add_submission(
        self,
        case_id: str,
        step: str,
        kind: Kind,
        status: Status,
        *,
        operation_id: str | None = None,
        **content: Unpack[Content],
    ) -> SubmissionRow:
        """The next submission of a step; without an operation id it gets a UUID of its own."""
        submission_id, at = new_id(), self._transaction.stamp
        values: Values = {
            "id": submission_id,
            "case_id": case_id,
            "step": step,
            "kind": str(kind),
            "status": str(status),
            "partner": "",
            "endpoint": "",
            "created_at": at,
            "updated_at": at,
            "fence": 0,
            "attempts": 0,
            "operation_id": operation_id or str(uuid.uuid4()),
            "maybe_received": False,
            "version": 1,
            **self._stored(submission_id, case_id, content),
        }
        values["seq"] = self._next_number(case_id, step)
        row = self._insert(SUBMISSIONS, values)
        self._transaction.rings |= status is Status.READY
        note = {"step": step, "kind": str(kind), "status": str(status)}
        self._witness("submission.added", SUBMISSIONS, row, (case_id,), note)
        return self._submission(row)

    def move(
        self,
        submission: SubmissionRow | str,
        *,
        expect: Status,
        to: Status,
        fence: int | None = None,
        **changes: Unpack[Changes],
    ) -> SubmissionRow:
        """From `expect` to `to`; Fenced if it is elsewhere or its claim is not `fence` any more.

        `submission`: as it was read, or its id. One that is not on the wire afterwards is nobody's
        claim.
        """
        submission_id = submission if isinstance(submission, str) else submission.id
        known = self._kept.get(submission_id)
        if known is None and isinstance(submission, SubmissionRow):
            known = submission.stored
        values: Values = {"status": str(to), "updated_at": self._transaction.stamp}
        if changes:
            values |= self._stored(submission_id, known[1] if known else None, changes)
        if to is not Status.SUBMITTING:
            values |= {"claimed_by": None, "lease_until": None}
        expected: Values = {"status": str(expect)}
        if fence is not None:
            expected["fence"] = fence
        row = self._change(SUBMISSIONS, submission_id, expected, values, known)
        if row is None:
            raise Fenced(f"submission {submission_id} is no longer {expect}, or not this claim's")
        self._transaction.rings |= to is Status.READY
        note = {"from": str(expect), "to": str(to)}
        moved = self._submission(row)
        if moved.reason:
            note["reason"] = moved.reason
        self._witness("submission.moved", SUBMISSIONS, row, (moved.case_id,), note)
        return moved

    def submissions(
        self,
        case_id: str | None = None,
        step: str | None = None,
        status: Status | None = None,
        *,
        limit: int = LIMIT,
    ) -> list[SubmissionRow]:
        """Those that match all that is given; of a case they are read once."""
        if case_id is None:
            return super().submissions(None, step, status, limit=limit)
        rows = [
            row
            for row in self._chain(case_id).values()
            if step in (None, row.step) and status in (None, row.status)
        ]
        return rows[:limit]

    def _chain(self, case_id: str) -> dict[str, SubmissionRow]:
        """All submissions of a case, in the order they were made."""
        if case_id not in self._chains:
            found = super().submissions(case_id)
            self._chains[case_id] = {row.id: row for row in found}
        return self._chains[case_id]

    def _submission(self, stored: Row) -> SubmissionRow:
        row = super()._submission(stored)
        if row.case_id in self._chains:
            self._chains[row.case_id][row.id] = row
        return row

    def _next_number(self, case_id: str, step: str) -> int:
        return 1 + max((row.seq for row in self.submissions(case_id, step)), default=0)

    def _stored(
        self, submission_id: str, case_id: str | None, changes: Content | Changes
    ) -> Values:
        """The changes in the forms in which they are stored, secrets under the case's key."""
        values: Values = dict(changes)
        secrets: dict[str, bytes | None] = {}
        for column in ("document", *_SECRET_JSON):
            if column in values:
                plain = values.pop(column)
                as_json = plain is not None and column in _SECRET_JSON
                secrets[column] = _json(plain).encode() if as_json else plain
        if secrets:
            key = self._writing_key(case_id or self._case_of_submission(submission_id))
            values |= self._sealed(key, "submissions", submission_id, secrets)
        for column in ("due_at", "deadline_at"):
            if column in values:
                values[column] = optional_stamp(values[column])
        if values.get("pins") is not None:
            values["pins"] = canonical_object(values["pins"])
        if "kind" in values:
            values["kind"] = str(values["kind"])
        return values

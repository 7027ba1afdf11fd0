"""Claims: which node may work on which submission, and for how long.

A claim takes due submissions, the longest due first, but never one whose case and step has an
earlier submission that is not final. PostgreSQL locks the rows and their cases and skips those
locked elsewhere, so a claim waits for nobody; a locked predecessor is not final in anyone's
snapshot, so it is never overtaken. Each claim, and each loss of one, raises the fence, which the
later `move` names. Leases are by the database's clock alone. Claims change no evidence.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    bindparam,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from gateway.errors import Fenced
from gateway.journal.pauses import NOT_PAUSED
from gateway.journal.prepared import Prepared, Row
from gateway.journal.rows import SUBMISSION, SUBMISSIONS, SubmissionRow
from gateway.journal.stored import optional_moment, optional_stamp, stamp
from gateway.journal.submissions import NOT_OVERTAKING, SubmissionReads
from gateway.journal.tables import cases, nodes, submissions
from gateway.journal.transaction import Values
from gateway.journal.writing import Writing
from gateway.lifecycle import Status

CLAIMABLE = (Status.READY, Status.DEFERRED, Status.IN_DOUBT, Status.TAKEN)
"""Statuses in which a submission can be due: to be sent, sent again, or asked about."""

Endpoint = tuple[str, str]
"""Partner and endpoint."""

_WITH_CASES = submissions.join(cases, submissions.c.case_id == cases.c.id)
_DRAINED = exists().where(nodes.c.name == bindparam("node"), nodes.c.drained_at.is_not(None))
_LOCKED: Any = {"of": [submissions, cases], "skip_locked": True}
"""The case too: who works on one has locked it first, and a claim must not wait for that."""
_IN_STATUSES = submissions.c.status.in_(bindparam("statuses", expanding=True))


def _due_in(statuses: ColumnElement[bool]) -> Select[Any]:
    """What is due, the longest due first, locked."""
    free = or_(submissions.c.claimed_by.is_(None), submissions.c.lease_until < bindparam("at"))
    return (
        select(*SUBMISSION)
        .select_from(_WITH_CASES)
        .where(statuses, submissions.c.due_at <= bindparam("at"), free, NOT_OVERTAKING, NOT_PAUSED)
        .where(~_DRAINED)
        .order_by(submissions.c.due_at, submissions.c.id)
        .limit(bindparam("most"))
        .with_for_update(**_LOCKED)
    )


_NEXT_DUE = select(func.min(submissions.c.due_at)).where(
    _IN_STATUSES, submissions.c.claimed_by.is_(None), NOT_OVERTAKING, NOT_PAUSED
)
_WAITING = (
    select(submissions.c.partner, submissions.c.endpoint, func.count())
    .where(_IN_STATUSES)
    .group_by(submissions.c.partner, submissions.c.endpoint)
)
_CLAIMED = submissions.c.claimed_by > ""
"""By anybody: whoever claims has a name, so the index looks at no row that nobody claims."""
_ELSEWHERE = Prepared(
    select(submissions.c.partner, submissions.c.endpoint, func.count())
    .where(
        _CLAIMED,
        submissions.c.claimed_by != bindparam("node"),
        submissions.c.lease_until >= bindparam("at"),
    )
    .group_by(submissions.c.partner, submissions.c.endpoint)
)
_ENDPOINT = slice(6, 8)
"""Places of partner and endpoint in a row."""
_FENCE = 14
_FORGET = {"claimed_by": None, "lease_until": None}


def _fits(row: Row, left: dict[Endpoint, int]) -> bool:
    """Whether its endpoint has room for it, which it then takes."""
    endpoint = row[_ENDPOINT]
    free = left.get(endpoint)
    if free is None:
        return True
    left[endpoint] = free - 1
    return free > 0


# At night thousands of offices are shut: one value holds them all, and the text stays the same.
_SHUT = bindparam("shut", type_=Text)
_PLACE = submissions.c.partner + " " + submissions.c.endpoint
_NOT_SHUT = {
    "sqlite": _PLACE.not_in(select(func.json_each(_SHUT).table_valued("value").c.value)),
    "postgresql": _PLACE.not_in(
        select(func.jsonb_array_elements_text(cast(_SHUT, JSONB)).column_valued("place"))
    ),
}


@cache
def _due(database: str, statuses: tuple[str, ...]) -> Prepared:
    """What is due in these statuses, nearly always the same ones, and may be called."""
    wanted = submissions.c.status.in_([literal(each) for each in statuses])
    return Prepared(_due_in(wanted).where(_NOT_SHUT[database]))


@cache
def _take(many: int) -> Prepared:
    """Take so many."""
    ids: list[Any] = [bindparam(f"id_{number}") for number in range(many)]
    statement = update(submissions).where(submissions.c.id.in_(ids))
    claimed: Values = {"claimed_by": bindparam("node"), "lease_until": bindparam("lease")}
    return Prepared(statement.values(**claimed, fence=submissions.c.fence + 1))


class ClaimReads(SubmissionReads):
    """Look at what is due."""

    def next_due(self, statuses: Collection[Status] = CLAIMABLE) -> datetime | None:
        """When the next submission is due that is unclaimed and not paused; None if none is."""
        found = self._row(_NEXT_DUE, {"statuses": [str(status) for status in statuses]})
        return optional_moment(found[0]) if found else None

    def waiting_by_endpoint(self) -> dict[Endpoint, int]:
        """How many submissions are still to be sent or asked about at each endpoint."""
        wanted = {"statuses": [str(status) for status in CLAIMABLE]}
        return {(row[0], row[1]): int(row[2]) for row in self._rows(_WAITING, wanted)}


class ClaimWrites(ClaimReads, Writing):
    """Take, give back and reclaim submissions."""

    def claim(
        self,
        node: str,
        *,
        limit: int,
        lease: timedelta,
        room: Mapping[Endpoint, int] | None = None,
        statuses: Collection[Status] = CLAIMABLE,
    ) -> list[SubmissionRow]:
        """Take up to `limit` due submissions for `node`, until now + `lease`; none if drained.

        `room`: how many more an endpoint may take now, were this node alone; 0 shuts it out, one
        not named has no bound. What other nodes have claimed for it is taken off, as far as it is
        committed: two that claim in the same moment may together take more.
        """
        left = self._less_elsewhere(node, dict(room or {}))
        taken: list[SubmissionRow] = []
        while len(taken) < limit:
            wanted = limit - len(taken)
            shut = [place for place, free in left.items() if free <= 0]
            found = self._due(node, statuses, shut, wanted)
            fitting = [row for row in found if _fits(row, left)]
            taken += self._take(fitting, node, stamp(self.now + lease))
            if len(fitting) == len(found) or len(found) < wanted:
                break
            # Whoever has more work than room is shut now: the others are not behind his queue.
        return taken

    def release(self, submission_id: str, fence: int, due_at: datetime | None) -> None:
        """Give a claim back, due again at `due_at`; Fenced if it is no longer this claim's, also
        because it was moved meanwhile: then it is due when whoever moved it said.
        """
        self._transaction.open_savepoint()
        self._read_anew()
        done = self._connection.execute(
            update(submissions)
            .where(submissions.c.id == submission_id, submissions.c.fence == fence)
            .where(submissions.c.claimed_by.is_not(None))
            .values(**_FORGET, due_at=optional_stamp(due_at))
        )
        if done.rowcount != 1:
            raise Fenced(f"submission {submission_id} is no longer this claim's")

    def reclaim_node(self, node: str) -> list[SubmissionRow]:
        """A node starts again: free what it had; give those that may be on the wire."""
        return self._reclaim(submissions.c.claimed_by == node)

    def reclaim_expired(self) -> list[SubmissionRow]:
        """Free what had its lease run out; give those that may be on the wire.

        The caller moves them to IN_DOUBT in the same unit of work.
        """
        return self._reclaim(_CLAIMED, submissions.c.lease_until < self._transaction.stamp)

    def _less_elsewhere(self, node: str, left: dict[Endpoint, int]) -> dict[Endpoint, int]:
        asked: Values = {"node": node, "at": self._transaction.stamp}
        for partner, endpoint, claimed in self._driver.rows(_ELSEWHERE, asked):
            if (partner, endpoint) in left:
                left[partner, endpoint] -= claimed
        return left

    def _due(
        self, node: str, statuses: Collection[Status], shut: list[Endpoint], limit: int
    ) -> Sequence[Row]:
        self._for_update()
        wanted = tuple(str(status) for status in statuses)
        places = json.dumps([f"{partner} {code}" for partner, code in shut])
        asked: Values = {"at": self._transaction.stamp, "most": limit, "shut": places}
        asked["node"] = node
        return self._driver.rows(_due(self._connection.dialect.name, wanted), asked)

    def _take(self, rows: list[Row], node: str, lease: str) -> list[SubmissionRow]:
        """They are ours: nobody else writes (SQLite), or each was locked as it was read."""
        if not rows:
            return []
        self._transaction.open_savepoint()
        self._read_anew()
        wanted = {f"id_{number}": row[0] for number, row in enumerate(rows)}
        self._driver.run(_take(len(rows)), {**wanted, "node": node, "lease": lease})
        claim = {"claimed_by": node, "lease_until": lease}
        return [
            self._submission(SUBMISSIONS.put(row, {**claim, "fence": row[_FENCE] + 1}))
            for row in rows
        ]

    def _reclaim(self, *whose: Any) -> list[SubmissionRow]:
        self._transaction.open_savepoint()
        self._read_anew()
        query = select(*SUBMISSION).select_from(_WITH_CASES).where(*whose)
        # Sorted here: an ORDER BY would lead SQLite through every submission there ever was.
        found = sorted(tuple(row) for row in self._rows(query.with_for_update(**_LOCKED)))
        rows = [SubmissionRow.of(row) for row in found]
        free = [row.id for row in rows if row.status is not Status.SUBMITTING]
        if free:
            # Who wakes up late and still believes in its claim is stopped by the fence.
            freed: Values = {**_FORGET, "fence": submissions.c.fence + 1}
            self._connection.execute(
                update(submissions).where(submissions.c.id.in_(free)).values(freed)
            )
        return [row for row in rows if row.status is Status.SUBMITTING]

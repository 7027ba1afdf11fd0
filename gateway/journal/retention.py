"""Retention: what is let go of once a case has ended, and after how long. Evidence stays.

A purge empties ciphertext columns and leaves their seals, so that no row digest changes; the
evidence names each place with the seal of what was there, and verification tells it from theft. A
case that has not ended (anything open, refused, dead or in doubt) is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, delete, func, or_, select, update

from gateway.journal.reading import Reading
from gateway.journal.rejects import REFUSED
from gateway.journal.stored import PURGED, stamp
from gateway.journal.tables import attempts, cases, inbox, messages, rejects, submissions
from gateway.journal.writing import Writing
from gateway.lifecycle import Status


class Rule(StrEnum):
    """BODIES: messages as they came. DOCUMENTS: what was made, sent and answered. CASES: the key
    of the case, and with it all that is left. REJECTS: refused bytes, and callbacks of no case.
    """

    BODIES = "bodies"
    DOCUMENTS = "documents"
    CASES = "cases"
    REJECTS = "rejects"


_DONE = tuple(str(each) for each in (Status.ACCEPTED, Status.REPLACED, Status.WITHDRAWN))
_ENDED = ("DECLARED", "CANCELLED", "MERGED")
_OF_CASE = select(submissions.c.id).where(submissions.c.case_id == bindparam("case"))
_PLACES: Mapping[Table, ColumnElement[bool]] = {
    messages: messages.c.case_id == bindparam("case"),
    submissions: submissions.c.case_id == bindparam("case"),
    attempts: attempts.c.submission_id.in_(_OF_CASE),
    inbox: inbox.c.submission_id.in_(_OF_CASE),
}
_BODIES = ((messages, "body"),)
_DOCUMENTS = (
    (submissions, "document"),
    (submissions, "inputs"),
    (submissions, "faults"),
    (attempts, "envelope"),
    (attempts, "answer"),
    (inbox, "body"),
)
COLUMNS: Mapping[Rule, tuple[tuple[Table, str], ...]] = {
    Rule.BODIES: _BODIES,
    Rule.DOCUMENTS: _DOCUMENTS,
    Rule.CASES: (*_BODIES, *_DOCUMENTS, (submissions, "facts")),
}
_MARK = {Rule.BODIES: cases.c.bodies_purged_at, Rule.DOCUMENTS: cases.c.documents_purged_at}
_KEYS = select(cases.c.id, cases.c.wrapped_key)


def _left(rule: Rule) -> ColumnElement[bool]:
    """Whether the rule has anything to do; what came after its last time counts again."""
    if rule is Rule.CASES:
        return cases.c.wrapped_key.is_not(None)
    return or_(_MARK[rule].is_(None), _MARK[rule] < cases.c.updated_at)


def _ended(rule: Rule) -> Select[Any]:
    of_case = submissions.c.case_id == cases.c.id
    busy = or_(submissions.c.status.not_in(_DONE), submissions.c.updated_at > bindparam("before"))
    return (
        select(cases.c.id)
        .where(
            cases.c.state.in_(_ENDED),
            cases.c.updated_at <= bindparam("before"),
            _left(rule),
            ~select(submissions.c.id).where(of_case, busy).exists(),
            or_(cases.c.state != "DECLARED", select(submissions.c.id).where(of_case).exists()),
            ~select(messages.c.id)
            .where(messages.c.case_id == cases.c.id, messages.c.received_at > bindparam("before"))
            .exists(),
        )
        .order_by(cases.c.updated_at, cases.c.id)
    )


class RetentionReads(Reading):
    """Look at what may go."""

    def case_keys(self) -> dict[str, bytes | None]:
        """Case id → its stored key; None if destroyed. For the key ring of the back-ups."""
        return {case: None if key is None else bytes(key) for case, key in self._rows(_KEYS)}

    def ended_cases(self, rule: Rule, before: datetime, *, limit: int = 100) -> list[str]:
        """Cases that ended before, and still have what the rule lets go; the oldest first."""
        query = _ended(rule).limit(limit)
        return [row[0] for row in self._rows(query, {"before": stamp(before)})]

    def old_rejects(self, before: datetime) -> int:
        """How many refused payloads are older."""
        query = (
            select(func.count()).select_from(rejects).where(REFUSED, rejects.c.at <= stamp(before))
        )
        return int(self._row(query)[0])


class RetentionWrites(RetentionReads, Writing):
    """Let go."""

    def purge(self, case_id: str, rule: Rule, before: datetime) -> int:
        """Empty what the rule names of this case; gives how many columns. 0 if it went on."""
        self.case(case_id)  # type: ignore[attr-defined]  # the unit's own: locks the row
        still = _ended(rule).where(cases.c.id == case_id)
        if self._row(still, {"before": stamp(before)}) is None:
            return 0
        self._transaction.open_savepoint()
        if rule is Rule.CASES:
            self.destroy_key(case_id)  # type: ignore[attr-defined]  # the unit's own
        emptied: dict[str, str] = {}
        for table, column in COLUMNS[rule]:
            emptied |= self._empty(case_id, table, column)
        marks = {_MARK[each].name: self._transaction.stamp for each in _marked(rule)}
        self._connection.execute(update(cases).where(cases.c.id == case_id).values(**marks))
        self._transaction.scrub_wanted = True
        self._read_anew()
        note = {"rule": str(rule), "columns": len(emptied)}
        self.record("retention.purged", subjects=[case_id], digests=emptied, note=note)
        return len(emptied)

    def purge_rejects(self, before: datetime) -> int:
        """Drop refused payloads older than that; that they came stays in the evidence."""
        if not self.old_rejects(before):
            return 0
        self._transaction.open_savepoint()
        done = self._connection.execute(
            delete(rejects).where(REFUSED, rejects.c.at <= stamp(before))
        )
        self._transaction.scrub_wanted = True
        self.record("retention.purged", note={"rule": "rejects", "rows": done.rowcount})
        return int(done.rowcount)

    def _empty(self, case_id: str, table: Table, column: str) -> dict[str, str]:
        there = (_PLACES[table], table.c[column].is_not(None))
        found = self._rows(
            select(table.c.id, table.c[f"{column}_seal"]).where(*there), {"case": case_id}
        )
        for row_id, _ in found:
            self._connection.execute(
                update(table).where(table.c.id == row_id).values({column: None})
            )
        return {f"{table.name}/{row}.{column}": f"{PURGED}{seal}" for row, seal in found}


def _marked(rule: Rule) -> tuple[Rule, ...]:
    return (Rule.BODIES, Rule.DOCUMENTS) if rule is Rule.CASES else (rule,)

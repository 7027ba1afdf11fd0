"""Cases: one newborn at one facility, its dossier and what the flow keeps of it, encrypted.

Every case has its own key; destroying it makes all of the case unreadable, here and in back-ups.
`save_case` names the version it read, so that of two writers one is told (Fenced).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Select, bindparam, exists, func, select

from gateway.errors import Fenced, NotFound
from gateway.journal.prepared import Prepared, Row
from gateway.journal.reading import Reading
from gateway.journal.rows import CASES, CaseRow
from gateway.journal.stored import new_id, optional_stamp
from gateway.journal.tables import cases, submissions
from gateway.journal.transaction import Values
from gateway.journal.writing import Writing, whole
from gateway.lifecycle import DONE, RECEIVED, Kind, Status

_COLUMNS = (*CASES.columns, cases.c.dossier, cases.c.context)
_WRAPPED = 10
"""Place of the wrapped key."""
_BY_ID = select(*_COLUMNS).where(cases.c.id == bindparam("id"))
_BY_KEY = (
    select(*_COLUMNS)
    .where(
        cases.c.sender == bindparam("sender"),
        cases.c.key_digest == bindparam("key_digest"),
        cases.c.state != "MERGED",
    )
    .order_by(cases.c.opened_at.desc(), cases.c.id.desc())
    .limit(1)
)
_LOOK_BY_ID, _LOOK_BY_KEY = Prepared(_BY_ID), Prepared(_BY_KEY)
_LOCK_BY_ID, _LOCK_BY_KEY = Prepared(_BY_ID.with_for_update()), Prepared(_BY_KEY.with_for_update())
_LOCK_VERSION = Prepared(
    select(cases.c.version).where(cases.c.id == bindparam("id")).with_for_update()
)
_OWED = [str(status) for status in Status if status not in DONE | RECEIVED]
_OPEN = select(cases.c.id).where(cases.c.state == "OPEN")
_there = submissions.alias()
# A correction that waits behind what the partner has is no registration any more.
_OWING = select(submissions.c.case_id).where(
    submissions.c.status.in_(_OWED),
    submissions.c.step == bindparam("step"),
    submissions.c.kind == str(Kind.REGISTER),
    ~exists().where(
        _there.c.case_id == submissions.c.case_id,
        _there.c.step == submissions.c.step,
        _there.c.kind == str(Kind.REGISTER),
        _there.c.status.in_([str(status) for status in sorted(RECEIVED)]),
    ),
)
_AT_WORK = (
    select(*_COLUMNS)
    .where(
        # By the indexes of both states: what was ever closed is not read again and again.
        cases.c.id.in_(_OPEN.union(_OWING)),
        cases.c.id > bindparam("after"),
        cases.c.state.not_in(("CANCELLED", "MERGED")),
    )
    .order_by(cases.c.id)
    .limit(bindparam("most"))
)
_MERGED = Prepared(
    select(*_COLUMNS)
    .where(
        cases.c.sender == bindparam("sender"),
        cases.c.key_digest == bindparam("key_digest"),
        cases.c.state == "MERGED",
    )
    .order_by(cases.c.opened_at.desc(), cases.c.id.desc())
    .limit(1)
)
_COUNTS = select(cases.c.state, func.count()).group_by(cases.c.state)


class CaseReads(Reading):
    """Look cases up."""

    def index(self, *parts: str) -> str:
        """The keyed digest under which a case is found: sender, authority, identifier."""
        return self._keyring.index(*parts)

    def find_case(self, sender: str, key_digest: str) -> CaseRow | None:
        """The newest case of this key that was not merged away; a unit of work locks it."""
        query = _LOCK_BY_KEY if self._for_update() else _LOOK_BY_KEY
        found = self._driver.row(query, {"sender": sender, "key_digest": key_digest})
        return None if found is None else self._case(found)

    def find_merged(self, sender: str, key_digest: str) -> CaseRow | None:
        """The newest case of this key that was merged away."""
        found = self._driver.row(_MERGED, {"sender": sender, "key_digest": key_digest})
        return None if found is None else self._case(found)

    def case(self, case_id: str) -> CaseRow:
        """One case; a unit of work locks it. Raises NotFound."""
        query = _LOCK_BY_ID if self._for_update() else _LOOK_BY_ID
        found = self._driver.row(query, {"id": case_id})
        if found is None:
            raise NotFound(f"no case {case_id}")
        return self._case(found)

    def cases(
        self, state: str | None = None, *, sender: str | None = None, limit: int = 100
    ) -> list[CaseRow]:
        """The newest cases first."""
        query: Select[Any] = select(*_COLUMNS)
        if state is not None:
            query = query.where(cases.c.state == state)
        if sender is not None:
            query = query.where(cases.c.sender == sender)
        query = query.order_by(cases.c.opened_at.desc(), cases.c.id.desc()).limit(limit)
        return [self._case(row) for row in self._rows(query)]

    def cases_at_work(self, step: str, after: str = "", limit: int = 500) -> list[CaseRow]:
        """Undeclared cases, and declared ones whose registration by this step the partner has not
        got yet: by id, after this one.
        """
        found = self._rows(_AT_WORK, {"step": step, "after": after, "most": limit})
        return [self._case(row) for row in found]

    def case_counts(self) -> dict[str, int]:
        """How many cases there are in each state."""
        return dict(tuple(row) for row in self._rows(_COUNTS))

    def case_digest(self, case_id: str, plain: bytes) -> str | None:
        """HMAC-SHA256 (hex) under the case's key; None once the key is destroyed."""
        key = self._case_key(case_id)
        return None if key is None else key.digest(plain)

    def _case(self, row: Sequence[Any]) -> CaseRow:
        case_id, wrapped = row[0], row[_WRAPPED]
        self._remember_key(case_id, wrapped)
        return CaseRow.of(
            tuple(row[:-2]),
            self._unseal(case_id, ("cases", "dossier", case_id), row[-2]),
            self._unseal(case_id, ("cases", "context", case_id), row[-1]),
        )


class CaseWrites(CaseReads, Writing):
    """Open, save, redact and shred cases."""

    def case(self, case_id: str) -> CaseRow:
        """One case, locked, as it now stands; read once. Raises NotFound."""
        return self._cases.get(case_id) or super().case(case_id)

    def lock_case(self, case_id: str) -> None:
        """Before its submissions, for who needs nothing of the case itself. Raises NotFound; where
        one alone writes (SQLite) nothing is asked.
        """
        if self._transaction.locks:
            self.case_version(case_id)

    def case_version(self, case_id: str) -> int:
        """The version at which a case, locked, now stands; raises NotFound."""
        read = self._cases.get(case_id)
        if read is not None:
            return read.version
        self._for_update()
        found = self._driver.row(_LOCK_VERSION, {"id": case_id})
        if found is None:
            raise NotFound(f"no case {case_id}")
        return int(found[0])

    def new_case(
        self, *, sender: str, key_digest: str, profile: str, processing: str = ""
    ) -> CaseRow:
        """A case with a key of its own, of version 0: its first save stores it."""
        case_id, at = new_id(), self._transaction.stamp
        key, wrapped = self._keyring.new_case_key(case_id)
        values: Values = {
            "id": case_id,
            "sender": sender,
            "key_digest": key_digest,
            "profile": profile,
            "state": "OPEN",
            "processing": processing,
            "opened_at": at,
            "updated_at": at,
            "wrapped_key": wrapped,
            "version": 0,
        }
        self._case_keys[case_id], self._chains[case_id] = key, {}
        made = self._cases[case_id] = CaseRow.of(CASES.of(whole("cases", values)), b"", b"")
        return made

    def open_case(
        self,
        *,
        sender: str,
        key_digest: str,
        profile: str,
        dossier: bytes,
        context: bytes,
        processing: str = "",
        state: str | None = None,
        declared_at: datetime | None = None,
    ) -> CaseRow:
        """A new case, stored at once; JournalError if one of this key is open."""
        made = self.new_case(
            sender=sender, key_digest=key_digest, profile=profile, processing=processing
        )
        return self.save_case(
            made.id, 0, dossier=dossier, context=context, state=state, declared_at=declared_at
        )

    def save_case(
        self,
        case_id: str,
        expect_version: int,
        *,
        dossier: bytes | None = None,
        context: bytes | None = None,
        state: str | None = None,
        declared_at: datetime | None = None,
        processing: str | None = None,
        key_digest: str | None = None,
    ) -> CaseRow:
        """Change what is given; Fenced if the case is no longer at `expect_version`.

        The first save of a new case stores it; JournalError if one of its key is open.
        """
        before = self._unchanged(case_id, expect_version)
        read = {"dossier": before.dossier, "context": before.context}
        given = {"dossier": dossier, "context": context}
        plain = {column: each for column, each in given.items() if each is not None}
        if not before.version:
            plain = {**dict.fromkeys(read, b""), **plain}
        values: Values = {"updated_at": self._transaction.stamp}
        if plain:
            values |= self._sealed(self._writing_key(case_id), "cases", case_id, plain)
        declared = optional_stamp(declared_at)
        words = {"state": state, "processing": processing, "declared_at": declared}
        words["key_digest"] = key_digest
        values |= {column: each for column, each in words.items() if each is not None}
        return self._save("case.saved", before, values, **{**read, **plain})

    def destroy_key(self, case_id: str) -> None:
        """Make all of the case unreadable for ever; raises NotFound."""
        before = self.case(case_id)
        self._transaction.scrub_wanted = True
        emptied = {"wrapped_key": None, "dossier": None, "context": None}
        seals = {"dossier_seal": None, "context_seal": None}
        values = {**emptied, **seals, "updated_at": self._transaction.stamp}
        self._case_keys[case_id] = None
        self._save("case.key_destroyed", before, values)

    def rekey(self, case_id: str, *, dossier: bytes, context: bytes) -> CaseRow:
        """A new key with what may stay; all that was under the old one can be read no more."""
        before = self.case(case_id)
        self._transaction.scrub_wanted = True
        key, wrapped = self._keyring.new_case_key(case_id)
        sealed = self._sealed(key, "cases", case_id, {"dossier": dossier, "context": context})
        self._case_keys[case_id] = key
        values = {**sealed, "wrapped_key": wrapped, "updated_at": self._transaction.stamp}
        return self._save("case.rekeyed", before, values, dossier=dossier, context=context)

    def _case(self, row: Sequence[Any]) -> CaseRow:
        read = self._cases[row[0]] = super()._case(row)
        return read

    def _unchanged(self, case_id: str, version: int) -> CaseRow:
        case = self.case(case_id)
        if case.version != version:
            raise Fenced(f"case {case_id} is no longer at version {version}")
        return case

    def _save(
        self,
        what: str,
        before: CaseRow,
        values: Values,
        dossier: bytes | None = None,
        context: bytes | None = None,
    ) -> CaseRow:
        if not before.version:
            whole_row = {**CASES.by_name(before.stored), **values, "version": 1}
            return self._saved("case.opened", self._insert(CASES, whole_row), dossier, context)
        expect = {"version": before.version}
        row = self._change(CASES, before.id, expect, values, before.stored)
        if row is None:
            raise Fenced(f"case {before.id} is no longer there")
        columns = sorted(values.keys() - {"updated_at"})
        return self._saved(what, row, dossier, context, {"columns": columns})

    def _saved(
        self,
        what: str,
        row: Row,
        dossier: bytes | None,
        context: bytes | None,
        note: Mapping[str, object] = MappingProxyType({}),
    ) -> CaseRow:
        made = self._cases[row[0]] = CaseRow.of(row, dossier, context)
        self._witness(what, CASES, row, note={"state": made.state, **note})
        return made

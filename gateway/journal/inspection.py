"""Whether a journal can be lived on: the file is sound, the evidence verifies, every ciphertext
opens, every row has its parent, and no submission stands where nothing will move it.

Needs the keys; changes nothing; may run beside a gateway.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, Table, select

from gateway.errors import JournalError
from gateway.journal.encryption import Keyring, SealingKey
from gateway.journal.findings import Fault, Finding
from gateway.journal.store import Store
from gateway.journal.tables import CIPHERS, attempts, cases, inbox, messages, metadata, submissions
from gateway.journal.verification import Progress, examine
from gateway.lifecycle import FINAL, TRANSITIONS, Status

_NEEDS = {
    Status.READY: ("due_at",),
    Status.DEFERRED: ("due_at",),
    Status.IN_DOUBT: ("due_at",),
    Status.TAKEN: ("due_at",),
    Status.SUBMITTING: ("claimed_by", "lease_until"),
    Status.TO_MAIL: ("due_at",),
    Status.MAILING: ("deadline_at",),
    Status.MAILED: ("deadline_at",),
}
"""Columns without which no clock would ever bring a submission of this status back."""

_CASE_KEYS = select(cases.c.id, cases.c.wrapped_key)


def check(
    url: str, keyring: Keyring, side_file: Path | None = None, progress: Progress | None = None
) -> list[Finding]:
    """Everything wrong; empty if nothing is. Raises JournalError if it cannot be read at all."""
    report = examine(url, keyring.public_key, side_file, progress)
    store = Store(url)
    try:
        with store.reading() as connection:
            found = list(_Inspection(connection, keyring).findings(sqlite=store.sqlite))
    finally:
        store.close()
    return [*report.findings, *found]


class _Inspection:
    """One pass over one snapshot."""

    def __init__(self, connection: Connection, keyring: Keyring) -> None:
        self._connection = connection
        self._keyring = keyring
        self._keys: dict[str, SealingKey | None] = {}

    def findings(self, *, sqlite: bool) -> Iterator[Finding]:
        """The file, then parents, then keys and ciphertexts, then exits."""
        if sqlite:
            yield from self._damage()
        for table in metadata.sorted_tables:
            yield from self._orphans(table)
        yield from self._case_keys()
        for table, query in _SECRETS.items():
            yield from self._unopened(table, query)
        yield from self._stuck()

    def _damage(self) -> Iterator[Finding]:
        for (told,) in self._connection.exec_driver_sql("PRAGMA integrity_check(20)").all():
            if told != "ok":
                yield Finding(Fault.DAMAGED, "database", str(told).splitlines()[0][:200])

    def _orphans(self, table: Table) -> Iterator[Finding]:
        row_id = next(iter(table.primary_key))
        for column in table.c:
            for key in column.foreign_keys:
                parent = key.column
                alone = select(row_id).where(
                    column.is_not(None), ~select(parent).where(parent == column).exists()
                )
                for (row,) in self._connection.execute(alone.limit(100)):
                    place = f"{table.name}/{row}"
                    yield Finding(Fault.ORPHAN, place, f"its {column.name} is not there")

    def _case_keys(self) -> Iterator[Finding]:
        for case, wrapped in self._connection.execute(_CASE_KEYS):
            try:
                key = self._keyring.case_key(case, bytes(wrapped)) if wrapped else None
            except JournalError as error:
                yield Finding(Fault.DOES_NOT_OPEN, f"cases/{case}", str(error))
                key = None
            self._keys[case] = key

    def _unopened(self, table: Table, query: Select[Any]) -> Iterator[Finding]:
        rows = self._connection.execute(query.execution_options(yield_per=200))
        for row in rows:
            case, row_id, *ciphers = row
            key = self._keyring.unmatched if case is None else self._keys.get(case)
            for column, cipher in zip(CIPHERS[table.name], ciphers, strict=True):
                if key is None or cipher is None:
                    continue
                try:
                    key.unseal(table.name, column, row_id, bytes(cipher))
                except JournalError as error:
                    place = f"{table.name}/{row_id}.{column}"
                    yield Finding(Fault.DOES_NOT_OPEN, place, str(error))

    def _stuck(self) -> Iterator[Finding]:
        query = select(submissions).where(submissions.c.status.not_in([str(s) for s in FINAL]))
        for row in self._connection.execute(query.execution_options(yield_per=200)):
            place = f"submissions/{row.id}"
            try:
                status = Status(row.status)
            except ValueError:
                yield Finding(Fault.NO_EXIT, place, "its status is none of the table's")
                continue
            if not any(of is status and to is not status for (of, _), to in TRANSITIONS.items()):
                yield Finding(Fault.NO_EXIT, place, f"nothing leads out of {status}")
            for column in _NEEDS.get(status, ()):
                if row._mapping[column] is None:
                    text = f"is {status} and has no {column}: nothing will move it"
                    yield Finding(Fault.NO_EXIT, place, text)


def _ciphers(table: Table) -> list[Any]:
    return [table.c[name] for name in CIPHERS[table.name]]


_SECRETS: dict[Table, Select[Any]] = {
    cases: select(cases.c.id, cases.c.id.label("row"), *_ciphers(cases)),
    messages: select(messages.c.case_id, messages.c.id, *_ciphers(messages)).where(
        messages.c.body.is_not(None)
    ),
    submissions: select(submissions.c.case_id, submissions.c.id, *_ciphers(submissions)),
    attempts: select(submissions.c.case_id, attempts.c.id, *_ciphers(attempts)).join(
        submissions, attempts.c.submission_id == submissions.c.id
    ),
    inbox: select(submissions.c.case_id, inbox.c.id, *_ciphers(inbox)).select_from(
        inbox.outerjoin(submissions, inbox.c.submission_id == submissions.c.id)
    ),
}

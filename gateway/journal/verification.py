"""Is the journal what was written? Needs the database and the checkpoints' public key, no secret.

Walks every chain against the signed heads (of the table and of the file beside it), then compares
every row and every ciphertext with what the evidence last said of it, and the editions of the
mappings with their judgements. What does not fit is a Finding that names it; nothing is repaired.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Select, Table, func, inspect, select

from gateway.errors import JournalError
from gateway.journal.chains import Chains, Heads
from gateway.journal.checkpoints import Checkpoint, CheckpointReads
from gateway.journal.findings import Fault, Finding, Report
from gateway.journal.journal import side_file_of
from gateway.journal.judged import Judged
from gateway.journal.store import Store
from gateway.journal.stored import PURGED, row_digest, seal_of
from gateway.journal.tables import CIPHERS, EVIDENCED, ROWS_IN_EVIDENCE, evidence, messages

BATCH = 500
"""Rows looked at together."""

Progress = Callable[[int, int], None]
"""Told: entries done, entries in all."""


def verify(url: str, public_key: Ed25519PublicKey, side_file: Path | None = None) -> list[Finding]:
    """Everything wrong with the journal at `url`; empty if all is as it was written."""
    return list(examine(url, public_key, side_file).findings)


def examine(
    url: str,
    public_key: Ed25519PublicKey,
    side_file: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """`verify`, with counts; may run beside a gateway that writes. Raises JournalError."""
    store = Store(url)
    if store.file is not None and not store.file.exists():
        raise JournalError(f"no journal at {store.file.name}")
    # The file first: what it tells of must then be in the snapshot.
    beside = _side_lines(side_file or side_file_of(store))
    try:
        with store.reading() as connection:
            if not inspect(connection).has_table(evidence.name):
                raise JournalError("there are no tables of a journal")
            return _Verification(connection, public_key, beside, progress).report()
    finally:
        store.close()


class _Verification:
    """One pass over one snapshot."""

    def __init__(
        self,
        connection: Connection,
        public_key: Ed25519PublicKey,
        beside: list[str],
        progress: Progress | None,
    ) -> None:
        self._connection = connection
        self._public_key = public_key
        self._beside = beside
        self._progress = progress or (lambda done, total: None)
        self._findings: list[Finding] = []
        self._told: dict[str, dict[str, tuple[int, str]]] = {name: {} for name in ROWS_IN_EVIDENCE}
        self._rows = 0
        self._purged: set[tuple[str, str]] = set()
        self._emptied: set[tuple[str, str]] = set()

    def report(self) -> Report:
        """Checkpoints, then chains with the messages they tell about, then all other rows."""
        valid = self._checkpoints()
        chains, judged = Chains(Heads(valid)), Judged()
        entries = 0
        total = self._connection.execute(select(func.count()).select_from(evidence)).scalar_one()
        for batch in self._stream(select(evidence).order_by(evidence.c.node, evidence.c.seq)):
            for entry in batch:
                chains.take(entry)
                judged.take(entry)
                self._remember(entry)
            self._check_messages()
            entries += len(batch)
            self._progress(entries, total)
        chains.end()
        self._added_messages()
        for name, table in ROWS_IN_EVIDENCE.items():
            if table is not messages:
                self._check_table(name, table)
        self._findings += judged.findings(self._connection)
        for place, _ in sorted(self._emptied - self._purged):
            self._found(Fault.BODY_EDITED, place, "is gone, and no purge tells of it")
        purged = len(self._emptied & self._purged)
        found = (*self._findings, *chains.findings)
        rows = self._rows + judged.rows
        return Report(found, entries, rows, len(valid), chains.unsigned, purged)

    def _checkpoints(self) -> list[Checkpoint]:
        """Those with a valid signature; the file's lines must all be in the table."""
        stored = CheckpointReads(self._connection, None).checkpoints()
        in_table = {checkpoint.id for checkpoint in stored}
        lines = []
        for number, line in enumerate(self._beside, 1):
            try:
                lines.append(Checkpoint.of_line(line))
            except ValueError:
                self._found(Fault.CHECKPOINT_INVALID, f"file line {number}", "cannot be read")
        valid = {each.id: each for each in (*stored, *lines) if self._valid(each)}
        for checkpoint in lines:
            if checkpoint.id in valid and checkpoint.id not in in_table:
                place = f"checkpoints/{checkpoint.id}"
                self._found(Fault.CHECKPOINT_DELETED, place, "is in the file but not in the table")
        return list(valid.values())

    def _valid(self, checkpoint: Checkpoint) -> bool:
        try:
            checkpoint.witnessed()
            if checkpoint.signed_by(self._public_key):
                return True
        except ValueError:
            pass
        text = "is not signed by the checkpoint key"
        self._found(Fault.CHECKPOINT_INVALID, f"checkpoints/{checkpoint.id}", text)
        return False

    def _remember(self, entry: Any) -> None:
        """What an entry says of rows; of several, the highest version counts."""
        try:
            digests = json.loads(entry.digests)
            told = [
                (*place.split("/", 1), *text.split(":", 1))
                for place, text in digests.items()
                if "/" in place
            ]
            if entry.what == "retention.purged":
                self._purged.update(digests.items())
        except (ValueError, AttributeError):
            return  # edited; the chain has told so
        for table, row, version, digest in told:
            rows = self._told.get(table)
            if (
                rows is not None
                and version.isdecimal()
                and rows.get(row, (0, ""))[0] <= int(version)
            ):
                rows[row] = (int(version), digest)

    def _check_messages(self) -> None:
        """Messages never change, so they are compared at once and forgotten."""
        told, self._told[messages.name] = self._told[messages.name], {}
        ids = list(told)
        for start in range(0, len(ids), BATCH):
            some = ids[start : start + BATCH]
            columns = _columns(messages)
            query = select(*columns).where(messages.c.id.in_(some))
            for row in self._connection.execute(query):
                self._check_row(messages.name, row._mapping, told.pop(row.id))
        self._gone(messages.name, told)

    def _added_messages(self) -> None:
        """Only if there are more messages than the evidence tells of, look for which."""
        there = self._connection.execute(select(func.count()).select_from(messages)).scalar_one()
        if there <= self._rows:
            return
        told: set[str] = set()
        for batch in self._stream(
            select(evidence.c.subjects).where(evidence.c.what.like("message.%"))
        ):
            for entry in batch:
                told.update(json.loads(entry.subjects)[:1])
        for batch in self._stream(select(messages.c.id).order_by(messages.c.id)):
            for row in batch:
                if row.id not in told:
                    self._added(messages.name, row.id)

    def _check_table(self, name: str, table: Table) -> None:
        told = self._told[name]
        for batch in self._stream(select(*_columns(table)).order_by(table.c.id)):
            for row in batch:
                expected = told.pop(row.id, None)
                if expected is None:
                    self._added(name, row.id)
                else:
                    self._check_row(name, row._mapping, expected)
        self._gone(name, told)

    def _check_row(self, table: str, row: Any, expected: tuple[int, str]) -> None:
        self._rows += 1
        place = f"{table}/{row['id']}"
        if row_digest(row, EVIDENCED[table]) != expected[1]:
            self._found(Fault.ROW_EDITED, place, f"differs from version {expected[0]} in evidence")
        for column in CIPHERS[table]:
            seal = row[f"{column}_seal"]
            if row[column] is None and seal is not None:
                self._emptied.add((f"{place}.{column}", f"{PURGED}{seal}"))
            elif seal_of(row[column]) != seal:
                self._found(Fault.BODY_EDITED, f"{place}.{column}", "its ciphertext was changed")

    def _gone(self, table: str, told: dict[str, tuple[int, str]]) -> None:
        for row in sorted(told):
            self._found(Fault.ROW_DELETED, f"{table}/{row}", "the evidence tells of it")

    def _added(self, table: str, row: str) -> None:
        self._found(Fault.ROW_ADDED, f"{table}/{row}", "no evidence tells of it")

    def _found(self, fault: Fault, place: str, text: str) -> None:
        self._findings.append(Finding(fault, place, text))

    def _stream(self, query: Select[Any]) -> Iterator[Any]:
        result = self._connection.execute(query.execution_options(yield_per=BATCH))
        yield from result.partitions()


def _columns(table: Table) -> list[Any]:
    return [table.c[name] for name in (*EVIDENCED[table.name], *CIPHERS[table.name])]


def _side_lines(path: Path | None) -> list[str]:
    if path is None or not path.exists():
        return []
    return path.read_text("utf-8", "replace").splitlines()

"""What every write shares: evidence beside each row it touches, so that nobody can forget it.

`_insert` and `_change` take a row's values, write them, and add an entry that carries the digest
of the row as it now stands. Direct writes open the unit's savepoint first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Table, bindparam, insert, update

from gateway.errors import JournalError
from gateway.journal.encryption import SealingKey
from gateway.journal.prepared import Prepared, of_whole_rows
from gateway.journal.reading import Reading
from gateway.journal.stored import canonical_object, canonical_words, quoted, row_digest, seal_of
from gateway.journal.tables import EVIDENCED, ROWS_IN_EVIDENCE
from gateway.journal.transaction import Entry, Transaction, Values

_NONE: Mapping[str, str] = {}
_INSERTS = {name: of_whole_rows(insert(table)) for name, table in ROWS_IN_EVIDENCE.items()}
_EMPTY: Mapping[str, Values] = {
    name: dict.fromkeys(c.name for c in table.c) for name, table in ROWS_IN_EVIDENCE.items()
}
_RETURNED = {
    name: tuple(c.name for c in table.c if name == "cases" or "cipher" not in c.info)
    for name, table in ROWS_IN_EVIDENCE.items()
}
"""Table → the columns that an UPDATE gives back: all, but ciphertexts only of a case."""


@cache
def _update(
    name: str, filled: tuple[str, ...], empty: tuple[str, ...], changed: tuple[str, ...]
) -> Prepared:
    """Made once for every set of columns: making a statement takes longer than running it."""
    table = ROWS_IN_EVIDENCE[name]
    expected = [table.c[column] == bindparam(f"old_{column}") for column in filled]
    expected += [table.c[column].is_(None) for column in empty]
    values: Values = {column: bindparam(f"new_{column}") for column in changed}
    statement = update(table).where(*expected).values(**values, version=table.c.version + 1)
    return Prepared(statement.returning(*(table.c[column] for column in _RETURNED[name])))


def whole(name: str, values: Values) -> Values:
    """A row with every column of its table; JournalError if it has one that the table has not."""
    empty = _EMPTY[name]
    row = {**empty, **values}
    if len(row) != len(empty):
        raise JournalError(f"{name} has no columns {sorted(row.keys() - empty.keys())}")
    return row


class Writing(Reading):
    """A unit of work inside a group's transaction."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction.connection, transaction.keyring, transaction.driver)
        self._transaction = transaction
        self.entries: list[Entry] = []
        self.own_messages: list[Values] = []

    @property
    def now(self) -> datetime:
        """The database's clock in UTC, read once per group."""
        return self._transaction.now

    def record(
        self,
        what: str,
        *,
        subjects: Sequence[str] = (),
        digests: Mapping[str, str] = _NONE,
        note: Mapping[str, object] = _NONE,
    ) -> None:
        """Add an evidence entry. `subjects` are opaque ids; `note` holds codes, person, reason."""
        self.entries.append(
            Entry(
                what,
                canonical_words(subjects),
                canonical_object(digests) if digests else "{}",
                canonical_object(note) if note else "{}",
            )
        )

    def _witness(
        self,
        what: str,
        table: str,
        values: Mapping[str, Any],
        subjects: Sequence[str] = (),
        note: Mapping[str, object] = _NONE,
    ) -> None:
        row, version = values["id"], values.get("version", 1)
        digest = quoted(f"{version}:{row_digest(values, EVIDENCED[table])}")
        place = quoted(f"{table}/{row}")
        about = canonical_words((row, *subjects))
        told = canonical_object(note) if note else "{}"
        self.entries.append(Entry(what, about, f"{{{place}:{digest}}}", told))

    def _insert(
        self,
        what: str,
        table: Table,
        values: Values,
        subjects: Sequence[str] = (),
        note: Mapping[str, object] = _NONE,
    ) -> Values:
        """INSERT a row and give it back with all its columns."""
        self._transaction.open_savepoint()
        row = whole(table.name, values)
        self._driver.run(_INSERTS[table.name], row)
        self._witness(what, table.name, row, subjects, note)
        return row

    def _change(self, table: Table, expect: Mapping[str, object], values: Values) -> Values | None:
        """UPDATE the row that is as expected (None: empty) and give it back as it now stands.

        None if no row matched. Of a submission, an attempt or a callback without ciphertexts.
        """
        self._transaction.open_savepoint()
        given = {f"old_{name}": value for name, value in expect.items() if value is not None}
        empty = tuple(name for name, value in expect.items() if value is None)
        filled = tuple(name for name in expect if name not in empty)
        statement = _update(table.name, filled, empty, tuple(sorted(values)))
        given |= {f"new_{name}": value for name, value in values.items()}
        row = self._driver.row(statement, given)
        return None if row is None else dict(zip(_RETURNED[table.name], row, strict=True))

    def _for_update(self) -> bool:
        """True where rows must be locked; then a failing wait costs only this unit."""
        if self._transaction.locks:
            self._transaction.open_savepoint()
        return self._transaction.locks

    def _writing_key(self, case_id: str) -> SealingKey:
        key = self._case_key(case_id)
        if key is None:
            raise JournalError(
                f"the key of case {case_id} is destroyed; nothing can be added to it"
            )
        return key

    @staticmethod
    def _sealed(
        key: SealingKey, table: str, row: str, columns: Mapping[str, bytes | None]
    ) -> Values:
        """Ciphertext and seal of every column that has bytes."""
        values: Values = {}
        for column, plain in columns.items():
            cipher = None if plain is None else key.seal(table, column, row, plain)
            values |= {column: cipher, f"{column}_seal": seal_of(cipher)}
        return values

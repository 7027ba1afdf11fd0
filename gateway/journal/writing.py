"""What every write shares: evidence beside each row it touches, so that nobody can forget it.

`_insert` and `_change` write a row's values and give the row as it now stands; `_witness` adds an
entry that carries its digest. Direct writes open the unit's savepoint first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import bindparam, insert, select, update

from gateway.errors import JournalError
from gateway.journal.encryption import SealingKey
from gateway.journal.prepared import Prepared, Row, of_whole_rows
from gateway.journal.reading import Reading
from gateway.journal.rows import CaseRow, SubmissionRow
from gateway.journal.shapes import Shape
from gateway.journal.stored import canonical_object, canonical_words, quoted, seal_of
from gateway.journal.tables import ROWS_IN_EVIDENCE
from gateway.journal.transaction import Entry, Transaction, Values

_NONE: Mapping[str, str] = {}
_INSERTS = {name: of_whole_rows(insert(table)) for name, table in ROWS_IN_EVIDENCE.items()}
_EMPTY: Mapping[str, Values] = {
    name: dict.fromkeys(c.name for c in table.c) for name, table in ROWS_IN_EVIDENCE.items()
}


@cache
def _update(name: str, expected: tuple[str, ...], changed: tuple[str, ...]) -> Prepared:
    """Made once for every set of columns: making a statement takes longer than running it."""
    table = ROWS_IN_EVIDENCE[name]
    as_read = [table.c[each] == bindparam(f"old_{each}") for each in ("id", "version")]
    as_expected = [
        table.c[each].is_not_distinct_from(bindparam(f"old_{each}")) for each in expected
    ]
    statement = update(table).where(*as_read, *as_expected).values(version=table.c.version + 1)
    return Prepared(statement, changed)


@cache
def _locked(shape: Shape) -> Prepared:
    (key,) = ROWS_IN_EVIDENCE[shape.name].primary_key
    return Prepared(select(*shape.columns).where(key == bindparam("id")).with_for_update())


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
        self._cases: dict[str, CaseRow] = {}
        """Cases read here, as they now stand: nobody else changes them until the commit."""
        self._chains: dict[str, dict[str, SubmissionRow]] = {}
        """Case → its submissions by id, as they now stand; what was read once."""

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
        shape: Shape,
        row: Row,
        subjects: Sequence[str] = (),
        note: Mapping[str, object] = _NONE,
    ) -> None:
        digest = quoted(f"{shape.version(row)}:{shape.digest(row)}")
        place = quoted(f"{shape.name}/{row[0]}")
        about = canonical_words((row[0], *subjects))
        told = canonical_object(note) if note else "{}"
        self.entries.append(Entry(what, about, f"{{{place}:{digest}}}", told))

    def _insert(self, shape: Shape, values: Values) -> Row:
        """INSERT a row and give it back."""
        self._transaction.open_savepoint()
        row = whole(shape.name, values)
        self._driver.run(_INSERTS[shape.name], row)
        return shape.of(row)

    def _change(
        self,
        shape: Shape,
        row_id: str,
        expect: Mapping[str, object],
        values: Values,
        known: Row | None = None,
    ) -> Row | None:
        """UPDATE the row that is as expected (None: empty) and give it as it now stands.

        None if no row is. `known`: the row as it was read; if it is no longer so, it is read again.
        """
        self._transaction.open_savepoint()
        if known and self._updated(shape, known, expect, values):
            return shape.changed(known, values)
        found = self._driver.row(_locked(shape), {"id": row_id})
        if found is None or not self._updated(shape, found, expect, values):
            return None
        return shape.changed(found, values)

    def _updated(
        self, shape: Shape, row: Row, expect: Mapping[str, object], values: Values
    ) -> bool:
        statement = _update(shape.name, tuple(expect), tuple(values))
        as_read = {"old_id": row[0], "old_version": shape.version(row)}
        expected = {f"old_{name}": value for name, value in expect.items()}
        return self._driver.run(statement, {**values, **as_read, **expected}) == 1

    def _read_anew(self) -> None:
        """Claims changed: what was read of submissions before is no longer so."""
        self._chains.clear()
        self._kept.clear()

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

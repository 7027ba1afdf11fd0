"""Rows as the writer keeps them at hand: tuples of all columns but ciphertexts, in one order.

What an UPDATE makes of a row is computed from what the row was, not asked back: the UPDATE names
the version it follows, so it changes nothing if the row was no longer that one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Table

from gateway.journal.prepared import Row
from gateway.journal.stored import TEXTS, writing_object
from gateway.journal.tables import EVIDENCED


class Shape:
    """The columns of one table in their order: those named `first`, then the rest."""

    def __init__(self, table: Table, first: Sequence[str]) -> None:
        rest = [c.name for c in table.c if c.name not in first and "cipher" not in c.info]
        names = (*first, *rest)
        self.name = table.name
        self.columns = tuple(table.c[name] for name in names)
        self._places = {name: place for place, name in enumerate(names)}
        self._version = self._places.get("version")
        self._picked = itemgetter(*names)
        self._evidenced = itemgetter(*(self._places[name] for name in EVIDENCED[table.name]))
        self._names = EVIDENCED[table.name]
        self._written: dict[tuple[type, ...], Callable[[Sequence[Any]], str]] = {}

    def of(self, values: Mapping[str, Any]) -> Row:
        """A row out of one that has every column by name."""
        row: Row = self._picked(values)
        return row

    def by_name(self, row: Row) -> dict[str, Any]:
        """The values of a row, each by the name of its column."""
        return dict(zip(self._places, row, strict=True))

    def put(self, row: Row, values: Mapping[str, Any]) -> Row:
        """The row with these values in it; of a ciphertext it only has the seal."""
        return tuple(self._put(row, values))

    def changed(self, row: Row, values: Mapping[str, Any]) -> Row:
        """What an UPDATE with these values makes of it: its next version."""
        after = self._put(row, values)
        if self._version is not None:
            after[self._version] += 1
        return tuple(after)

    def _put(self, row: Row, values: Mapping[str, Any]) -> list[Any]:
        after = list(row)
        for name in values.keys() & self._places.keys():
            after[self._places[name]] = values[name]
        return after

    def version(self, row: Row) -> int:
        """1 where a table has no versions: such rows never change."""
        version: int = 1 if self._version is None else row[self._version]
        return version

    def digest(self, row: Row) -> str:
        """`row_digest` of what the evidence keeps of it."""
        values = self._evidenced(row)
        kinds = tuple(map(type, values))
        written = self._written.get(kinds)
        if written is None:
            written = self._written[kinds] = writing_object(self._names, kinds, TEXTS)
        return hashlib.sha256(written(values).encode()).hexdigest()

"""Code tables: CSV files with a header, a key column, and perhaps days of validity.

Loaded once and shared; limits before anything is kept. Every mistake of a file is a finding at
the mapping that names it. Looking up never tells the code that was looked for.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from gateway.mapping.document import TableUse
from gateway.mapping.finding import Findings, did_you_mean
from gateway.mapping.problem import Fault

ROWS: Final = 200_000
BYTES: Final = 64 * 2**20
COLUMNS: Final = 200


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV file: its columns and rows, as read."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = field(repr=False)


class BadSheet(Exception):
    """The file is no table; the text says why."""


def read_sheet(content: bytes, file: str) -> Sheet:
    """UTF-8, commas, a header line. Raises BadSheet."""
    if len(content) > BYTES:
        raise BadSheet(f"larger than {BYTES // 2**20} MiB")
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        header = tuple(next(reader, ()))
        rows = tuple(_rows(reader, len(header)))
    except UnicodeDecodeError:
        raise BadSheet("not UTF-8") from None
    except csv.Error as error:
        raise BadSheet(f"no CSV: {error}") from None
    if not header or len(header) > COLUMNS or len(set(header)) != len(header):
        raise BadSheet("the header must name each column once")
    return Sheet(file, header, rows)


def _rows(reader: Iterable[list[str]], width: int) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for number, row in enumerate(reader, 2):
        if not row:
            continue
        if len(row) != width:
            raise BadSheet(f"row {number} has {len(row)} cells, the header {width}")
        if len(rows) == ROWS:
            raise BadSheet(f"more than {ROWS} rows")
        rows.append(tuple(row))
    return rows


@dataclass(frozen=True, slots=True)
class _Row:
    cells: tuple[str, ...]
    first: date = date.min
    last: date = date.max


class CodeTable:
    """A sheet by its key; where days of validity are named, a key may have several rows."""

    def __init__(self, name: str, use: TableUse, sheet: Sheet, findings: Findings) -> None:
        self.name = name
        self.use = use
        self.sheet = sheet
        self._rows: dict[str, tuple[_Row, ...]] = {}
        missing = [each for each in (use.key, *(use.valid or ())) if each not in sheet.columns]
        for column in missing:
            text = f"{sheet.file} has no column {column}{did_you_mean(column, sheet.columns)}"
            findings.error(use.position, "T02", text)
        if not missing:
            self._index(findings)

    def _index(self, findings: Findings) -> None:
        key = self.sheet.columns.index(self.use.key)
        rows: dict[str, list[_Row]] = {}
        try:
            for number, cells in enumerate(self.sheet.rows, 2):
                rows.setdefault(cells[key], []).append(self._row(cells, number))
        except BadSheet as error:
            findings.error(self.use.position, "T01", f"{self.sheet.file}: {error}")
        for code, found in rows.items():
            if len(found) > 1 and (overlap := _overlap(found)):
                text = f"{self.sheet.file}: key {code} {overlap}"
                findings.error(self.use.position, "T03", text)
        self._rows = {code: tuple(found) for code, found in rows.items()}

    def _row(self, cells: tuple[str, ...], number: int) -> _Row:
        if self.use.valid is None:
            return _Row(cells)
        first, last = (cells[self.sheet.columns.index(column)] for column in self.use.valid)
        try:
            return _Row(
                cells,
                date.fromisoformat(first) if first else date.min,
                date.fromisoformat(last) if last else date.max,
            )
        except ValueError:
            raise BadSheet(f"row {number} has a day that is no YYYY-MM-DD") from None

    @property
    def columns(self) -> tuple[str, ...]:
        return self.sheet.columns

    def column(self, name: str) -> int:
        return self.sheet.columns.index(name)

    def look_up(self, code: str, column: int, on: date | None) -> str | None:
        """The cell in the row of `code`; with `on`, the row valid on that day.

        Without `on` the row that is valid the longest. An empty cell is absent. Without a row,
        what `missing:` says; Fault where it says error.
        """
        rows = self._rows.get(code, ())
        if on is not None:
            rows = tuple(row for row in rows if row.first <= on <= row.last)
        if rows:
            row = rows[0] if len(rows) == 1 else max(rows, key=_end)
            return row.cells[column] or None
        return self._missing(code, on)

    def _missing(self, code: str, on: date | None) -> str | None:
        missing = self.use.missing
        if missing == "default":
            return self.use.default or None
        if missing == "keep":
            return code
        if missing == "absent":
            return None
        day = " on that day" if on is not None and code in self._rows else ""
        raise Fault(f"table {self.name} has no row for this code{day}")


def _end(row: _Row) -> date:
    return row.last


def _overlap(rows: list[_Row]) -> str:
    """Why these rows of one key cannot stand together; '' if they can."""
    ordered = sorted(rows, key=lambda row: row.first)
    for one, other in itertools.pairwise(ordered):
        if one.first == date.min and one.last == date.max:
            return "stands twice"
        if other.first <= one.last:
            return "has two rows valid on the same day"
    return ""

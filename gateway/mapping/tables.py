"""Code tables: CSV files with a header, a key column, and perhaps days of validity.

Loaded once and shared; limits before anything is kept. Every mistake of a file is a finding at
the mapping that names it. Looking up never tells the code that was looked for.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter
from typing import Any, Final, TypeAlias

from gateway.mapping.document import TableUse
from gateway.mapping.finding import Findings, did_you_mean
from gateway.mapping.problem import Fault

ROWS: Final = 200_000
BYTES: Final = 64 * 2**20
COLUMNS: Final = 200
_LAST: Final = date.max.isoformat()


LookUp: TypeAlias = Callable[[str, int, date | None], str | None]
"""Code, column, day → cell."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV file: its columns and rows, as read; `lines` tells on which line each row ends."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = field(repr=False)
    lines: Sequence[int] = field(repr=False)
    _cells: dict[int, dict[str, str]] = field(default_factory=dict, repr=False, compare=False)
    _gaps: dict[int, bool] = field(default_factory=dict, repr=False, compare=False)

    def cells(self, column: int) -> Mapping[str, str]:
        """Every text of a column → `file:line` of its first row. Empty cells are absent.

        One answer for all tables of the sheet: types remember which columns they have taken.
        """
        if column not in self._cells:
            texts = list(map(itemgetter(column), self.rows))
            places = list(map(f"{self.file}:{{}}".format, self.lines))
            # In the order of the file; the last to be put in is the first row.
            found = dict.fromkeys(texts, "") | dict(
                zip(reversed(texts), reversed(places), strict=True)
            )
            found.pop("", None)
            self._cells[column] = found
        return self._cells[column]

    def has_gaps(self, column: int) -> bool:
        """Whether some row has nothing in that column."""
        if column not in self._gaps:
            self._gaps[column] = not all(map(itemgetter(column), self.rows))
        return self._gaps[column]


class BadSheet(Exception):
    """The file is no table; the text says why."""


def read_sheet(content: bytes, file: str) -> Sheet:
    """UTF-8, commas, a header line. Raises BadSheet."""
    if len(content) > BYTES:
        raise BadSheet(f"larger than {BYTES // 2**20} MiB")
    try:
        text = content.decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = tuple(next(reader, ()))
        if not header or len(header) > COLUMNS or len(set(header)) != len(header):
            raise BadSheet("the header must name each column once")
        rows = tuple(map(tuple, itertools.islice(reader, ROWS + 1)))
        if len(rows) <= ROWS and reader.line_num == len(rows) + 1 and _all_of(len(header), rows):
            return Sheet(file, header, rows, range(2, len(rows) + 2))
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        next(reader)
        lines, checked = _rows(reader, len(header))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadSheet(f"line {line} is not UTF-8") from None
    except csv.Error as error:
        raise BadSheet(f"line {reader.line_num} is no CSV: {error}") from None
    return Sheet(file, header, tuple(checked), lines)


def _all_of(width: int, rows: Sequence[Sequence[str]]) -> bool:
    return set(map(len, rows)) <= {width}


def _rows(reader: Any, width: int) -> tuple[list[int], list[tuple[str, ...]]]:
    """One by one, where a cell spans lines, a line is empty or something is wrong."""
    lines: list[int] = []
    rows: list[tuple[str, ...]] = []
    for row in reader:
        if len(row) == width:
            rows.append(tuple(row))
            lines.append(reader.line_num)
        elif row:
            text = f"line {reader.line_num} has {len(row)} cells, the header {width}"
            raise BadSheet(text)
        if len(rows) > ROWS:
            raise BadSheet(f"more than {ROWS} rows")
    return lines, rows


@dataclass(frozen=True, slots=True)
class _Row:
    cells: tuple[str, ...]
    line: int
    first: date = date.min
    last: date = date.max


class CodeTable:
    """A sheet by its key; where days of validity are named, a key may have several rows."""

    def __init__(self, name: str, use: TableUse, sheet: Sheet, findings: Findings) -> None:
        self.name = name
        self.use = use
        self.sheet = sheet
        self._findings = findings
        self._numbers: dict[str, int] = {}
        self._others: dict[str, list[int]] = {}
        self._rows: dict[str, tuple[_Row, ...]] = {}
        self._kept: dict[int, dict[str, str | None]] = {}
        wanted = [("key", use.key), *(("valid", column) for column in use.valid or ())]
        missing = [pair for pair in wanted if pair[1] not in sheet.columns]
        for what, column in missing:
            text = f"{sheet.file} has no column {column}{did_you_mean(column, sheet.columns)}"
            findings.error(use.at(what), "T02", text)
        if not missing:
            self._index()

    def _index(self) -> None:
        """Where the rows of each key stand: a first one, and the others where there are several."""
        key = self.sheet.columns.index(self.use.key)
        bad = list(self._bad_rows(key))
        self._tell("T01", "file", bad)
        if bad:
            return
        rows, numbers, others = self.sheet.rows, self._numbers, self._others
        numbers.update(zip(map(itemgetter(key), rows), range(len(rows)), strict=True))
        if len(numbers) < len(rows):
            numbers.clear()
            for number, cells in enumerate(rows):
                if numbers.setdefault(cells[key], number) != number:
                    others.setdefault(cells[key], []).append(number)
        several = [self._of(code) for code in others]
        self._tell("T03", "key", [text for found in several if (text := _twice(found))])
        self._tell("T06", "valid", [text for found in several if (text := _overlap(found))])

    def _tell(self, code: str, what: str, texts: list[str]) -> None:
        """The first of its kind; a file with a thousand such lines has one mistake."""
        if texts:
            more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
            text = f"{self.sheet.file}: {texts[0]}{more}"
            self._findings.error(self.use.at(what), code, text)

    def _bad_rows(self, key: int) -> Iterator[str]:
        """Each day is looked at once; rows one by one only where something is wrong."""
        rows, ends = self.sheet.rows, self._ends
        days = set(map(itemgetter(*ends), rows)) if ends else set()
        bad = {pair: reason for pair in days if (reason := _bad_days(*pair))}
        if not bad and all(map(itemgetter(key), rows)):
            return
        for line, cells in zip(self.sheet.lines, rows, strict=True):
            if not cells[key]:
                yield f"line {line} has no {self.use.key}"
            if reason := bad.get(tuple(cells[end] for end in ends), ""):
                yield f"line {line} {reason}"

    @property
    def _ends(self) -> list[int]:
        """The columns of the first and the last day."""
        return [self.sheet.columns.index(column) for column in self.use.valid or ()]

    def _of(self, code: str) -> tuple[_Row, ...]:
        """The rows of a key, made when first asked for; none of a code without a row."""
        rows = self._rows.get(code)
        if rows is None:
            if code not in self._numbers:
                return ()
            numbers = (self._numbers[code], *self._others.get(code, ()))
            rows = self._rows[code] = tuple(map(self._row, numbers))
        return rows

    def _row(self, number: int) -> _Row:
        cells, line, ends = self.sheet.rows[number], self.sheet.lines[number], self._ends
        if not ends:
            return _Row(cells, line)
        first, last = (cells[end] for end in ends)
        return _Row(cells, line, _day(first) or date.min, _day(last or _LAST) or date.max)

    @classmethod
    def unreadable(cls, name: str, use: TableUse) -> CodeTable:
        """Stands where a finding said that there is none; nothing more is said of it."""
        table = cls.__new__(cls)
        table.name, table.use, table.sheet = name, use, Sheet(use.file, (), (), ())
        return table

    @property
    def readable(self) -> bool:
        return bool(self.sheet.columns)

    @property
    def columns(self) -> tuple[str, ...]:
        return self.sheet.columns

    def column(self, name: str) -> int:
        return self.sheet.columns.index(name)

    def has(self, code: str) -> bool:
        """Whether some row, of any day, has this key."""
        return code in self._numbers

    def cells(self, column: int) -> Mapping[str, str]:
        """Every text of a column → `file:line` of its first row. Empty cells are absent."""
        return self.sheet.cells(column)

    def has_gaps(self, column: int) -> bool:
        """Whether some row has nothing in that column."""
        return self.sheet.has_gaps(column)

    def cells_of(self, code: str, column: int) -> Mapping[str, str]:
        """The texts of a column in the rows of one key, empty ones too → `file:line`."""
        rows = self._of(code)
        return {row.cells[column]: f"{self.sheet.file}:{row.line}" for row in rows}

    def look_up(self, code: str, column: int, on: date | None) -> str | None:
        """The cell in the row of `code`; with `on`, the row valid on that day.

        Without `on` the row that is valid the longest. An empty cell is absent. Without a row,
        what `missing:` says; Fault where it says error.
        """
        found = self._rows.get(code) or self._of(code)
        if on is not None:
            found = tuple(row for row in found if row.first <= on <= row.last)
        if not found:
            return self._missing(code, on)
        text = max(found, key=_end).cells[column] or None
        if on is None:
            self.kept(column)[code] = text
        return text

    def kept(self, column: int) -> dict[str, str | None]:
        """What `look_up` gave for codes of the table without a day, as far as it was asked."""
        return self._kept.setdefault(column, {})

    def line_of(self, code: str, on: date | None) -> int | None:
        """The file's line of the row that `look_up` takes; None if there is none."""
        rows = self._of(code)
        found = [row for row in rows if on is None or row.first <= on <= row.last]
        return max(found, key=_end).line if found else None

    def _missing(self, code: str, on: date | None) -> str | None:
        missing = self.use.missing
        if missing == "default":
            return self.use.default or None
        if missing == "keep":
            return code
        if missing == "absent":
            return None
        day = " on that day" if on is not None and code in self._numbers else ""
        raise Fault(f"table {self.name} has no row for this code{day}")


def _end(row: _Row) -> date:
    return row.last


def _day(text: str) -> date | None:
    """None if it is no day; the first there is where nothing is said."""
    if not text:
        return date.min
    try:
        return date.fromisoformat(text) if text[4:5] == text[7:8] == "-" else None
    except ValueError:
        return None


def _bad_days(first: str, last: str) -> str:
    """Why these are no first and last day; '' if they are."""
    begins, ends = _day(first), _day(last or _LAST)
    if begins is None or ends is None:
        return "has a day that is no YYYY-MM-DD"
    return "ends before it begins" if ends < begins else ""


def _twice(rows: Sequence[_Row]) -> str:
    """Why these rows of one key, none of which has days, cannot stand together; '' if one has."""
    always = [row.line for row in rows if row.first == date.min and row.last == date.max]
    if len(always) < 2:
        return ""
    return f"the key of line {always[0]} stands again on line {always[1]}"


def _overlap(rows: Sequence[_Row]) -> str:
    """Why the days of these rows of one key cannot stand together; '' if they can."""
    if _twice(rows):
        return ""
    ordered = sorted(rows, key=lambda row: row.first)
    for one, other in itertools.pairwise(ordered):
        if other.first <= one.last:
            lines = sorted((one.line, other.line))
            return f"lines {lines[0]} and {lines[1]} have one key and are valid on the same day"
    return ""

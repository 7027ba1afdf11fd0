"""Which days are no working days: Sundays, national holidays, and the Comune's patron saint.

The patron saints are a table, `tables/patroni.csv`: ISTAT code of the comune, its name, the saint,
month and day as `12-07`. A deployment adds the rows of its own comuni; a comune without a row has
no such day. Knows no case and no term.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Final

import holidays

from gateway.errors import ConfigurationError

PATRONS: Final = Path("tables") / "patroni.csv"
_LEAP_YEAR: Final = 2000
_SUNDAY: Final = 6

Patrons = Mapping[str, tuple[int, int]]
"""ISTAT code of a comune → month and day of its patron saint."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days of Italy and of its comuni."""

    patrons: Patrons = field(default_factory=dict)

    def works(self, day: date, comune: str = "") -> bool:
        """Whether a comune (ISTAT code) works on this day; '' asks for Italy alone."""
        patron = self.patrons.get(comune) == (day.month, day.day)
        return not (patron or day.weekday() == _SUNDAY or day in _national())

    def end(self, start: date, length: timedelta, comune: str = "") -> date:
        """The last day of a term: `start` does not count, and a holiday moves the last day."""
        end = start + length
        while not self.works(end, comune):
            end += timedelta(days=1)
        return end


def read_patrons(path: Path) -> Patrons:
    """The table, empty where there is none. Raises ConfigurationError naming every bad line."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    problems = list(_problems(path.name, rows))
    if problems:
        raise ConfigurationError(problems)
    return {row["istat"]: _month_and_day(row["giorno"]) for row in rows}


def _problems(name: str, rows: list[dict[str, str]]) -> Iterator[str]:
    seen: set[str] = set()
    for line, row in enumerate(rows, start=2):
        code, day = row.get("istat") or "", row.get("giorno") or ""
        if not (len(code) == len("015146") and code.isdigit()):
            yield f"{name}:{line}: istat: must be the six digits of a comune"
        elif code in seen:
            yield f"{name}:{line}: istat: {code} has a row already"
        seen.add(code)
        try:
            _month_and_day(day)
        except ValueError:
            yield f"{name}:{line}: giorno: must be a month and a day, such as 12-07"


def _month_and_day(text: str) -> tuple[int, int]:
    day = date.fromisoformat(f"{_LEAP_YEAR}-{text}")
    return day.month, day.day


@cache
def _national() -> holidays.HolidayBase:
    # It reckons a year when a day of it is asked for.
    return holidays.country_holidays("IT")

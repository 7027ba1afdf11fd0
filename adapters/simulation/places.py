"""Belfiore codes of comuni by ISTAT code and day, from the gateway's own table.

Knows one file, `mappings/tables/comuni.csv`. Foreign states are not in it: a birth that a
hospital notifies happened in Italy.
"""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path


class Belfiore:
    """The table, read once. `of` answers None for a comune that did not exist on that day."""

    def __init__(self, table: Path) -> None:
        self._rows: dict[str, list[tuple[str, str, str]]] = {}
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                entry = (row["dal"], row["al"], row["belfiore"])
                self._rows.setdefault(row["istat"], []).append(entry)

    def of(self, istat: str, day: date) -> str | None:
        """The Belfiore code of a comune on a day."""
        text = day.isoformat()
        stretches = self._rows.get(istat, ())
        return next((code for first, last, code in stretches if first <= text <= last), None)

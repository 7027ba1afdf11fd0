"""Working days of Italy and of its comuni."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError
from gateway.flow.calendar import PATRONS, Calendar, read_patrons
from tests.births import ROOT, flow_of

HEADER = "istat,comune,santo,giorno\n"


def table(folder: Path, rows: str) -> Path:
    """A table of patron saints."""
    path = folder / "patroni.csv"
    path.write_text(HEADER + rows, encoding="utf-8")
    return path


def test_a_patron_saint_is_a_holiday_of_his_comune_alone():
    """Every year, and nowhere else."""
    calendar = Calendar({"015146": (12, 7)})
    assert not calendar.works(date(2026, 12, 7), "015146")
    assert not calendar.works(date(2027, 12, 7), "015146")
    assert calendar.works(date(2026, 12, 7), "016024")
    assert calendar.works(date(2026, 12, 7))


def test_a_deployment_adds_rows(tmp_path: Path):
    """What the table says is what the calendar knows; the 29th of February is a day."""
    path = table(tmp_path, "016024,Bergamo,Sant'Alessandro,08-26\n015146,Prova,Nessuno,02-29\n")
    assert read_patrons(path) == {"016024": (8, 26), "015146": (2, 29)}


def test_without_a_table_there_are_no_patron_saints(tmp_path: Path):
    """A deployment that takes the file away has Italy's holidays only."""
    assert read_patrons(tmp_path / "patroni.csv") == {}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("15146,Milano,Sant'Ambrogio,12-07", "patroni.csv:2: istat"),
        ("015146,Milano,Sant'Ambrogio,7 dicembre", "patroni.csv:2: giorno"),
        ("015146,Milano,Sant'Ambrogio,02-30", "patroni.csv:2: giorno"),
        ("015146,Milano", "patroni.csv:2: giorno"),
        ("015146,M,A,12-07\n015146,M,A,12-08", "patroni.csv:3: istat"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, row: str, problem: str):
    """Six digits, a month and a day, one row a comune."""
    with pytest.raises(ConfigurationError) as told:
        read_patrons(table(tmp_path, f"{row}\n"))
    assert str(told.value).count("patroni.csv:") == 1
    assert problem in str(told.value)


def test_the_shipped_table_names_comuni_by_their_code():
    """Every row is a comune of the table of comuni, under its name; the flow reads the table."""
    sheet = (ROOT / "mappings" / PATRONS).read_text(encoding="utf-8").splitlines()[1:]
    known = (ROOT / "mappings" / "tables" / "comuni.csv").read_text(encoding="utf-8").splitlines()
    names = {line.split(",")[0]: line.split(",")[2] for line in known if "9999-12-31" in line}
    rows = [line.split(",") for line in sheet]
    assert [row for row in rows if names[row[0]] != row[1]] == []
    assert set(flow_of().calendar.patrons) == {row[0] for row in rows}


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(0, 30))
def test_a_term_never_ends_early_nor_on_a_holiday(start: date, days: int):
    """The end is a working day, the first one from the last day on."""
    calendar = Calendar({"015146": (12, 7)})
    end = calendar.end(start, timedelta(days=days), "015146")
    assert calendar.works(end, "015146")
    passed = range((end - start).days - days)
    assert not any(calendar.works(start + timedelta(days=days + each), "015146") for each in passed)

"""The code tables: what they must hold, and that they agree with the registries' own archive."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TABLES = ROOT / "mappings" / "tables"
ARCHIVE = ROOT.parent / "shared" / "anpr" / "ANPR_archivio_comuni.csv"


def rows(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_comune_of_today_is_there() -> None:
    """About 7 900 comuni are valid today, each with one row and a Belfiore code of its own."""
    today = [row for row in rows("comuni.csv") if row["al"] == "9999-12-31"]
    assert 7850 < len(today) < 7950
    assert (
        len({row["istat"] for row in today})
        == len({row["belfiore"] for row in today})
        == len(today)
    )


@pytest.mark.parametrize(
    ("istat", "belfiore", "name"),
    [("015146", "F205", "Milano"), ("058091", "H501", "Roma"), ("098031", "E648", "Lodi")],
)
def test_a_code_is_text(istat: str, belfiore: str, name: str) -> None:
    """A leading zero belongs to the code."""
    row = next(row for row in rows("comuni.csv") if row["istat"] == istat)
    assert (row["belfiore"], row["nome"]) == (belfiore, name)


def test_the_days_of_validity_are_days() -> None:
    """A row's first day is not after its last."""
    assert all(row["dal"] <= row["al"] for row in rows("comuni.csv"))


def test_a_comune_is_found_by_name_however_accents_are_written() -> None:
    """Hospitals write FORLÌ, FORLI' and FORLI for the same comune."""
    names = {row["nome_provincia"]: row["istat"] for row in rows("comuni_nome.csv")}
    assert {names[f"{said} FC"] for said in ("FORLÌ", "FORLI'", "FORLI")} == {"040012"}


def test_a_name_with_its_province_is_one_comune() -> None:
    """The key of the table of names is unique, and each row is a comune of today."""
    names = rows("comuni_nome.csv")
    assert max(Counter(row["nome_provincia"] for row in names).values()) == 1
    today = {row["istat"] for row in rows("comuni.csv") if row["al"] == "9999-12-31"}
    assert {row["istat"] for row in names} == today


def test_a_state_is_found_by_each_of_its_codes() -> None:
    """ISTAT, ISO alpha-3 and alpha-2, and 999 with the ISTAT code name the same state."""
    states = {row["codice"]: row["istat"] for row in rows("stati.csv")}
    assert {states[code] for code in ("235", "ROU", "RO", "999235")} == {"235"}
    assert states["ITA"] == "100"
    assert "999100" not in states


@pytest.mark.skipif(not ARCHIVE.exists(), reason="../shared/anpr is not there")
def test_belfiore_codes_agree_with_the_archive_of_anpr() -> None:
    """Where the Ministry's archive knows an ISTAT code, it gives it the same Belfiore code."""
    archive: dict[str, set[str]] = {}
    with ARCHIVE.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            archive.setdefault(row["CODISTAT"], set()).add(row["CODCATASTALE"])
    ours = rows("comuni.csv")
    known = [row for row in ours if row["istat"] in archive]
    assert len(known) > len(ours) - 20
    assert [row for row in known if row["belfiore"] not in archive[row["istat"]]] == []

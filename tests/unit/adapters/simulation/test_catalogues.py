"""The error codes of the simulated administrations."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from adapters.agenzia_entrate import errors as agenzia
from adapters.asl import errors as asl
from adapters.comune import errors as comune
from adapters.simulation.catalogue import error, refused

ANPR = Path(__file__).parents[4].parent / "shared" / "anpr"
OURS = re.compile(r"COM\d|AEE\d|ASL\d|PED\d|PROTOCOLLO_IGNOTO|INDISPONIBILE")


@pytest.mark.parametrize("partner", [comune, agenzia, asl])
def test_codes_fit_the_contract(partner: object) -> None:
    """Every code and text can stand in an `errore` of the XSD."""
    for code, entry in partner.CATALOGUE.items():  # type: ignore[attr-defined]  # a module
        assert re.fullmatch(r"[0-9A-Z_]{2,24}", code)
        assert 0 < len(entry.text) <= 240


@pytest.mark.parametrize(
    ("partner", "file"),
    [(comune, "errors_anpr.csv"), (agenzia, "errors_agenzia_entrate.csv")],
)
def test_codes_are_the_administrations_own(partner: object, file: str) -> None:
    """What is not named in our own contracts is in the Ministry's list."""
    if not (ANPR / file).exists():
        pytest.skip(f"{ANPR / file} is not there")
    with (ANPR / file).open(encoding="utf-8", newline="") as rows:
        known = {row[0] for row in csv.reader(rows) if row}
    codes = set(partner.CATALOGUE)  # type: ignore[attr-defined]  # a module
    assert {code for code in codes if not OURS.match(code)} <= known


def test_a_refusal_says_code_severity_text_and_field() -> None:
    """An `errore` has its parts in the schema's order; an unknown code is told as it is."""
    told = refused(comune.CATALOGUE, "COM004", "madre/residenza", protocollo="P")
    assert list(told) == ["esito", "errore", "protocollo"]
    assert error(comune.CATALOGUE, "COM004", "x") == {
        "codice": "COM004",
        "tipo": "W",
        "testo": comune.CATALOGUE["COM004"].text,
        "campo": "x",
    }
    assert error(comune.CATALOGUE, "X99")["tipo"] == "E"

"""The terms of a birth, as `icaro case list` and `icaro case show` tell them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.outcomes import Taken
from tests.births import GIULIA, House, deployment

TODAY = datetime.now(ZoneInfo("Europe/Rome"))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node whose journal the verbs read."""
    with House(tmp_path) as house:
        deployment(tmp_path)
        yield house


def listed(folder: Path) -> dict[str, Any]:
    """The one case of the list."""
    done = CliRunner().invoke(main, ["case", "list", "--json", "-c", str(folder / "icaro.yaml")])
    assert done.exit_code == 0, done.output
    (case,) = json.loads(done.stdout)
    found: dict[str, Any] = case
    return found


def shown(folder: Path) -> str:
    """What `case list` prints for people."""
    done = CliRunner().invoke(main, ["case", "list", "-c", str(folder / "icaro.yaml")])
    return done.stdout


def test_parents_are_waited_for_until_their_terms_end(house: House, tmp_path: Path):
    """An undeclared birth has both terms, and the one that has passed says so."""
    born = TODAY.replace(tzinfo=None) - timedelta(days=8)
    house.hears(replace(GIULIA, given="BABY", born=born).message("A01"))
    centre, comune = listed(tmp_path)["terms"]
    assert (centre["name"], centre["passed"]) == ("declare at the birth centre", True)
    assert (comune["name"], comune["passed"]) == ("declare at the Comune", False)
    assert ": passed" in shown(tmp_path)


def test_what_is_declared_is_to_be_transmitted_until_it_is(house: House, tmp_path: Path):
    """The gateway's own term runs while anything is open, and no longer."""
    house.office.says["comune"] = [Taken("T/1")]
    house.hears(GIULIA.message("A01"))
    (term,) = listed(tmp_path)["terms"]
    assert (term["name"], term["passed"]) == ("transmit", False)
    house.hears(GIULIA.message("A11"))
    assert listed(tmp_path)["terms"] == []


def test_a_birth_date_that_cannot_be_read_has_no_terms(house: House, tmp_path: Path):
    """Nothing is reckoned from a date that nobody can read; the finding says so."""
    house.hears(GIULIA.message("A01", given="BABY").replace(b"|202603011030|F|", b"|20269999|F|"))
    assert listed(tmp_path)["terms"] == []


def test_one_case_tells_its_terms(house: House, tmp_path: Path):
    """`case show` has a line for each."""
    house.hears(replace(GIULIA, given="BABY").message("A01"))
    done = CliRunner().invoke(
        main, ["case", "show", house.case().id, "-c", str(tmp_path / "icaro.yaml")]
    )
    assert "declare at the Comune by " in done.stdout

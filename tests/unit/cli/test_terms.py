"""The terms of a birth, as `icaro case list`, `show` and `overdue` tell them; why one was late."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.lifecycle import Status
from tests.births import GIULIA, ROOT, House, deployment

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
    """The gateway's own term runs until the Comune has the declaration, whatever else is open."""
    house.hears(GIULIA.message("A01"))
    (term,) = listed(tmp_path)["terms"]
    assert (term["name"], term["passed"]) == ("transmit", False)
    house.works()
    assert house.status("pediatra") is Status.WAITING
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


def verb(folder: Path, *words: str) -> Result:
    """`icaro case … -c icaro.yaml`."""
    return CliRunner().invoke(main, ["case", *words, "-c", str(folder / "icaro.yaml")])


def test_what_is_overdue_is_listed(house: House, tmp_path: Path):
    """A birth whose parents said nothing for twenty days; not the one of yesterday."""
    moment = TODAY.replace(tzinfo=None)
    old = replace(GIULIA, given="BABY", born=moment - timedelta(days=20))
    fresh = replace(old, identifier="S98", born=moment - timedelta(days=1))
    for child in (old, fresh):
        house.hears(child.message("A01"))
    done = verb(tmp_path, "overdue", "--json")
    assert done.exit_code == 0, done.output
    (case,) = json.loads(done.stdout)
    assert {term["standing"] for term in case["terms"]} == {"passed"}
    assert "child" not in case
    shown = verb(tmp_path, "overdue").stdout
    assert "1 cases" in shown
    assert "declare at the Comune by " in shown
    assert "BABY" not in shown


def test_what_is_near_is_listed_where_asked_for(house: House, tmp_path: Path):
    """By the flow of the deployment, which warns as early as it wants to."""
    shipped = (ROOT / "mappings" / "nascita.flow.yaml").read_text(encoding="utf-8")
    shutil.copytree(ROOT / "mappings" / "profiles", tmp_path / "mappings" / "profiles")
    flow = tmp_path / "mappings" / "nascita.flow.yaml"
    flow.write_text(shipped.replace("warn: 1 day", "warn: 20 days"), encoding="utf-8")
    with (tmp_path / "icaro.yaml").open("a", encoding="utf-8") as config:
        config.write("mappings: mappings\n")
    born = TODAY.replace(tzinfo=None) - timedelta(days=1)
    house.hears(replace(GIULIA, given="BABY", born=born).message("A01"))
    assert json.loads(verb(tmp_path, "overdue", "--json").stdout) == []
    (near,) = json.loads(verb(tmp_path, "overdue", "--near", "--json").stdout)
    assert [term["standing"] for term in near["terms"]] == ["near", "near"]
    assert ": near" in verb(tmp_path, "overdue", "--near").stdout


WHO = ("--by", "m.rossi", "--reason", "verbale 12")


def test_the_reasons_of_a_delay_are_recorded(house: House, tmp_path: Path):
    """They let the Comune's document go, and are of the length that its schema takes."""
    house.hears(GIULIA.message("A01") + b"ZNA|||||20260317\r")
    case = house.case().id
    assert verb(tmp_path, "late", case, "--why", " ", *WHO).exit_code == 2
    assert verb(tmp_path, "late", case, "--why", "x" * 241, *WHO).exit_code == 2
    assert house.steps()["comune"] == ["register WAITING LATE"]
    done = verb(tmp_path, "late", case, "--why", "Madre ricoverata", *WHO)
    assert done.exit_code == 0, done.output
    assert house.steps()["comune"] == ["register READY"]


def test_an_operator_says_that_a_mother_is_not_named(house: House, tmp_path: Path):
    """By name and reason, as evidence; the case says so."""
    house.hears(GIULIA.message("A01"))
    case = house.case().id
    done = verb(tmp_path, "unname", case, *WHO)
    assert done.exit_code == 0, done.output
    assert "does not want to be named" in verb(tmp_path, "show", case).stdout

"""`icaro partner`: what an operator sees of the administrations, pauses and lets go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.births import GIULIA, House, deployment

WHO = ("--by", "m.rossi", "--reason", "ticket 81")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A running node with one birth, and beside it an `icaro.yaml`."""
    with House(tmp_path) as made:
        deployment(tmp_path)
        made.hears(GIULIA.message("A01"))
        yield made


def run(house: House, *arguments: str) -> Result:
    """`icaro partner … -c icaro.yaml`."""
    path = str(Path(house.url.removeprefix("sqlite:///")).with_name("icaro.yaml"))
    return CliRunner().invoke(main, ["partner", *arguments, "-c", path])


def listed(house: House, *arguments: str) -> Any:
    """What a program reads."""
    result = run(house, "list", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_every_entry_with_what_waits_for_it(house: House) -> None:
    """Also as a table for a person."""
    rows = {(row["partner"], row["code"]): row for row in listed(house)}
    assert rows["comune", "015209"]["waiting"] == 1
    assert rows["comune", "015146"]["waiting"] == 0
    assert {row["open"] for row in rows.values()} == {"yes"}
    table = run(house, "list").stdout
    assert "015209" in table
    assert "agenzia_entrate" in table


def test_a_pause_holds_and_ends(house: House) -> None:
    """Nothing is claimed for it meanwhile; who and why is shown, and is evidence."""
    done = run(house, "pause", "comune", "015209", *WHO)
    assert (done.exit_code, done.output) == (0, "comune 015209 is paused\n")
    (row,) = listed(house, "--paused")
    assert (row["code"], row["by"], row["reason"]) == ("015209", "m.rossi", "ticket 81")
    house.works()
    assert house.office.got("comune") == []
    assert run(house, "resume", "comune", "015209", *WHO).exit_code == 0
    house.works()
    assert house.office.got("comune") == ["register"]
    told = house.look(lambda view: view.evidence(node="console"))
    assert [each.what for each in told if each.what.startswith("partner.")] == [
        "partner.paused",
        "partner.resumed",
    ]


def test_a_step_may_be_paused(house: House) -> None:
    """It stands in the list by itself."""
    assert run(house, "pause", "--step", "codice_fiscale", *WHO).exit_code == 0
    (row,) = listed(house, "--paused")
    assert (row["partner"], row["name"]) == (None, "step codice_fiscale")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("pause", "comune", "999999"), "no comune 999999 in the partner directory"),
        (("pause", "comuni"), "no comuni in the partner directory"),
        (("pause", "--step", "nascita"), "no step nascita; the flow has comune"),
        (("resume", "comune"), "comune is not paused"),
    ],
)
def test_what_cannot_be_is_said(house: House, words: tuple[str, ...], told: str) -> None:
    """A pause that held nothing would be believed to hold."""
    done = run(house, *words, *WHO)
    assert done.exit_code == 1
    assert told in done.output


def test_a_pause_is_made_once_and_needs_a_person(house: House) -> None:
    """And says at least one thing."""
    assert run(house, "pause", "comune", *WHO).exit_code == 0
    again = run(house, "pause", "comune", *WHO)
    assert (again.exit_code, "comune is paused already" in again.output) == (1, True)
    assert run(house, "pause", "asl", "--by", "m.rossi").exit_code == 2
    assert run(house, "pause", *WHO).exit_code == 2

"""`icaro aside`: what a person decides of births of before the gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.births import CHIARA, GIULIA, PERSON, SENDER, House, deployment

WHO = ("--by", PERSON.name, "--reason", PERSON.reason)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node that was switched on after both births, and beside it an `icaro.yaml`."""
    limited = SENDER.model_copy(update={"births_since": date(2027, 1, 1)})
    with House(tmp_path, sender=limited) as made:
        deployment(tmp_path)
        made.hears(GIULIA.message("A08"))
        made.hears(CHIARA.message("A08"))
        yield made


def aside(folder: Path, *arguments: str) -> Result:
    """`icaro aside … -c icaro.yaml`."""
    return CliRunner().invoke(main, ["aside", *arguments, "-c", str(folder / "icaro.yaml")])


def waiting(folder: Path) -> list[str]:
    """The ids that the list tells, the newest first."""
    return [each["id"] for each in json.loads(aside(folder, "list", "--json").stdout)]


def test_each_birth_is_admitted_or_dismissed(house: House, tmp_path: Path) -> None:
    """Until then it is on the list and can be looked at; after it, neither."""
    newer, older = waiting(tmp_path)
    assert GIULIA.surname in aside(tmp_path, "show", older).stdout
    assert "is open" in aside(tmp_path, "admit", older, *WHO).stdout
    assert waiting(tmp_path) == [newer]
    assert aside(tmp_path, "dismiss", newer, *WHO).stdout == f"{newer} is gone\n"
    assert waiting(tmp_path) == []
    assert aside(tmp_path, "show", newer).exit_code
    assert len(house.look(lambda view: view.cases())) == 1


def test_who_dismisses_says_who_and_why(house: House, tmp_path: Path) -> None:
    """Without a person and a reason nothing goes."""
    newer, _ = waiting(tmp_path)
    assert aside(tmp_path, "dismiss", newer, "--by", "m.rossi").exit_code == 2
    assert newer in waiting(tmp_path)

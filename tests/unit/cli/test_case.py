"""`icaro case`: what an operator sees of a birth, and says about it, while the gateway runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.journal.verification import examine
from gateway.lifecycle import Status
from tests.births import CODICE_FISCALE, GIULIA, House, deployment


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A running node, and beside it an `icaro.yaml`."""
    with House(tmp_path) as made:
        deployment(tmp_path)
        yield made


def run(house: House, *arguments: str, answers: str | None = None) -> Result:
    """`icaro case … -c icaro.yaml`."""
    path = str(Path(house.url.removeprefix("sqlite:///")).with_name("icaro.yaml"))
    return CliRunner().invoke(main, ["case", *arguments, "-c", path], input=answers)


def shown(house: House, *arguments: str) -> Any:
    """What a program reads."""
    result = run(house, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


WHO = ("--by", "m.rossi", "--reason", "signed at the bedside")


# ---------------------------------------------------------------- list


def test_cases_are_listed_with_what_is_open(house: House) -> None:
    """The newest first, the child by name, and each step that is not at its end."""
    house.hears(GIULIA.message("A01"))
    house.hears(replace(GIULIA, identifier="S99", given="MARTA").message("A01"))
    result = run(house, "list")
    assert result.exit_code == 0, result.output
    assert "2 cases" in result.output
    assert result.output.index("ROSSI MARTA") < result.output.index("ROSSI GIULIA")
    assert "comune READY" in result.output
    assert "pediatra WAITING NEEDS" in result.output


def test_cases_are_listed_by_state(house: House) -> None:
    """A state in either case of letters; only the cases in it."""
    house.hears(GIULIA.message("A01", given="BABY"))
    house.hears(replace(GIULIA, identifier="S99").message("A01"))
    (open_one,) = shown(house, "list", "--state", "open")
    assert (open_one["state"], open_one["child"]["nome"]) == ("OPEN", "BABY")
    assert open_one["open"] == []
    (declared,) = shown(house, "list", "--state", "DECLARED", "--limit", "5")
    assert declared["child"]["identificativo"] == "S99"
    assert run(house, "list", "--state", "nowhere").exit_code == 2


# ---------------------------------------------------------------- show


def test_a_case_is_shown_whole(house: House) -> None:
    """Steps with status, reason and protocol, the codice fiscale, findings and messages."""
    house.hears(GIULIA.message("A01").replace(b"FTH^Father", b"MTH^Mother"))
    house.works()
    house.hears(GIULIA.message("A08", weight=3260))
    tree = shown(house, "show", house.case().id)
    assert tree["facts"]["codice_fiscale"]["codiceFiscale"] == CODICE_FISCALE
    assert [each["event"] for each in tree["messages"]] == ["A01", "A08"]
    steps = {each["step"]: each for each in tree["submissions"]}
    assert steps["comune"]["status"] == "READY"
    assert steps["pediatra"]["advice"] == "the family chooses: icaro case choose"
    result = run(house, "show", house.case().id)
    for text in (CODICE_FISCALE, "comune.protocollo", "WAITING", "CHOICE", "GIULIA", "A08"):
        assert text in result.output, text


def test_findings_are_shown(house: House) -> None:
    """What a person should see of the content stands there with its place."""
    house.hears(GIULIA.message("A01").replace(b"MTH^Mother", b"OTH^Other"))
    result = run(house, "show", house.case().id)
    assert "NO_MOTHER" in result.output
    assert "not yet: nothing is sent before" in result.output


def test_an_unnamed_mother_and_a_declaration_are_said(house: House) -> None:
    """Who declared, and that the mother does not want to be named."""
    house.hears(replace(GIULIA, unnamed=True).message("A01"))
    case = house.case().id
    assert run(house, "declare", case, *WHO).exit_code == 0
    result = run(house, "show", case)
    assert "does not want to be named" in result.output
    assert "by m.rossi" in result.output
    assert "ANNA" not in result.output


def test_an_id_may_be_abbreviated(house: House) -> None:
    """To a beginning that no other has; else all that begin so are named."""
    house.hears(GIULIA.message("A01"))
    one = house.case().id
    house.hears(replace(GIULIA, identifier="S99").message("A01"))
    assert shown(house, "show", one[:16])["id"] == one
    several = run(house, "show", one[:2])
    assert several.exit_code == 1
    assert one in several.output
    nothing = run(house, "show", "zz")
    assert nothing.exit_code == 1
    assert "no case zz" in nothing.output
    assert "icaro case list" in nothing.output
    assert run(house, "show", "").exit_code == 1


def test_a_case_whose_key_is_gone_is_still_listed(house: House) -> None:
    """What was destroyed is said to be; the rest of the list is there."""
    house.hears(GIULIA.message("A01"))
    case = house.case().id
    house.do(lambda unit: unit.destroy_key(case))
    assert shown(house, "list")[0]["child"] == {}
    assert "its key is destroyed" in run(house, "show", case).output


def test_no_control_character_reaches_the_terminal(house: House) -> None:
    """A name with an escape sequence is shown, not obeyed."""
    house.hears(GIULIA.message("A01", given="GIU\\X1B\\[2JLIA"))
    output = run(house, "list").output + run(house, "show", house.case().id).output
    assert "\x1b" not in output
    assert "[2JLIA" in output


# ---------------------------------------------------------------- declare and choose


def test_a_birth_is_declared_while_the_gateway_runs(house: House) -> None:
    """The running node finds the work; person and reason are evidence in a chain of their own."""
    house.hears(GIULIA.message("A01", given="BABY"))
    result = run(house, "declare", house.case().id[:16], *WHO)
    assert result.exit_code == 0, result.output
    house.works()
    assert house.office.got("codice_fiscale") == ["register"]
    (entry,) = [
        each
        for each in house.look(lambda view: view.evidence(node="console"))
        if each.what == "case.declared"
    ]
    assert entry.note == {"person": "m.rossi", "reason": "signed at the bedside"}


def test_what_persons_did_verifies(house: House, tmp_path: Path) -> None:
    """Two chains beside each other, both whole."""
    house.hears(GIULIA.message("A01", given="BABY"))
    run(house, "declare", house.case().id, *WHO)
    house.works()
    house.journal.checkpoint()
    side = tmp_path / "icaro.db.checkpoints"
    report = examine(house.url, house.keyring.public_key, side)
    assert not report.findings


@pytest.mark.parametrize(("said", "kept"), [("PLS009", "PLS009"), ("ufficio", "UFFICIO")])
def test_a_paediatrician_is_chosen(house: House, said: str, kept: str) -> None:
    """By code, or left to the ASL however it is written."""
    house.hears(GIULIA.message("A01"))
    house.works()
    result = run(house, "choose", house.case().id, "--paediatrician", said, *WHO)
    assert result.exit_code == 0, result.output
    assert house.context().choice == {"pediatra": kept}
    house.works()
    assert house.status("pediatra") is Status.ACCEPTED


def test_a_person_and_a_reason_are_needed(house: House) -> None:
    """Without a terminal to ask at, it is wrong use, and nothing is done."""
    house.hears(GIULIA.message("A01", given="BABY"))
    case = house.case().id
    for lacking in (("--by", "m.rossi"), ("--reason", "why"), ("--by", " ", "--reason", "why")):
        result = run(house, "declare", case, *lacking)
        assert result.exit_code == 2, result.output
        assert "evidence" in result.output
    assert run(house, "choose", case, "--paediatrician", " ", *WHO).exit_code == 2
    assert run(house, "choose", case, *WHO).exit_code == 2
    assert house.case().state == "OPEN"


def test_at_a_terminal_they_are_asked_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sits at a terminal is asked instead of told off."""
    house.hears(GIULIA.message("A01", given="BABY"))
    monkeypatch.setattr("gateway.cli.console.at_a_terminal", lambda: True)
    result = run(house, "declare", house.case().id, answers="m.rossi\nsigned\n")
    assert result.exit_code == 0, result.output
    assert house.context().declared_by == "m.rossi"


def test_what_cannot_be_is_told_with_advice(house: House) -> None:
    """A cancelled birth takes no declaration: exit code 1, in words."""
    house.hears(GIULIA.message("A01"))
    house.hears(GIULIA.message("A11"))
    result = run(house, "declare", house.case().id, *WHO)
    assert result.exit_code == 1
    assert "CANCELLED" in result.output


def test_a_deployment_that_never_ran_has_no_cases(tmp_path: Path) -> None:
    """No empty journal is made by looking for one."""
    with House(tmp_path) as house:
        deployment(tmp_path)
    Path(house.url.removeprefix("sqlite:///")).unlink()
    for arguments in (("list",), ("declare", "18a5", *WHO)):
        result = run(house, *arguments)
        assert result.exit_code == 1
        assert "no journal" in result.output
    assert not (tmp_path / "icaro.db").exists()

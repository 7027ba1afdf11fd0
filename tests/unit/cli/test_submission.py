"""`icaro submission`: what an operator sees of a document, and decides, while the gateway runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.cli.advice import advice
from gateway.journal import SubmissionRow
from gateway.lifecycle import DONE, Status
from gateway.outcomes import Choice, Fault, Rejected, Unavailable, Unknown
from gateway.partners import Idempotence
from gateway.retry import Backoff
from tests.births import CODICE_FISCALE, GIULIA, OFFICES, House, deployment

WHO = ("--by", "m.rossi", "--reason", "asked by telephone")
NO = Rejected((Fault("COM003", "Dichiarazione tardiva"),))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A running node with one attempt and no promises, and beside it an `icaro.yaml`."""
    nothing = tuple(replace(each, idempotence=Idempotence.NEITHER) for each in OFFICES)
    tired = Backoff(first=timedelta(0), ceiling=timedelta(0), max_attempts=1)
    with House(tmp_path, offices=nothing, backoff=tired) as made:
        deployment(tmp_path)
        yield made


def born(house: House, *says: object, step: str = "comune") -> SubmissionRow:
    """A birth whose documents are delivered; gives the newest submission of the step."""
    house.office.says[step] = list(says)  # type: ignore[arg-type]  # outcomes
    house.hears(GIULIA.message("A01"))
    house.works()
    return house.last(step)


def run(house: House, *arguments: str) -> Result:
    """`icaro submission … -c icaro.yaml`."""
    path = str(Path(house.url.removeprefix("sqlite:///")).with_name("icaro.yaml"))
    return CliRunner().invoke(main, ["submission", *arguments, "-c", path])


def shown(house: House, *arguments: str) -> Any:
    """What a program reads."""
    result = run(house, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


# ---------------------------------------------------------------- list


def test_what_is_open_is_listed_with_advice(house: House) -> None:
    """Not what has ended well; with why it stands there and what can be done."""
    row = born(house, Unknown("lost"))
    result = run(house, "list")
    assert result.exit_code == 0, result.output
    assert row.id[:16] in result.output
    assert "HELD" in result.output
    assert "resolve --received" in result.output
    assert {each["status"] for each in shown(house, "list")} == {"HELD", "WAITING"}


def test_submissions_are_listed_by_status_step_and_case(house: House) -> None:
    """Ended ones too, when they are asked for."""
    row = born(house)
    accepted = shown(house, "list", "--status", "accepted")
    assert [each["step"] for each in accepted] == [
        *("comune", "codice_fiscale", "assistito", "riscontro"),
    ]
    assert [each["id"] for each in shown(house, "list", "--status", "ACCEPTED", "--step", "comune")]
    assert shown(house, "list", "--step", "comune") == []
    assert len(shown(house, "list", "--case", row.case_id[:16])) == 5
    assert run(house, "list", "--status", "lost").exit_code == 2


# ---------------------------------------------------------------- show


def test_a_submission_is_shown_with_attempts_faults_and_pins(house: House) -> None:
    """Why the partner said no, what was sent when, and the files that made it."""
    row = born(house, NO)
    tree = shown(house, "show", row.id)
    assert tree["faults"] == [{"code": "COM003", "text": "Dichiarazione tardiva"}]
    (attempt,) = tree["tries"]
    assert (attempt["number"], attempt["outcome"]) == (1, "Rejected")
    assert "comune/nascita.yaml" in " ".join(tree["pins"])
    assert "reprocess" in tree["advice"]
    output = run(house, "show", row.id[:16]).output
    for text in ("REJECTED", "COM003", "Dichiarazione tardiva", "Rejected", row.operation_id):
        assert text in output, text
    assert "sha256" in output


def test_candidates_are_shown(house: House) -> None:
    """Who the partner found, so that a person can choose."""
    row = born(house, Choice(({"codiceFiscale": CODICE_FISCALE},)), step="codice_fiscale")
    assert CODICE_FISCALE in run(house, "show", row.id).output
    assert "--candidate N" in run(house, "show", row.id).output


def test_exact_bytes_go_to_standard_output(house: House) -> None:
    """Nothing before them and nothing after: what was signed can be verified from the file."""
    row = born(house)
    (letter,) = [each for each in house.office.letters if each.operation == "comune/register"]
    assert run(house, "show", row.id, "--envelope", "1").stdout_bytes == letter.envelope
    assert run(house, "show", row.id, "--answer", "1").stdout_bytes == b"<answer/>"
    document = run(house, "show", row.id, "--document").stdout_bytes
    assert document == house.look(lambda view: view.document(row.id))


def test_bytes_that_are_not_there_are_told(house: House) -> None:
    """An attempt that was never made, a document that was not yet translated."""
    row = born(house)
    missing = run(house, "show", row.id, "--envelope", "2")
    assert missing.exit_code == 1
    assert "no attempt 2" in missing.output
    waiting = house.last("pediatra")
    assert "no document" in run(house, "show", waiting.id, "--document").output
    assert run(house, "show", row.id, "--document", "--json").exit_code == 2
    assert run(house, "show", "zz").exit_code == 1


# ---------------------------------------------------------------- decide


def test_a_dead_one_is_replayed(house: House) -> None:
    """The running node sends the same content again."""
    row = born(house, Unavailable("REFUSED"))
    result = run(house, "replay", row.id[:16], *WHO)
    assert result.exit_code == 0, result.output
    assert f"{row.id} (comune) is READY" in result.output
    house.works()
    assert house.status("comune") is Status.ACCEPTED


def test_a_rejected_one_is_reprocessed(house: House) -> None:
    """As another submission, which is named."""
    row = born(house, NO)
    result = run(house, "reprocess", row.id, *WHO)
    assert f"{house.last('comune').id} (comune) is READY, made of {row.id}" in result.output


def test_a_rejected_one_is_withdrawn(house: House) -> None:
    """It need not go any more."""
    row = born(house, NO)
    assert "is WITHDRAWN" in run(house, "withdraw", row.id, *WHO).output


def test_a_cancellation_is_confirmed(house: House) -> None:
    """Its reason is what the administration hears."""
    born(house)
    house.hears(GIULIA.message("A11"))
    assert "is READY" in run(house, "confirm", house.last("comune").id, *WHO).output
    house.works()
    assert b"asked by telephone" in house.office.last("comune")


@pytest.mark.parametrize(
    ("said", "status"),
    [(("--received", "2026/117"), Status.ACCEPTED), (("--not-received",), Status.READY)],
)
def test_a_doubt_is_resolved(house: House, said: tuple[str, ...], status: Status) -> None:
    """By what the partner said on the telephone."""
    row = born(house, Unknown("lost"))
    result = run(house, "resolve", row.id, *said, *WHO)
    assert result.exit_code == 0, result.output
    assert house.status("comune") is status
    assert house.last("comune").receipt == ("2026/117" if "--received" in said else None)


def test_a_code_heard_by_telephone_is_told(house: House) -> None:
    """With its receipt; alone it says nothing of the doubt."""
    row = born(house, Unknown("lost"), step="codice_fiscale")
    code = ("--cf", CODICE_FISCALE)
    assert run(house, "resolve", row.id, "--not-received", *code, *WHO).exit_code == 2
    result = run(house, "resolve", row.id, "--received", "AE/9", *code, *WHO)
    assert result.exit_code == 0, result.output
    assert CODICE_FISCALE not in result.output
    assert house.context().facts["codice_fiscale"]["codiceFiscale"] == CODICE_FISCALE


def test_a_candidate_is_chosen(house: House) -> None:
    """Asked again for the person that was chosen."""
    row = born(house, Choice(({"codiceFiscale": CODICE_FISCALE},)), step="codice_fiscale")
    result = run(house, "resolve", row.id, "--candidate", "1", *WHO)
    assert result.exit_code == 0, result.output
    house.works()
    assert CODICE_FISCALE.encode() in house.office.last("codice_fiscale")


@pytest.mark.parametrize(
    "said", [(), ("--received", "P", "--not-received"), ("--candidate", "1", "--not-received")]
)
def test_one_resolution_at_a_time(house: House, said: tuple[str, ...]) -> None:
    """None or two is wrong use, and nothing is done."""
    row = born(house, Unknown("lost"))
    assert run(house, "resolve", row.id, *said, *WHO).exit_code == 2
    assert house.status("comune") is Status.HELD


@pytest.mark.parametrize("verb", ["replay", "reprocess", "withdraw", "confirm", "resolve"])
def test_every_decision_needs_a_person_and_a_reason(house: House, verb: str) -> None:
    """Exit code 2 without; nothing is moved."""
    row = born(house, Unknown("lost"))
    more = ("--not-received",) if verb == "resolve" else ()
    assert run(house, verb, row.id, *more).exit_code == 2
    assert run(house, verb, row.id, *more, "--by", "m.rossi").exit_code == 2
    assert run(house, verb, row.id, *more, "--reason", "because").exit_code == 2
    assert house.status("comune") is Status.HELD


@pytest.mark.parametrize("verb", ["replay", "reprocess", "withdraw", "confirm"])
def test_what_cannot_be_decided_is_told_with_advice(house: House, verb: str) -> None:
    """An accepted document takes no decision: exit code 1, in words."""
    row = born(house)
    result = run(house, verb, row.id, *WHO)
    assert result.exit_code == 1
    assert result.output.strip()
    assert house.status("comune") is Status.ACCEPTED


def test_every_status_that_is_not_done_has_advice(house: House) -> None:
    """No row of the list leaves the operator alone; what is done says nothing."""
    house.hears(GIULIA.message("A01"))
    row = house.last("comune")
    for status in Status:
        for received in (True, False):
            told = advice(replace(row, status=status, maybe_received=received))
            assert bool(told) is (status not in DONE), status
    dead = replace(row, status=Status.DEAD)
    assert advice(replace(dead, maybe_received=True)) != advice(dead)

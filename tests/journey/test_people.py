"""What only a person decides, at the command line, while the gateway runs.

Every verb asks for the person and the reason, takes effect without a restart, and is evidence
that names both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.demo.people import Child
from gateway.journal import SubmissionRow
from gateway.lifecycle import Status
from tests.journey.theatre import journal, newborn, prepare, running
from tests.journey.watching import WHO, Ward

pytestmark = pytest.mark.journey

DELIVERY = (
    "{concurrency: 8, poll: 250 ms, lease: 20 s, settle: 1 ms, retry: "
    "{first: 200 ms, factor: 1.0, ceiling: 1 s, jitter: 0.0, max_attempts: 3}}"
)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> Iterator[Ward]:
    """A gateway that gives up after three attempts."""
    stage = prepare(tmp_path_factory.mktemp("people") / "stage", pki, delivery=DELIVERY)
    with running(stage):
        yield Ward(stage)


def registered(ward: Ward, **more: object) -> Child:
    """A birth of which everybody has heard."""
    child = newborn(**more)
    ward.born(child)
    ward.await_status(child, "riscontro", Status.ACCEPTED)
    ward.await_status(child, "pediatra", Status.ACCEPTED)
    return child


def held_cancellation(ward: Ward, child: Child) -> SubmissionRow:
    """The cancellation of a child's registration, which waits for a person."""
    ward.born(child, "A11")
    row = ward.await_status(child, "comune", Status.HELD)
    assert row.reason == "CONFIRM"
    return row


def body(ward: Ward, row: SubmissionRow) -> str:
    """The document that the administration got for a submission."""
    (effect,) = ward.effects(row)
    folder = ward.stage.folder / "simulators" / row.partner / "documents"
    return (folder / f"{effect['seq']:06d}.xml").read_text("utf-8")


def test_declare(ward: Ward) -> None:
    """Nothing is sent before; with the declarant's signed document in hand, an operator says so."""
    child = newborn(given="")
    ward.born(child)
    case = ward.case(child)
    assert (case.state, ward.rows(child)) == ("OPEN", [])
    ward.desk("case", "declare", case.id)
    ward.until(lambda: bool(ward.rows(child)), "the steps")
    assert ward.case(child).state == "DECLARED"
    assert ward.context(child).declared_by == WHO[1]
    assert ward.signed(case.id, "case.declared")


@pytest.mark.parametrize(("choice", "gives"), [("PLS002", "PLS002"), ("ufficio", "")])
def test_choose(ward: Ward, choice: str, gives: str) -> None:
    """The family's paediatrician goes to the ASL, or its choice is left to it."""
    child = newborn(paediatrician="")
    ward.born(child)
    waiting = ward.await_status(child, "pediatra", Status.WAITING)
    ward.await_status(child, "assistito", Status.ACCEPTED)
    assert ward.rows(child, "pediatra")[-1].reason == "CHOICE"
    ward.desk("case", "choose", waiting.case_id, "--paediatrician", choice)
    ward.await_status(child, "pediatra", Status.ACCEPTED)
    told = ward.context(child).facts["pediatra"]["codicePediatra"]
    assert told == gives or not gives
    assert ward.effects_of(child)["scegliPediatra"] == 1
    assert ward.signed(waiting.case_id, "case.chosen")


def test_confirm(ward: Ward) -> None:
    """A cancellation after sending goes when a person says why; the Comune reads the reason."""
    child = registered(ward)
    row = held_cancellation(ward, child)
    assert ward.effects_of(child)["annullaNascita"] == 0
    ward.desk("submission", "confirm", row.id)
    row = ward.await_status(child, "comune", Status.ACCEPTED)
    assert ward.effects_of(child)["annullaNascita"] == 1
    assert WHO[3].upper() in body(ward, row).upper()
    assert ward.signed(row.id, "submission.confirmed")
    assert "comune" not in ward.context(child).facts


def test_withdraw(ward: Ward) -> None:
    """The cancellation was a mistake: it does not go, and the birth stands."""
    child = registered(ward)
    row = held_cancellation(ward, child)
    ward.desk("submission", "withdraw", row.id)
    assert ward.rows(child, "comune")[-1].status is Status.WITHDRAWN
    assert ward.effects_of(child)["annullaNascita"] == 0
    assert ward.signed(row.id, "submission.withdrawn")


def test_replay(ward: Ward) -> None:
    """What used up its attempts goes again: the same operation id, the same Body."""
    child = newborn()
    ward.bad_day("comune", "outage", child, times=3)
    ward.born(child)
    dead = ward.await_status(child, "comune", Status.DEAD)
    assert (dead.attempts, ward.effects(dead)) == (3, [])
    ward.desk("submission", "replay", dead.id)
    row = ward.await_status(child, "comune", Status.ACCEPTED)
    assert (row.id, row.operation_id) == (dead.id, dead.operation_id)
    assert row.body_digest == dead.body_digest
    assert ward.effects_of(child)["registraNascita"] == 1
    assert ward.signed(row.id, "submission.replayed")


def test_reprocess_what_was_refused(ward: Ward) -> None:
    """Translated again, as a new document with an operation id of its own; the old one is kept."""
    child = newborn()
    ward.bad_day("comune", "refuse", child, codice="COM003")
    ward.born(child)
    refused = ward.await_status(child, "comune", Status.REJECTED)
    ward.desk("submission", "reprocess", refused.id)
    ward.await_status(child, "comune", Status.ACCEPTED)
    old, new = (each.row for each in ward.seen(child, "comune"))
    assert (old.id, old.status) == (refused.id, Status.REPLACED)
    assert new.operation_id != old.operation_id
    assert [fault["code"] for fault in ward.told("submission", "show", old.id)["faults"]]
    assert ward.signed(old.id, "submission.reprocessed")


def test_reprocess_with_todays_directory(ward: Ward) -> None:
    """A Comune that was not in the directory is added to it: then its births go, by a person."""
    rho = ("015182", "RHO", "MI", "H264")
    child = newborn()
    child = replace(child, mother=replace(child.mother, home=rho))
    ward.born(child)
    invalid = ward.await_status(child, "comune", Status.INVALID)
    assert invalid.reason == "NOT_IN_DIRECTORY"
    partners = ward.stage.folder / "partners.yaml"
    lines = partners.read_text("utf-8").splitlines(keepends=True)
    milano = next(line for line in lines if "'015146': " in line)
    lines.insert(lines.index(milano), milano.replace("'015146'", "'015182'"))
    partners.write_text("".join(lines), "utf-8")
    ward.stage.stop("gateway")
    ward.stage.start_gateway()
    assert ward.rows(child, "comune")[-1].status is Status.INVALID
    ward.desk("submission", "reprocess", invalid.id)
    row = ward.await_status(child, "comune", Status.ACCEPTED)
    assert row.endpoint == "015182"


VERBS = {
    "declare": ("case", "declare", "CASE"),
    "choose": ("case", "choose", "CASE", "--paediatrician", "PLS001"),
    "confirm": ("submission", "confirm", "SUBMISSION"),
    "withdraw": ("submission", "withdraw", "SUBMISSION"),
    "replay": ("submission", "replay", "SUBMISSION"),
    "reprocess": ("submission", "reprocess", "SUBMISSION"),
    "resolve": ("submission", "resolve", "SUBMISSION", "--not-received"),
}


@pytest.fixture(scope="module")
def waiting(ward: Ward) -> SubmissionRow:
    """A cancellation that waits for a person who says who and why."""
    return held_cancellation(ward, registered(ward))


@pytest.mark.parametrize("verb", VERBS)
def test_nobody_decides_without_a_name_and_a_reason(
    ward: Ward, waiting: SubmissionRow, verb: str
) -> None:
    """Without a reason: a usage error, and nothing has changed."""
    names = {"CASE": waiting.case_id, "SUBMISSION": waiting.id}
    command = [names.get(word, word) for word in VERBS[verb]]
    before = len(ward.evidence(waiting.id)), len(ward.evidence(waiting.case_id))
    done = ward.icaro(*command, *WHO[:2])
    assert done.returncode == 2, done.stderr
    assert "--reason" in done.stderr
    assert (len(ward.evidence(waiting.id)), len(ward.evidence(waiting.case_id))) == before


@pytest.mark.parametrize(
    "who", [("--by", " ", "--reason", "asked"), ("--by", "m.rossi", "--reason", " ")]
)
def test_an_empty_name_or_reason_is_none(
    ward: Ward, waiting: SubmissionRow, who: tuple[str, ...]
) -> None:
    """Spaces are nobody, and no reason."""
    assert ward.icaro("submission", "confirm", waiting.id, *who).returncode == 2
    assert ward.effects(waiting) == []


@pytest.mark.parametrize("verb", ["replay", "reprocess", "resolve"])
def test_a_verb_that_does_not_fit_changes_nothing(
    ward: Ward, waiting: SubmissionRow, verb: str
) -> None:
    """A cancellation that waits for a confirmation is neither sent again nor resolved."""
    names = {"SUBMISSION": waiting.id}
    done = ward.icaro(*(names.get(word, word) for word in VERBS[verb]), *WHO)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    with journal(ward.stage) as view:
        assert view.submission(waiting.id).status is Status.HELD


def test_what_people_did_is_evidence_that_holds(ward: Ward) -> None:
    """Their chain beside the gateway's: both whole, written while the other was."""
    assert ward.told("evidence", "verify")["good"]

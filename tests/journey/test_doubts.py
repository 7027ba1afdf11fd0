"""Administrations that can neither recognise a double nor be asked: a doubt is a person's.

The simulators run without idempotence and without query, so that a blind resend would be a
second registration that everybody can see.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.demo.people import Child
from gateway.demo.stage import ADMINISTRATIONS
from gateway.journal import SubmissionRow
from gateway.lifecycle import Status
from tests.journey.theatre import newborn, prepare, running
from tests.journey.watching import ADMINISTRATION, WHO, Ward

pytestmark = pytest.mark.journey

FORGETFUL = ("--no-idempotence", "--no-query")
LOSING = ("drop_after_storing", "fault_after_storing", "wrong_signature", "garbage")


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> Iterator[Ward]:
    """Partners that promise nothing, and the gateway knows it."""
    folder = tmp_path_factory.mktemp("doubts") / "stage"
    stage = prepare(folder, pki, idempotence=dict.fromkeys(ADMINISTRATIONS, "neither"))
    with running(stage, dict.fromkeys(ADMINISTRATIONS, FORGETFUL)):
        yield Ward(stage)


def in_doubt(ward: Ward, child: Child, step: str, day: str, **options: object) -> SubmissionRow:
    """A birth whose document for `step` meets a bad day; gives it when it is held."""
    ward.bad_day(ADMINISTRATION[step], day, child, **options)
    ward.born(child)
    return ward.await_status(child, step, Status.HELD)


def test_doubts_end_in_a_persons_queue(ward: Ward) -> None:
    """Whatever lost the answer: one attempt, one registration, and the queue names the case with
    what can be done; no time and no restart sends it again.
    """
    children = [newborn() for _ in LOSING]
    for child, day in zip(children, LOSING, strict=True):
        ward.bad_day("comune", day, child)
        ward.born(child)
    rows = [ward.await_status(child, "comune", Status.HELD) for child in children]
    ward.stage.stop("gateway")
    ward.stage.start_gateway()
    for child in children:
        ward.await_status(child, "codice_fiscale", Status.ACCEPTED)
    queue = {each["id"]: each for each in ward.told("submission", "list", "--status", "held")}
    for child, row in zip(children, rows, strict=True):
        found = ward.one(child, "comune")
        assert found.way == ("READY", "SUBMITTING", "IN_DOUBT", "HELD")
        assert found.tries == ("Unknown",)
        assert found.row.reason == "DOUBT"
        assert len(ward.effects(found.row)) == 1
        assert "--received" in queue[row.id]["advice"]


def test_a_killed_gateway_leaves_the_doubt_to_a_person(ward: Ward) -> None:
    """What was on the wire when the gateway died may have arrived: nobody sends it again."""
    child = newborn()
    ward.bad_day("comune", "slow", child, seconds=30)
    ward.born(child)
    sent = ward.await_status(child, "comune", Status.SUBMITTING)
    ward.until(lambda: len(ward.effects(sent)) == 1, "the Comune to have stored it")
    ward.stage.kill("gateway")
    ward.stage.start_gateway()
    row = ward.await_status(child, "comune", Status.HELD)
    assert row.maybe_received
    assert len(ward.effects(row)) == 1
    assert ward.one(child, "comune").row.attempts == 1


def test_received_says_a_person(ward: Ward) -> None:
    """The Comune tells the protocol by telephone: it stands, and what comes later amends it."""
    child = newborn()
    row = in_doubt(ward, child, "comune", "drop_after_storing")
    (effect,) = ward.effects(row)
    ward.desk("submission", "resolve", row.id, "--received", effect["protocollo"])
    accepted = ward.await_status(child, "comune", Status.ACCEPTED)
    assert accepted.receipt == effect["protocollo"]
    assert ward.signed(row.id, "submission.resolved")
    assert ward.context(child).facts["comune"]["protocollo"] == effect["protocollo"]
    ward.born(child, "A08", weight=3333)
    ward.until(lambda: ward.effects_of(child)["rettificaNascita"] == 1, "the correction")
    assert ward.effects_of(child)["registraNascita"] == 1


def test_received_with_the_code_says_a_person(ward: Ward) -> None:
    """Agenzia delle Entrate tells receipt and code by telephone: the child is enrolled with it;
    the receipt alone would let nothing go on, and is not taken.
    """
    child = newborn()
    row = in_doubt(ward, child, "codice_fiscale", "drop_after_storing")
    (effect,) = ward.effects(row)
    told = ("submission", "resolve", row.id, "--received", effect["protocollo"])
    assert ward.icaro(*told, *WHO).returncode == 1
    code = effect["outcome"]["codiceFiscale"]
    ward.desk(*told, "--cf", code)
    ward.await_status(child, "pediatra", Status.ACCEPTED)
    assert ward.context(child).facts["codice_fiscale"]["codiceFiscale"] == code
    assert ward.effects_of(child)["attribuisciCodiceFiscale"] == 1


def test_not_received_says_a_person(ward: Ward) -> None:
    """Agenzia delle Entrate has nothing of it: the same document goes again, and all goes on."""
    child = newborn()
    row = in_doubt(ward, child, "codice_fiscale", "drop_after_storing", before=True)
    assert ward.effects(row) == []
    ward.desk("submission", "resolve", row.id, "--not-received")
    ward.await_status(child, "pediatra", Status.ACCEPTED)
    found = ward.one(child, "codice_fiscale")
    assert found.way[-4:] == ("HELD", "READY", "SUBMITTING", "ACCEPTED")
    assert len(ward.effects(found.row)) == 1


def test_a_doubt_is_not_reprocessed_nor_withdrawn(ward: Ward) -> None:
    """While nobody knows, no verb makes a second document or forgets the first."""
    child = newborn()
    row = in_doubt(ward, child, "assistito", "garbage")
    for verb in ("reprocess", "withdraw", "confirm"):
        done = ward.icaro("submission", verb, row.id, *WHO)
        assert done.returncode == 1, verb
    assert ward.one(child, "assistito").row.status is Status.HELD
    assert len(ward.effects(row)) == 1


def test_what_surely_never_arrived_goes_by_itself(ward: Ward) -> None:
    """A signed 'not now' and a shut port leave no doubt: nobody is asked."""
    child = newborn()
    ward.bad_day("comune", "outage", child)
    ward.stage.control("agenzia_entrate", "POST", "/bad-day", {"name": "refuse_connections"})
    ward.born(child)
    ward.await_status(child, "codice_fiscale", Status.DEFERRED)
    ward.good_day("agenzia_entrate")
    ward.await_status(child, "pediatra", Status.ACCEPTED)
    ward.await_status(child, "comune", Status.ACCEPTED)
    assert set(ward.effects_of(child).values()) == {1}

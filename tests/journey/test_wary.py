"""Administrations that do not forgive a double, and a gateway that dies before it has their answer.

A Comune that cannot be asked: a person decides. A tax office that can be asked: it is, once the
original can no longer be accepted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.demo.people import Child
from gateway.demo.stage import ADMINISTRATIONS
from gateway.hl7.message import Message
from gateway.journal import SubmissionRow
from gateway.lifecycle import Kind, Status
from gateway.soap.profile import MODI
from tests.journey.maternity import (
    every_message_is_stored_once,
    evidence_is_good,
    registrations,
    storm,
)
from tests.journey.theatre import (
    Theatre,
    at_rest,
    documents,
    journal,
    newborn,
    prepare,
    running,
    send,
    sql,
)


@pytest.fixture(scope="module")
def wary(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> Iterator[Theatre]:
    """A Comune that does a double twice and cannot be asked; a tax office that can be asked."""
    folder = tmp_path_factory.mktemp("wary") / "stage"
    promises = {"comune": "neither", "agenzia_entrate": "can_be_asked"}
    options = {
        "comune": ("--no-idempotence", "--no-query"),
        "agenzia_entrate": ("--no-idempotence",),
    }
    with running(prepare(folder, pki, idempotence=promises), options) as made:
        yield made


def step_of(stage: Theatre, child: Child, step: str) -> SubmissionRow:
    """The last submission of a child's step, found by the message that opened its case."""
    rows = sql(
        stage,
        "SELECT s.id FROM submissions s JOIN messages m ON m.case_id = s.case_id"
        " WHERE m.control_id = ? AND s.step = ? ORDER BY s.seq DESC",
        CONTROL_IDS[child.identifier],
        step,
    )
    with journal(stage) as view:
        return view.submission(rows[0][0])


CONTROL_IDS: dict[str, str] = {}


def born(stage: Theatre) -> Child:
    """A child is born and its message acknowledged."""
    child = newborn()
    message = child.message("A01")
    CONTROL_IDS[child.identifier] = Message.parse(message).control_id
    assert send(stage, message) == "AA"
    return child


def done_for(stage: Theatre, administration: str, child: Child) -> int:
    """How many documents with the child's surname an administration acted upon."""
    return sum(f">{child.surname}<" in text for _, text in documents(stage, administration))


def hasten(stage: Theatre) -> None:
    """As if the time had passed at which a doubt may be asked about."""
    sql(
        stage,
        "UPDATE submissions SET due_at = '2026-01-01T00:00:00.000000Z' WHERE status = 'IN_DOUBT'",
    )


@pytest.mark.journey
def test_a_doubt_is_asked_only_when_the_original_cannot_be_accepted_any_more(wary: Theatre):
    """Before Expires plus the tolerance nothing is asked nor sent; then it is asked only."""
    for name in ("comune", "agenzia_entrate"):
        day = {"name": "slow", "options": {"seconds": 60}, "times": 1}
        wary.control(name, "POST", "/bad-day", day)
    child = born(wary)
    for name in ("comune", "agenzia_entrate"):
        wary.wait_for(lambda name=name: done_for(wary, name, child) == 1, name, seconds=9)
    wary.kill("gateway")
    wary.start_gateway()

    held = step_of(wary, child, "comune")
    assert (held.status, held.reason) == (Status.HELD, "DOUBT")
    doubt = step_of(wary, child, "codice_fiscale")
    with journal(wary) as view:
        (attempt,) = view.attempts(doubt.id)
    assert doubt.status is Status.IN_DOUBT
    assert attempt.expires_at is not None
    assert doubt.due_at is not None
    assert doubt.due_at >= attempt.expires_at + timedelta(seconds=MODI.tolerance)

    # Another child goes all the way meanwhile: the gateway worked, and left the doubt alone.
    other = born(wary)
    done = (Status.ACCEPTED,)
    wary.wait_for(
        lambda: step_of(wary, other, "pediatra").status in done, "the other child", seconds=30
    )
    assert step_of(wary, child, "codice_fiscale").status is Status.IN_DOUBT
    assert sql(wary, "SELECT count(*) FROM evidence WHERE what = 'submission.asked'") == [(0,)]

    hasten(wary)
    wary.wait_for(
        lambda: step_of(wary, child, "pediatra").status in done, "the child asked for", seconds=30
    )
    assert sql(wary, "SELECT count(*) FROM evidence WHERE what = 'submission.asked'") == [(1,)]
    assert done_for(wary, "agenzia_entrate", child) == 1
    assert done_for(wary, "comune", child) == 1
    assert step_of(wary, child, "comune").status is Status.HELD

    # What a person must decide is not decided by the next message either.
    assert send(wary, child.message("A08", weight=3999)) == "AA"
    waiting = step_of(wary, child, "comune")
    assert (waiting.status, waiting.reason) == (Status.WAITING, "PREDECESSOR")
    assert done_for(wary, "comune", child) == 1


@pytest.mark.journey
def test_what_never_arrived_is_sent_again_once_asked(wary: Theatre):
    """The partner does not know it, and it can no longer be accepted: only then it goes again."""
    day = {"name": "slow", "options": {"seconds": 60, "before": True}, "times": 1}
    wary.control("agenzia_entrate", "POST", "/bad-day", day)
    child = born(wary)
    wary.wait_for(
        lambda: step_of(wary, child, "codice_fiscale").status is Status.SUBMITTING,
        "the request to be sent",
        seconds=9,
    )
    wary.kill("gateway")
    wary.start_gateway()
    assert step_of(wary, child, "codice_fiscale").status is Status.IN_DOUBT
    assert done_for(wary, "agenzia_entrate", child) == 0
    hasten(wary)
    wary.wait_for(
        lambda: step_of(wary, child, "codice_fiscale").status is Status.ACCEPTED,
        "the request to be accepted",
        seconds=30,
    )
    assert done_for(wary, "agenzia_entrate", child) == 1


@pytest.mark.journey
def test_deaths_never_double_what_cannot_be_recognised(wary: Theatre):
    """Each child is registered at most once; what is not known waits for a person, or is asked."""
    maternity = storm(wary, 3)
    at_rest(wary, but=Status.IN_DOUBT)
    hasten(wary)
    rows = at_rest(wary)
    for administration in ADMINISTRATIONS:
        done = Counter(effect["idOperazione"] for effect in wary.effects(administration))
        assert {each: n for each, n in done.items() if n != 1} == {}, administration
    registered = [row for row in rows if row.kind is Kind.REGISTER and row.attempts]
    for row in registered:
        if row.partner == "comune" and row.status is not Status.ACCEPTED:
            assert (row.status, row.reason) == (Status.HELD, "DOUBT")
        if row.step == "codice_fiscale":
            assert row.status is Status.ACCEPTED
    done = registrations(wary, maternity.children)
    assert {each: times for each, times in done.items() if times != 1} == {}
    every_message_is_stored_once(wary, maternity.sent)
    evidence_is_good(wary)

"""The gateway dies by `kill -9` at random moments, and nothing is lost, doubled or forgotten.

The hospital has four connections and the demonstration's own feed; it sends again only what it
read no acknowledgment of. Administrations answer slowly, so that every death has something on the
wire whose effect is there and whose answer is not.
"""

from __future__ import annotations

import os
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.demo.hospital import Feed, read
from gateway.demo.people import Child
from gateway.demo.play import Play
from gateway.demo.stage import ADMINISTRATIONS
from gateway.hl7.message import Message
from gateway.journal import SubmissionRow
from gateway.lifecycle import Kind, Status
from gateway.soap.profile import MODI
from tests.journey.theatre import (
    Theatre,
    at_rest,
    documents,
    journal,
    newborn,
    prepare,
    running,
    send,
    settle,
    sql,
    submissions,
)

REGISTRATIONS = {
    "comune": "registraNascita",
    "agenzia_entrate": "attribuisciCodiceFiscale",
    "asl": "iscriviAssistito",
}
"""What an administration does once for a child, whatever else it does."""

SLOW = {"name": "slow", "options": {"seconds": 0.15}}
"""The effect is there, the answer is not: the moment in which to die."""


class CountedFeed(Feed):
    """A feed that counts how often it sent each control id."""

    def __init__(self, port: int, sent: Counter[str]) -> None:
        super().__init__(port, timeout=30)
        self.sent = sent

    def _exchange(self, payload: bytes) -> bytes:
        self._connected()  # while nobody listens, nothing is sent
        self.sent[Message.parse(payload).control_id] += 1
        return super()._exchange(payload)


class Maternity:
    """Connections of a hospital, each with its own thread; what waits is sent in turn.

    Every third child is corrected as soon as it is taken.
    """

    def __init__(self, stage: Theatre, connections: int = 4) -> None:
        self.children: list[Child] = []
        self.sent: Counter[str] = Counter()
        self._births: queue.SimpleQueue[Child | None] = queue.SimpleQueue()
        self._pool = ThreadPoolExecutor(connections)
        self._lines: list[Future[None]] = [
            self._pool.submit(self._line, CountedFeed(stage.mllp, self.sent))
            for _ in range(connections)
        ]

    def births(self, number: int) -> None:
        """So many children are born."""
        for _ in range(number):
            self.children.append(newborn())
            self._births.put(self.children[-1])

    def close(self) -> None:
        """Send what waits, and hang up; raises what a connection met."""
        for _ in self._lines:
            self._births.put(None)
        for line in self._lines:
            line.result(120)
        self._pool.shutdown()

    def _line(self, feed: CountedFeed) -> None:
        while child := self._births.get():
            messages = [child.message("A01")]
            if int(child.identifier[1:]) % 3 == 0:
                messages.append(child.message("A08", weight=3999))
            for message in messages:
                reply = read(feed.send(message, patience=120))
                assert reply is not None
                assert reply.code == "AA"
        feed.close()


def dice() -> random.Random:
    """Random moments; ICARO_SEED repeats those of an earlier run."""
    seed = int(os.environ.get("ICARO_SEED") or random.SystemRandom().randrange(2**32))
    print(f"ICARO_SEED={seed}")
    return random.Random(seed)


def die(stage: Theatre, after: float) -> None:
    """Die at a moment, and live again."""
    time.sleep(after)  # the moment is the test, it waits for nothing
    stage.kill("gateway")
    stage.start_gateway()


def slow(stage: Theatre) -> None:
    """Every administration stores, and answers late."""
    for name in ADMINISTRATIONS:
        stage.control(name, "POST", "/bad-day", SLOW)


def quick(stage: Theatre) -> None:
    """They answer at once again."""
    for name in ADMINISTRATIONS:
        stage.control(name, "DELETE", "/bad-day?name=slow")


def lost_answers(stage: Theatre) -> int:
    """How many attempts ended with the process that made them."""
    return int(sql(stage, "SELECT count(*) FROM attempts WHERE ended_at IS NULL")[0][0])


def every_effect_is_single_and_known(stage: Theatre) -> None:
    """Assert: one effect an operation id, and exactly those that the journal has as accepted."""
    rows = submissions(stage)
    for administration in ADMINISTRATIONS:
        done = Counter(effect["idOperazione"] for effect in stage.effects(administration))
        assert {each: n for each, n in done.items() if n != 1} == {}, administration
        accepted = {
            row.operation_id
            for row in rows
            if row.partner == administration and row.status is Status.ACCEPTED
        }
        assert set(done) == accepted, administration


def registrations(stage: Theatre, children: list[Child]) -> Counter[tuple[str, str]]:
    """How often each (surname, operation) was done, by the documents themselves."""
    done: Counter[tuple[str, str]] = Counter()
    for administration, operation in REGISTRATIONS.items():
        for effect, document in documents(stage, administration):
            if effect["operation"] == operation:
                done.update(
                    (child.surname, operation)
                    for child in children
                    if f">{child.surname}<" in document
                )
    return done


def every_child_is_registered_once(stage: Theatre, children: list[Child]) -> None:
    """Assert, from the documents themselves: each child once at each administration."""
    done = registrations(stage, children)
    wanted = {(c.surname, operation) for c in children for operation in REGISTRATIONS.values()}
    assert done == dict.fromkeys(wanted, 1)
    chosen = [e for e in stage.effects("asl") if e["operation"] == "scegliPediatra"]
    assert len(chosen) >= len(children)


def every_message_is_stored_once(stage: Theatre, sent: Counter[str]) -> None:
    """Assert: what was sent, however often, is one message in the journal."""
    stored = Counter(row[0] for row in sql(stage, "SELECT control_id FROM messages"))
    assert {each: stored[each] for each in sent if stored[each] != 1} == {}


def evidence_is_good(stage: Theatre) -> None:
    """Assert by the real verb, which fails the test with its findings."""
    told = stage.icaro("evidence", "verify", "-c", str(stage.folder / "icaro.yaml"))
    assert "good: nothing was changed" in told


class Show:
    """The demonstration's own feed, played in a thread of its own while the gateway dies."""

    def __init__(self, stage: Theatre) -> None:
        self.said: list[str] = []
        self.play = Play(stage, datetime.now(), self.said.append)
        self.sent: Counter[str] = Counter()
        self.play.feed = CountedFeed(stage.mllp, self.sent)
        self.failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.play.births()
            self.play.choices()
            self.play.outage()
            self.play.changes()
        except BaseException as error:  # whatever it is, the test must hear of it
            self.failed.append(error)

    def end(self) -> dict[str, tuple[str, ...]]:
        """Wait for the last story; what is not as it must be, by story."""
        self._thread.join(240)
        if self.failed:
            raise self.failed[0]
        assert not self._thread.is_alive(), self.said[-1:]
        return {row.name: row.faults for row in self.play.end() if row.faults}


def storm(stage: Theatre, deaths: int, longest: float = 1.2) -> Maternity:
    """Births, and so many deaths at random moments among them; all is sent when this returns."""
    chance = dice()
    slow(stage)
    maternity = Maternity(stage)
    for _ in range(deaths):
        maternity.births(6)
        die(stage, chance.uniform(0.0, longest))
    maternity.close()
    quick(stage)
    return maternity


def something_was_under_way(stage: Theatre, *sent: Counter[str]) -> None:
    """Assert: the deaths did not all come in a pause."""
    lost = lost_answers(stage)
    again = sum(each.total() - len(each) for each in sent)
    print(f"{lost} answers lost, {again} messages sent again")
    assert lost + again > 0


def everything_is_done_once(stage: Theatre, maternity: Maternity) -> None:
    """Assert: what the hospital said reached every administration, and nothing twice."""
    statuses = {row.status for row in settle(stage)}
    assert statuses <= {Status.ACCEPTED, Status.REPLACED, Status.WITHDRAWN}
    every_effect_is_single_and_known(stage)
    every_child_is_registered_once(stage, maternity.children)
    every_message_is_stored_once(stage, maternity.sent)
    evidence_is_good(stage)


@pytest.mark.journey
def test_ten_deaths_during_the_demonstrations_feed(tmp_path: Path, pki: Path):
    """Ten times dead at random moments, every child has its documents exactly once."""
    stage = prepare(tmp_path / "stage", pki, patience=4.0)
    with running(stage, back=False):
        show = Show(stage)
        maternity = storm(stage, 10)
        faults = show.end()
        show.play.close()
        assert faults == {}
        everything_is_done_once(stage, maternity)
        something_was_under_way(stage, maternity.sent, show.sent)


@pytest.mark.journey
def test_deaths_on_postgresql(tmp_path: Path, pki: Path, new_database: Callable[[], str]):
    """The same promise where the journal is a server: dead connections leave nothing half done."""
    stage = prepare(tmp_path / "stage", pki, journal=new_database())
    with running(stage):
        maternity = storm(stage, 4)
        everything_is_done_once(stage, maternity)
        something_was_under_way(stage, maternity.sent)


# ------------------------------------------------ administrations that do not forgive a double


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

"""The loop of the second corridor: what it claims, when it looks, and what it bears.

Real journal and corridor; the reactor's clock is Twisted's `Clock`, and the administrations
answer when the test says so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from time import sleep

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway import gates
from gateway.calls import Calls
from gateway.delivery import Delivery
from gateway.demo.people import MILANO, SESTO, Child
from gateway.destination import Answer, Claimed, Letter
from gateway.dispatch import CHANNEL_PAUSE, GATHER, Dispatch
from gateway.errors import SigningError
from gateway.gates import Gates
from gateway.journal import Scope, SubmissionRow, Unit
from gateway.lifecycle import Event, Status, after
from gateway.mapping import Compiled
from gateway.outcomes import Accepted, NotFound, Outcome, Unavailable
from gateway.partners import Circuit, Entry
from gateway.preparation import Preparation
from tests.births import ANNA, FACTS, GIULIA, OFFICES, House, Office, library, now

ONLY = tuple(entry for entry in OFFICES if entry.partner == "comune")
"""A directory of Comuni alone: every other step has nowhere to go, and does not disturb."""

POLL = timedelta(seconds=1)
AT_MILANO, AT_SESTO = "https://015146.example", "https://015209.example"

_numbers = count()


@dataclass
class Counter(Office):
    """Offices that answer when the test does. `waiting`: who has not been answered yet."""

    waiting: list[tuple[Letter, Deferred[Answer]]] = field(default_factory=list)
    keyless: bool = False

    async def send(self, letter: Letter, entry: Entry, answers: Compiled | None) -> Answer:
        """Keep the letter until somebody answers it."""
        self.letters.append(letter)
        answer: Deferred[Answer] = Deferred()
        self.waiting.append((letter, answer))
        return await answer

    def wrap(self, *words: object) -> Letter:  # type: ignore[override]  # handed through
        """Sign, if there is a key."""
        if self.keyless:
            raise SigningError("the key is missing")
        return super().wrap(*words)  # type: ignore[arg-type]  # handed through

    def answer(self, outcome: Outcome | None = None) -> None:
        """Answer the one that waits longest."""
        letter, deferred = self.waiting.pop(0)
        step = letter.operation.partition("/")[0]
        deferred.callback(Answer(outcome or Accepted("P1", FACTS[step])))


@dataclass
class Heard:
    """A watcher that remembers."""

    outcomes: list[Outcome | NotFound | None] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)

    def ended(self, claimed: Claimed, outcome: Outcome | NotFound | None, seconds: float) -> None:
        """A submission's work ended."""
        self.outcomes.append(outcome)

    def alarm(self, what: str, error: BaseException) -> None:
        """Something a person must hear of."""
        self.alarms.append(f"{what} {type(error).__name__}")


class Desk:
    """A node with a dispatch whose seconds pass when the test says so."""

    def __init__(
        self,
        house: House,
        offices: tuple[Entry, ...],
        concurrency: int = 8,
        *,
        node: str = "n1",
        lease: float = 0.4,
        ahead: timedelta = timedelta(),
    ) -> None:
        self.house, self.clock, self.heard, self.counter = house, Clock(), Heard(), Counter()
        destinations = dict.fromkeys(("comune", "agenzia_entrate", "asl", "ospedale"), self.counter)
        preparation = Preparation(
            house.casebook,
            lambda name, profile: library().mapping(name, library().profile(profile)),
            destinations,
            self.now,
        )
        self.delivery = Delivery(
            house.journal,
            house.casebook,
            house.aftermath,
            preparation,
            destinations,
            now,
            self.now,
            Calls(),
        )
        self.dispatch = Dispatch(
            self.clock,
            house.journal,
            self.delivery,
            Gates(offices),
            now,
            self.now,
            self.heard,
            node=node,
            concurrency=concurrency,
            lease=timedelta(seconds=lease),
            poll=POLL,
        )
        self._start = datetime.now(UTC) + ahead

    def now(self) -> datetime:
        """The wall, as the test's clock has it."""
        return self._start + timedelta(seconds=self.clock.seconds())

    def start(self) -> int:
        """Begin; gives how many were found on the wire."""
        return result(self.dispatch.start())

    def pass_time(self, seconds: float = GATHER) -> None:
        """Let seconds pass, a hundredth at a time at most."""
        steps = max(1, round(seconds / GATHER))
        self.clock.pump([seconds / steps] * steps)

    @property
    def under_way(self) -> int:
        """How many letters are out."""
        return len(self.counter.waiting)


def result(work: object) -> int:
    """What a coroutine gives that has nothing to wait for."""
    found: list[int] = []
    Deferred.fromCoroutine(work).addCallback(found.append)  # type: ignore[arg-type]  # a coroutine
    return found[0]


Open = Callable[..., Desk]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Makes a desk; `gate` are changes of every Comune's entry in the directory."""
    houses: list[House] = []

    def make(concurrency: int = 8, endpoint_concurrency: int = 4, **gate: object) -> Desk:
        changes = {"concurrency": endpoint_concurrency, **gate}
        offices = tuple(
            replace(entry, endpoint=f"https://{entry.code}.example", **changes)  # type: ignore[arg-type]  # fields of Entry
            for entry in ONLY
        )
        folder = tmp_path / str(len(houses))
        folder.mkdir()
        houses.append(House(folder, offices=offices))
        return Desk(houses[-1], offices, concurrency)

    yield make
    for house in houses:
        house.journal.close()


def births(desk: Desk, many: int, home: tuple[str, str, str, str] = SESTO) -> list[Child]:
    """As many children, each with a document that may go to its Comune."""
    mother = replace(ANNA, home=home)
    children = [
        replace(GIULIA, identifier=f"C{next(_numbers)}", mother=mother) for _ in range(many)
    ]
    for child in children:
        assert desk.house.hears(child.message("A01")) == "AA"
    return children


def comune_rows(desk: Desk) -> list[SubmissionRow]:
    """Every document for a Comune."""
    return [row for row in desk.house.look(lambda view: view.submissions()) if row.step == "comune"]


def test_one_that_cannot_be_read_does_not_keep_the_others(opened: Open) -> None:
    """A back-up brought back a document of a case whose key is gone: told, and the others go."""
    desk = opened()
    births(desk, 2)
    first = min(comune_rows(desk), key=lambda row: row.due_at or row.created_at)
    desk.house.journal.run(lambda unit: unit.destroy_key(first.case_id))
    desk.start()
    desk.pass_time()
    assert (desk.under_way, desk.heard.alarms) == (1, ["delivery Destroyed"])


# ---------------------------------------------------------------- when it looks


def test_it_looks_when_it_is_woken(opened: Open) -> None:
    """A moment after the intake has taken a birth, not at the next poll."""
    desk = opened()
    desk.start()
    desk.pass_time()
    births(desk, 1)
    desk.dispatch.wake()
    desk.pass_time()
    assert desk.under_way == 1
    assert desk.clock.seconds() < POLL.total_seconds() / 2


def test_it_looks_at_every_poll(opened: Open) -> None:
    """What nobody woke it for, such as a person's word at another console, is found too."""
    desk = opened()
    desk.start()
    desk.pass_time()
    births(desk, 1)
    desk.pass_time(0.5)
    assert desk.under_way == 0
    desk.pass_time(POLL.total_seconds())
    assert desk.under_way == 1


def test_many_wake_ups_are_one_look(opened: Open) -> None:
    """What becomes ready together is claimed together."""
    desk = opened()
    desk.start()
    desk.pass_time()
    births(desk, 3)
    for _ in range(20):
        desk.dispatch.wake()
    soon = [each for each in desk.clock.getDelayedCalls() if each.getTime() < 0.5]
    assert len(soon) == 1
    desk.pass_time()
    assert desk.under_way == 3


def test_an_ended_one_makes_room_for_the_next(opened: Open) -> None:
    """At no moment more than the endpoint bears, and none is forgotten."""
    desk = opened(concurrency=2, endpoint_concurrency=2)
    births(desk, 5)
    desk.start()
    most = 0
    for _ in range(60):
        desk.pass_time()
        most = max(most, desk.under_way)
        if desk.under_way:
            desk.counter.answer()
    assert most == 2
    assert {row.status for row in comune_rows(desk)} == {Status.ACCEPTED}
    assert len(desk.counter.letters) == 5


# ---------------------------------------------------------------- what partners bear


def test_the_concurrency_of_an_endpoint_is_kept(opened: Open) -> None:
    """Two at a time at this Comune, though eight could be under way."""
    desk = opened(concurrency=8, endpoint_concurrency=2)
    births(desk, 5)
    desk.start()
    desk.pass_time()
    assert desk.under_way == 2
    desk.counter.answer()
    desk.pass_time(0.2)
    assert desk.under_way == 2


def test_the_rate_of_an_endpoint_is_kept(opened: Open) -> None:
    """One bucket full at once, then so many a second; it comes back without waiting for a poll."""
    desk = opened(rate=4.0)
    births(desk, 8)
    desk.start()
    sent = []
    for _ in range(150):
        desk.pass_time()
        sent += [desk.clock.seconds()] * desk.under_way
        while desk.under_way:
            desk.counter.answer()
    assert len(sent) == 8
    assert len([at for at in sent if at < 0.2]) == 4
    assert sent[-1] - sent[3] >= 0.9


def test_an_open_circuit_sends_nothing_then_one_that_tries(opened: Open) -> None:
    """After so many failures the endpoint is left alone; one call tries whether it is back."""
    desk = opened(circuit=Circuit(failures=3, pause=timedelta(seconds=5)))
    births(desk, 6)
    desk.start()
    desk.pass_time()
    for _ in range(3):
        desk.counter.answer(Unavailable("DOWN"))
    while desk.under_way:
        desk.counter.answer(Unavailable("DOWN"))
    before = len(desk.counter.letters)
    desk.pass_time(4)
    assert len(desk.counter.letters) == before
    desk.pass_time(1.5)
    assert desk.under_way == 1
    desk.counter.answer()
    desk.pass_time(0.1)
    assert desk.under_way > 1


# ---------------------------------------------------------------- who hangs delays nobody


def test_an_endpoint_that_hangs_holds_no_place_of_the_others(opened: Open) -> None:
    """With one place for all, and an office that never answers, another's documents all go."""
    desk = opened(concurrency=1, endpoint_concurrency=3)
    births(desk, 6)
    desk.start()
    desk.pass_time(0.5)
    assert [letter.url for letter, _ in desk.counter.waiting] == [AT_SESTO] * 3
    births(desk, 4, home=MILANO)
    desk.dispatch.wake()
    desk.pass_time(0.5)
    served = [letter for letter, _ in desk.counter.waiting if letter.url == AT_MILANO]
    assert len(served) == 3
    assert len(desk.counter.waiting) == 6


def test_what_waits_for_an_answer_needs_no_place(opened: Open) -> None:
    """Only the making of a document does: a place is free again once its letter is out."""
    desk = opened(concurrency=1, endpoint_concurrency=4)
    births(desk, 4)
    desk.start()
    desk.pass_time(0.2)
    assert desk.under_way == 4


def test_all_calls_together_are_bounded(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many offices there are, and however much each bears."""
    monkeypatch.setattr(gates, "MOST", 5)
    desk = opened(endpoint_concurrency=4)
    births(desk, 4)
    births(desk, 4, home=MILANO)
    desk.start()
    desk.pass_time(0.3)
    assert desk.under_way == 5
    desk.counter.answer()
    desk.pass_time(0.1)
    assert desk.under_way == 5


# ---------------------------------------------------------------- what persons pause


def test_what_is_paused_is_not_sent_and_goes_when_it_is_resumed(opened: Open) -> None:
    """An office, by anybody's word in the journal; the others go on."""
    desk = opened()
    scope = Scope("comune", "015209")
    held = desk.house.do(lambda unit: unit.pause(scope, by="m.rossi", reason="ticket 81"))
    births(desk, 2)
    births(desk, 2, home=MILANO)
    desk.start()
    desk.pass_time(0.2)
    assert {letter.url for letter, _ in desk.counter.waiting} == {AT_MILANO}
    desk.house.do(lambda unit: unit.resume(held, by="m.rossi", reason="they are back"))
    desk.pass_time(POLL.total_seconds() + 0.2)
    assert {letter.url for letter, _ in desk.counter.waiting} == {AT_MILANO, AT_SESTO}


# ---------------------------------------------------------------- what goes wrong


def test_without_a_key_the_channel_stops_and_nothing_is_lost(opened: Open) -> None:
    """An alarm, no attempt, nothing sent to anybody while it lasts; with the key back, all goes."""
    desk = opened()
    desk.counter.keyless = True
    births(desk, 2)
    desk.start()
    desk.pass_time(0.1)
    assert "signing SigningError" in desk.heard.alarms
    assert desk.dispatch.paused
    alarms = len(desk.heard.alarms)
    births(desk, 1)
    desk.dispatch.wake()
    desk.pass_time(5)
    assert len(desk.heard.alarms) == alarms
    assert {row.attempts for row in comune_rows(desk)} == {0}
    desk.counter.keyless = False
    sleep(0.5)  # the leases of the claims that could not be signed end by the database's clock
    desk.pass_time(CHANNEL_PAUSE.total_seconds())
    assert not desk.dispatch.paused
    while desk.under_way:
        desk.counter.answer()
        desk.pass_time(0.1)
    assert {row.status for row in comune_rows(desk)} == {Status.ACCEPTED}


def test_a_journal_that_fails_stops_the_sending(opened: Open) -> None:
    """An alarm at every look and not one letter; it looks again, and goes on when it can."""
    desk = opened()
    births(desk, 1)
    desk.start()
    rename(desk, "submissions", "gone")
    desk.pass_time(POLL.total_seconds() + 0.2)
    assert set(desk.heard.alarms) == {"journal JournalError"}
    assert desk.counter.letters == []
    rename(desk, "gone", "submissions")
    desk.pass_time(POLL.total_seconds() + 0.2)
    assert desk.under_way == 1


def rename(desk: Desk, old: str, new: str) -> None:
    """A table that is not there any more, or again."""
    with sqlite3.connect(desk.house.url.removeprefix("sqlite:///")) as connection:
        connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
    connection.close()


def test_a_lost_lease_is_in_doubt_and_settled(opened: Open) -> None:
    """Another node's submission that was on the wire when its lease ended is not sent blindly."""
    desk = opened()
    births(desk, 1)

    def other_node(unit: Unit) -> None:
        claimed = unit.claim("n2", limit=9, lease=timedelta(milliseconds=50))
        row = next(each for each in claimed if each.step == "comune")
        sent = after(row.status, Event.SUBMIT)
        unit.move(row.id, expect=row.status, fence=row.fence, to=sent, attempts=1)

    desk.house.do(other_node)
    assert desk.start() == 0
    sleep(0.1)
    desk.pass_time(POLL.total_seconds() + 0.2)
    (row,) = comune_rows(desk)
    told = desk.house.look(lambda view: view.evidence(subject=row.id))
    way = [str(each.note["to"]) for each in told if each.what == "submission.moved"]
    assert way[:2] == ["SUBMITTING", "IN_DOUBT"]


@pytest.mark.parametrize("ahead", [timedelta(hours=-1), timedelta(seconds=7), timedelta(hours=1)])
def test_leases_are_by_the_databases_clock_alone(opened: Open, ahead: timedelta) -> None:
    """A node whose clock is wrong takes no claim before its end, and none later than others."""
    desk = opened()
    births(desk, 1)
    holder = Desk(desk.house, ONLY, lease=0.8)
    holder.start()
    holder.pass_time()
    other = Desk(desk.house, ONLY, node="n2", ahead=ahead)
    other.start()
    other.pass_time(2 * POLL.total_seconds())
    assert [row.status for row in comune_rows(desk)] == [Status.SUBMITTING]
    assert holder.under_way == 1
    sleep(0.9)
    other.pass_time(2 * POLL.total_seconds())
    (row,) = comune_rows(desk)
    told = desk.house.look(lambda view: view.evidence(subject=row.id))
    way = [str(each.note["to"]) for each in told if each.what == "submission.moved"]
    assert way[:2] == ["SUBMITTING", "IN_DOUBT"]


def test_a_clock_that_is_put_back_delays_no_reclaim(opened: Open) -> None:
    """The node looks for ended leases at its next look, not when its old time comes again."""
    desk = opened()
    births(desk, 1)
    desk.start()
    desk.pass_time()
    desk._start -= timedelta(hours=1)
    sleep(0.5)
    desk.pass_time(2 * POLL.total_seconds())
    (row,) = comune_rows(desk)
    assert row.maybe_received


# ---------------------------------------------------------------- start and stop


def test_the_start_settles_what_an_earlier_life_left(opened: Open) -> None:
    """This node's own submissions on the wire are in doubt before anything new is claimed."""
    desk = opened()
    births(desk, 1)
    desk.start()
    desk.pass_time()
    assert [row.status for row in comune_rows(desk)] == [Status.SUBMITTING]
    another = Desk(desk.house, ONLY)
    assert another.start() == 1


def stopping(desk: Desk, stopped: list[object]) -> None:
    """One birth is at the counter when the node is told to stop; `stopped` gets None at the end."""
    births(desk, 1)
    desk.start()
    desk.pass_time()
    Deferred.fromCoroutine(desk.dispatch.stop()).addCallback(stopped.append)


def test_a_stop_lets_what_is_under_way_end(opened: Open) -> None:
    """Nothing new is claimed, and nobody is told that it has stopped before the answer is in."""
    desk, stopped = opened(), list[object]()
    stopping(desk, stopped)
    births(desk, 2)
    desk.dispatch.wake()
    desk.pass_time(3)
    assert (stopped, len(desk.counter.letters)) == ([], 1)
    desk.counter.answer()
    assert stopped == [None]
    assert Status.ACCEPTED in {row.status for row in comune_rows(desk)}


def test_a_stop_is_over_also_when_the_last_work_met_what_nobody_expected(opened: Open) -> None:
    """An alarm, and the stop ends: a node that must go is not held by a fault of its own."""
    desk, stopped = opened(), list[object]()
    stopping(desk, stopped)
    _, waiting = desk.counter.waiting.pop()
    waiting.errback(ZeroDivisionError())
    assert desk.heard.alarms == ["dispatch ZeroDivisionError"]
    assert stopped == [None]


def test_the_watcher_hears_every_outcome(opened: Open) -> None:
    """For log lines and metrics."""
    desk = opened()
    births(desk, 1)
    desk.start()
    desk.pass_time()
    desk.counter.answer(Unavailable("DOWN"))
    assert desk.heard.outcomes == [Unavailable("DOWN")]

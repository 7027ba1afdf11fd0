"""Whether an office is back is asked by an echo, never by a document of a birth."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.errors import SigningError
from gateway.gates import Endpoint, Gates
from gateway.outcomes import Accepted, NotFound, Outcome, Rejected, Unavailable, Unknown
from gateway.partners import Circuit, Directory, Entry
from gateway.probes import EVERY, Probes
from tests.births import entry

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
MILANO, SESTO = ("comune", "015146"), ("comune", "015209")
ENTRIES = tuple(
    entry(*place, circuit=Circuit(failures=1, pause=timedelta(seconds=30)))
    for place in (MILANO, SESTO)
)


@dataclass
class Node:
    """Gates and probes on the test's clock; an echo is answered when the test does it."""

    clock: Clock = field(default_factory=Clock)
    asked: list[tuple[str, Deferred[Outcome]]] = field(default_factory=list)
    told: list[tuple[str, str, bool]] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    paused: set[Endpoint] = field(default_factory=set)
    keyless: bool = False

    def __post_init__(self) -> None:
        self.gates = Gates(ENTRIES, ("comune",))
        self.probes = Probes(
            self.clock,
            self.gates,
            Directory(ENTRIES),
            {"comune": self},
            self.now,
            self.paused.__contains__,
            self,
        )
        self.probes.start()

    def now(self) -> datetime:
        """The clock's wall."""
        return START + timedelta(seconds=self.clock.seconds())

    async def echo(self, entry: Entry) -> Outcome | NotFound:
        """As a Destination's."""
        if self.keyless:
            raise SigningError("the key is missing")
        answer: Deferred[Outcome] = Deferred()
        self.asked.append((entry.code, answer))
        return await answer

    def echoed(self, entry: Entry, outcome: Outcome | NotFound, *, back: bool) -> None:
        """Told."""
        self.told.append((entry.code, type(outcome).__name__, back))

    def alarm(self, what: str, error: BaseException) -> None:
        """Told."""
        self.alarms.append(f"{what} {type(error).__name__}")

    def fails(self, *places: Endpoint) -> None:
        """A document to each could not be delivered."""
        for place in places:
            self.gates.enter(place, self.now())
            self.gates.leave(place, self.now(), Unavailable("REFUSED"))

    def pass_time(self, seconds: float) -> None:
        """In the probes' own steps."""
        self.clock.pump([EVERY] * round(seconds / EVERY))

    def answer(self, outcome: Outcome) -> None:
        """The echo that waits longest."""
        self.asked.pop(0)[1].callback(outcome)


def test_no_document_tries_a_circuit_where_there_is_an_echo() -> None:
    """Until an echo was answered nothing goes; then all that the office bears."""
    node = Node()
    node.fails(MILANO)
    node.pass_time(29)
    assert node.asked == []
    node.pass_time(1)
    assert [code for code, _ in node.asked] == ["015146"]
    assert node.gates.room_at(node.now())[MILANO] == 0
    node.answer(Accepted(""))
    assert node.gates.room_at(node.now())[MILANO] > 1
    assert node.told == [("015146", "Accepted", True)]


@pytest.mark.parametrize("bad", [Unavailable("REFUSED"), Unknown("lost")])
def test_an_office_that_is_not_back_is_left_alone_again(bad: Outcome) -> None:
    """For the whole pause; one echo at a time."""
    node = Node()
    node.fails(MILANO)
    node.pass_time(45)
    assert len(node.asked) == 1
    node.answer(bad)
    node.pass_time(29)
    assert (node.asked, node.gates.room_at(node.now())[MILANO]) == ([], 0)
    node.pass_time(1)
    assert len(node.asked) == 1
    assert node.told == [("015146", type(bad).__name__, False)]


def test_any_answer_is_a_sign_of_life() -> None:
    """An office that declares that it does not like the echo is there."""
    node = Node()
    node.fails(MILANO)
    node.pass_time(30)
    node.answer(Rejected(()))
    assert node.gates.open_circuits() == []


def test_nobody_waits_for_another_ones_echo() -> None:
    """Each office is asked at its own time."""
    node = Node()
    node.fails(MILANO, SESTO)
    node.pass_time(30)
    assert [code for code, _ in node.asked] == ["015146", "015209"]


def test_a_paused_office_is_not_asked() -> None:
    """A person wished that nothing goes there; asked again once it is resumed."""
    node = Node()
    node.paused.add(MILANO)
    node.fails(MILANO)
    node.pass_time(60)
    assert node.asked == []
    node.paused.clear()
    node.pass_time(EVERY)
    assert len(node.asked) == 1


def test_an_echo_that_cannot_be_signed_is_an_alarm_and_tried_again() -> None:
    """Nothing is known of the office, and the probes go on."""
    node = Node(keyless=True)
    node.fails(MILANO)
    node.pass_time(30)
    assert node.alarms == ["echo SigningError"]
    node.keyless = False
    node.pass_time(EVERY)
    assert len(node.asked) == 1


def test_a_node_that_stops_asks_nobody_any_more() -> None:
    """Stop is at once."""
    node = Node()
    node.fails(MILANO)
    node.probes.stop()
    node.pass_time(60)
    assert node.asked == []

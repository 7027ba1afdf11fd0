"""What each endpoint bears: calls at once, calls a second, and none while its circuit is open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.gates import Gates
from gateway.outcomes import (
    Accepted,
    Choice,
    NotFound,
    Outcome,
    Rejected,
    Taken,
    Unavailable,
    Unknown,
)
from gateway.partners import Circuit
from tests.births import entry

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
COMUNE = ("comune", "015146")
PAUSE = timedelta(seconds=30)


def gates(concurrency: int = 2, rate: float = 1000.0, failures: int = 3) -> Gates:
    """One gate, for one Comune."""
    circuit = Circuit(failures, PAUSE)
    office = entry("comune", "015146", concurrency=concurrency, rate=rate, circuit=circuit)
    return Gates([office])


def after(seconds: float) -> datetime:
    """A moment later."""
    return START + timedelta(seconds=seconds)


def call(made: Gates, now: datetime, outcome: Outcome | NotFound | None) -> None:
    """One call that starts and ends at once, if there is room."""
    assert made.room_at(now)[COMUNE] > 0
    made.enter(COMUNE, now)
    made.leave(COMUNE, now, outcome)


def test_no_more_calls_at_once_than_the_partner_bears() -> None:
    """A call that ends makes room for the next."""
    made = gates(concurrency=2)
    assert made.room_at(START)[COMUNE] == 2
    made.enter(COMUNE, START)
    made.enter(COMUNE, START)
    assert made.room_at(after(1))[COMUNE] == 0
    assert made.opens_at(after(1)) is None
    made.leave(COMUNE, after(1), Accepted("P"))
    assert made.room_at(after(2))[COMUNE] == 1


def test_no_more_calls_a_second_than_the_partner_bears() -> None:
    """After the burst that concurrency allows, one call at each tick of its rate."""
    made = gates(concurrency=2, rate=0.5)
    assert made.room_at(START)[COMUNE] == 2
    for _ in range(2):
        call(made, START, Accepted("P"))
    assert made.room_at(START)[COMUNE] == 0
    assert made.opens_at(START) == after(2)
    assert made.room_at(after(1))[COMUNE] == 0
    assert made.opens_at(after(1)) == after(2)
    assert made.room_at(after(2))[COMUNE] == 1
    assert made.room_at(after(3600))[COMUNE] == 2


def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing() -> None:
    """The rate is counted forward only."""
    made = gates(concurrency=1, rate=1.0)
    made.room_at(START)
    call(made, START, Accepted("P"))
    assert made.room_at(after(-60))[COMUNE] == 0
    assert made.room_at(after(-59))[COMUNE] == 1


@pytest.mark.parametrize("failure", [Unavailable("REFUSED"), Unknown("lost")])
def test_an_endpoint_that_fails_is_left_alone(failure: Outcome) -> None:
    """After so many failures in a row nothing is sent for a while; then one call tries."""
    made = gates(failures=3)
    for second in range(3):
        assert made.room_at(after(second))[COMUNE] == 2
        call(made, after(second), failure)
    assert made.room_at(after(31))[COMUNE] == 0
    assert made.opens_at(after(31)) == after(32)
    assert made.open_circuits() == [COMUNE]
    assert made.room_at(after(32))[COMUNE] == 1


def test_the_call_that_tries_closes_the_circuit_or_opens_it_again() -> None:
    """While it is under way no other starts."""
    made = gates(failures=1)
    call(made, START, Unknown("lost"))
    made.enter(COMUNE, after(30))
    assert made.room_at(after(30))[COMUNE] == 0
    made.leave(COMUNE, after(30), Unknown("lost"))
    assert made.room_at(after(59))[COMUNE] == 0
    call(made, after(60), Accepted("P"))
    assert made.open_circuits() == []
    assert made.room_at(after(61))[COMUNE] == 2


def test_a_call_that_was_not_made_tells_nothing_of_the_endpoint() -> None:
    """A document that could not be built neither closes a circuit nor keeps it from being tried."""
    made = gates(failures=1)
    call(made, START, Unknown("lost"))
    call(made, after(30), None)
    assert made.open_circuits() == [COMUNE]
    assert made.room_at(after(31))[COMUNE] == 1


@pytest.mark.parametrize(
    "answer", [Accepted("P"), Taken("T"), Rejected(()), Choice(()), NotFound()]
)
def test_any_answer_is_a_sign_of_life(answer: Outcome | NotFound) -> None:
    """A partner that says no is there: failures are counted in a row."""
    made = gates(failures=2)
    for second in range(5):
        call(made, after(second), Unavailable("REFUSED"))
        call(made, after(second), answer)
    assert made.open_circuits() == []


def test_an_endpoint_that_is_not_in_the_directory_has_no_gate() -> None:
    """Its work only finds out that it is not there; nothing breaks."""
    made = gates()
    made.enter(("comune", "999999"), START)
    made.leave(("comune", "999999"), START, None)
    assert set(made.room_at(START)) == {COMUNE}
    assert Gates([]).opens_at(START) is None


steps = st.lists(
    st.tuples(
        st.sampled_from(["enter", "leave"]),
        st.floats(0, 5),
        st.sampled_from([Accepted("P"), Unknown("lost"), None]),
    ),
    max_size=60,
)


@given(st.integers(1, 4), st.floats(0.2, 50), steps)
def test_no_order_of_events_lets_more_in_than_is_allowed(
    concurrency: int, rate: float, events: list[tuple[str, float, Outcome | None]]
) -> None:
    """Whatever ends when, room never goes over concurrency, and a full gate has none."""
    made = gates(concurrency, rate, failures=2)
    now, inside = START, 0
    for what, seconds, outcome in events:
        now += timedelta(seconds=seconds)
        room = made.room_at(now)[COMUNE]
        assert room <= concurrency - inside
        opens = made.opens_at(now)
        assert opens is None or opens >= now
        if what == "enter" and room > 0:
            made.enter(COMUNE, now)
            inside += 1
        elif what == "leave" and inside:
            made.leave(COMUNE, now, outcome)
            inside -= 1

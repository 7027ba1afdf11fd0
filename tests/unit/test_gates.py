"""What each endpoint bears: calls at once, calls a second, and none while its circuit is open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.gates import MOST, Gates
from gateway.opening import Opening
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
        assert made.room_at(after(second))[COMUNE] > 0
        call(made, after(second), failure)
    assert made.room_at(after(31))[COMUNE] == 0
    assert made.opens_at(after(31)) == after(32)
    assert made.open_circuits() == [COMUNE]
    assert made.room_at(after(32))[COMUNE] == 1


def test_after_a_failure_one_call_at_a_time() -> None:
    """Until one is answered: then as many as before."""
    made = gates(concurrency=2)
    call(made, START, Unavailable("REFUSED"))
    assert made.room_at(after(1))[COMUNE] == 1
    made.enter(COMUNE, after(1))
    assert made.room_at(after(2))[COMUNE] == 0
    made.leave(COMUNE, after(3), Rejected(()))
    assert made.room_at(after(4))[COMUNE] == 2


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


# ---------------------------------------------------------------- wishes, hours, and the others


def test_a_wish_to_be_left_alone_is_kept() -> None:
    """Until then no call starts, and the gate says when it opens; then as before."""
    made = gates()
    call(made, START, Unavailable("BUSY", retry_after=timedelta(minutes=2)))
    assert made.room_at(after(119))[COMUNE] == 0
    assert made.opens_at(after(1)) == after(120)
    assert made.room_at(after(120))[COMUNE] == 1


def test_a_wish_has_a_ceiling() -> None:
    """An office that wishes for a year is tried again after half an hour."""
    made = gates()
    call(made, START, Unknown("HTTP 503", retry_after=timedelta(days=365)))
    assert made.room_at(after(1799))[COMUNE] == 0
    assert made.room_at(after(1800))[COMUNE] == 1


def test_outside_its_hours_an_office_is_not_called() -> None:
    """It opens at its own time, and shuts again."""
    week = (((11 * 60, 12 * 60),),) * 7  # START is ten o'clock in Rome
    made = Gates([entry("comune", "015146", opening=Opening(week))])
    assert made.room_at(START)[COMUNE] == 0
    assert made.opens_at(START) == after(3600)
    assert made.room_at(after(3600))[COMUNE] == 4
    assert made.room_at(after(7199))[COMUNE] == 4
    assert made.room_at(after(7200))[COMUNE] == 0


def test_no_document_tries_the_circuit_of_an_office_with_an_echo() -> None:
    """Also once its pause is over: its echo is wanted then, and one at a time."""
    office = entry("comune", "015146", circuit=Circuit(1, PAUSE))
    made = Gates([office], ["comune"])
    call(made, START, Unknown("lost"))
    assert made.want_echo(after(29)) == []
    assert made.room_at(after(31))[COMUNE] == 0
    assert made.want_echo(after(31)) == [COMUNE]
    made.enter(COMUNE, after(31))
    assert made.want_echo(after(32)) == []


def test_hours_hold_day_after_day() -> None:
    """Also of an office that is called, and of one that nobody ever calls."""
    week = (((10 * 60, 11 * 60),),) * 7
    places = [("comune", f"{code:06}") for code in range(3)]
    made = Gates([entry(*place, opening=Opening(week), rate=1000.0) for place in places])
    for hour in range(49):
        now = after(3600 * hour + 60)
        is_open = hour % 24 == 0
        assert set(made.room_at(now).values()) == ({4} if is_open else {0}), hour
        opens = made.opens_at(now)
        assert opens is not None
        assert now < opens <= now + timedelta(days=1)
        if is_open:
            made.enter(places[0], now)
            made.leave(places[0], now, Accepted("P"))


def test_nobody_is_asked_for_an_echo_outside_its_hours() -> None:
    """Nor while it wishes to be left alone."""
    week = (((10 * 60, 11 * 60),),) * 7
    office = entry("comune", "015146", opening=Opening(week), circuit=Circuit(1, PAUSE))
    made = Gates([office], ["comune"])
    made.enter(COMUNE, START)
    made.leave(COMUNE, START, Unavailable("BUSY", retry_after=timedelta(minutes=5)))
    assert made.want_echo(after(299)) == []
    assert made.want_echo(after(300)) == [COMUNE]
    assert made.want_echo(after(3600)) == []


def many(number: int) -> Gates:
    """So many Comuni that bear 64 calls at once."""
    return Gates(
        entry("comune", f"{code:06}", concurrency=64, rate=1000.0) for code in range(number)
    )


def test_who_does_not_answer_has_at_most_half_of_all_calls() -> None:
    """The other half is left to those who do, however many hang."""
    made = many(20)
    for code in range(4):
        for _ in range(64):
            made.enter(("comune", f"{code:06}"), START)
    assert made.room_at(after(0.5))["comune", "000003"] == 0  # full, but perhaps only slow
    made.enter(("comune", "000004"), START)
    room = made.room_at(after(2))
    assert room["comune", "000004"] == 0
    assert room["comune", "000005"] == 64
    assert made.free() == MOST - 257


def test_who_answers_is_not_in_doubt() -> None:
    """An answer a moment ago is a sign of life, whatever else is still open."""
    made = many(20)
    for code in range(5):
        for _ in range(60):
            made.enter(("comune", f"{code:06}"), START)
    made.leave(("comune", "000004"), after(1.5), Accepted("P"))
    room = made.room_at(after(2))
    assert (room["comune", "000003"], room["comune", "000004"]) == (4, 5)
    made.leave(("comune", "000003"), after(2), Unknown("lost"))
    assert made.room_at(after(5))["comune", "000004"] == 0


def test_a_gate_at_rest_has_its_whole_room() -> None:
    """However many offices there are, only those in use are looked at; none forgets its work."""
    made, place = many(50), ("comune", "000007")
    made.enter(place, START)
    assert made.room_at(START)[place] == 63
    made.leave(place, after(1), Accepted("P"))
    assert made.room_at(after(2))[place] == 64
    assert made.room_at(after(3)) == dict.fromkeys(made.room_at(after(3)), 64)


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

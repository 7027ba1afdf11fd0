"""Back-off and circuit."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.retry import Backoff, Circuit

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_delays_double_up_to_the_ceiling():
    """Each failure waits twice as long as the one before, but never longer than the ceiling."""
    backoff = Backoff(first=SECOND, ceiling=5 * SECOND, jitter=0)
    assert [backoff.delay(n, lambda: 0) / SECOND for n in (1, 2, 3, 4, 5)] == [1, 2, 4, 5, 5]


@given(st.integers(0, 10**6), st.floats(0, 1, exclude_max=True))
def test_jitter_only_shortens(attempts, chance):
    """Peers that failed together do not come back together, and none comes later than planned."""
    backoff = Backoff(first=SECOND, jitter=0.3)
    whole = backoff.delay(attempts, lambda: 0.0)
    assert 0.7 * whole - SECOND / 1000 <= backoff.delay(attempts, lambda: chance) <= whole


def test_attempts_and_age_are_finite():
    """Neither attempts nor patience last for ever."""
    backoff = Backoff(max_attempts=3, max_age=timedelta(days=1))
    assert not backoff.exhausted(2, timedelta(hours=23))
    assert backoff.exhausted(3, timedelta(0))
    assert backoff.exhausted(1, timedelta(days=1))


def test_a_circuit_opens_after_its_limit_and_tries_once():
    """After five failures nothing goes for the pause; then one call tries."""
    circuit = Circuit(limit=2, pause=10 * SECOND)
    circuit = circuit.called().failed(NOW)
    assert circuit.allows(NOW)
    assert circuit.opens_at() is None
    circuit = circuit.called().failed(NOW)
    assert not circuit.allows(NOW + 9 * SECOND)
    assert circuit.opens_at() == NOW + 10 * SECOND
    trying = circuit.called()
    assert circuit.allows(NOW + 10 * SECOND)
    assert not trying.allows(NOW + 11 * SECOND)


def test_a_failed_try_opens_it_again_and_a_good_one_closes_it():
    """The half-open call decides."""
    opened = Circuit(limit=1, pause=10 * SECOND).called().failed(NOW)
    later = NOW + 10 * SECOND
    again = opened.called().failed(later)
    assert again.opens_at() == later + 10 * SECOND
    assert opened.called().succeeded() == Circuit(limit=1, pause=10 * SECOND)


def test_a_try_that_was_not_made_gives_its_turn_back():
    """A call that came to nothing before the wire leaves the circuit as it was."""
    opened = Circuit(limit=1, pause=SECOND).called().failed(NOW)
    assert opened.called().released() == opened

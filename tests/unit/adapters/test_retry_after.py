"""For how long a service wishes to be left alone, however it says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.retry_after import retry_after

NOW = datetime(1994, 11, 6, 8, 39, 37, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)


def asked(said: str, status: int = 503, **headers: str) -> timedelta | None:
    """What an answer with this Retry-After asks for."""
    return retry_after(status, {"retry-after": said, **headers}, NOW)


@pytest.mark.parametrize(
    "said",
    [
        "600",
        " 600 ",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ],
)
@pytest.mark.parametrize("status", [503, 429])
def test_every_spelling_of_the_rfc(said: str, status: int) -> None:
    """Seconds, and an HTTP-date in its three forms (RFC 9110, 5.6.7)."""
    assert asked(said, status) == TEN_MINUTES


@pytest.mark.parametrize("status", [200, 301, 500, 502])
def test_only_a_503_and_a_429_ask(status: int) -> None:
    """Elsewhere the header means something else, or nothing."""
    assert asked("600", status) is None


@pytest.mark.parametrize(
    "said",
    ["", "0", "-1", "1.5", "soon", "9" * 40, "Sun, 06 Nov 1994 08:29:37 GMT", "Sun, 99 Foo 1994"],
)
def test_what_is_past_or_cannot_be_read_asks_for_nothing(said: str) -> None:
    """Then our own waiting holds."""
    assert asked(said) is None


def test_a_date_counts_from_the_answers_own() -> None:
    """A service whose clock is an hour ahead does not wish for an hour more."""
    late = format_datetime(NOW + timedelta(hours=1), usegmt=True)
    until = format_datetime(NOW + timedelta(hours=1, minutes=10), usegmt=True)
    assert asked(until, date=late) == TEN_MINUTES
    assert asked(until, date="yesterday") == timedelta(hours=1, minutes=10)


@given(st.text(max_size=60), st.text(max_size=60), st.integers(100, 599))
def test_nothing_that_a_partner_sends_breaks_it(said: str, date: str, status: int) -> None:
    """Whatever stands there: a wait of more than nothing, or none."""
    found = asked(said, status, date=date)
    assert found is None or found > timedelta(0)

"""When an office may be called: by the clock of Rome, in summer and winter, on free days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.opening import ALWAYS, DAY, EVERY_HOUR, ROME, Maintenance, Opening

OFFICE = (8 * 60, 14 * 60)
WEEK = (*((OFFICE,),) * 5, (), ())


def at(text: str) -> datetime:
    """A moment by the clock on the wall in Rome."""
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-23 07:59", False),
        ("2026-11-23 08:00", True),
        ("2026-11-23 13:59", True),
        ("2026-11-23 14:00", False),
        ("2026-11-22 10:00", False),
        ("2026-07-06 08:00", True),
        ("2026-07-06 14:00", False),
    ],
)
def test_hours_are_of_the_clock_on_the_wall(moment: str, is_open: bool) -> None:
    """Monday to Friday from eight to two, in winter and in summer; Sunday never."""
    assert Opening(WEEK).is_open(at(moment)) is is_open


def test_an_office_of_which_nothing_is_said_is_always_open() -> None:
    """And is asked about again only in a year."""
    now = at("2026-11-23 03:00")
    assert ALWAYS.is_open(now)
    assert ALWAYS.changes_at(now) - now > timedelta(days=365)


def test_free_days() -> None:
    """National holidays if it keeps them, the patron saint every year, a day of its own once."""
    office = Opening(
        WEEK, holidays=True, yearly=frozenset({(12, 7)}), days=frozenset({date(2026, 12, 24)})
    )
    closed = ("2026-12-08", "2026-12-07", "2027-12-07", "2026-12-24", "2026-12-25")
    assert not any(office.is_open(at(f"{day} 10:00")) for day in closed)
    assert office.is_open(at("2027-12-24 10:00"))
    assert Opening(WEEK).is_open(at("2026-12-08 10:00"))


def test_maintenance_closes_an_office_that_is_open() -> None:
    """From its start until its end, which is not inside."""
    down = Maintenance(at("2026-11-23 09:00"), at("2026-11-23 11:00"))
    office = Opening(WEEK, maintenance=(down,))
    assert [office.is_open(at(f"2026-11-23 {hour}")) for hour in ("08:59", "09:00", "11:00")] == [
        True, False, True,
    ]  # fmt: skip
    assert office.changes_at(at("2026-11-23 08:30")) == down.start
    assert office.changes_at(down.start) == down.end


def test_maintenance_over_the_night_ends_when_the_office_opens() -> None:
    """What changes next is when it may be called again."""
    down = Maintenance(at("2026-11-23 12:00"), at("2026-11-24 06:00"))
    office = Opening(WEEK, maintenance=(down,))
    assert office.changes_at(at("2026-11-23 12:30")) == at("2026-11-24 08:00")


def test_the_whole_day_has_no_gap_at_midnight() -> None:
    """24:00 of one day is 00:00 of the next."""
    office = Opening((((0, DAY),),) * 5 + ((), ()))
    assert office.changes_at(at("2026-11-23 00:00")) == at("2026-11-28 00:00")


def test_the_night_in_which_summer_time_ends() -> None:
    """Half past two comes twice, and both are after two."""
    office = Opening((((2 * 60, 3 * 60),),) * 7)
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert [office.is_open(first + timedelta(hours=n)) for n in range(3)] == [True, True, False]


spans = st.lists(st.integers(0, DAY), min_size=0, max_size=6, unique=True).map(sorted)


@settings(max_examples=60)
@given(
    st.lists(spans, min_size=7, max_size=7),
    st.datetimes(datetime(2026, 3, 20), datetime(2026, 11, 10)),
)
def test_nothing_changes_before_it_says_so(edges: list[list[int]], moment: datetime) -> None:
    """Whoever asks only at `changes_at` is never wrong between."""
    week = tuple(tuple(zip(day[::2], day[1::2], strict=False)) for day in edges)
    office, now = Opening(week), moment.replace(tzinfo=UTC)
    until = office.changes_at(now)
    assert until > now
    length = min(until - now, timedelta(days=3))
    between = [now + length * share / 97 for share in range(97)]
    assert {office.is_open(each) for each in between} == {office.is_open(now)}


def test_every_hour_is_every_hour() -> None:
    """The week that stands where nothing is said."""
    assert Opening(EVERY_HOUR) == ALWAYS

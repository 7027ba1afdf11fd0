"""Times: read with their zone, never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hl7.time import TimeError, format_time, parse_day, parse_time, zone_of

ROME_WINTER, ROME_SUMMER = timezone(timedelta(hours=1)), timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("text", "iso", "precision"),
    [
        ("2026", "2026-01-01T00:00:00+01:00", "year"),
        ("202603", "2026-03-01T00:00:00+01:00", "month"),
        ("20260302", "2026-03-02T00:00:00+01:00", "day"),
        ("2026030204", "2026-03-02T04:00:00+01:00", "hour"),
        (" 202607020405 ", "2026-07-02T04:05:00+02:00", "minute"),
        ("20260702040506", "2026-07-02T04:05:06+02:00", "second"),
        ("20260702040506.25", "2026-07-02T04:05:06.250000+02:00", "second"),
        ("20260702040506-0330", "2026-07-02T04:05:06-03:30", "second"),
        ("202607022400", "2026-07-03T00:00:00+02:00", "minute"),
    ],
)
def test_every_precision_is_read(text: str, iso: str, precision: str) -> None:
    """What was not said is the first moment of it, and the precision says so."""
    found = parse_time(text)
    assert found.at.isoformat() == iso
    assert found.precision == precision
    assert found.has_clock == (precision in ("hour", "minute", "second"))


def test_the_zone_is_the_fields_else_the_messages_else_the_deployments() -> None:
    """Field, MSH-7, Europe/Rome: in this order."""
    message_zone = zone_of("20260101000000-0500")
    assert parse_time("202601010000+0200", message_zone=message_zone).at.utcoffset() == timedelta(
        hours=2
    )
    own = parse_time("202601010000", message_zone=message_zone)
    assert own.at.utcoffset() == timedelta(hours=-5)
    assert own.zone_said
    assert not parse_time("202601010000").zone_said
    assert parse_time("202601010000", zone="UTC").at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", ["202603290230", "202610250230", "2026102502"])
def test_a_local_time_of_the_clock_change_is_asked_back(text: str) -> None:
    """A time that is skipped or comes twice is an error, never a guess; an offset settles it."""
    with pytest.raises(TimeError, match="clock change"):
        parse_time(text)
    assert parse_time(text + "+0200").zone_said


@pytest.mark.parametrize("text", ["202603290130", "202603290300", "202610250130", "202610250300"])
def test_times_around_the_clock_change_are_plain(text: str) -> None:
    """Only the doubtful hour is asked back."""
    assert parse_time(text).has_clock


def test_a_day_of_the_clock_change_is_a_day() -> None:
    """A date without a clock is never ambiguous."""
    assert parse_time("20260329").date == date(2026, 3, 29)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "26",
        "20261",
        "20261301",
        "20260230",
        "2026010125",
        "20260101000060",
        "0000",
        "20260101+9900",
        "20260101+0199",
        "2026-01-01",
        "20260101000000.1234567",
        "２０２６",
    ],
)
def test_what_is_no_time_is_refused_without_its_value(text: str) -> None:
    """The error names the form, never the value."""
    with pytest.raises(TimeError) as refused:
        parse_time(text)
    assert not text or text not in str(refused.value)


def test_a_year_is_no_date() -> None:
    """A day is not made up."""
    with pytest.raises(TimeError, match="month"):
        _ = parse_time("202603").date


@pytest.mark.parametrize("text", [None, "", "20260101", "junk+0100", "20260101+9900"])
def test_a_message_time_without_an_offset_says_no_zone(text: str | None) -> None:
    """MSH-7 without (or with an impossible) offset leaves the deployment's zone."""
    assert zone_of(text) is None


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_what_is_written_is_read_back(at: datetime) -> None:
    """Our own times are read as the same moment."""
    assert parse_time(format_time(at)).at == at.replace(microsecond=0)
    assert "2026" not in repr(parse_time("2026"))


@given(st.from_regex(r" ?[0-3]\d{3,13}([+-]0[0-9]00)?", fullmatch=True))
def test_the_day_of_a_time_is_the_same_read_alone(text: str) -> None:
    """A day is read, or refused, as in the whole time, in whatever form it is written."""
    try:
        expected: date | str = parse_time(text, zone="UTC").date
    except TimeError as error:
        expected = str(error)
    try:
        found: date | str = parse_day(text)
    except TimeError as error:
        found = str(error)
    assert found == expected

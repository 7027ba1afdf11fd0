"""Functions on days and moments. Entered in `functions.FUNCTIONS` when imported."""

from __future__ import annotations

import datetime as calendar
from collections.abc import Callable
from datetime import date as Day  # noqa: N812  # `date` is the function of the language here
from datetime import datetime as Moment  # noqa: N812  # and so is `datetime`
from datetime import timezone
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from gateway.hl7.message import Message
from gateway.hl7.time import TimeError, parse_day, parse_time, zone_of
from gateway.mapping import codice_fiscale
from gateway.mapping.functions import function
from gateway.mapping.problem import Fault

Read = TypeVar("Read")


@function({"'20260302101500+0100' | date": "2026-03-02", "'202603' | date": "error"})
def date(value: str | Day | Moment) -> Day:
    """The day, as it was written; eight digits at least."""
    if isinstance(value, Moment):
        return value.date()
    if isinstance(value, Day):
        return value
    return _read(parse_day, value)


@function({"'20260302' | year": "2026", "'202603020810' | year": "2026", "'26' | year": "error"})
def year(value: str | Day | Moment) -> int:
    """The year of a day, as it was written."""
    day: Day = date(value)
    return day.year


def _read(parse: Callable[[str], Read], text: str) -> Read:
    try:
        return parse(text)
    except TimeError as error:
        raise Fault(str(error)) from None
    except OverflowError:
        raise Fault("a time at the end of the calendar") from None


def _unknown_zone(name: str) -> str | None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return f"no time zone {name}"
    return None


@function(
    {
        "'20260302101500' | datetime('Europe/Rome')": "2026-03-02T10:15:00+01:00",
        "'20260302101500-0500' | datetime('Europe/Rome')": "2026-03-02T10:15:00-05:00",
        "'20261025023000' | datetime('Europe/Rome')": "error",
        "'20260302' | datetime('Europe/Rome')": "error",
    },
    constants={"zone": _unknown_zone},
)
def datetime(run: Any, value: str | Moment, zone: str) -> Moment:
    """The moment: its own offset wins, then that of MSH-7, then the zone."""
    if isinstance(value, Moment):
        return value if value.tzinfo else value.replace(tzinfo=ZoneInfo(zone))
    parse = partial(parse_time, zone=zone, message_zone=_message_zone(run.source))
    read = _read(parse, value)
    if not read.has_clock:
        raise Fault("the time has no hour")
    return read.at


def _message_zone(source: object) -> timezone | None:
    if not isinstance(source, Message):
        return None
    return zone_of(source.msh.text(7))


# The hour is what was written; in UTC none is doubtful.
_on_the_clock = partial(parse_time, message_zone=calendar.UTC)


@function({"'20260302101500' | time": "10:15:00", "'20260302' | time": "error"})
def time(value: str | Moment) -> calendar.time:
    """The hour on the clock, as it was written."""
    if isinstance(value, Moment):
        return value.time()
    read = _read(_on_the_clock, value)
    if not read.has_clock:
        raise Fault("the time has no hour")
    return read.at.time()


@function(
    {
        "age_on('20000229' | date, '20260228' | date)": "25",
        "age_on('20000229' | date, '20260301' | date)": "26",
        "age_on('20260302' | date, '20260301' | date)": "error",
    }
)
def age_on(born: Day | Moment, day: Day | Moment) -> int:
    """Whole years on a day."""
    born, day = date(born), date(day)
    if day < born:
        raise Fault("the day is before the birth")
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@function(
    {
        "cf_compute('Rossi', 'Maria', 'F', '20260302' | date, 'F205')": "RSSMRA26C42F205C",
        "cf_compute('Rossi', 'Maria', 'X', '20260302' | date, 'F205')": "error",
    }
)
def cf_compute(surname: str, given_name: str, sex: str, born: Day | Moment, belfiore: str) -> str:
    """The codice fiscale that DM 23/12/1976 gives; only ever 'computed'."""
    try:
        return codice_fiscale.compute(surname, given_name, sex, date(born), belfiore)
    except ValueError as error:
        raise Fault(str(error)) from None

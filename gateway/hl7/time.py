"""Times as HL7 writes them, read without guessing.

`YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`. The zone is the field's own, else that of MSH-7,
else the deployment's (Europe/Rome). A local time that a clock change skips or repeats is an error:
which hour was meant must be asked. Error texts never show the value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

Precision = Literal["year", "month", "day", "hour", "minute", "second"]

_TIME = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6}))?)?)?)?)?)?([+-]\d{4})?",
    re.ASCII,
)
_PRECISIONS: tuple[Precision, ...] = ("year", "month", "day", "hour", "minute", "second")


class TimeError(ValueError):
    """The text is no HL7 time, or a local time that a clock change makes doubtful."""


@dataclass(frozen=True, slots=True)
class Time:
    """`at` is aware where hours are said; what was not said is the first moment of it."""

    at: datetime = field(repr=False)
    precision: Precision
    zone_said: bool
    """True if the field or MSH-7 gave the offset, False if the deployment's zone was taken."""

    @property
    def date(self) -> date:
        """The calendar day where it was written; TimeError if no day was said."""
        if self.precision in ("year", "month"):
            raise TimeError(f"the time says only the {self.precision}, a day is needed")
        return self.at.date()

    @property
    def has_clock(self) -> bool:
        """True if at least the hour was said."""
        return self.precision in ("hour", "minute", "second")


def parse_time(
    text: str, *, zone: str = "Europe/Rome", message_zone: timezone | None = None
) -> Time:
    """Read DT, DTM or TS.1. `message_zone` is `zone_of(MSH-7)`. Raises TimeError."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise TimeError("not a time of the form YYYYMMDDHHMMSS+ZZZZ")
    *numbers, fraction, offset = match.groups()
    said = list(map(int, filter(None, numbers)))
    precision = _PRECISIONS[len(said) - 1]
    micros = int(fraction.ljust(6, "0")) if fraction else 0
    own: tzinfo | None = _offset(offset) if offset else message_zone
    try:
        naive = _naive(said, micros)
    except ValueError:
        raise TimeError("no such day or hour in the calendar") from None
    if own is not None:
        return Time(naive.replace(tzinfo=own), precision, zone_said=True)
    return Time(_local(naive, zone, len(said) > 3), precision, zone_said=False)


@lru_cache(maxsize=256)  # a birth's own day is asked for by every document
def parse_day(text: str) -> date:
    """The calendar day of DT, DTM or TS.1, where it was written. Raises TimeError."""
    if len(text) in (8, 12) and text.isascii() and text.isdigit():  # as most are written
        hour, minute = (int(text[8:10]), int(text[10:])) if len(text) > 8 else (0, 0)
        try:
            written = datetime(int(text[:4]), int(text[4:6]), int(text[6:8]), hour, minute)
        except ValueError:
            pass  # 24:00, or no time at all: the whole reading tells
        else:
            return written.date()
    # Whatever the zone, the day is what was written; in UTC no hour is doubtful.
    return parse_time(text, message_zone=UTC).date


def _naive(said: list[int], micros: int) -> datetime:
    year, month, day, hour, minute, second = said + [0, 1, 1, 0, 0, 0][len(said) :]
    if (hour, minute, second) == (24, 0, 0):  # 24:00 is the end of the day (ISO 8601)
        return datetime(year, month, day) + timedelta(days=1)
    return datetime(year, month, day, hour, minute, second, micros)


def _local(naive: datetime, zone: str, has_clock: bool) -> datetime:
    """`naive` in `zone`, if that names one moment only."""
    area = _zone(zone)
    early, late = naive.replace(tzinfo=area), naive.replace(tzinfo=area, fold=1)
    if has_clock and early.utcoffset() != late.utcoffset():
        back = early.astimezone(UTC).astimezone(area).replace(tzinfo=None)
        what = "exists twice" if back == naive else "does not exist"
        raise TimeError(f"this local time {what} in {zone} (clock change): the offset is needed")
    return early


@lru_cache(maxsize=32)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _offset(text: str) -> timezone:
    """`+0130` as a zone; TimeError if it is no offset."""
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    if minutes > 14 * 60 or int(text[3:5]) > 59:
        raise TimeError("no such offset from UTC")
    return timezone(timedelta(minutes=minutes if text[0] == "+" else -minutes))


def zone_of(text: str | None) -> timezone | None:
    """The offset that a time (MSH-7) says; None if it says none or is no time."""
    match = _TIME.fullmatch((text or "").strip())
    try:
        return _offset(match[8]) if match and match[8] else None
    except TimeError:
        return None


def format_time(at: datetime) -> str:
    """An aware datetime as `YYYYMMDDHHMMSS+ZZZZ`."""
    return at.strftime("%Y%m%d%H%M%S%z")[:19]

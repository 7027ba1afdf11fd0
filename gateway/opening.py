"""When an office may be called: its hours by the clock of Rome, its free days, its maintenance.

Pure: the moment is an argument, and aware. Hours are wall-clock time, so they move with summer
time; an office of which nothing is said is always open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays

ROME: Final = ZoneInfo("Europe/Rome")
DAY: Final = 24 * 60
"""Minutes."""
_HORIZON: Final = 400
"""Days that are looked through for the next change."""

Span = tuple[int, int]
"""From and until, in minutes of a day; until is not inside and at most `DAY`."""
Week = tuple[tuple[Span, ...], ...]
"""Seven days, Monday first."""

EVERY_HOUR: Final[Week] = (((0, DAY),),) * 7


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A time in which the office's system is down, as it announced. `end` is not inside."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """`yearly` are (month, day), such as the patron saint's; `days` are free only once."""

    week: Week = EVERY_HOUR
    holidays: bool = False
    yearly: frozenset[tuple[int, int]] = frozenset()
    days: frozenset[date] = frozenset()
    maintenance: tuple[Maintenance, ...] = ()

    def is_open(self, now: datetime) -> bool:
        """Whether it may be called at this moment."""
        if any(each.start <= now < each.end for each in self.maintenance):
            return False
        here = now.astimezone(ROME)
        minute = 60 * here.hour + here.minute
        return any(start <= minute < end for start, end in self._spans(here.date()))

    def changes_at(self, now: datetime) -> datetime:
        """The next moment at which it opens or closes; or, if none is near, when to ask again."""
        is_open = self.is_open(now)
        last = now + timedelta(days=_HORIZON)
        own = sorted(at for each in self.maintenance for at in (each.start, each.end) if at > now)
        soon = next((at for at in self._turns(now) if self.is_open(at) is not is_open), last)
        return next((at for at in own if at < soon and self.is_open(at) is not is_open), soon)

    def _spans(self, day: date) -> tuple[Span, ...]:
        free = (self.holidays and day in _national()) or day in self.days
        return () if free or (day.month, day.day) in self.yearly else self.week[day.weekday()]

    def _turns(self, now: datetime) -> Iterator[datetime]:
        """Every edge of its hours after `now`, in order."""
        today = now.astimezone(ROME).date()
        for number in range(_HORIZON):
            day = today + timedelta(days=number)
            minutes = sorted({0, *(edge for span in self._spans(day) for edge in span)})
            edges = {at for minute in minutes for at in _moments(day, minute)}
            yield from sorted(at for at in edges if at > now)


ALWAYS: Final = Opening()


def _moments(day: date, minute: int) -> tuple[datetime, ...]:
    """When the clock shows it: twice in the night in which summer time ends."""
    day, minute = day + timedelta(days=minute // DAY), minute % DAY
    wall = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=ROME)
    return tuple(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


@cache
def _national() -> holidays.HolidayBase:
    # It reckons a year when a day of it is asked for.
    return holidays.country_holidays("IT")

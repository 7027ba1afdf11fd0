"""How partners.yaml says when an office may be called: `hours`, `closed`, `maintenance`.

`mon-fri: '08:00-14:00, 15:00-17:30'`; `[holidays, '12-07', '2026-12-24']`; local time of Rome.
Text in, values of `gateway.opening` out; a refusal says what would pass.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from gateway.opening import DAY, EVERY_HOUR, ROME, Maintenance, Opening, Span, Week
from gateway.settings import Settings

HOLIDAYS: Final = "holidays"
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS: Final = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)(?:-(mon|tue|wed|thu|fri|sat|sun))?")
_SPAN: Final = re.compile(r"([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])")
_YEARLY: Final = re.compile(r"([0-9]{2})-([0-9]{2})")


def _week(value: Any) -> Week:
    if isinstance(value, tuple):
        return value
    if not isinstance(value, dict) or not value:
        raise ValueError("must be days and hours, such as {mon-fri: '08:00-14:00'}")
    week: dict[int, tuple[Span, ...]] = {}
    for days, hours in value.items():
        for day in _numbers(str(days)):
            if day in week:
                raise ValueError(f"says {DAYS[day]} twice")
            week[day] = _spans(hours)
    return tuple(week.get(day, ()) for day in range(7))


def _numbers(days: str) -> range:
    found = _DAYS.fullmatch(days)
    if found is not None:
        first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
        if first <= last:
            return range(first, last + 1)
    raise ValueError("a day must be one of mon…sun, or from one to a later one: mon-fri")


def _spans(hours: Any) -> tuple[Span, ...]:
    spans = tuple(_span(text.strip()) for text in str(hours).split(","))
    if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
        raise ValueError("the hours of a day must follow each other")
    return spans


def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    numbers = [int(each) for each in found.groups()] if found else [0, 0, 0, 0]
    start, end = 60 * numbers[0] + numbers[1], 60 * numbers[2] + numbers[3]
    if not start < end <= DAY:
        raise ValueError("hours must be such as '08:00-14:00, 15:00-17:30', until 24:00 at most")
    return start, end


def _free_day(value: Any) -> str:
    """A day in its own spelling; what it means is read by `opening`."""
    yearly = _YEARLY.fullmatch(str(value))
    try:
        if value != HOLIDAYS:
            # 2024 was a leap year: a 29th of February is a day.
            date.fromisoformat(f"2024-{value}" if yearly else str(value))
    except ValueError:
        raise ValueError("must be 'holidays', a day such as '12-07' or '2026-12-24'") from None
    return str(value)


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        wall = datetime.strptime(str(value), "%Y-%m-%d %H:%M").replace(tzinfo=ROME)
    except ValueError:
        raise ValueError("must be a local time such as '2026-12-05 22:00'") from None
    return wall.astimezone(UTC)


_LOCAL = WithJsonSchema({"type": "string", "examples": ["2026-12-05 22:00"]})
Hours = Annotated[
    Week,
    BeforeValidator(_week),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "propertyNames": {"pattern": f"^{_DAYS.pattern}$"},
            "examples": [{"mon-fri": "08:00-14:00, 15:00-17:30", "sat": "08:00-12:00"}],
        }
    ),
]
FreeDay = Annotated[
    str,
    BeforeValidator(_free_day),
    WithJsonSchema({"type": "string", "examples": [HOLIDAYS, "12-07", "2026-12-24"]}),
]
Moment = Annotated[datetime, BeforeValidator(_moment), _LOCAL]


class MaintenanceSettings(Settings):
    """One maintenance that an office announced."""

    start: Moment = Field(description="local time, as '2026-12-05 22:00'")
    end: Moment

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> MaintenanceSettings:
        if self.end <= self.start:
            raise ValueError("ends before it starts")
        return self


def opening(
    week: Week, closed: tuple[str, ...], maintenance: tuple[MaintenanceSettings, ...]
) -> Opening:
    """What an entry of the directory says, as one value."""
    yearly = {(int(day[:2]), int(day[3:])) for day in closed if _YEARLY.fullmatch(day)}
    days = {date.fromisoformat(day) for day in closed if len(day) == len("2026-12-24")}
    return Opening(
        week=week or EVERY_HOUR,
        holidays=HOLIDAYS in closed,
        yearly=frozenset(yearly),
        days=frozenset(days),
        maintenance=tuple(Maintenance(each.start, each.end) for each in maintenance),
    )

"""The terms of a birth: until when it must be declared, and after that transmitted.

Pure: days in, days out. The first day does not count; a last day that is a Sunday or a national
holiday moves to the next working day (DPR 396/2000 art. 30; practice of the comuni).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import holidays

from gateway.flow.definition import Clock


@dataclass(frozen=True, slots=True)
class Term:
    """What must be done, and the last day for it."""

    name: str
    ends_on: date


def terms(clock: Clock, born: date, declared: date | None) -> list[Term]:
    """What the parents owe while nothing is declared, else what the birth centre owes."""
    if declared is not None:
        return [Term("transmit", _end(declared, clock.transmit))]
    return [
        Term("declare at the birth centre", _end(born, clock.parents_centre)),
        Term("declare at the Comune", _end(born, clock.parents_comune)),
    ]


def _end(start: date, length: timedelta) -> date:
    end = start + length
    while end.weekday() == 6 or end in _holidays():
        end += timedelta(days=1)
    return end


@cache
def _holidays() -> holidays.HolidayBase:
    # It reckons a year when a day of it is asked for.
    return holidays.country_holidays("IT")

"""The terms of a birth: until when it must be declared, and after that transmitted.

Pure: days in, days out. The first day does not count; a last day on which the Comune concerned
does not work moves to the next working day (DPR 396/2000 art. 30 and 31; practice of the comuni).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gateway.flow.calendar import Calendar
from gateway.flow.definition import Clock


@dataclass(frozen=True, slots=True)
class Term:
    """What must be done, and the last day for it."""

    name: str
    ends_on: date


@dataclass(frozen=True, slots=True)
class Days:
    """From what the terms of a birth are reckoned: its day, that of the declaration if there is
    one, and the ISTAT codes of the birth centre's Comune and of the competent one.
    """

    born: date
    declared: date | None = None
    centre: str = ""
    comune: str = ""


def terms(clock: Clock, days: Days, calendar: Calendar) -> list[Term]:
    """What the parents owe while nothing is declared, else what the birth centre owes."""
    if days.declared is not None:
        end = calendar.end(days.declared, clock.transmit, days.centre)
        return [Term("transmit", end)]
    centre = calendar.end(days.born, clock.parents_centre, days.centre)
    return [
        Term("declare at the birth centre", centre),
        Term("declare at the Comune", last_day(clock, days, calendar)),
    ]


def last_day(clock: Clock, days: Days, calendar: Calendar) -> date:
    """The last day for a declaration that needs no reasons for its delay."""
    return calendar.end(days.born, clock.parents_comune, days.comune)

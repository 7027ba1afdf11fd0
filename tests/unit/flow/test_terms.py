"""Until when a birth must be declared, and then transmitted."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gateway.flow.calendar import Calendar
from gateway.flow.definition import Clock
from gateway.flow.terms import Days, Term, last_day, terms
from tests.births import flow_of

CLOCK = Clock(
    parents_centre=timedelta(days=3), parents_comune=timedelta(days=10), transmit=timedelta(days=10)
)
MILANO, BERGAMO = "015146", "016024"
CALENDAR = Calendar({MILANO: (12, 7), BERGAMO: (8, 26)})


def test_the_shipped_flow_has_the_terms_of_the_law():
    """Three days at the birth centre or ten at the Comune, then ten to transmit."""
    shipped = flow_of().case.clock
    assert shipped is not None
    assert shipped.model_dump(include={"parents_centre", "parents_comune", "transmit", "warn"}) == (
        CLOCK.model_dump(include={"parents_centre", "parents_comune", "transmit", "warn"})
    )


def test_the_day_of_birth_does_not_count():
    """Born on Monday 2 March: Thursday at the birth centre, Thursday of next week at the Comune."""
    assert terms(CLOCK, Days(date(2026, 3, 2)), CALENDAR) == [
        Term("declare at the birth centre", date(2026, 3, 5)),
        Term("declare at the Comune", date(2026, 3, 12)),
    ]


def test_a_declared_birth_is_to_be_transmitted():
    """The parents owe nothing more; the days count from the declaration, not from the birth."""
    declared = terms(CLOCK, Days(date(2026, 3, 2), date(2026, 3, 4)), CALENDAR)
    assert declared == [Term("transmit", date(2026, 3, 14))]


@pytest.mark.parametrize(
    ("born", "ends_on"),
    [
        (date(2026, 3, 5), date(2026, 3, 9)),  # Sunday 8 March
        (date(2026, 3, 4), date(2026, 3, 7)),  # a Saturday is a working day
        (date(2026, 12, 22), date(2026, 12, 28)),  # Christmas, Santo Stefano, a Sunday
        (date(2026, 4, 2), date(2026, 4, 7)),  # Easter and its Monday
    ],
)
def test_a_holiday_on_the_last_day_moves_it(born: date, ends_on: date):
    """Sundays and national holidays move the end to the next working day, one after another."""
    assert terms(CLOCK, Days(born), CALENDAR)[0].ends_on == ends_on


def test_the_patron_saint_of_the_comune_concerned_moves_it():
    """Sant'Ambrogio for what is owed in Milano, then the Immacolata; elsewhere it is a Monday."""
    born = date(2026, 12, 4)
    in_milano, in_bergamo = (Days(born, None, centre, MILANO) for centre in (MILANO, BERGAMO))
    assert terms(CLOCK, in_milano, CALENDAR)[0].ends_on == date(2026, 12, 9)
    assert terms(CLOCK, in_bergamo, CALENDAR)[0].ends_on == date(2026, 12, 7)


def test_parents_have_the_calendar_of_the_comune_they_go_to():
    """The competent Comune's patron saint counts for its own term, not the birth centre's."""
    days = Days(date(2026, 8, 16), None, MILANO, BERGAMO)
    centre, comune = terms(CLOCK, days, CALENDAR)
    assert centre.ends_on == date(2026, 8, 19)
    assert comune.ends_on == last_day(CLOCK, days, CALENDAR) == date(2026, 8, 27)

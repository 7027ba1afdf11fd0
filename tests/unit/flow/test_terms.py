"""Until when a birth must be declared, and then transmitted."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gateway.flow.definition import Clock
from gateway.flow.terms import Term, terms
from tests.births import flow_of

CLOCK = Clock(
    parents_centre=timedelta(days=3), parents_comune=timedelta(days=10), transmit=timedelta(days=10)
)


def test_the_shipped_flow_has_the_terms_of_the_law():
    """Three days at the birth centre or ten at the Comune, then ten to transmit."""
    assert flow_of().case.clock == CLOCK


def test_the_day_of_birth_does_not_count():
    """Born on Monday 2 March: Thursday at the birth centre, Thursday of next week at the Comune."""
    assert terms(CLOCK, date(2026, 3, 2), None) == [
        Term("declare at the birth centre", date(2026, 3, 5)),
        Term("declare at the Comune", date(2026, 3, 12)),
    ]


def test_a_declared_birth_is_to_be_transmitted():
    """The parents owe nothing more; the days count from the declaration, not from the birth."""
    declared = terms(CLOCK, date(2026, 3, 2), date(2026, 3, 4))
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
    assert terms(CLOCK, born, None)[0].ends_on == ends_on

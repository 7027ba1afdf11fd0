"""How partners.yaml says when an office may be called, and what it is told where it cannot be."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.hours import FreeDay, Hours, MaintenanceSettings, opening
from gateway.opening import EVERY_HOUR, ROME

HOURS: TypeAdapter[Any] = TypeAdapter(Hours)
FREE: TypeAdapter[Any] = TypeAdapter(FreeDay)


def test_days_and_hours() -> None:
    """A day, or from one to another; several times a day; days of which nothing is said: shut."""
    week = HOURS.validate_python({"mon-wed": "08:00-14:00, 15:00-17:30", "sat": "00:00-24:00"})
    worked = ((480, 840), (900, 1050))
    assert week == (worked, worked, worked, (), (), ((0, 1440),), ())


@pytest.mark.parametrize(
    "said",
    [
        "always", {}, {"lun": "08:00-14:00"}, {"fri-mon": "08:00-14:00"}, {"mon": "8-14"},
        {"mon": "14:00-08:00"}, {"mon": "08:00-24:01"}, {"mon": "08:00-10:00, 09:00-11:00"},
        {"mon-wed": "08:00-10:00", "tue": "08:00-10:00"}, {"mon": ""}, {"mon": "08:60-10:00"},
        {"mon": "29:00-30:00"},
    ],
)  # fmt: skip
def test_what_is_no_week_is_refused(said: object) -> None:
    """Nothing is guessed: an office called by night would answer nobody."""
    with pytest.raises(ValidationError):
        HOURS.validate_python(said)


@pytest.mark.parametrize("said", ["feste", "13-07", "2026-02-30", "7-12", "02-30"])
def test_what_is_no_day_is_refused(said: str) -> None:
    """The word of the national holidays, a day of every year, or one day."""
    with pytest.raises(ValidationError, match="'holidays', a day such as"):
        FREE.validate_python(said)


@pytest.mark.parametrize("said", ["holidays", "12-07", "02-29", "2026-12-24"])
def test_days_keep_their_spelling(said: str) -> None:
    """As the file has them."""
    assert FREE.validate_python(said) == said


def test_an_entry_says_one_opening() -> None:
    """Hours, free days of three kinds and maintenance in local time."""
    down = MaintenanceSettings.model_validate(
        {"start": "2026-12-05 22:00", "end": "2026-12-06 04:00"}
    )
    made = opening(EVERY_HOUR, ("holidays", "12-07", "2026-12-24"), (down,))
    assert (made.holidays, made.yearly) == (True, frozenset({(12, 7)}))
    assert [day.isoformat() for day in made.days] == ["2026-12-24"]
    assert made.maintenance[0].start == datetime(2026, 12, 5, 22, tzinfo=ROME)
    with pytest.raises(ValidationError, match="ends before it starts"):
        MaintenanceSettings.model_validate({"start": "2026-12-05 22:00", "end": "2026-12-05 21:00"})

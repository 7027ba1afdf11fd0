"""Values in and out of text."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.kinds import Kind, fits, from_text, typed, written, written_in_hl7
from gateway.mapping.problem import Fault


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Kind.INTEGER, " 7 ", 7),
        (Kind.NUMBER, "3.50", Decimal("3.50")),
        (Kind.DATE, "2026-03-02+01:00", date(2026, 3, 2)),
        (Kind.DATETIME, "2026-03-02T10:00:00Z", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        (Kind.TIME, "10:15:00", time(10, 15)),
        (Kind.BOOLEAN, "1", True),
        (Kind.BOOLEAN, "false", False),
        (Kind.TEXT, "x", "x"),
    ],
)
def test_the_lexical_forms_of_xml_schema_are_read(kind: Kind, text: str, value: object) -> None:
    """As answers and stored facts write them."""
    assert from_text(text, kind) == value


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.TEXT, Kind.UNKNOWN}))
@given(text=st.text(max_size=80))
def test_any_other_text_is_a_fault_without_the_text(kind: Kind, text: str) -> None:
    """A fact that is not of its kind is told, never shown, and never another exception."""
    reason = None
    try:
        from_text(text, kind)
    except Fault as fault:
        reason = fault.reason
    assert reason in (None, f"is no {kind}")


@pytest.mark.parametrize(
    ("value", "kind", "gives"),
    [
        (None, Kind.TEXT, None),
        ("", Kind.DATE, None),
        (7, Kind.TEXT, "7"),
        ("7", Kind.INTEGER, 7),
        (7, Kind.NUMBER, Decimal(7)),
        (date(2026, 3, 2), Kind.DATE, date(2026, 3, 2)),
        (True, Kind.BOOLEAN, True),
    ],
)
def test_facts_take_their_declared_kind(value: object, kind: Kind, gives: object) -> None:
    """Stored facts are text; those of the flow may be values already."""
    assert typed(value, kind) == gives


@pytest.mark.parametrize("text", ["1E+999999", "NaN", "Infinity", "-1E-999999", "9" * 65])
def test_a_number_is_never_longer_than_its_text(text: str) -> None:
    """An exponent would make a short text a number of a million digits."""
    with pytest.raises(Fault):
        from_text(text, Kind.NUMBER)


def test_a_fact_of_another_kind_is_a_fault() -> None:
    """A number where a day is declared is nobody's guess."""
    with pytest.raises(Fault):
        typed(7, Kind.DATE)


@pytest.mark.parametrize(
    ("value", "xml", "hl7"),
    [
        ("x", "x", "x"),
        (True, "true", "Y"),
        (False, "false", "N"),
        (date(2026, 3, 2), "2026-03-02", "20260302"),
        (time(10, 15), "10:15:00", "101500"),
        (datetime(2026, 3, 2, 10, tzinfo=UTC), "2026-03-02T10:00:00+00:00", "20260302100000+0000"),
        (Decimal("1E+3"), "1000", "1000"),
        (7, "7", "7"),
    ],
)
def test_values_are_written_as_each_end_writes_them(value: object, xml: str, hl7: str) -> None:
    """XML Schema's forms and HL7's."""
    assert written(value) == xml
    assert written_in_hl7(value) == hl7


def test_whole_numbers_fit_where_numbers_are_asked_for() -> None:
    """And not the reverse."""
    assert fits(Kind.INTEGER, Kind.NUMBER)
    assert not fits(Kind.NUMBER, Kind.INTEGER)

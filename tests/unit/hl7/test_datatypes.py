"""Primitive data types: what is a date, a number, a sequence number."""

from __future__ import annotations

import pytest

from gateway.hl7.datatypes import fault


@pytest.mark.parametrize(
    ("datatype", "good", "bad"),
    [
        ("DT", ["2026", "20260302", " 20260302 "], ["2026030210", "20260230", "x", ""]),
        ("TS", ["202603021004+0100", "202603290230"], ["2026-03-02", "20260302x"]),
        ("DTM", ["20260302100400.1234"], ["202613"]),
        ("TM", ["10", "1004", "100405.1+0100"], ["24", "10:04", "1"]),
        ("NM", ["3250", "-1.5", "+.5", "1."], ["3,2", "1e3", ".", "²"]),
        ("SI", ["1", "0001"], ["1.0", "-1", "A"]),
        ("ST", ["anything"], []),
    ],
)
def test_values_of_primitive_types(datatype: str, good: list[str], bad: list[str]) -> None:
    """What the type allows passes; what it does not is named without its value."""
    assert [fault(datatype, text) for text in good] == [None] * len(good)
    for text in bad:
        reason = fault(datatype, text)
        assert reason
        assert len(text) < 2 or text not in reason

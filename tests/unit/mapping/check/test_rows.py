"""Codes that may come, and the rows that wait for them."""

from __future__ import annotations

from gateway.mapping.check.rows import without_row
from gateway.mapping.document import TableUse
from gateway.mapping.domain import Domain
from gateway.mapping.finding import Findings, Position
from gateway.mapping.tables import CodeTable, read_sheet


def table(missing: str = "error") -> CodeTable:
    use = TableUse("t.csv", "k", Position("m.yaml", 1), missing=missing)
    return CodeTable("t", use, read_sheet(b"k,v\nA,1\nB,2\n", "t.csv"), Findings())


def codes(*values: str) -> Domain:
    return Domain(dict.fromkeys(values, ""), path="PID-8")


def test_a_code_of_a_closed_list_needs_a_row() -> None:
    """Where it would be an error of the message."""
    assert without_row(codes("A", "C"), table()) == "C of PID-8 may come and table t has no row"
    assert without_row(codes("A", "B"), table()) is None
    assert without_row(codes("A", "C"), table("absent")) is None


def test_of_an_open_list_nothing_is_said() -> None:
    """Nobody knows what may come; nor is an absent code one."""
    assert without_row(Domain(path="PID-8"), table()) is None
    assert without_row(codes(""), table()) is None


def test_many_have_an_end() -> None:
    """Eight are shown."""
    reason = without_row(codes(*map(str, range(12))), table())
    assert reason is not None
    assert "and 4 more" in reason

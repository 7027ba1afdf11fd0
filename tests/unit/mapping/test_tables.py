"""Code tables: limits, keys, validity."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.mapping import tables
from gateway.mapping.document import TableUse
from gateway.mapping.finding import Findings, Position
from gateway.mapping.problem import Fault
from gateway.mapping.tables import BadSheet, CodeTable, read_sheet

HERE = Position("m.yaml", 1)
PERIODS = b"k,v,dal,al\n1,old,1950-01-01,2000-12-31\n1,new,2001-01-01,\n2,,,\n"


def table(content: bytes, use: TableUse) -> tuple[CodeTable, list[str]]:
    findings = Findings()
    made = CodeTable("t", use, read_sheet(content, "t.csv"), findings)
    return made, [str(finding) for finding in findings.all]


def use(**more: object) -> TableUse:
    return TableUse(**{"file": "t.csv", "key": "k", "position": HERE, **more})  # type: ignore[arg-type]  # a test's shorthand


def test_the_row_of_the_day_is_read() -> None:
    """With days of validity, both ends included; without a day, the row valid the longest."""
    made, told = table(PERIODS, use(valid=("dal", "al")))
    assert told == []
    assert made.look_up("1", 1, date(2000, 12, 31)) == "old"
    assert made.look_up("1", 1, date(2001, 1, 1)) == "new"
    assert made.look_up("1", 1, None) == "new"
    assert made.look_up("2", 1, date(1900, 1, 1)) is None


def test_tables_of_one_sheet_give_the_same_column() -> None:
    """The checker remembers which columns a type takes; each compilation makes tables anew."""
    sheet = read_sheet(PERIODS, "t.csv")
    one, other = (CodeTable("t", use(), sheet, Findings()) for _ in range(2))
    assert one.cells(1) is other.cells(1)
    assert one.has_gaps(1)
    assert not one.has_gaps(0)


def test_a_missing_code_is_what_the_mapping_says() -> None:
    """Error, absent, the code itself, or a default."""
    with pytest.raises(Fault, match=r"no row for this code$"):
        table(b"k,v\n1,a\n", use())[0].look_up("9", 1, None)
    assert table(b"k,v\n1,a\n", use(missing="absent"))[0].look_up("9", 1, None) is None
    assert table(b"k,v\n1,a\n", use(missing="keep"))[0].look_up("9", 1, None) == "9"
    made, _ = table(b"k,v\n1,a\n", use(missing="default", default="z"))
    assert made.look_up("9", 1, None) == "z"


@pytest.mark.parametrize(
    ("content", "more", "code"),
    [
        (b"k,v\n1,a\n1,b\n", {}, "T03"),
        (b"k,v\n1,a\n,b\n", {}, "T01"),
        (b"k,dal,al\n1,,\n1,,\n", {"valid": ("dal", "al")}, "T03"),
        (b"k,dal,al\n1,2000-01-01,2001-01-01\n1,2001-01-01,\n", {"valid": ("dal", "al")}, "T06"),
        (b"k,dal,al\n1,ieri,\n", {"valid": ("dal", "al")}, "T01"),
        (b"k,dal,al\n1,20010101,\n", {"valid": ("dal", "al")}, "T01"),
        (b"k,dal,al\n1,2001-01-01,2000-01-01\n", {"valid": ("dal", "al")}, "T01"),
        (b"k,v\n", {"key": "kk"}, "T02"),
        (b"k,v\n", {"valid": ("dal", "al")}, "T02"),
    ],
)
def test_a_bad_table_is_a_finding(content: bytes, more: dict[str, object], code: str) -> None:
    """Duplicate keys, overlapping validity, days that are none, columns that are not there."""
    _, told = table(content, use(**more))
    assert told
    assert all(f" {code} " in finding for finding in told)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "header"),
        (b"a,a\n", "header"),
        (b"a,b\n1\n", "line 2 has 1 cells"),
        (b"a\n\xff", "line 2 is not UTF-8"),
        (b'a,b\n"1\n', "line 2 is no CSV"),
    ],
)
def test_what_is_no_csv_is_refused(content: bytes, reason: str) -> None:
    """The reason names the line, not its cells."""
    with pytest.raises(BadSheet, match=reason):
        read_sheet(content, "t.csv")


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and bytes are bounded before anything is kept."""
    monkeypatch.setattr(tables, "ROWS", 2)
    with pytest.raises(BadSheet, match="more than 2 rows"):
        read_sheet(b"k\n1\n2\n3\n", "t.csv")
    monkeypatch.setattr(tables, "BYTES", 4)
    with pytest.raises(BadSheet, match="larger"):
        read_sheet(b"k\n1\n2\n", "t.csv")


def test_blank_lines_and_a_byte_order_mark_are_taken() -> None:
    """As spreadsheets write them."""
    sheet = read_sheet(b"\xef\xbb\xbfk,v\n\n1,a\n", "t.csv")
    assert sheet.columns == ("k", "v")
    assert sheet.rows == (("1", "a"),)


def test_a_cell_is_told_with_its_line() -> None:
    """Of a text that stands twice the first; blank lines count, empty cells say nothing."""
    made, _ = table(b"k,v\n1,a\n\n2,b\n3,a\n4,\n", use())
    assert made.cells(1) == {"a": "t.csv:2", "b": "t.csv:4"}
    assert made.has("4")
    assert not made.has("9")


def test_a_mistake_on_many_lines_is_told_once() -> None:
    """The first line is named, the others are counted."""
    _, told = table(b"k\n1\n1\n2\n2\n", use())
    assert told == [
        "m.yaml:1:1: error T03 t.csv: the key of line 2 stands again on line 3 (and 1 more)"
    ]


def test_mistakes_stand_where_the_mapping_names_the_column() -> None:
    """`file:`, `key:` and `valid:` have places of their own."""
    places = {"key": Position("m.yaml", 2, 7), "valid": Position("m.yaml", 3, 9)}
    _, told = table(b"k\n", use(key="kk", valid=("dal", "al"), places=places))
    assert [finding.split(": ")[0] for finding in told] == ["m.yaml:2:7", *["m.yaml:3:9"] * 2]

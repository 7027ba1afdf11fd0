"""Which texts a type takes, asked one by one and many at a time."""

from __future__ import annotations

import pytest

from gateway.mapping.check.simple_type import FACTS, FEW, KEPT, SimpleType, one_of
from gateway.mapping.kinds import Kind


def short(asked: list[str] | None = None) -> SimpleType:
    """Takes texts of at most two characters."""

    def refuse(text: str) -> str | None:
        if asked is not None:
            asked.append(text)
        return "is long" if len(text) > 2 else None

    return SimpleType("Corto", frozenset({Kind.TEXT}), refuse)


def test_the_first_that_is_refused_is_told_and_the_others_counted() -> None:
    """With the place where it is written."""
    refused = short().refuses_any({"a": "t.csv:2", "abc": "t.csv:3", "abcd": "t.csv:4"})
    assert refused == ("abc", "t.csv:3", "is long", 1)
    assert short().refuses_any({"a": ""}) is None


def test_what_was_taken_is_not_asked_again() -> None:
    """A column stands behind many leaves."""
    asked: list[str] = []
    kind = short(asked)
    column = {chr(0x4E00 + number): "" for number in range(FEW + 1)}
    for _ in range(3):
        assert kind.refuses_any(column) is None
    assert asked == list(column)


def test_only_the_last_columns_are_remembered() -> None:
    """A language server holds new ones against the same type all day."""
    asked: list[str] = []
    kind = short(asked)
    columns = [{chr(0x4E00 + number): "" for number in range(FEW + 1)} for _ in range(KEPT + 1)]
    for column in columns:
        kind.refuses_any(column)
    asked.clear()
    kind.refuses_any(columns[-1])
    assert asked == []
    kind.refuses_any(columns[0])
    assert asked == list(columns[0])


def test_all_are_refused_or_one_is_taken() -> None:
    """Of nothing nothing is said."""
    assert short().refuses_all(["abc", "abcd"]) == "is long"
    assert short().refuses_all(["abc", "a"]) is None
    assert short().refuses_all([]) is None


def test_a_fixed_value_is_the_only_one() -> None:
    """Whatever else the type takes."""
    fixed = short().but_only("a")
    assert fixed.refuses("a") is None
    assert fixed.refuses("b") == "the schema says it is always a"
    assert fixed.values == ("a",)


def test_a_union_is_written_as_text() -> None:
    """Its members decide in the document."""
    union = SimpleType("", frozenset({Kind.DATE, Kind.TEXT}), lambda text: None)
    assert union.kind is Kind.TEXT


@pytest.mark.parametrize(
    ("declared", "good", "bad"),
    [
        ("date", "2026-03-02", "ieri"),
        ("integer", "7", "7.5"),
        ("boolean", "true", "Y"),
        ("cf", "RSSMRA85T10A562S", "RSSMRA85T10A562X"),
        ("dateTime", "2026-03-02T10:00:00+01:00", "ieri"),
        ("number", "3.5", "x"),
    ],
)
def test_the_types_of_facts(declared: str, good: str, bad: str) -> None:
    """As stored: in the lexical form of XML Schema."""
    assert FACTS[declared].refuses(good) is None
    assert FACTS[declared].refuses(bad)


def test_a_long_enumeration_has_an_end() -> None:
    """Eight are shown."""
    assert one_of("ABC") == "is none of A, B, C"
    assert one_of(map(str, range(10))) == "is none of 0, 1, 2, 3, 4, 5, 6, 7 and 2 more"

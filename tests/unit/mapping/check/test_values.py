"""Values against simple types: known ones one by one, others by what they look like."""

from __future__ import annotations

import pytest

from gateway.mapping.check.simple_type import SimpleType, one_of
from gateway.mapping.check.values import check_value
from gateway.mapping.domain import Domain
from gateway.mapping.finding import Findings, Position
from gateway.mapping.kinds import Kind, from_text
from gateway.mapping.meaning import Value, constant
from gateway.mapping.problem import Fault

HERE = Position("m.yaml", 7, 11)


def typed(*kinds: Kind) -> SimpleType:
    """Takes what reads as one of the kinds."""

    def refuse(text: str) -> str | None:
        return None if any(_reads(text, kind) for kind in kinds) else "is none"

    return SimpleType("", frozenset(kinds), refuse)


def _reads(text: str, kind: Kind) -> bool:
    try:
        from_text(text, kind)
    except Fault:
        return False
    return len(text) == 10 if kind is Kind.DATE else True


def codes(*values: str) -> SimpleType:
    def refuse(text: str) -> str | None:
        return None if text in values else one_of(values)

    return SimpleType("Codice", frozenset({Kind.TEXT}), refuse, values)


def value(kind: Kind, **domain: object) -> Value:
    return Value(lambda run: None, kind, domain=Domain(**domain))  # type: ignore[arg-type]  # a test's shorthand


def told(given: Value, wanted: SimpleType) -> list[str]:
    findings = Findings()
    check_value(given, wanted, "x", HERE, findings)
    return [str(finding).removeprefix("m.yaml:7:11: ") for finding in findings.all]


@pytest.mark.parametrize(
    ("kind", "wanted", "fine"),
    [
        (Kind.DATE, typed(Kind.DATE), True),
        (Kind.DATETIME, typed(Kind.DATE), False),
        (Kind.DATE, typed(Kind.DATETIME), False),
        (Kind.INTEGER, typed(Kind.NUMBER), True),
        (Kind.NUMBER, typed(Kind.INTEGER), True),
        (Kind.BOOLEAN, typed(Kind.INTEGER), False),
        (Kind.DATE, typed(Kind.DATE, Kind.TEXT), True),
        (Kind.BOOLEAN, codes("S", "N"), False),
        (Kind.BOOLEAN, codes("true", "false"), True),
        (Kind.INTEGER, codes("A", "B"), False),
        (Kind.INTEGER, codes("A", "123456"), True),
        (Kind.DATE, codes("01/02/2026"), False),
        (Kind.TEXT, codes("A"), True),
        (Kind.UNKNOWN, typed(Kind.DATE), True),
    ],
)
def test_a_kind_goes_where_some_value_of_it_would_be_taken(
    kind: Kind, wanted: SimpleType, fine: bool
) -> None:
    """Of a text that nobody knows nothing is said where texts are wanted."""
    assert (told(value(kind), wanted) == []) == fine


def test_a_time_stamp_is_no_day() -> None:
    """It is never written as XML Schema writes one, so this is an error."""
    given = value(Kind.TEXT, path="PID-7", datatype="TS")
    assert told(given, typed(Kind.DATE)) == [
        "error X05 PID-7 (TS) is written as 20260302 is, where x wants a date;"
        " convert it with `date`"
    ]


def test_a_text_may_be_a_number_and_is_doubtful() -> None:
    """It may be well written; converting says so."""
    given = value(Kind.TEXT, path="PID-25", datatype="NM")
    assert told(given, typed(Kind.INTEGER)) == [
        "warning X05 PID-25 (NM) as it stands, where x wants an integer; convert it with `integer`"
    ]


def test_known_values_are_judged_instead_of_their_kind() -> None:
    """A column of numbers goes into a number."""
    assert told(value(Kind.TEXT, values={"1": "", "2": ""}), typed(Kind.INTEGER)) == []
    assert told(value(Kind.TEXT, values={"1": "", "x": "t.csv:3"}), typed(Kind.INTEGER)) == [
        "error X06 'x' (t.csv:3) is none: x refuses it"
    ]


def test_what_is_never_written_is_not_judged() -> None:
    """An empty text is absent, and so is a constant that is nothing."""
    assert told(value(Kind.TEXT, values={"": ""}), codes("A")) == []
    assert told(constant(None, Kind.TEXT), codes("A")) == []


def test_a_constant_is_judged_as_it_is_written() -> None:
    """The type is named, and others like it are counted."""
    assert told(constant(11, Kind.INTEGER), codes("1")) == [
        "error X06 '11' is none of 1: Codice of x refuses it"
    ]
    assert told(value(Kind.TEXT, values={"B": "t:2", "C": "t:3"}), codes("A"))[0].endswith(
        "; 1 more like it"
    )


def test_a_code_as_it_stands_is_doubtful_where_others_are_wanted() -> None:
    """Of a text that no message field gives, nobody knows whether it is such a code."""
    given = value(Kind.TEXT, path="PID-8", datatype="IS")
    assert told(given, codes("A", "B")) == [
        "warning X05 PID-8 (IS) as it stands, where x wants one of A, B; look it up in a table"
    ]
    assert told(value(Kind.TEXT), codes("A", "B")) == []

"""Expression texts: what binds to what, and that no text breaks the parser."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mapping.syntax import (
    DEPTH,
    LENGTH,
    Call,
    Comparison,
    Fallback,
    Field,
    Logic,
    Membership,
    Name,
    Not,
    Number,
    Part,
    Select,
    Text,
    Truth,
    Unreadable,
    Walk,
    parse_expression,
    parsed,
)

PIECES = st.sampled_from(
    [
        *("PID-3", "[1]", "[*]", "[5 == 'CF']", ".1", ".4.1", "madre", "-2", "/", "@x", "a.b"),
        *(" and ", " or ", "not ", " in ", "('a', 'b')", " ?? ", " == ", " < ", "'x'", "3.1"),
        *("(", ")", " | ", "upper", "f(", ",", "true", "false", " ", "'", "€", "[", "]"),
    ]
)


def column_of_mistake(text: str) -> int:
    """Where the parser stops; 0 if it does not."""
    try:
        parse_expression(text)
    except Unreadable as error:
        return error.column
    return 0


def test_a_path_is_head_and_steps() -> None:
    """`NK1[3.1 == 'MTH']-2[1].1.1` is a segment, a choice, a field, a choice and a part."""
    tree = parse_expression("NK1[3.1 == 'MTH']-2[1].1.1")
    selector = Select(Comparison(Number("3.1", 0), "==", Text("MTH", 0), 0), 0)
    steps = (selector, Field(2, 0), Select(Number("1", 0), 0), Part(1, 1, 0))
    assert tree == Walk(Name("NK1", 0), steps)


def test_fallback_binds_before_comparison_before_logic_before_pipe() -> None:
    """The order of the grammar: `??`, comparison, not, and, or, pipe."""
    tree = parse_expression("a ?? b == 'x' and not c or d | upper")
    compared = Comparison(Fallback((Name("a", 0), Name("b", 0)), 0), "==", Text("x", 0), 0)
    both = Logic("and", (compared, Not(Name("c", 0), 0)), 0)
    assert tree == Call("upper", (Logic("or", (both, Name("d", 0)), 0),), 0)


def test_a_stage_of_a_pipe_takes_what_stands_before_it_first() -> None:
    """`a | left(3)` is `left(a, 3)`."""
    assert parse_expression("a | left(3)") == parse_expression("left(a, 3)")


def test_membership_takes_a_list() -> None:
    """`in` stands before values in brackets."""
    choices = (Text("a", 0), Text("b", 0))
    assert parse_expression("x in ('a', 'b')") == Membership(Name("x", 0), choices, 0)


def test_keywords_are_no_part_of_names() -> None:
    """`order` is a name, `or` is none; true and false are values."""
    assert parse_expression("order") == Name("order", 0)
    assert parse_expression("true") == Truth(True, 0)


def test_a_quote_in_a_text_is_written_twice() -> None:
    """`'D''Angelo'` is D'Angelo."""
    assert parse_expression("'D''Angelo'") == Text("D'Angelo", 0)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("PID-3 ==", 8),
        ("a b", 2),
        ("PID-3 == 'a", 9),
        ("PID-3[1", 7),
        ("a | 'x'", 4),
        ("PID-5.1.1.1", 5),
        ("a = b", 2),
        ("1 +1", 2),
        ("a.__class__()", 11),
    ],
)
def test_a_mistake_is_told_at_its_column(text: str, column: int) -> None:
    """What cannot be read names the column."""
    with pytest.raises(Unreadable) as raised:
        parse_expression(text)
    assert raised.value.column == column


@pytest.mark.parametrize(
    "text",
    [
        *("", "   ", "a" * (LENGTH + 1), "(" * (DEPTH + 1) + "a" + ")" * (DEPTH + 1)),
        *("not " * (DEPTH + 1) + "a", "a" + " | upper" * (DEPTH + 1), "a[" * 500),
    ],
)
def test_what_is_empty_long_or_deep_is_refused(text: str) -> None:
    """The parser's recursion is bounded before it starts."""
    with pytest.raises(Unreadable):
        parse_expression(text)


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=24).map("".join))
def test_pieces_of_expressions_never_break_the_parser(text: str) -> None:
    """Any sequence of tokens is a tree or an Unreadable whose column is in the text."""
    assert 0 <= column_of_mistake(text) <= len(text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    """The same for any text at all."""
    assert 0 <= column_of_mistake(text) <= len(text)


def test_what_cannot_be_read_has_no_tree():
    """Who only looks at an expression takes none for one that is wrong: it is told elsewhere."""
    assert parsed("PID-5.1") == parse_expression("PID-5.1")
    assert parsed("PID-5.1 ==") is None

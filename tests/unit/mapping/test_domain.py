"""What values can be: unions, functions, truth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping import text_functions, time_functions
from gateway.mapping.domain import (
    ANY,
    MOST,
    PRESENT,
    Domain,
    Doubt,
    Mapped,
    combined,
    first_of,
    mapped,
    negated,
    only,
)
from gateway.mapping.finding import Position
from gateway.mapping.functions import FUNCTIONS
from gateway.mapping.problem import Fault

CODE = Domain(table="0001", path="PID-8", optional=True)
DOUBT = Doubt(Position("m.yaml", 3, 4), "PID-30", reads=False)


def test_a_constant_is_one_value_and_always_there() -> None:
    """And absent, as a constant, is no value at all."""
    assert only(7).values == {"7": ""}
    assert only(True).always(True)
    assert not only(True).always(False)
    assert only(None).values == {}
    assert not only(None).present


def test_of_several_choices_all_values_may_come_up_to_the_one_that_is_always_there() -> None:
    """What stands after it is never read."""
    both = first_of([Domain(values={"a": "t:1"}), only("b"), only("c")])
    assert both.values == {"a": "t:1", "b": ""}
    assert both.present
    assert first_of([Domain(values={"a": ""}), ANY]).values is None


def test_a_default_beside_a_code_keeps_the_table() -> None:
    """The codes are still those of the table, and the default beside them."""
    found = first_of([CODE, only("?")])
    assert (found.table, found.besides, found.optional) == ("0001", frozenset({"?"}), False)
    assert first_of([CODE, Domain(table="0002")]).table == ""
    assert first_of([found, CODE]).besides == {"?"}


def test_a_function_maps_every_value_and_forgets_what_it_was() -> None:
    """Values stay where they are written; a refusal is an error of the message, and never comes."""

    def shout(text: str) -> str | None:
        if text == "bad":
            raise Fault("is bad")
        return text.upper() if text else None

    given_ = Domain(values={"a": "t:1", "": "t:2", "bad": "t:3"}, present=True, table="0001")
    found = mapped(given_, Mapped(shout, total=False, settles=True))
    assert found.values == {"A": "t:1"}
    assert not found.present
    assert not found.table
    assert found.form is not None
    assert found.form("bad") is None


def test_of_too_many_values_nothing_is_said() -> None:
    """A table of a hundred thousand rows is not gone through for each function."""
    many = Domain(values={str(n): "" for n in range(MOST + 1)}, present=True)
    found = mapped(many, Mapped(str.upper, total=True, settles=True))
    assert found.values is None
    assert found.present


def test_not_turns_truth_and_doubt_around() -> None:
    """What a reader would say of an absent field is said of the opposite."""
    assert negated(only(True)).always(False)
    assert negated(Domain(doubts=(DOUBT,))).doubts[0].reads


@pytest.mark.parametrize(
    ("operator", "domains", "always"),
    [
        ("or", (ANY, only(True)), True),
        ("and", (ANY, only(False)), False),
        ("or", (only(False), only(False)), False),
        ("and", (only(True), only(True)), True),
        ("and", (ANY, only(True)), None),
        ("and", (ANY, only(False).from_outside()), None),
    ],
)
def test_one_side_may_decide(
    operator: str, domains: tuple[Domain, ...], always: bool | None
) -> None:
    """But not a side that another caller gives otherwise."""
    found = combined(operator, domains)
    assert [found.always(True), found.always(False)] == [always is True, always is False]


def test_all_doubts_of_a_condition_are_kept() -> None:
    """Who uses it says whether they matter."""
    assert combined("and", [Domain(doubts=(DOUBT,)), PRESENT]).doubts == (DOUBT,)
    assert first_of([Domain(doubts=(DOUBT,)), only(False)]).doubts == ()


LISTS = (text_functions, time_functions)
"""Importing them enters their functions."""

SETTLING = sorted(name for name, function in FUNCTIONS.items() if function.settles)


@pytest.mark.parametrize("name", SETTLING)
@given(text=st.text(max_size=20), number=st.integers(1, 5))
def test_what_settles_changes_nothing_the_second_time(name: str, text: str, number: int) -> None:
    """Else `(a | upper) == 'X'` could be true where the checker says never."""
    function = FUNCTIONS[name]
    rest = {"left": [number], "right": [number], "words": [number], "pad": [number]}
    form = function.with_rest(rest.get(name, [","] if name == "before" else []))
    try:
        once = form.apply(text)
    except Fault:
        return
    assert once is None or form.apply(str(once)) == once

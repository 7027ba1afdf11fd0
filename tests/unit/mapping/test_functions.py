"""Every function does what its examples say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import TranslationError
from gateway.mapping import calls
from gateway.mapping.functions import FUNCTIONS
from gateway.mapping.kinds import written

assert calls  # importing it enters the functions
EXAMPLES = [
    (text, gives) for function in FUNCTIONS.values() for text, gives in function.examples.items()
]
DOCUMENTED = {
    *("upper", "lower", "trim", "join", "words", "before", "left", "right", "pad"),
    *("date", "datetime", "time", "year", "age_on", "integer", "number", "round", "grams", "cm"),
    *("cf", "cf_compute", "cf_place", "matches", "anpr_name"),
}


@pytest.mark.parametrize(("text", "gives"), EXAMPLES)
def test_examples_hold(ask: Callable[..., Any], text: str, gives: str) -> None:
    """What a function's docstring shows is what it gives."""
    try:
        value = ask(text)
    except TranslationError:
        assert gives == "error"
    else:
        assert gives == ("absent" if value is None else written(value))


def test_the_list_is_closed() -> None:
    """A new function is reviewed, so it is named here too."""
    assert set(FUNCTIONS) == DOCUMENTED


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_each_function_explains_itself(function: Any) -> None:
    """A sentence, examples and a signature."""
    assert function.sentence.endswith(".")
    assert function.examples
    assert function.signature.startswith(f"{function.name}(")


@pytest.mark.parametrize(
    ("text", "gives"),
    [
        ("PID-5.9 | upper", None),
        ("age_on(PID-7 | date, '20260303' | date)", 0),
        ("'20260302' | date | date", "2026-03-02"),
        ("'202603020810' | datetime('UTC') | date", "2026-03-02"),
        ("'202603020810' | datetime('UTC') | time", "08:10:00"),
        ("'202603020810' | datetime('UTC') | datetime('Europe/Rome')", "2026-03-02T08:10:00+00:00"),
        ("cm('1.5', PID-5.9)", "error"),
        ("grams('1.5', 'KG') | number", "1500"),
        ("round('2' | integer)", "2"),
        ("pad('1', 3, '')", "001"),
        ("'x' | left(0)", None),
        ("'BABY' | matches('placeholder_name')", "true"),
        ("join(PID-5.9)", None),
        ("count('x')", "1"),
        ("count(PID-5.9)", "0"),
        ("count(PID-5.9 | upper)", "0"),
        ("exists(PID-5)", "true"),
        ("exists(PID-6)", "false"),
        ("exists(PID)", "true"),
        ("exists(PID-3[*].1)", "true"),
    ],
)
def test_what_examples_do_not_show(ask: Callable[..., Any], text: str, gives: Any) -> None:
    """Absent goes through; kinds that are already right stay."""
    try:
        value = ask(text, "PID|1||A~B||ROSSI^Anna||20260302")
    except TranslationError:
        assert gives == "error"
    else:
        assert (None if value is None else written(value)) == (
            None if gives is None else str(gives)
        )

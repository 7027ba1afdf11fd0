"""Expressions in words."""

from __future__ import annotations

import pytest

from gateway.mapping.agreed.phrases import names_in, phrase
from gateway.mapping.functions import FUNCTIONS
from gateway.mapping.syntax import parse_expression


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x | upper | anpr_name", "x, in capitals, in the characters that ANPR takes"),
        ("PID-7 | datetime('Europe/Rome')", "PID-7, as a moment in Europe/Rome"),
        ("PID-8 | lookup(sesso, anpr)", "PID-8, translated by the table sesso, column anpr"),
        ("a | lookup(t, c, d)", "a, translated by the table t, column c, as it was on: d"),
        ("a ?? b ?? 'x'", "a, or else b, or else “x”"),
        ("a == 'Y' and not (b in ('1', '2') or c)", "a is “Y” and not (b is one of “1”, “2” or c)"),
        ("(PID-7 | left(8)) != x", "(PID-7, its first 8 characters) is not x"),
        ("exists(PID-29) == true", "PID-29 is there is yes"),
        ("join(a, b)", "a, b joined with blanks"),
        ("cf_of(nk-33)", "cf_of(nk-33)"),
        ("PID-3[5 == 'CF'].1", "PID-3[5 == 'CF'].1"),
        ("a ==", "a =="),
    ],
)
def test_an_expression_reads_as_a_sentence(text: str, words: str) -> None:
    """Paths and names as they are; what cannot be read as it stands."""
    assert phrase(text) == words


def test_every_function_can_be_told() -> None:
    """With as few arguments as it may have; none breaks a sentence."""
    for name, function in FUNCTIONS.items():
        arguments = ", ".join("PID-5" for each in function.parameters if not each.optional)
        told = phrase(f"{name}({arguments})") if arguments else phrase(f"{name}(PID-5)")
        assert "{" not in told
        assert told


def test_the_names_of_an_expression_in_their_order() -> None:
    """Functions too; in selectors as well."""
    tree = parse_expression("f(a, b[c == d]-3) ?? (g | upper)")
    assert names_in(tree) == ["f", "a", "b", "c", "d", "upper", "g"]

"""Blanks around the signs of expressions, quotes only where they say something."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.writing.spelling import expression, scalar


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("PID-8|lookup(a,b)", "PID-8 | lookup(a,b)"),
        ("a??b  ??c", "a ?? b ?? c"),
        ("PID-24=='Y'  and x!=y", "PID-24 == 'Y' and x != y"),
        ("a<=1 or b>=2", "a <= 1 or b >= 2"),
        ("join('a|b==c  d', x)|upper", "join('a|b==c  d', x) | upper"),
        ("NK1[3.1=='MTH']-2", "NK1[3.1 == 'MTH']-2"),
        ("a ||| b", "a ||| b"),
        ("", ""),
    ],
)
def test_signs_stand_apart_and_texts_stay(text: str, written: str) -> None:
    """What is no expression is left as it is."""
    assert expression(text) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("PID-8 | upper", "PID-8 | upper"),
        ("015146", "'015146'"),
        ("2.5", "'2.5'"),
        ("N", "'N'"),
        ("true", "'true'"),
        ("", "''"),
        ("a: b", "'a: b'"),
        ("a #b", "'a #b'"),
        ("l'uno", "l'uno"),
        ("'x' == a", "'''x'' == a'"),
        ("[a]", "'[a]'"),
        ("a ", "'a '"),
    ],
)
def test_quotes_stand_where_they_say_something(text: str, written: str) -> None:
    """A number, a truth, a sign of YAML."""
    assert scalar(text, keep=False) == written
    assert scalar(text, keep=True).startswith("'")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30))
def test_whatever_is_written_is_read_again_as_the_same_text(text: str) -> None:
    """By any reader of YAML, who takes it for a text."""
    assert yaml.safe_load(f"a: {scalar(text, keep=False)}") == {"a": text}

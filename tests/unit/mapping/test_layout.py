"""Columns inside scalars that do not stand as they read."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.finding import Findings, Position
from gateway.mapping.tree import Scalar, Table, read


def scalar(source: str) -> Scalar:
    findings = Findings()
    tree = read(source.encode(), "f", findings)
    assert isinstance(tree, Table), findings.all
    value = tree.pairs[0][1]
    assert isinstance(value, Scalar)
    return value


@pytest.mark.parametrize(
    ("source", "sign", "line", "column"),
    [
        ("a: PID-8 == 'M'", "M", 1, 14),
        ("a: 'PID-8'", "P", 1, 5),
        ("a: 'PID-8 == ''M'' or PID-7'", "7", 1, 27),
        ("a: 'PID-8 == ''M'' or PID-7'", "M", 1, 16),
        ('a: "PID-8 == \\"M\\" or PID-7"', "7", 1, 27),
        ('a: "\\x50ID-8 \\u0051 Z"', "Z", 1, 21),
        ('a: "one \\\n   two"', "t", 2, 4),
        ("a: PID-8 or\n   PID-7", "7", 2, 8),
        ("a: PID-8\n\n   or Z", "Z", 3, 7),
        ("a: >-\n   PID-8 or\n   PID-7", "7", 3, 8),
        ("a: |\n     PID-8 or\n     PID-7\n", "7", 3, 10),
        ("a: 'one\n   two'", "t", 2, 4),
    ],
)
def test_a_sign_stands_where_it_is_written(source: str, sign: str, line: int, column: int) -> None:
    """Doubled quotes, escapes, folded and literal lines: the column is that of the file."""
    text = scalar(source)
    assert text.start.after(text.text.index(sign)) == Position("f", line, column)


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Z")), max_size=40))
@pytest.mark.parametrize("style", ["'", '"', "|", ">", ""])
def test_every_sign_of_every_layout_is_in_the_file(style: str, text: str) -> None:
    """Whatever YAML makes of a text, each letter of it is found where it is said to be."""
    source = yaml.dump({"a": text}, default_style=style or None, allow_unicode=True, width=20)
    findings = Findings()
    tree = read(source.encode(), "f", findings)
    if not isinstance(tree, Table):
        return  # a text that no mapping may hold
    value = tree.pairs[0][1]
    assert isinstance(value, Scalar)
    lines = source.split("\n")
    for at, sign in enumerate(value.text):
        _, line, column = value.start.after(at)
        if sign.isalpha() and ord(sign) < 128:
            assert lines[line - 1][column - 1] == sign


def test_the_end_of_a_text_has_a_place_too() -> None:
    """An expression that ends too early is told where it ends."""
    text = scalar("a: >-\n   PID-8 ==\n")
    assert text.start.after(len(text.text)) == Position("f", 2, 12)
    assert text.start.after(999) == Position("f", 2, 12)

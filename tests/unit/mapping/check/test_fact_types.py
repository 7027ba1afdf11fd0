"""Facts against what is declared for them."""

from __future__ import annotations

import pytest

from .conftest import Told


@pytest.mark.parametrize(
    ("declared", "expression", "expected"),
    [
        ("a: integer", "vero", "error X05 a boolean, where fact a is declared integer"),
        ("a: date", "momento", "error X05 a dateTime, where fact a is declared date"),
        ("a: integer", "numero", "error X05 a number, where fact a is declared integer"),
        ("a: number", "intero", ""),
        ("a: text", "vero", ""),
        ("a: date", "testo[1]", ""),
        (
            "a: integer",
            "testo[1]",
            "warning X05 a text as it stands where fact a is declared integer;"
            " convert it with `integer`",
        ),
        ("a: integer", "testo[1] | integer", ""),
        ("a: boolean", "'si'", "error X06 'si' is no boolean: fact a is declared boolean"),
        ("a: date", "'2026-03-02'", ""),
    ],
)
def test_a_fact_has_the_kind_that_is_declared(
    told: Told, declared: str, expression: str, expected: str
) -> None:
    """Only what can never be is an error; a text of an answer may be anything."""
    found = [
        each.partition(": ")[2] for each in told(f'emit:\n  a: "{expression}"\n', facts=declared)
    ]
    assert found == ([expected] if expected else [])


def test_a_declared_fact_is_written(told: Told) -> None:
    """In some branch at least."""
    choose = "emit:\n  $choose:\n    - {$when: vero, a: 'testo[1]'}\n    - {b: 'testo[2]'}\n"
    assert told(choose, facts="{a: text, b: text}") == []
    assert told("emit:\n  a: testo[1]\n", facts="{a: text, b: text}") == [
        "8:3: warning X02 never written: fact b is declared in target"
    ]


def test_a_fact_is_written_once(told: Told) -> None:
    """Two that each have a condition may both be meant."""
    block = "blocks:\n  b():\n    a: testo[1]\n"
    both = "emit:\n  a: testo[2]\n  $use: b()\n"
    assert told(block + both, facts="{a: text}") == ["9:5: error X07 fact a is written twice"]
    gated = "emit:\n  a: {$value: 'testo[2]', $when: vero}\n  $use: b()\n"
    assert told(block + gated, facts="{a: text}") == []

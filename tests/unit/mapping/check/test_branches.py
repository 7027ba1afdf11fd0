"""Alternatives and conditions that others rule out."""

from __future__ import annotations

import pytest

from .conftest import Told

CHOOSE = "emit:\n  testo:\n    $choose:\n"


def choose(*conditions: str) -> str:
    return CHOOSE + "".join(f"      - $when: {each}\n        $text: a\n" for each in conditions)


@pytest.mark.parametrize(
    ("conditions", "line"),
    [
        (("PID-8 == 'M'", "PID-8 == 'F'", "PID-8 == 'M'"), 12),
        (("PID-8 in ('M', 'F')", "PID-8 == 'F'"), 10),
        (("PID-8 == 'M'", "PID-8 == 'F'", "PID-8 in ('F', 'M')"), 12),
        (("PID-8 in ('M', 'F')", "exists(PID-7) and PID-8 == 'F'"), 10),
        (("exists(PID-7)", "exists(PID-7)"), 10),
        (("true", "PID-8 == 'F'"), 10),
    ],
)
def test_an_alternative_that_those_before_it_take(
    told: Told, conditions: tuple[str, ...], line: int
) -> None:
    """It is told at its condition."""
    found = told(choose(*conditions))
    assert [one.split()[2] for one in found] == ["M11"]
    assert found[0].startswith(f"{line}:")


@pytest.mark.parametrize(
    "conditions",
    [
        ("PID-8 == 'M'", "PID-8 in ('M', 'F')"),
        ("PID-8 == 'M' and exists(PID-7)", "PID-8 == 'M'"),
        ("PID-8 == 'M'", "PID-24 == 'Y' or PID-8 == 'M'"),
        ("exists(PID-7)", "exists(PID-29)"),
    ],
)
def test_an_alternative_that_something_is_left_for(told: Told, conditions: tuple[str, ...]) -> None:
    """Then nothing is told."""
    assert told(choose(*conditions)) == []


def test_a_condition_inside_may_narrow_but_not_deny_the_one_around_it(told: Told) -> None:
    """Blocks stand by themselves: who calls them decides."""
    inner = "      $value: PID-5[1].2\n      $when: PID-8 == '{}'\n"
    text = "emit:\n  persona:\n    $when: PID-8 in ('M', 'F')\n    cognome: PID-5[1].1\n    nome:\n"
    assert told(text + inner.format("F")) == []
    assert [one.split()[2] for one in told(text + inner.format("U"))] == ["M11"]


def test_each_begins_anew(told: Told) -> None:
    """An alias may stand for what a name stood for around it."""
    assert (
        told(
            "emit:\n  persona:\n    $each: NK1[*] as n\n    $when: n-3.1 == 'MTH'\n"
            "    cognome: n-2[1].1\n    nome: n-2[1].2\n    figlio:\n"
            "      $each: NK1[*] as n\n      $when: n-3.1 == 'FTH'\n"
            "      cognome: n-2[1].1\n      nome: n-2[1].2\n"
        )
        == []
    )

"""What is written into an element, against what the schema says stands there."""

from __future__ import annotations

import pytest

from .conftest import Told

TWICE = "7:5: error X07 stato is written twice and stands at most once"
PERSONA = "emit:\n  persona:\n    cognome: PID-5[1].1.1\n"


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("    nome: PID-5[1].2\n", []),
        ("", ["6:3: warning X02 never written: nome in persona"]),
        (
            "    $choose:\n      - {$when: PID-24 == 'Y', nome: 'PID-5[1].2'}\n"
            "      - {nascita: PID-7 | date}\n",
            ["10:9: warning X02 never written in this branch: nome in persona"],
        ),
        (
            "    $choose:\n      - {$when: PID-24 == 'Y', nome: 'PID-5[1].2'}\n"
            "      - {nome: 'PID-5[1].3'}\n",
            [],
        ),
        ("    $choose:\n      - {$when: PID-24 == 'Y', nome: 'PID-5[1].2'}\n", []),
    ],
    ids=["whole", "missing", "missing in one branch", "in each branch", "the other writes nothing"],
)
def test_what_is_required_is_written_in_each_branch(
    told: Told, rest: str, expected: list[str]
) -> None:
    """A branch that writes nothing of an element needs nothing of it."""
    assert told(PERSONA + rest) == expected


def test_nested_choices_are_seen_through(told: Told) -> None:
    """What an inner `$choose` writes is written in the outer branch."""
    text = (
        "    $choose:\n      - $when: PID-24 == 'Y'\n        $choose:\n"
        "          - {$when: PID-8 == 'F', nome: 'PID-5[1].2'}\n"
        "          - {nome: 'PID-5[1].3'}\n      - {nome: 'PID-5[1].2'}\n"
    )
    assert told(PERSONA + text) == []


def test_a_block_with_a_condition_is_a_branch(told: Told) -> None:
    """Where it is not written, neither is what it asks for."""
    blocks = "blocks:\n  b():\n    $when: PID-24 == 'Y'\n    nascita: PID-7 | date\n"
    use = PERSONA + "    nome: PID-5[1].2\n    $use: b()\n"
    assert told(blocks + use) == []
    assert told(blocks + PERSONA + "    $use: b()\n") == [
        "10:3: warning X02 never written: nome in persona"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "emit:\n  stato: {$text: A}\n  $use: b()\n",
            ["7:5: error X07 stato is written twice and stands at most once"],
        ),
        ("emit:\n  stato: {$text: A, $when: PID-24 == 'Y'}\n  $use: b()\n", []),
        ("emit:\n  due: {$text: A}\n  $use: b()\n", []),
    ],
)
def test_two_writers_of_one_element(told: Told, text: str, expected: list[str]) -> None:
    """A condition makes them two cases; what may repeat is written twice."""
    block = "blocks:\n  b():\n    {}: {{$text: B}}\n"
    name = "due" if "due" in text else "stato"
    assert told(block.format(name) + text, "forme") == expected


def test_a_value_that_may_be_absent_excludes_nothing(told: Told) -> None:
    """One branch of a choice may stand in for the other."""
    text = "emit:\n  scelta:\n    persona: {}\n    ente: {}\n    sede: {}\n"
    assert told(text.format("PID-8", "PID-24", "PID-25"), "forme") == []
    assert told(text.format("{$text: a}", "{$text: b}", "{$text: c}"), "forme") == [
        "8:5: error X07 ente and persona are both written, and the schema allows one of them"
    ]


def test_each_leaf_of_a_choice_is_judged_where_it_stands(told: Told) -> None:
    """Of several values the wrong one is told."""
    choose = "$choose:\n      - {$when: PID-24 == 'Y', $text: A}\n      - $text: C\n"
    text = f"emit:\n  stato:\n    {choose}"
    (finding,) = told(text, "forme")
    assert finding.startswith("9:16: error X06 'C' is none of A, B")


def test_a_block_is_told_once_however_often_it_is_used(told: Told) -> None:
    """The finding stands in the block, and says nothing of who used it."""
    text = (
        "blocks:\n  b(p):\n    figlio:\n      cognome: p-5[1].1.1\n"
        "emit:\n  persona:\n"
        "    - {$use: b(PID), cognome: PID-8, nome: PID-8}\n"
        "    - {$use: b(PID), cognome: PID-8, nome: PID-8}\n"
    )
    assert told(text) == ["7:5: warning X02 never written: nome in figlio"]

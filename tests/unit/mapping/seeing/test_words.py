"""Expressions written back, values and places in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from gateway import shipped
from gateway.hl7.location import Location
from gateway.mapping.finding import Findings
from gateway.mapping.leaves import NIL
from gateway.mapping.seeing import words
from gateway.mapping.syntax import Syntax, Unreadable, parse_expression
from gateway.mapping.tree import Scalar, Sequence, Table, Tree, read


def texts(tree: Tree) -> Iterator[str]:
    if isinstance(tree, Scalar):
        yield tree.text
    else:
        inner = [each for _, each in tree.pairs] if isinstance(tree, Table) else tree.items
        assert isinstance(tree, Table | Sequence)
        for each in inner:
            yield from texts(each)


def shipped_expressions() -> dict[str, Syntax]:
    """Whatever in the shipped files reads as an expression."""
    found: dict[str, Syntax] = {}
    for path in shipped.mappings().rglob("*.yaml"):
        tree = read(path.read_bytes(), path.name, Findings())
        for text in texts(tree) if tree else ():
            try:
                found[text] = parse_expression(text)
            except Unreadable:
                continue
    return found


def test_an_expression_written_back_means_the_same() -> None:
    """Every expression that ships, read again from its words, is the same tree."""
    trees = shipped_expressions()
    assert len(trees) > 300
    assert {t for t, tree in trees.items() if parse_expression(words.expression(tree)) != tree} == (
        set()
    )


@pytest.mark.parametrize(
    "text",
    [
        "not (PID-8 == 'F' and PID-24 == 'Y')",
        "(PID-8 == 'F' or PID-24 == 'Y') and PID-7 < PID-29",
        "(PID-8 | upper) == 'F'",
        "PID-3[5 in ('CF', 'NN')][1].4.1 ?? 'd''oro'",
        "errore[*]/@codice",
        "PROCEDURE[1]/PR1-3",
        "true",
        "join(PID-5[1].2, PID-5[1].3) | before(',') | upper",
        "@ruolo == '1'",
        "codice_fiscale.codiceFiscale",
    ],
)
def test_brackets_stand_where_they_are_needed(text: str) -> None:
    """What a reader sees can be copied into a mapping."""
    tree = parse_expression(text)
    assert parse_expression(words.expression(tree)) == tree
    assert words.expression(tree) == text


def test_values_are_told_as_they_are_written() -> None:
    """Absent says so; a list tells its texts, or how many they are."""
    told = [None, "", "a", True, Decimal("1.50"), date(2026, 3, 1), NIL, ["a", "b"], [(1, 2)]]
    assert [words.value(each) for each in told] == [
        *("absent", "absent", "a", "true", "1.50", "2026-03-01", "null", "a, b", "1 found"),
    ]


def test_places_are_told_as_the_language_writes_them() -> None:
    """The first component and subcomponent go without saying."""
    assert words.place(Location("PID", 1, 7, 1, 1, 1)) == "PID-7"
    assert words.place(Location("NK1", 2, 33, 2, 5, 1)) == "NK1[2]-33[2].5"
    assert words.place(Location("NK1", 1, 4, 1, 1, 3)) == "NK1-4.1.3"
    assert words.place("errore[2]/codice") == "errore[2]/codice"
    assert words.repetition(Location("NK1", 2, 33, 2, 5, 1)) == "NK1[2]-33[2]"

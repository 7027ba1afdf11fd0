"""Names that nothing reads."""

from __future__ import annotations

import pytest

from .conftest import Told

EMIT = "emit:\n  testo: PID-5[1].1\n"


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("let:\n  a: PID-5\n" + EMIT, "6:3: warning M07 let a is never used"),
        ("let:\n  a: b\n  b: PID-7\n" + EMIT, "6:3: warning M07 let a is never used"),
        ("inputs:\n  a: {b: text}\n" + EMIT, "6:7: warning M07 input a.b is never used"),
        ("blocks:\n  p():\n    nome: PID-5\n" + EMIT, "6:3: warning M07 block p is never used"),
        (
            "blocks:\n  'p(nk, b)':\n    cognome: nk-2[1].1\n    nome: nk-2[1].2\n"
            "emit:\n  persona:\n    $use: p(NK1[1], NK1[2])\n",
            "6:10: warning M07 parameter b is never used",
        ),
        ("use: [lib/persona.yaml]\n" + EMIT, "5:7: warning M07 no block of lib/persona.yaml"),
    ],
)
def test_what_is_declared_is_used(told: Told, text: str, finding: str) -> None:
    """Told at the name, once."""
    found = told(text)
    assert len(found) == 1
    assert found[0].startswith(finding)


@pytest.mark.parametrize(
    "text",
    [
        "let:\n  a: PID-5[1]\nemit:\n  testo: a.1\n",
        "let:\n  a: PID-5[1]\n  b: a\nemit:\n  testo: b.1\n",
        "let:\n  f(x): x[1].1\nemit:\n  testo: f(PID-5)\n",
        "use: [lib/persona.yaml]\nemit:\n  persona:\n    $use: persona(NK1[1])\n",
    ],
)
def test_what_is_used_is_not_told(told: Told, text: str) -> None:
    """Through other lets, calls and files of blocks too."""
    assert [one for one in told(text) if " M07 " in one] == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("let:\n  a: PID-5\nemit:\n  testo: a[1].1 ??\n", "M01"),
        ("let:\n  madre: NK1[1]\nemit:\n  testo: madri-2[1].1\n", "M02"),
        ("let:\n  a: PID-5\nemit:\n  testo: left(a[1].1)\n", "M04"),
        ("let:\n  a: PID-5\nemit:\n  testo: PID-99[a]\n", "H02"),
        ("inputs:\n  flow: {adesso: dateTime}\nemit:\n  momento: flow.adeso\n", "M02"),
    ],
)
def test_a_name_in_a_faulty_text_counts_as_used(told: Told, text: str, code: str) -> None:
    """The fault is the only finding."""
    assert [one.split()[2] for one in told(text)] == [code]


def test_where_a_file_of_blocks_is_missing_nothing_is_said_of_what_it_would_use(told: Told) -> None:
    """Neither of its blocks nor of the lets that they would read."""
    text = "use: [lib/none.yaml]\nlet:\n  a: PID-5\nemit:\n  persona:\n    $use: persona(NK1[1])\n"
    assert [one.split()[2] for one in told(text)] == ["Y01"]


def test_an_unknown_name_is_told_once_in_a_text(told: Told) -> None:
    """In another text again: there it is another mistake."""
    found = told("emit:\n  testo: join(nomi.1, nomi.2)\n  corto: nomi.3\n")
    assert [one.split()[0] for one in found] == ["6:15:", "7:10:"]


def test_under_a_directive_that_is_none_nothing_was_read(told: Told) -> None:
    """So nothing is said of what it may have used."""
    found = told("let:\n  a: PID-5[1]\nemit:\n  testo:\n    $vale: a.1\n")
    assert [one.split()[2] for one in found] == ["M06"]

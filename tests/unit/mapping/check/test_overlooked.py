"""What cannot be written is read all the same."""

from __future__ import annotations

import pytest

from .conftest import Told

LET = "let:\n  nome: PID-5[1].2\n"


@pytest.mark.parametrize(
    "emit",
    [
        "  testa: nome\n",
        "  testa:\n    - nome\n",
        "  testa:\n    $when: exists(nome)\n    a: PID-8\n",
        "  testa:\n    $each: PID-3[*] as id\n    a: join(id.1, nome)\n",
        "  testa:\n    a: {b: nome}\n",
        "  testa:\n    $attr: {a: nome}\n    b: PID-8\n",
        "  $attr: {vers: nome}\n",
    ],
)
def test_one_mistake_makes_no_second(told: Told, emit: str) -> None:
    """A name that is used where nothing can stand is used."""
    (finding,) = told(f"{LET}emit:\n{emit}")
    assert " X01 " in finding


def test_mistakes_below_a_mistake_are_told(told: Told) -> None:
    """All findings, once."""
    found = told("emit:\n  testa:\n    a: PID-8 | uper\n")
    assert [each.split(" ")[2] for each in found] == ["X01", "M03"]

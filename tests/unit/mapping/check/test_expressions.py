"""H05 to H08 and M09 to M11 of single expressions: what is told, and what must not be.

The modules that tell them (paths, codes, selectors, comparison, presence, branches) are asked
through the compiler, as the checker asks them.
"""

from __future__ import annotations

import pytest

from .conftest import Told

WHEN = "emit:\n  testo:\n    $value: PID-5[1].1\n    $when: "


def codes(found: list[str]) -> list[str]:
    return [one.split()[2] for one in found]


@pytest.mark.parametrize(
    "condition",
    [
        "PID-24 == 'Y'",
        "PID-30 == 'Y' and PID-8 in ('M', 'F')",
        "not (PID-30 != 'Y')",
        "not ((PID-30 ?? 'N') == 'Y')",
        "(PID-30 != 'Y') ?? true",
        "(PID-25 | integer) > 1",
        "exists(PID-3[5 == 'PI' or 4.1 == 'HIS'])",
        "exists(NK1[3.1 == 'MTH' and 14.1 in ('M', 'S')])",
        "exists(NK1[not exists(33)])",
        "(PID-5[1].1 | upper) == 'ROSSI'",
        "(PID-7 | left(4)) == '2026'",
        "(PID-5[1].1 | upper | left(2)) == 'AA'",
        "PID-3[5 == 'NNITA'].1 == PID-3[5 == 'NNXYZ'].1",
        "ZNA-2 == 'Y'",
        "ZNA-3 in ('MTH', 'FTH')",
        "PV1-3 == 'OST'",
        "newborn",
        "true",
    ],
)
def test_no_false_alarm(told: Told, condition: str) -> None:
    """What a careful author writes has no finding."""
    assert told(WHEN + condition + "\n") == []


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("PID-30 != 'Y'", "M10"),
        ("not (PID-30 == 'Y')", "M10"),
        ("not (PID-30 in ('Y', 'N'))", "M10"),
        ("not ((PID-25 | integer) > 1)", "M10"),
        ("not (exists(PID-7) and PID-30 == 'Y')", "M10"),
        ("(PID-30 == 'Y') == true", "M10"),
        ("NK1[1]-14.1 != 'M'", "M10"),
        ("(PID-5[1].1 | upper) == 'Rossi'", "M09"),
        ("(PID-30 | uper) != (PID-29 | upper)", "M03"),
        ("('Rossi' == (PID-5[1].1 | upper))", "M09"),
        ("(PID-5[1].1 | trim) == ' x'", "M09"),
        ("('a' | upper) == 'a'", "M09"),
        ("PID-8 == 'M' and (exists(PID-7) and PID-8 == 'F')", "M09"),
        ("PID-8 == 'X'", "H06"),
        ("('X' == PID-8)", "H06"),
        ("PID-8 == ''", "H06"),
        ("(PID-8 ?? 'none') == 'nnone'", "H06"),
        ("exists(PID-3[(5 ?? '') == 'QQ'])", "H06"),
        ("exists(NK1[3.1 == 'MAMMA'])", "H06"),
        ("ZNA-3 == 'X'", "H06"),
        ("PID-3.1 == 'x'", "H05"),
        ("exists(NK1[33.1 == 'x'])", "H05"),
        ("exists(PID-31)", "H08"),
        ("exists(PV2[22 == 'Y'])", "H08"),
        ("false", "M11"),
        ("exists(PID-7) and false", "M11"),
        ("not true", "M11"),
        ("exists(PID-7) ?? true", "M11"),
        ("((PID-30 ?? 'N') ?? 'Y') == 'Y'", "M11"),
    ],
)
def test_one_finding_for_one_mistake(told: Told, condition: str, code: str) -> None:
    """Told once, with its code, and nothing besides."""
    assert codes(told(WHEN + condition + "\n")) == [code]


def test_a_block_used_twice_is_told_once(told: Told) -> None:
    """The finding stands at the block, not at its callers."""
    found = told(
        "blocks:\n  p(nk):\n    cognome: nk-2.1\n    nome:\n      $value: nk-2[1].2\n"
        "      $when: nk-14.1 != 'M'\n"
        "emit:\n  persona:\n    - $use: p(NK1[1])\n    - $use: p(NK1[3.1 == 'FTH'])\n"
    )
    assert [one.split()[0] for one in found] == ["7:16:", "10:14:"]
    assert codes(found) == ["H05", "M10"]


def test_what_a_profile_says_is_no_constant(told: Told) -> None:
    """Another profile says another thing, so a condition on it is not always true."""
    assert told("emit:\n  vero: named ?? false\n") == []


@pytest.mark.parametrize(
    ("emit", "code"),
    [
        ("PID-8: {$text: X}", "H06"),
        ("PID-8: {$text: M}", ""),
        ("PID-3[+]: {'1': PID-2.1, '5': {$text: QQ}}", "H06"),
        ("ZIC-3: PID-30", ""),
        ("ZIC-3: {$text: S}", "H06"),
        ("ZIC-9: PID-30", "H02"),
        ("ZIK-1: PID-30", "H01"),
    ],
)
def test_what_is_written_into_a_message(told: Told, emit: str, code: str) -> None:
    """Constants are held against the table of the field, Z segments against the profile."""
    found = [one for one in told(f"emit:\n  {emit}\n", ends="hl7") if " X02 " not in one]
    assert codes(found) == ([code] if code else [])

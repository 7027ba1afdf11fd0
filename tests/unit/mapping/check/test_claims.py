"""What conditions claim, as they are written."""

from __future__ import annotations

import pytest

from gateway.mapping.check.claims import claim_of, claims_of, contradiction, held_under
from gateway.mapping.syntax import parse_expression


@pytest.mark.parametrize(
    ("text", "texts", "column"),
    [
        ("PID-8 == 'M'", {"M"}, 9),
        ("'M' == PID-8", {"M"}, 0),
        ("PID-8 in ('M', 'F')", {"M", "F"}, 10),
        ("PID-8 != 'M'", None, 0),
        ("PID-8 == PID-9", None, 0),
        ("PID-8 in ('M', PID-9)", None, 0),
        ("not (PID-8 == 'M')", None, 0),
    ],
)
def test_one_comparison_with_fixed_texts_is_a_claim(
    text: str, texts: set[str] | None, column: int
) -> None:
    """At the place of its texts; all else claims nothing that can be compared."""
    claim = claim_of(parse_expression(text))
    assert (claim and set(claim.texts), claim.column if claim else 0) == (texts, column)


def test_all_that_and_joins_must_hold() -> None:
    """However it is bracketed; `or` promises nothing."""
    assert len(list(claims_of(parse_expression("a == 'x' and (b == 'y' and c == 'z')")))) == 3
    assert list(claims_of(parse_expression("a == 'x' or b == 'y'"))) == []


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("PID-8 == 'M' and PID-8 == 'F'", 26),
        ("PID-8 in ('M', 'F') and PID-8 in ('F', 'U') and PID-8 == 'U'", 57),
        ("PID-8 == 'M' and PID-8 in ('F', 'M')", None),
        ("PID-8 == 'M' and PID-24 == 'F'", None),
        ("PID-3[5 == 'A'].1 == 'x' and PID-3[5 == 'B'].1 == 'y'", None),
    ],
)
def test_two_claims_of_one_path_may_exclude_each_other(text: str, column: int | None) -> None:
    """The later is told; paths that are written otherwise are others."""
    found = contradiction(parse_expression(text))
    assert (found.column if found else None) == column


def test_claims_of_conditions_around_narrow_those_inside() -> None:
    """What holds outside holds inside too."""
    held = held_under(parse_expression("PID-8 in ('M', 'F')"), {})
    held = held_under(parse_expression("PID-8 in ('F', 'U')"), held)
    assert list(held.values()) == [frozenset({"F"})]
    assert contradiction(parse_expression("PID-8 == 'M'"), held)

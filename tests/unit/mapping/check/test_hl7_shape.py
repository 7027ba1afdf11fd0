"""A message of ours against the structure of its version."""

from __future__ import annotations

import pytest

from .conftest import Told

WHOLE = """emit:
  MSH-7: PID-7
  MSH-9.1: {$text: ADT}
  MSH-10: {$text: '1'}
  MSH-11: {$text: P}
  EVN-2: PID-7
  PID-3[+]:
    '1': PID-3[1].1
  PID-5.1.1: PID-5[1].1.1
  PV1-2: {$text: N}
"""


def test_what_the_version_requires_suffices(told: Told) -> None:
    """MSH-1, MSH-2 and MSH-12 are written by themselves."""
    assert told(WHOLE, "hl7") == []


@pytest.mark.parametrize(
    ("left_out", "expected"),
    [
        ("  PV1-2: {$text: N}\n", "6:3: warning X02 never written: segment PV1 in ADT_A05"),
        ("  PID-5.1.1: PID-5[1].1.1\n", "11:3: warning X02 never written: PID-5 in HL7 2.5"),
        ("  MSH-10: {$text: '1'}\n", "6:3: warning X02 never written: MSH-10 in HL7 2.5"),
    ],
)
def test_what_is_required_and_never_written(told: Told, left_out: str, expected: str) -> None:
    """Segments of the structure, and fields of the segments that are there."""
    assert told(WHOLE.replace(left_out, ""), "hl7") == [expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("PID-99: PID-8", "15:3: error X01 PID-99: PID has no field 99 in HL7 2.5"),
        ("PDI-8: PID-8", "15:3: error X01 PDI-8: HL7 2.5 ADT_A05 has no segment PDI;"),
        ("PID-8[+]: {'1': PID-8}", "15:3: error X07 PID-8[+]: PID-8 may be there 1 times"),
        ("PID-8: [PID-8, PID-8]", "15:18: error X07 each item writes over the one before"),
        ("PID-13: {$each: 'PID-13[*] as t', $value: t.1}", "15:20: error X07 each item writes"),
        ("PID-5.1: PID-8", "15:3: error X07 PID-5.1 is written twice"),
        ("PID-29: PID-24 == 'Y'", "15:11: error X05 a boolean, where PID-29 wants a DTM"),
        ("PID-25: {$text: primo}", "15:19: error X06 'primo' is no NM, which PID-25 wants"),
        ("NK1: {$text: x}", "15:3: error X03 NK1 is a segment; name one of its fields"),
    ],
)
def test_each_mistake_at_its_place(told: Told, line: str, expected: str) -> None:
    """And nothing beside it."""
    (finding,) = told(f"{WHOLE}  {line}\n", "hl7")
    assert finding.startswith(expected)


@pytest.mark.parametrize(
    "line",
    [
        "PID-29: PID-7 | date",
        "PID-25: count(PID)",
        "ZIC-1: PID-8",
        "PID-8: {$value: PID-8, $when: PID-24 == 'Y'}",
        "PID-13[+]: {$each: 'PID-13[*] as t', '1': t.1}",
    ],
)
def test_what_may_be_written(told: Told, line: str) -> None:
    """Segments of our own, days where moments stand, one more repetition for each item."""
    assert told(f"{WHOLE}  {line}\n", "hl7") == []

"""Order of segments: places, repeating groups, and what never came."""

from __future__ import annotations

import time

import pytest

from gateway.hl7.dictionary import dictionary
from gateway.hl7.message import Message
from gateway.hl7.order import check_order


def findings(segments: str, structure: str = "ADT_A01") -> list[str]:
    lines = [f"{name}|1" for name in segments.split()]
    raw = "\r".join(["MSH|^~\\&|A", *lines]).encode()
    found = check_order(Message.parse(raw), dictionary("2.5"), structure)
    return [f"{finding.code} {finding.location}" for finding in found]


@pytest.mark.parametrize(
    ("segments", "found"),
    [
        ("EVN PID PV1", []),
        ("EVN PID PD1 ROL NK1 NK1 PV1 PV2 ROL OBX OBX", []),
        ("EVN PID PV1 IN1 IN2 IN3 IN3 IN1 IN3 ACC", []),
        ("EVN PID PV1 PR1 ROL PR1 ROL GT1", []),
        ("EVN PID ZZZ PV1 ZZZ ORC", []),
        ("PID PV1", ["101 EVN"]),
        ("EVN", ["101 PID", "101 PV1"]),
        ("EVN PID PV1 NK1", ["100 NK1"]),
        ("EVN PID PID PV1", ["100 PID[2]"]),
        ("PID EVN PV1", ["100 EVN"]),
        ("EVN PID PV1 IN2", ["101 IN1"]),
        ("EVN PID PV1 IN1 GT1", ["100 GT1"]),
    ],
)
def test_places(segments: str, found: list[str]) -> None:
    """A segment out of its place is 100, one that is required and not there 101."""
    assert findings(segments) == found


def test_a_repeating_group_of_patients() -> None:
    """A40 repeats PID with its MRG."""
    assert findings("EVN PID MRG PID MRG", "ADT_A39") == []
    assert findings("EVN PID MRG PV1 PID MRG PV1", "ADT_A39") == []
    assert findings("EVN", "ADT_A39") == ["101 PID", "101 MRG"]


def test_an_unknown_structure_says_nothing() -> None:
    """What cannot be judged is not judged."""
    assert findings("PID", "ADT_X99") == []


def test_ten_thousand_segments_are_judged_in_linear_time() -> None:
    """A hostile message cannot hold the judge."""
    started = time.process_time()
    findings("IN1 IN2 " * 4500)
    assert time.process_time() - started < 5

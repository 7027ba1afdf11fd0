"""What a profile declares, against the version it is for."""

from __future__ import annotations

import pytest

from gateway.mapping.check.declared import check_declared
from gateway.mapping.dialect import Dialect
from gateway.mapping.finding import Findings
from gateway.mapping.tree import Table, read
from gateway.mapping.usage import read_declared


def told(text: str, version: str = "2.5", profile: str = "p") -> list[str]:
    findings = Findings()
    tree = read(text.encode(), "profiles/p.yaml", findings)
    assert isinstance(tree, Table)
    check_declared(Dialect(version, profile, read_declared(tree, findings)), findings)
    return [f"{one.position.line}:{one.position.column} {one.code}" for one in findings.all]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("segments: {PDI: {usage: R}}", "1:12 H01"),
        ("segments: {ZZZ: {fields: {1: {datatype: XY}}}}", "1:27 H04"),
        ("segments: {ZZZ: {fields: {1: {table: A}}}}", "1:27 H04"),
        ("fields: {PDI-1: {usage: R}}", "1:10 H01"),
        ("fields: {PID-88: {usage: R}}", "1:10 H02"),
        ("fields: {PID-8.3: {usage: R}}", "1:10 H03"),
        ("fields: {PID-8: {table: SEX}}", "1:10 H04"),
        ("fields: {ZZZ-1: {usage: R}}", "1:10 H01"),
    ],
)
def test_what_hl7_does_not_have(text: str, finding: str) -> None:
    """Told at the key."""
    assert told(text) == [finding]


def test_what_is_declared_may_be_named() -> None:
    """Own tables, Z segments, and types that a later version knows."""
    text = "segments: {ZZZ: {fields: {1: {datatype: XCN, table: A}}}}\ncodes: {A: {values: [x]}}\n"
    assert told(text) == []
    assert told(text, version="2.2") == []


def test_what_is_inherited_was_checked_in_its_own_profile() -> None:
    """It was written for another version."""
    assert told("fields: {PID-88: {usage: R}}", profile="q") == []

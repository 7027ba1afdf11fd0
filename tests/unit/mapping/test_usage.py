"""What profiles declare, read and inherited."""

from __future__ import annotations

import pytest

from gateway.hl7.dictionary import UNBOUNDED
from gateway.mapping.finding import Findings
from gateway.mapping.tree import Table, read
from gateway.mapping.usage import Declared, read_declared


def declared(text: str) -> tuple[Declared, list[str]]:
    findings = Findings()
    tree = read(text.encode(), "profiles/p.yaml", findings)
    assert isinstance(tree, Table)
    found = read_declared(tree, findings)
    return found, [f"{one.position.line}:{one.position.column} {one.text}" for one in findings.all]


WHOLE = """
segments:
  ZNA: {name: wishes, usage: O, fields: {1: {name: comune, datatype: ST}}}
  PV2: {usage: X}
fields:
  PID-3: {usage: R, repeats: true}
  PID-8: {repeats: false, table: SEX}
  PID-5.7: {usage: RE, repeats: 4}
codes:
  SEX: {values: [M, F], closed: true}
  '0203': {adds: [CF]}
"""


def test_a_profile_says_what_its_messages_have() -> None:
    """Segments, fields and codes, each with the place where it is said."""
    found, told = declared(WHOLE)
    assert told == []
    assert found.segments["ZNA"].fields[1].datatype == "ST"
    assert found.segments["PV2"].usage == "X"
    assert found.fields["PID-3"].repeats == UNBOUNDED
    assert (found.fields["PID-8"].repeats, found.fields["PID-8"].table) == (1, "SEX")
    assert found.fields["PID-5.7"].repeats == 4
    assert found.codes["SEX"].values == {"M": "profiles/p.yaml:10", "F": "profiles/p.yaml:10"}
    assert found.codes["0203"].adds == {"CF": "profiles/p.yaml:11"}


def test_what_a_profile_does_not_say_it_inherits() -> None:
    """Its own words win; codes are added to, unless all are written anew."""
    below, _ = declared(WHOLE)
    above, _ = declared(
        "segments:\n  ZNA: {usage: R, fields: {2: {name: x}}}\nfields:\n  PID-3: {table: '0061'}\n"
        "codes:\n  '0203': {adds: [PK]}\n  SEX: {values: [U]}\n"
    )
    found = above.over(below)
    assert (found.segments["ZNA"].usage, found.segments["ZNA"].name) == ("R", "wishes")
    assert sorted(found.segments["ZNA"].fields) == [1, 2]
    assert (found.fields["PID-3"].usage, found.fields["PID-3"].table) == ("R", "0061")
    assert set(found.codes["0203"].adds) == {"CF", "PK"}
    assert (set(found.codes["SEX"].values or ()), found.codes["SEX"].closed) == ({"U"}, True)
    assert found.segments["PV2"].usage == "X"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("segments: x", "1:11 segments must be a table"),
        ("segments: {Pid: {usage: R}}", "1:12 Pid is no name of a segment"),
        ("segments: {PID: {fields: {1: {name: x}}}}", "1:26 only a Z segment"),
        ("segments: {ZZZ: {fields: {a: {name: x}}}}", "1:27 a is no number"),
        ("segments: {ZZZ: {usge: R}}", "1:18 unknown key usge; did you mean usage?"),
        ("fields: {PID: {usage: R}}", "1:10 PID is no field"),
        ("fields: {PID-0: {usage: R}}", "1:10 PID-0 is no field"),
        ("fields: {PID-3: {usage: r}}", "1:25 usage must be one of"),
        ("fields: {PID-3: {repeats: often}}", "1:27 repeats must be"),
        ("fields: {PID-3: {name: [a]}}", "1:24 must be one text"),
        ("codes: {'0001': {values: M}}", "1:26 must be a list"),
        ("codes: {'0001': {adds: []}}", "1:24 must be a list"),
        ("codes: {'0001': {closed: yes}}", "1:26 closed must be"),
    ],
)
def test_a_mistake_is_told_where_it_stands(text: str, said: str) -> None:
    """Each once, and the rest is read."""
    _, told = declared(text)
    assert len(told) == 1
    assert told[0].startswith(said)

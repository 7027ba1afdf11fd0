"""The dictionary as a profile narrows and widens it."""

from __future__ import annotations

import pytest

from gateway.hl7.dictionary import UNBOUNDED, dictionary
from gateway.mapping.dialect import Dialect
from gateway.mapping.finding import Position
from gateway.mapping.usage import CodesUse, Declared, FieldUse, SegmentUse

HERE = Position("profiles/p.yaml", 1)
WIDE = Declared(
    segments={
        "ZNA": SegmentUse(HERE, fields={1: FieldUse(HERE, datatype="CX", repeats=3, table="T")}),
        "PV2": SegmentUse(HERE, usage="X"),
        "NK1": SegmentUse(HERE, usage="R"),
    },
    fields={"PID-3": FieldUse(HERE, repeats=1), "PID-8": FieldUse(HERE, usage="R", table="T")},
    codes={
        "T": CodesUse(HERE, values={"a": "p:1"}, closed=True),
        "0001": CodesUse(HERE, adds={"Q": "p:2"}),
    },
)
PLAIN, KNOWN = Dialect("2.5"), Dialect("2.5", "p", WIDE, ["PID-5"])


def test_a_z_segment_is_what_the_profile_declares() -> None:
    """Its fields with their type, table and repetitions; no other exists."""
    shape = KNOWN.segment("ZNA")
    assert shape is not None
    assert shape[2] is None
    assert shape[1] == KNOWN.field("ZNA", 1)
    assert [each.name for each in KNOWN.components("ZNA", 1) or ()][:1] == ["ID_NUMBER"]
    assert PLAIN.segment("ZNA") is None
    assert list(KNOWN.own_segments) == ["ZNA"]


def test_a_field_is_narrowed() -> None:
    """What the profile does not say stays as in the dictionary."""
    narrow, wide = KNOWN.field("PID", 3), PLAIN.field("PID", 3)
    assert narrow is not None
    assert wide is not None
    assert (narrow.repeats, wide.repeats) == (1, UNBOUNDED)
    assert (narrow.datatype, narrow.required) == (wide.datatype, wide.required)
    assert KNOWN.field("PID", 99) is None


@pytest.mark.parametrize(
    ("path", "usage"),
    [("PV2", "X"), ("PID-8", "R"), ("PID-3", ""), ("ZNA-1", ""), ("PID-5.7", ""), ("PID", "")],
)
def test_usage_is_what_the_profile_says(path: str, usage: str) -> None:
    """And nothing where it is silent."""
    assert KNOWN.usage(path) == usage


def test_a_birth_is_refused_without_what_is_required() -> None:
    """By `required:` or by usage R; the dictionary's R refuses nothing."""
    assert KNOWN.is_refused_without("PID-5")
    assert KNOWN.is_refused_without("PID-8")
    assert not PLAIN.is_refused_without("PID-5")


def test_a_segment_is_always_there_where_structures_or_profile_say_so() -> None:
    """Without structures only what every message about a person has."""
    a01 = dictionary("2.5").structure("ADT_A01")
    assert a01 is not None
    assert PLAIN.always_has("PV1", [a01])
    assert not PLAIN.always_has("PV1", [])
    assert PLAIN.always_has("PID", [])
    assert not PLAIN.always_has("NK1", [a01])
    assert KNOWN.always_has("NK1", [])
    assert not KNOWN.always_has("PV2", [a01])


@pytest.mark.parametrize(
    ("path", "datatype", "table"),
    [
        (("PID", 8, 0, 0), "IS", "0001"),
        (("PID", 7, 0, 0), "TS", ""),
        (("PID", 7, 1, 0), "TS", ""),
        (("PID", 3, 5, 0), "ID", "0203"),
        (("PID", 3, 0, 0), "ST", ""),
        (("PID", 3, 4, 3), "ID", "0301"),
        (("PID", 5, 1, 1), "ST", ""),
        (("PV1", 50, 0, 0), "ST", ""),
        (("NK1", 3, 0, 0), "ST", "0063"),
        (("NK1", 3, 2, 0), "ST", ""),
        (("OBX", 5, 1, 0), "", ""),
        (("PID", 8, 2, 0), "", ""),
        (("QQQ", 8, 2, 0), "", ""),
    ],
)
def test_type_and_table_of_what_is_read(
    path: tuple[str, int, int, int], datatype: str, table: str
) -> None:
    """A field's table is that of its first component, and of no other."""
    assert PLAIN.part(*path) == (datatype, table)


def test_codes_are_hl7s_or_the_profiles() -> None:
    """Added ones beside them; what HL7 only describes is not known."""
    table = KNOWN.codes("0001")
    assert table is not None
    assert not table.closed
    assert table.has("M")
    assert table.has("Q")
    assert not table.has("X")
    own = KNOWN.codes("T")
    assert own is not None
    assert own.closed
    assert dict(own.values) == {"a": "p:1"}
    families = PLAIN.codes("0203")
    assert families is not None
    assert families.has("NNITA")
    assert not families.has("NN")
    assert PLAIN.codes("0112") is None
    assert PLAIN.codes("0399") is None
    assert PLAIN.codes("9999") is None


def test_other_versions_of_a_dialect_keep_the_profile() -> None:
    """A definition is read in the version it was written for."""
    old = KNOWN.of("2.3.1")
    assert old.version == "2.3.1"
    assert old.usage("PV2") == "X"
    assert old is KNOWN.of("2.3.1")
    assert KNOWN.of("2.5") is KNOWN

"""The dictionary against hl7apy's own view of its tables, in every version it has."""

from __future__ import annotations

import importlib

import pytest
from hl7apy import load_reference

from gateway.hl7 import ADT_EVENTS, UNBOUNDED, VERSIONS, dictionary
from gateway.hl7.dictionary import Part

SLIPS = {("2.1", "RX1_25"), ("2.1", "RX1_30")}
"""hl7apy gives the one another type's components, the other a part too many."""
THEIRS = [version for version in VERSIONS if version != "2.7.1"]


def _names(version: str, what: str) -> list[str]:
    module = importlib.import_module(f"hl7apy.v{version.replace('.', '_')}.{what}")
    return sorted(getattr(module, what.upper()))


@pytest.mark.parametrize("version", THEIRS)
def test_every_field_of_every_segment_agrees(version: str) -> None:
    """Number, type, table and whether a field is required: as hl7apy has them."""
    known, compared = dictionary(version), 0
    for name in _names(version, "segments"):
        shape = known.segment(name)
        if shape is None:
            assert not name.startswith(("PID", "NK1", "PV", "OBX", "MSH", "EVN"))
            continue
        reference = load_reference(name, "Segment", version)
        assert len(shape.fields) == len(reference[1])
        for key, field, (least, most), _ in reference[1]:
            if (version, key) in SLIPS:
                continue
            ours = shape[int(key.rpartition("_")[2])]
            assert ours is not None
            assert (ours.datatype, ours.name, ours.required) == (field[2], field[3], least > 0)
            assert (ours.repeats == UNBOUNDED) == (most < 0)
            assert (f"HL7{ours.table}" if ours.table else None) == field[4]
            compared += 1
    assert compared > 200


@pytest.mark.parametrize("version", THEIRS)
def test_every_component_of_every_type_agrees(version: str) -> None:
    """Components of a field's type, as hl7apy's field has them."""
    known = dictionary(version)
    for name in _names(version, "fields"):
        reference = load_reference(name, "Field", version)
        components = known.datatype(reference[2])
        theirs = reference[1] or ()
        assert components is not None, (name, reference[2])
        if reference[0] == "sequence" and (version, name) not in SLIPS:
            assert [c.datatype for c in components] == [child[1][2] for child in theirs], name


@pytest.mark.parametrize("version", THEIRS)
def test_every_adt_structure_agrees(version: str) -> None:
    """Segments and groups of every ADT structure, in order, with their cardinalities."""
    known = dictionary(version)
    names = [name for name in _names(version, "messages") if name.startswith("ADT_")]
    assert names
    for name in names:
        tree = known.structure(name)
        assert tree is not None
        _agree(tree, load_reference(name, "Message", version), version)


def _agree(part: Part, reference: object, version: str) -> None:
    kind, children = reference[0], reference[1]  # type: ignore[index]  # hl7apy's tuples
    assert kind in ("sequence", "choice")
    assert [child.name for child in part.parts] == [child[0] for child in children]
    for ours, (name, _, (least, most), what) in zip(part.parts, children, strict=True):
        assert ours.least == (0 if kind == "choice" else least)
        assert (ours.most == UNBOUNDED) if most < 0 else (ours.most == most)
        if what == "GRP":
            _agree(ours, load_reference(name, "Group", version), version)


@pytest.mark.parametrize("version", VERSIONS)
def test_events_lead_to_structures_that_are_there(version: str) -> None:
    """No event names a structure the version does not have; births always have one."""
    known = dictionary(version)
    for event in ADT_EVENTS:
        name = known.structure_for(event)
        assert name is None or known.structure(name) is not None
    assert all(known.structure_for(event) for event in ("A01", "A04", "A08", "A28", "A31"))

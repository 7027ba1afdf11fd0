"""The dictionary: what each version says, and what an unknown name says."""

from __future__ import annotations

import pytest

from gateway.errors import ConfigurationError
from gateway.hl7.dictionary import ADT_EVENTS, UNBOUNDED, VERSIONS, dictionary


def test_a_field_is_described() -> None:
    """PID-3 of 2.5 is a required, repeating CX; PID-8 is coded by table 0001."""
    shape = dictionary("2.5").segment("PID")
    assert shape is not None
    identifiers, sex = shape[3], shape[8]
    assert identifiers is not None
    assert sex is not None
    assert (identifiers.datatype, identifiers.required, identifiers.repeats) == (
        "CX",
        True,
        UNBOUNDED,
    )
    assert (sex.datatype, sex.table, sex.repeats, sex.required) == ("IS", "0001", 1, False)
    assert shape[0] is None
    assert shape[99] is None


def test_a_field_whose_neighbours_are_missing_is_found_by_number() -> None:
    """Some versions skip numbers; a field is never taken for its neighbour."""
    for version in VERSIONS:
        for name in ("DG1", "PR1", "FT1"):
            shape = dictionary(version).segment(name)
            for field in shape.fields if shape else ():
                assert shape is not None
                assert shape[field.number] is field


def test_a_datatype_is_described() -> None:
    """CX.4 is an HD; ST has no components; an unknown type is None."""
    known = dictionary("2.5")
    components = known.datatype("CX")
    assert components is not None
    assert (components[3].number, components[3].datatype) == (4, "HD")
    assert known.datatype("ST") == ()
    assert known.datatype("QQ") is None


def test_tables_are_sets_of_codes() -> None:
    """Sex has M and F; a table that is not there is None, as are all before 2.3.1."""
    table = dictionary("2.5").table("0001")
    assert table is not None
    assert {"M", "F"} <= table
    assert dictionary("2.5").table("9999") is None
    assert dictionary("2.1").table("0001") is None


def test_a_structure_is_a_tree_in_order() -> None:
    """ADT_A01 begins with MSH and EVN, and has its insurance as a repeating group."""
    tree = dictionary("2.5").structure("ADT_A01")
    assert tree is not None
    order = list(tree.segments())
    assert order[:4] == ["MSH", "SFT", "EVN", "PID"]
    assert order.index("NK1") < order.index("PV1") < order.index("IN1") < order.index("IN2")
    insurance = next(part for part in tree.parts if part.name.endswith("INSURANCE"))
    assert (insurance.least, insurance.most) == (0, UNBOUNDED)
    assert insurance.parts[0].name == "IN1"
    assert dictionary("2.5").structure("ADT_X99") is None


@pytest.mark.parametrize(
    ("version", "event", "structure"),
    [
        ("2.5", "A01", "ADT_A01"),
        ("2.5", "A04", "ADT_A01"),
        ("2.5", "A08", "ADT_A01"),
        ("2.5", "A28", "ADT_A05"),
        ("2.5", "A31", "ADT_A05"),
        ("2.3", "A31", "ADT_A01"),
        ("2.2", "A31", "ADT_A31"),
        ("2.5", "A11", "ADT_A09"),
        ("2.5", "A29", "ADT_A21"),
        ("2.5", "A40", "ADT_A39"),
        ("2.5", "A44", "ADT_A43"),
        ("2.8", "A44", "ADT_A44"),
        ("2.1", "A40", None),
        ("2.5", "Z01", None),
        ("2.5", "A0", None),
        ("2.5", "", None),
    ],
)
def test_events_share_structures(version: str, event: str, structure: str | None) -> None:
    """An event finds the structure that its version gives it."""
    assert dictionary(version).structure_for(event) == structure


def test_segments_nobody_describes_are_none() -> None:
    """Z segments, the choice 'any segment' and withdrawn ones have no shape."""
    assert dictionary("2.5").segment("ZNE") is None
    assert dictionary("2.5").segment("ANYHL7SEGMENT") is None
    assert dictionary("2.7").segment("QRD") is None


def test_a_dictionary_is_made_once() -> None:
    """Each version is read once; an unknown one is a mistake of configuration."""
    assert dictionary("2.5") is dictionary("2.5")
    assert {"A01", "A55", "A62"} <= ADT_EVENTS
    with pytest.raises(ConfigurationError, match=r"2\.9"):
        dictionary("2.9")

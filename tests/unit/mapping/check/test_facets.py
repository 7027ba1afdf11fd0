"""What a simple type refuses: xmlschema's facets say what libxml2 says of the document."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.mapping.check.simple_type import SimpleType
from gateway.mapping.kinds import Kind
from gateway.mapping.schema_reader import load
from gateway.xml import Schema

XS = "http://www.w3.org/2001/XMLSchema"


def restriction(base: str, **facets: str) -> str:
    """Facets by name; several values of one are parted by `|`."""
    inner = "".join(
        f'<xs:{name} value="{value}"/>'
        for name, values in facets.items()
        for value in values.split("|")
    )
    return f'<xs:restriction base="xs:{base}">{inner}</xs:restriction>'


TYPES = {
    "pattern": restriction("string", pattern="[A-Z]{2}[0-9]+"),
    "patterns": restriction("string", pattern="a+|b?"),
    "letters": restriction("string", pattern="[\\p{L} '.-]*"),
    "length": restriction("string", length="2"),
    "lengths": restriction("string", minLength="1", maxLength="3"),
    "enumeration": restriction("string", enumeration="A|B 1"),
    "token": restriction("token", enumeration="A"),
    "range": restriction("int", minInclusive="0", maxExclusive="9"),
    "digits": restriction("decimal", totalDigits="4", fractionDigits="2"),
    "numbers": restriction("integer", enumeration="1|20"),
    "late": restriction("date", minInclusive="2000-01-01"),
    "union": '<xs:union memberTypes="xs:date xs:boolean"/>',
    "list": '<xs:list itemType="xs:int"/>',
    "pair": '<xs:restriction><xs:simpleType><xs:list itemType="xs:int"/></xs:simpleType>'
    '<xs:length value="2"/></xs:restriction>',
    "date": restriction("date"),
    "moment": restriction("dateTime"),
    "time": restriction("time"),
    "year": restriction("gYear"),
    "boolean": restriction("boolean"),
    "decimal": restriction("decimal"),
    "positive": restriction("positiveInteger"),
    "nmtoken": restriction("NMTOKEN"),
}
WORDS = (
    *("", " ", "A", "B 1", "AB12", "aaa", "b", "ab", "abcd", "à", "Nicolò D'Angelo", "x\ty"),
    *(
        "0",
        "8",
        "9",
        "-1",
        "007",
        "1.5",
        "12.345",
        "123456",
        "1 2",
        "1 2 3",
        "+3",
        "1e3",
        ".5",
        "5.",
    ),
    *("2026-03-02", "1999-12-31", "2026-02-30", "2026-3-2", "2026-03-02Z", "2026-03-02+01:00"),
    *("2026-03-02T10:15:00", "2026-03-02T10:15:00.5+01:00", "2026-03-02T25:00:00", "20260302"),
    *("10:15:00", "10:15", "24:00:00", "10:15:00Z", "true", "false", "1", "TRUE", "2026", "26"),
)


@cache
def shapes() -> tuple[dict[str, SimpleType], Schema]:
    """Each type as the checker and as the validator knows it; elements have the types' names."""
    elements = "".join(
        f'<xs:element name="{name}"><xs:simpleType>{inner}</xs:simpleType></xs:element>'
        for name, inner in TYPES.items()
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.xsd"
        path.write_text(f'<xs:schema xmlns:xs="{XS}">{elements}</xs:schema>')
        roots = load(path).roots
        found = {name: roots[name].type for name in TYPES}
        return {name: each for name, each in found.items() if each}, Schema.load(path, path.parent)


def both(name: str, text: str) -> tuple[bool, bool]:
    """Whether the checker and the validator take the text."""
    types, schema = shapes()
    element = etree.Element(name)
    element.text = text
    return types[name].refuses(text) is None, not schema.check(element)


@pytest.mark.parametrize("name", TYPES)
def test_the_checker_refuses_what_the_validator_refuses(name: str) -> None:
    """Words that are right for some type and nearly right for others."""
    disagreed = [text for text in WORDS if len(set(both(name, text))) > 1]
    assert disagreed == []


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([*TYPES]), st.text("AB ab019.:-+TZé'", max_size=12))
def test_no_text_divides_checker_and_validator(name: str, text: str) -> None:
    """Nor does any text made of what such words are made of."""
    checker, validator = both(name, text)
    assert checker == validator


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("pattern", "x", "has not the form [A-Z]{2}[0-9]+"),
        ("patterns", "x", "has not the form a+ | b?"),
        ("length", "x", "has not the length 2"),
        ("lengths", "abcd", "is longer than 3"),
        ("lengths", "", "is shorter than 1"),
        ("enumeration", "C", "is none of A, B 1"),
        ("range", "-1", "is less than 0"),
        ("range", "9", "is not less than 9"),
        ("digits", "1.234", "has more than 2 decimal digits"),
        ("digits", "12345", "has more than 4 digits"),
        ("date", "x", "is no date"),
        ("union", "x", "is no value of this type"),
    ],
)
def test_a_reason_names_the_rule_and_not_the_text(name: str, text: str, reason: str) -> None:
    """It is told beside a constant of the mapping, and may one day be of a message."""
    assert shapes()[0][name].refuses(text) == reason


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("pattern", {Kind.TEXT}),
        ("range", {Kind.INTEGER}),
        ("digits", {Kind.NUMBER}),
        ("late", {Kind.DATE}),
        ("union", {Kind.DATE, Kind.BOOLEAN}),
        ("list", {Kind.INTEGER, Kind.TEXT}),
        ("moment", {Kind.DATETIME}),
        ("year", {Kind.TEXT}),
    ],
)
def test_a_type_has_the_kinds_of_its_members(name: str, kinds: set[Kind]) -> None:
    """A union those of each, a list those of an item and text."""
    assert shapes()[0][name].kinds == kinds


def test_what_is_enumerated_is_known() -> None:
    """Of texts; numbers may be written in other ways."""
    types, _ = shapes()
    assert types["enumeration"].values == ("A", "B 1")
    assert types["numbers"].values == types["pattern"].values == ()

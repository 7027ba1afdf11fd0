"""Content models: what is never written, and what excludes each other; held against libxml2."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.mapping.particles import excluding, missing
from gateway.mapping.schema_reader import load
from gateway.mapping.shape import ElementShape, Particle
from gateway.xml import Schema


def element(name: str, least: int = 1) -> Particle:
    return Particle(least, 1, element=name)


def choice(*parts: Particle, least: int = 1, most: int | None = 1) -> Particle:
    return Particle(least, most, choice=True, parts=parts)


def sequence(*parts: Particle, least: int = 1) -> Particle:
    return Particle(least, 1, parts=parts)


PAIR = sequence(element("b"), element("c"))


@pytest.mark.parametrize(
    ("model", "names", "expected"),
    [
        (sequence(element("a"), element("b", 0)), "", ["a"]),
        (sequence(element("a"), PAIR), "ab", ["c"]),
        (sequence(element("a"), element("b"), least=0), "", []),
        (sequence(element("a"), element("b"), least=0), "a", ["b"]),
        (choice(element("a"), PAIR), "", ["a | b"]),
        (choice(element("a"), PAIR), "a", []),
        (choice(element("a"), PAIR), "b", ["c"]),
        (choice(element("a"), PAIR), "ab", ["c"]),
        (choice(element("a"), PAIR), "abc", []),
        (choice(element("a"), element("b", 0)), "", []),
        (choice(sequence(element("a"), element("b")), PAIR), "ab", []),
        (choice(element("a"), PAIR, least=0), "", []),
    ],
)
def test_what_is_missing(model: Particle, names: str, expected: list[str]) -> None:
    """Each branch that is begun is asked for whole, but for what a complete one has as well."""
    assert list(missing(model, frozenset(names))) == expected


@pytest.mark.parametrize(
    ("model", "always", "expected"),
    [
        (choice(element("a"), PAIR), "ab", [("a", "b")]),
        (choice(element("a"), PAIR), "bc", []),
        (choice(element("a"), PAIR, most=None), "ab", []),
        (sequence(element("a"), PAIR), "abc", []),
        (sequence(choice(element("a"), PAIR)), "ac", [("a", "c")]),
        (Particle(1, 2, parts=(choice(element("a"), PAIR),)), "ac", []),
    ],
)
def test_what_cannot_stand_together(
    model: Particle, always: str, expected: list[tuple[str, str]]
) -> None:
    """Two branches of one choice, unless it or a group around it may repeat."""
    assert list(excluding(model, frozenset(always))) == expected


MODELS = {
    "m0": "<xs:sequence>{a}{b?}<xs:choice>{c}<xs:sequence>{d}{e}</xs:sequence></xs:choice>"
    "</xs:sequence>",
    "m1": "<xs:choice>{a}<xs:sequence>{b}{c?}</xs:sequence>{d}</xs:choice>",
    "m2": "<xs:all>{a}{b?}{c}</xs:all>",
    "m3": '<xs:sequence><xs:sequence minOccurs="0">{a}{b}</xs:sequence>{c?}</xs:sequence>',
    "m4": '<xs:sequence>{a?}<xs:choice minOccurs="0">{b}{c}</xs:choice>{d}</xs:sequence>',
    "m5": "<xs:sequence><xs:group ref='g'/>{c?}</xs:sequence>",
}


def _elements(model: str) -> str:
    for name in "abcde":
        declared = f'<xs:element name="{name}" type="xs:string"'
        model = model.replace(f"{{{name}}}", f"{declared}/>")
        model = model.replace(f"{{{name}?}}", f'{declared} minOccurs="0"/>')
    return model


@cache
def models() -> tuple[dict[str, ElementShape], Schema]:
    roots = "".join(
        f'<xs:element name="{name}"><xs:complexType>{_elements(model)}</xs:complexType>'
        "</xs:element>"
        for name, model in MODELS.items()
    )
    group = _elements('<xs:group name="g"><xs:sequence>{a}{b?}</xs:sequence></xs:group>')
    text = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{group}{roots}</xs:schema>'
    with TemporaryDirectory() as folder:
        path = Path(folder) / "m.xsd"
        path.write_text(text)
        return dict(load(path).roots), Schema.load(path, path.parent)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*MODELS]), st.sets(st.sampled_from("abcde")))
def test_what_is_written_whole_is_valid_and_what_lacks_something_is_not(
    name: str, names: set[str]
) -> None:
    """A document with each of `names` once, in the schema's order, judged by both sides."""
    shapes, schema = models()
    shape = shapes[name]
    written = frozenset(names) & frozenset(shape.children)
    root = etree.Element(name)
    for child in shape.children:
        if child in written:
            etree.SubElement(root, child)
    whole = not list(missing(shape.content, written))
    together = not list(excluding(shape.content, written))
    assert (whole and together) == (not schema.check(root))

"""What a content model asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from gateway.mapping.kinds import Kind
from gateway.mapping.particles import missing
from gateway.mapping.schema_reader import load
from gateway.mapping.shape import Particle

XSD = Path(__file__).parents[2] / "contract" / "mapping" / "xsd"


def element(name: str, least: int = 1) -> Particle:
    return Particle(least, 1, element=name)


def lacking(model: Particle, *present: str) -> list[str]:
    return list(missing(model, frozenset(present)))


def test_a_sequence_asks_for_its_required_elements() -> None:
    """And an optional one only once something of it is there."""
    parts = (element("a"), element("b", 0), element("c"))
    assert lacking(Particle(1, 1, parts=parts)) == ["a", "c"]
    assert lacking(Particle(0, 1, parts=parts)) == []
    assert lacking(Particle(0, 1, parts=parts), "a") == ["c"]


def test_a_choice_asks_for_one_and_for_the_rest_of_what_is_begun() -> None:
    """Nothing chosen names all; half of an alternative names its other half."""
    pair = Particle(1, 1, parts=(element("b"), element("c")))
    choice = Particle(1, 1, choice=True, parts=(element("a"), pair))
    assert lacking(choice) == ["a | b"]
    assert lacking(choice, "a") == []
    assert lacking(choice, "b") == ["c"]


def test_a_choice_with_an_optional_alternative_asks_for_nothing() -> None:
    """It may be left empty."""
    assert lacking(Particle(1, 1, choice=True, parts=(element("a"), element("b", 0)))) == []


def test_an_xsd_gives_order_kinds_and_namespaces() -> None:
    """Only the root is qualified here, as at ANPR; kinds come from the simple types."""
    root = load(XSD / "doc.xsd").roots["doc"]
    assert root.tag == "{urn:test:doc}doc"
    kinds = {name: child.kind for name, child in root.children.items()}
    assert list(kinds)[:4] == ["testo", "giorno", "momento", "ora"]
    assert kinds["intero"] is Kind.INTEGER
    assert kinds["numero"] is Kind.NUMBER
    assert kinds["persona"] is None
    assert root.children["testo"].tag == "testo"
    assert root.children["testo"].nillable
    assert root.children["peso"].attributes["unita"].required


def test_a_type_may_contain_itself() -> None:
    """Children are read when asked for, so recursion ends."""
    persona = load(XSD / "doc.xsd").roots["doc"].children["persona"]
    assert "cognome" in persona.children["figlio"].children["figlio"].children


def test_the_files_of_a_schema_are_known() -> None:
    """Includes too: all of them are pinned."""
    names = [path.name for path in load(XSD / "comune" / "nascita.xsd").files]
    assert names == ["nascita.xsd", "tipi.xsd"]


def test_what_is_no_schema_is_refused(tmp_path: Path) -> None:
    """With the file's name."""
    path = tmp_path / "x.xsd"
    path.write_text("<x/>")
    with pytest.raises(ConfigurationError, match=r"x\.xsd"):
        load(path)


SCHEMA = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:t" targetNamespace="urn:t">
  <xs:element name="testa" type="xs:string" abstract="true"/>
  <xs:element name="uno" type="xs:string" substitutionGroup="testa"/>
  <xs:element name="due" type="xs:string" substitutionGroup="testa"/>
  <xs:element name="libero" type="xs:string"/>
  <xs:element name="doc"><xs:complexType><xs:sequence>
    <xs:sequence maxOccurs="3"><xs:element name="a" type="xs:string" minOccurs="0"/></xs:sequence>
    <xs:element name="b" type="xs:string" maxOccurs="2"/>
    <xs:element ref="testa"/>
    <xs:element name="q" type="xs:string" form="qualified" minOccurs="0"/>
    <xs:element name="o" minOccurs="0"><xs:complexType><xs:sequence>
      <xs:any namespace="##targetNamespace" processContents="lax"/>
    </xs:sequence></xs:complexType></xs:element>
    <xs:choice>
      <xs:sequence>
        <xs:element name="c" type="xs:string"/><xs:element name="d" type="xs:int"/>
      </xs:sequence>
      <xs:sequence><xs:element name="e" type="xs:int"/></xs:sequence>
    </xs:choice>
    <xs:element name="b2" type="xs:string" minOccurs="0"/>
    <xs:element name="a2" type="xs:string" minOccurs="0"/>
    <xs:element name="b2" type="xs:string" minOccurs="0"/>
  </xs:sequence><xs:attribute name="v" fixed="1"/></xs:complexType></xs:element>
</xs:schema>"""


def test_what_may_repeat_and_what_stands_for_what(tmp_path: Path) -> None:
    """A group that repeats lets its elements repeat; substitutes and wildcards have names."""
    (tmp_path / "t.xsd").write_text(SCHEMA)
    document = load(tmp_path / "t.xsd")
    assert [*document.roots] == ["uno", "due", "libero", "doc"]
    doc = document.roots["doc"]
    assert [*doc.children][:6] == ["a", "b", "due", "uno", "q", "o"]
    repeats = {name: child.most for name, child in doc.children.items()}
    assert (repeats["a"], repeats["b"], repeats["b2"], repeats["c"]) == (None, 2, None, 1)
    assert (doc.children["q"].tag, doc.children["c"].tag) == ("{urn:t}q", "c")
    assert list(missing(doc.content, frozenset("be"))) == ["due | uno"]
    assert doc.attributes["v"].type.refuses("2")
    assert "libero" in doc.children["o"].children

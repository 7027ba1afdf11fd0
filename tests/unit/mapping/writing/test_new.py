"""A new mapping: read by the checker, which finds in it what is still to fill in, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import shipped
from gateway.errors import ConfigurationError
from gateway.mapping import Library
from gateway.mapping.finding import Findings
from gateway.mapping.lint import lint_mapping
from gateway.mapping.tests import cases_of
from gateway.mapping.tree import read
from gateway.mapping.writing.new import Wish, new_mapping

SHIPPED = Library(shipped.mappings(), shipped.xsd())
NAME = "a/new.yaml"
XS = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{}</xs:schema>'


def roots() -> Iterator[tuple[str, str]]:
    """Every element that a shipped schema has for a document."""
    for path in sorted(SHIPPED.xsd.rglob("*.xsd")):
        xsd = path.relative_to(SHIPPED.xsd).as_posix()
        if path.name != "tipi.xsd":
            yield from ((xsd, root) for root in SHIPPED.shapes(xsd).roots)


def found_in(library: Library, wish: Wish) -> tuple[str, list[str]]:
    text = new_mapping(library, wish)
    opened = library.with_open({wish.name: text.encode()})
    return text, [finding.code for finding in lint_mapping(opened, wish.name)]


def of_schema(tmp_path: Path, inside: str, **more: bool) -> tuple[str, list[str]]:
    """A skeleton for a schema of one line."""
    (tmp_path / "s.xsd").write_text(XS.format(inside))
    return found_in(Library(shipped.mappings(), tmp_path), Wish(NAME, "s.xsd", "doc", **more))


@pytest.mark.parametrize(("xsd", "root"), list(roots()))
@pytest.mark.parametrize("optional", [False, True])
def test_what_is_found_is_what_is_to_fill_in(xsd: str, root: str, optional: bool) -> None:
    """Of every document that a shipped schema describes, with and without what is optional."""
    wish = Wish(NAME, xsd, root, sample="samples/femmina.hl7", optional=optional)
    text, codes = found_in(SHIPPED, wish)
    assert set(codes) <= {"X02", "M07"}
    findings = Findings()
    assert read(text.encode(), NAME, findings) is not None
    assert findings.all == []


def test_the_sample_is_the_first_test_and_says_what_is_read() -> None:
    """Version, structure, and the field that is filled."""
    wish = Wish(NAME, "comune/nascita.xsd", "RichiestaRegistraNascita", "samples/femmina.hl7")
    text = new_mapping(SHIPPED, wish)
    assert "  hl7: '2.5'\n  messages: [ADT_A01]\n" in text
    opened = SHIPPED.with_open({NAME: text.encode()})
    (case,) = cases_of(opened, NAME)
    assert case.given == "samples/femmina.hl7"


def test_of_two_likely_fields_the_filled_one_is_taken(tmp_path: Path) -> None:
    """A residence is an address of type L, unless the sample has its only one as H."""
    msh = "MSH|^~\\&|A|B|C|D|20260302||ADT^A01^ADT_A01|1|P|2.5"
    sample = f"{msh}\nPID|1||1||A^B||||||^^^^^^H^^015146\n"
    place = '<xs:element name="comuneResidenza" type="xs:string"/>'
    (tmp_path / "s.xsd").write_text(XS.format(complex_type(f"<xs:all>{place}</xs:all>")))
    library = Library(shipped.mappings(), tmp_path).with_open({"m.hl7": sample.encode()})
    assert "comuneResidenza: istat_of(PID-11[7 == 'L'])" in new_mapping(
        library, Wish(NAME, "s.xsd", "doc")
    )
    assert "comuneResidenza: istat_of(PID-11[7 == 'H'])" in new_mapping(
        library, Wish(NAME, "s.xsd", "doc", sample="m.hl7")
    )


def complex_type(content: str) -> str:
    return f'<xs:element name="doc"><xs:complexType>{content}</xs:complexType></xs:element>'


def test_of_a_choice_the_first_branch_stands_and_the_others_are_named(tmp_path: Path) -> None:
    """As a comment at the place where they would stand."""
    branches = '<xs:element name="cognome" type="xs:string"/><xs:element name="x"/>'
    text, codes = of_schema(tmp_path, complex_type(f"<xs:choice>{branches}</xs:choice>"))
    assert "  cognome: PID-5[1].1.1 | upper\n  # or, instead: x\n" in text
    assert "X02" not in codes


def test_what_cannot_be_guessed_says_what_it_takes(tmp_path: Path) -> None:
    """Kind and name of the type, or the values of an enumeration; the checker finds it missing."""
    values = "".join(f'<xs:enumeration value="{each}"/>' for each in "ABCDEFGH")
    simple = f'<xs:simpleType><xs:restriction base="xs:string">{values}</xs:restriction>'
    content = f'<xs:element name="stato">{simple}</xs:simpleType></xs:element>'
    content += '<xs:element name="data" type="xs:date"/>'
    text, codes = of_schema(tmp_path, complex_type(f"<xs:sequence>{content}</xs:sequence>"))
    assert "  # required: stato: one of A, B, C, D, E, F, …\n" in text
    assert "  # required: data: date\n" in text
    assert codes.count("X02") == 2


def test_a_value_that_is_always_the_same_is_written(tmp_path: Path) -> None:
    """Also one with a quote, and as an attribute."""
    fixed = '<xs:attribute name="v" use="required" fixed="l\'uno" type="xs:string"/>'
    text, codes = of_schema(tmp_path, complex_type(fixed))
    assert "  $attr:\n    v: {$text: 'l''uno'}\n" in text
    assert "X02" not in codes


def test_a_type_that_holds_itself_ends(tmp_path: Path) -> None:
    """It is followed once, and then a comment."""
    inside = '<xs:element name="doc" type="t"/><xs:complexType name="t"><xs:sequence>'
    inside += '<xs:element name="nome" type="xs:string"/><xs:element ref="doc" minOccurs="0"/>'
    text, _ = of_schema(tmp_path, f"{inside}</xs:sequence></xs:complexType>", optional=True)
    assert "  # optional: doc: with nome, doc\n" in text


def test_an_element_that_the_schema_does_not_have_is_refused() -> None:
    """With those that it has."""
    with pytest.raises(ConfigurationError, match=r"no root element x; it has FaultServizio, "):
        new_mapping(SHIPPED, Wish(NAME, "comune/nascita.xsd", "x"))

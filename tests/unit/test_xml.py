"""The one parser, the schemas, and their faults without values."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import ConfigurationError, VerificationError
from gateway.xml import Canonical, Schema, canonical, escaped, parse, read_local

BOMB = b"""<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]><a x="&c;">&c;</a>"""
XXE = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'


@pytest.mark.parametrize(
    ("data", "check"),
    [
        (BOMB, "DTD"),
        (XXE, "DTD"),
        ("<!DOCTYPE a><a/>".encode("utf-16"), "well-formedness"),
        (b'<?xml version="1.0" encoding="UTF-16"?><a/>', "encoding"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xc3\xa8</a>', "encoding"),
        (b'<?xml version="1.0" encoding="UTF-7"?>+ADw-a/+AD4-', "encoding"),
        (b"<a>\xe8</a>", "well-formedness"),
        (b"<a>&#0;</a>", "well-formedness"),
        (b"<a>&ignota;</a>", "well-formedness"),
        (b"", "well-formedness"),
        (b"<a><!-- x --></a>", "markup"),
        (b"<!-- x --><a/>", "markup"),
        (b"<a/><!-- x -->", "markup"),
        (b"<a><?x y?></a>", "markup"),
        (b"<a>" * 65 + b"</a>" * 65, "depth"),
        (b"<a>" * 5000 + b"</a>" * 5000, "well-formedness"),
        (b"<a>" + b" " * (8 * 2**20) + b"</a>", "size"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(data: bytes, check: str) -> None:
    """DTDs, entities, other encodings, comments, depth, size: refused before anybody looks."""
    with pytest.raises(VerificationError) as caught:
        parse(data)
    assert caught.value.check == check


def test_a_plain_document_is_read() -> None:
    """UTF-8, with or without a declaration, down to the depth allowed."""
    assert parse('<?xml version="1.0" encoding="utf-8"?><a>è</a>'.encode()).text == "è"
    assert parse(b"\xef\xbb\xbf<a/>").tag == "a"
    assert parse(b"<a>" * 64 + b"</a>" * 64).tag == "a"


def test_limits_are_the_callers() -> None:
    """Size and depth can be narrower."""
    with pytest.raises(VerificationError, match="size"):
        parse(b"<aaaa/>", limit=6)
    with pytest.raises(VerificationError, match="depth"):
        parse(b"<a><b/></a>", depth=1)


@given(st.binary())
def test_any_bytes_are_a_document_or_a_verification_error(data: bytes) -> None:
    """No other exception leaves the parser."""
    with suppress(VerificationError):
        assert parse(data).tag


def test_canonical_form_is_exclusive() -> None:
    """Only the namespaces that an element uses are written, unless prefixes are listed."""
    child = parse(b'<a xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:q"><p:b  y="2" x="1"/> </a>')[0]
    assert canonical(child) == b'<p:b xmlns:p="urn:p" x="1" y="2"></p:b>'
    assert canonical(child, ["q"]) == b'<p:b xmlns:p="urn:p" xmlns:q="urn:q" x="1" y="2"></p:b>'


@given(st.text())
def test_escaped_text_is_canonical_or_no_xml(text: str) -> None:
    """As lxml writes it; what XML cannot carry is an error and never written."""
    element = etree.Element("a")
    try:
        element.text = text
    except ValueError:
        with pytest.raises(ValueError, match="XML"):
            escaped(text)
    else:
        assert f"<a>{escaped(text)}</a>".encode() == canonical(element)


@pytest.mark.parametrize("text", ["\x00", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_what_xml_cannot_carry_is_an_error(text: str) -> None:
    """Control characters, halves of characters, and the two that are none."""
    with pytest.raises(ValueError, match="XML"):
        escaped(text)


def test_a_canonical_document_knows_that_it_is() -> None:
    """It is the canonical form, and told apart from bytes that only look like it."""
    written = Canonical.of(parse(b'<a  y="2" x="1"/>'))
    assert written == b'<a x="1" y="2"></a>'
    assert isinstance(written, Canonical)


# ---------------------------------------------------------------- schemas
XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t"
  xmlns="urn:t" elementFormDefault="qualified"><!-- our own words -->
<xs:simpleType name="corto"><xs:restriction base="xs:string"><xs:minLength value="1"/>
  <xs:maxLength value="3"/></xs:restriction></xs:simpleType>
<xs:simpleType name="numero"><xs:restriction base="xs:decimal"><xs:minInclusive value="1"/>
  <xs:maxInclusive value="99"/><xs:fractionDigits value="1"/></xs:restriction></xs:simpleType>
<xs:simpleType name="lettere"><xs:restriction base="xs:string"><xs:pattern value="[A-Z]+'?"/>
  </xs:restriction></xs:simpleType>
<xs:simpleType name="sesso"><xs:restriction base="xs:string"><xs:enumeration value="M"/>
  <xs:enumeration value="F"/></xs:restriction></xs:simpleType>
<xs:element name="nato"><xs:complexType><xs:sequence>
  <xs:element name="data" type="xs:date" minOccurs="0"/>
  <xs:element name="nome" type="lettere" minOccurs="0" maxOccurs="3"/>
  <xs:element name="sesso" type="sesso" minOccurs="0"/>
  <xs:element name="corto" type="corto" minOccurs="0"/>
  <xs:element name="peso" type="numero" minOccurs="0"/>
  <xs:element name="fisso" type="xs:string" fixed="K" minOccurs="0"/>
  <xs:element name="luogo" minOccurs="0"><xs:complexType><xs:sequence>
    <xs:element name="comune" type="xs:string"/></xs:sequence>
    <xs:attribute name="istat" type="xs:int"/></xs:complexType></xs:element>
</xs:sequence></xs:complexType><xs:unique name="u"><xs:selector xpath="*"/>
  <xs:field xpath="@chiave"/></xs:unique></xs:element></xs:schema>"""


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Schema:
    """Every kind of rule once."""
    folder = tmp_path_factory.mktemp("xsd")
    (folder / "nato.xsd").write_text(XSD)
    return Schema.load(folder / "nato.xsd", folder)


@pytest.mark.parametrize(
    ("content", "path", "rule"),
    [
        ("<data>SEGRETO</data>", "nato/data", "valid value of the atomic type 'xs:date'"),
        ("<nome>A</nome><nome>segreto' is not</nome>", "nato/nome[2]", "pattern '[A-Z]+'?'"),
        ("<nome>x' is not accepted by the pattern 'SEGRETO</nome>", "nato/nome", "'[A-Z]+'?'"),
        ("<sesso>SEGRETO</sesso>", "nato/sesso", "element of the set {'M', 'F'}"),
        ("<corto>SEGRETO</corto>", "nato/corto", "exceeds the allowed maximum length of '3'"),
        ("<corto></corto>", "nato/corto", "underruns the allowed minimum length of '1'"),
        ("<peso>1234</peso>", "nato/peso", "greater than the maximum value allowed ('99')"),
        ("<peso>-1234</peso>", "nato/peso", "less than the minimum value allowed ('1')"),
        ("<peso>1.234</peso>", "nato/peso", "more fractional digits than are allowed ('1')"),
        ("<fisso>SEGRETO</fisso>", "nato/fisso", "fixed value constraint 'K'"),
        ("<luogo>SEGRETO<comune/></luogo>", "nato/luogo", "Character content"),
        ("<luogo/>", "nato/luogo", "Missing child element(s). Expected is ( comune )"),
        ("<luogo istat='SEGRETO'><comune/></luogo>", "nato/luogo/@istat", "type 'xs:int'"),
        ("<luogo altro='SEGRETO'><comune/></luogo>", "nato/luogo/@altro", "not allowed"),
        ("<ignoto/>", "nato/ignoto", "This element is not expected"),
    ],
)
def test_a_fault_names_path_and_rule_and_no_value(
    schema: Schema, content: str, path: str, rule: str
) -> None:
    """libxml2 quotes the value in its texts; ours do not, whatever the value contains."""
    envelope = f'<s:b xmlns:s="urn:s"><s:c><nato xmlns="urn:t">{content}</nato></s:c></s:b>'
    faults = schema.check(parse(envelope.encode())[0][0])
    assert (faults[0].path, faults[0].line) == (path, 1)
    assert rule in faults[0].reason
    for fault in faults:
        assert "SEGRETO" not in str(fault)
        assert "segreto" not in str(fault)
        assert "234" not in str(fault)


def test_an_unknown_rule_is_named_by_its_number(schema: Schema) -> None:
    """A rule whose text we do not know is told by its kind alone."""
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    document = f'<nato xmlns="urn:t" {xsi} xsi:type="SEGRETO"/>'
    (fault, *_) = schema.check(parse(document.encode()))
    assert fault.reason == "breaks the schema's rule SCHEMAV_CVC_ELT_4_2"
    assert fault.path == "nato/@type"


def test_a_good_document_has_no_faults(schema: Schema) -> None:
    """Nothing to say, nothing said."""
    assert schema.check(parse(b'<nato xmlns="urn:t"><data>2026-11-20</data></nato>')) == []


def importing(location: str) -> str:
    return (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
        f'<xs:import namespace="urn:t" schemaLocation="{location}"/>'
        '<xs:import namespace="urn:senza"/></xs:schema>'
    )


def test_imports_inside_the_folder_are_followed(tmp_path: Path) -> None:
    """A schema may import its neighbours, and they each other."""
    (tmp_path / "sotto").mkdir()
    (tmp_path / "sotto" / "nato.xsd").write_text(XSD)
    (tmp_path / "tutto.xsd").write_text(importing("sotto/nato.xsd"))
    schema = Schema.load(tmp_path / "tutto.xsd", tmp_path)
    assert schema.check(parse(b'<nato xmlns="urn:t"/>')) == []


@pytest.mark.parametrize(
    "location",
    [
        "../nato.xsd",
        "http://localhost/nato.xsd",
        "file:///etc/nato.xsd",
        "//altro/n.xsd",
        "#x",
        "/x.xsd",
    ],
)
def test_imports_outside_the_folder_are_refused(tmp_path: Path, location: str) -> None:
    """No network, no file elsewhere, directly or by way of another schema."""
    folder = tmp_path / "dentro"
    folder.mkdir()
    (tmp_path / "nato.xsd").write_text(XSD)
    (folder / "b.xsd").write_text(importing(location))
    (folder / "a.xsd").write_text(importing("b.xsd"))
    with pytest.raises(ConfigurationError, match=r"b\.xsd:1: .* is not inside"):
        Schema.load(folder / "a.xsd", folder)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing and broken files are told by name."""
    with pytest.raises(ConfigurationError, match=r"manca\.xsd"):
        read_local(tmp_path / "manca.xsd")
    (tmp_path / "rotto.xsd").write_text("<a")
    with pytest.raises(ConfigurationError, match=r"rotto\.xsd"):
        Schema.load(tmp_path / "rotto.xsd", tmp_path)


def test_a_schema_that_is_none_is_named(tmp_path: Path) -> None:
    """A file that compiles to no schema is refused with its name."""
    (tmp_path / "male.xsd").write_text(XSD.replace('type="lettere"', 'type="ignoto"'))
    with pytest.raises(ConfigurationError, match=r"male\.xsd"):
        Schema.load(tmp_path / "male.xsd", tmp_path)


def test_a_wsdl_has_one_schema(tmp_path: Path) -> None:
    """The types of a WSDL are one schema, which may import others."""
    empty = '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><types/></definitions>'
    (tmp_path / "vuoto.wsdl").write_text(empty)
    with pytest.raises(ConfigurationError, match="has 0 schemas"):
        Schema.load(tmp_path / "vuoto.wsdl", tmp_path)


def test_the_prefixes_of_a_wsdl_are_kept(tmp_path: Path) -> None:
    """A type named with a prefix that the WSDL's root declares is found."""
    schema = XSD.replace('type="lettere"', 'type="alto:lettere"')
    (tmp_path / "a.wsdl").write_text(
        '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:alto="urn:t">'
        f"<types>{schema}</types></definitions>"
    )
    found = Schema.load(tmp_path / "a.wsdl", tmp_path)
    assert found.check(etree.fromstring('<nato xmlns="urn:t"><nome>A</nome></nato>')) == []


@pytest.mark.parametrize(
    "bomb",
    [
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/hostname">',
    ],
)
def test_a_schema_that_declares_entities_is_refused_at_their_line(
    tmp_path: Path, bomb: str
) -> None:
    """Entities in attributes grow whatever one asks of the parser; no schema needs one."""
    (tmp_path / "nato.xsd").write_text(f"<!DOCTYPE x [\n{bomb}]>\n{XSD}")
    with pytest.raises(ConfigurationError, match=r"nato\.xsd:2: declares an entity"):
        Schema.load(tmp_path / "nato.xsd", tmp_path)


def test_a_schema_may_have_the_dtd_that_w3c_gave_its_own(tmp_path: Path) -> None:
    """Parameter entities and attribute lists are in the published xmldsig schema."""
    dtd = "<!DOCTYPE x [<!ATTLIST x a CDATA #IMPLIED><!ENTITY % p ''>]>"
    (tmp_path / "nato.xsd").write_text(f"{dtd}\n{XSD}")
    assert Schema.load(tmp_path / "nato.xsd", tmp_path)


def test_a_schema_too_large_or_of_another_encoding_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could hide from a look at its bytes is not parsed."""
    (tmp_path / "nato.xsd").write_text(XSD, encoding="utf-16")
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        Schema.load(tmp_path / "nato.xsd", tmp_path)
    monkeypatch.setattr("gateway.xml.LIMIT", 10)
    with pytest.raises(ConfigurationError, match="larger than"):
        Schema.load(tmp_path / "nato.xsd", tmp_path)


def test_an_import_that_a_link_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """What counts is where the file lies, not what it is called."""
    folder = tmp_path / "xsd"
    folder.mkdir()
    (tmp_path / "fuori.xsd").write_text(XSD)
    (folder / "dentro.xsd").symlink_to(tmp_path / "fuori.xsd")
    (folder / "a.xsd").write_text(importing("dentro.xsd"))
    with pytest.raises(ConfigurationError, match=r"^a\.xsd:1: dentro\.xsd is not inside"):
        Schema.load(folder / "a.xsd", folder)

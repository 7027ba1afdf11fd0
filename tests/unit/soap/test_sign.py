"""What leaves: laid out and signed as the profile says, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import SigningError
from gateway.soap.envelope import build
from gateway.soap.keys import SigningKey
from gateway.soap.names import (
    DS,
    ECDSA_SHA256,
    ID,
    RSA_SHA256,
    SHA256,
    SOAP11,
    SOAP12,
    WSA,
    WSSE,
    WSU,
    X509V3,
)
from gateway.soap.profile import MODI, MODI_SOAP12, SecurityProfile
from gateway.soap.sign import sign
from gateway.xml import Canonical, canonical, own, parse
from tests.soap_parties import BODY, DAY, NOW, Authority, Party, ec_key, one

XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
)


def test_the_layout_is_the_profiles(party: Party) -> None:
    """Token, Timestamp, Signature stand in wsse:Security; the key is named by the token's Id."""
    root = parse(party.envelope())
    security = one(root, "Security")
    assert [etree.QName(child).localname for child in security] == [
        "BinarySecurityToken",
        "Timestamp",
        "Signature",
    ]
    assert security.get(f"{{{MODI.namespace}}}mustUnderstand") == "1"
    token = security[0]
    direct = one(one(root, "KeyInfo"), "Reference")
    assert direct.getparent().tag == f"{{{WSSE}}}SecurityTokenReference"  # type: ignore[union-attr]  # it has one
    assert direct.get("URI") == f"#{token.get(ID)}"
    assert (token.get("ValueType"), token.text) == (X509V3, party.key.token)


def test_everything_that_counts_is_signed(party: Party) -> None:
    """Timestamp, To, Action, MessageID, RelatesTo and Body, all with SHA-256."""
    root = parse(party.envelope(relates_to="urn:uuid:7"))
    uris = [reference.get("URI") for reference in root.iter(f"{{{DS}}}Reference")]
    assert uris == ["#Timestamp", "#To", "#Action", "#MessageID", "#RelatesTo", "#Body"]
    assert {method.get("Algorithm") for method in root.iter(f"{{{DS}}}DigestMethod")} == {SHA256}


def test_the_algorithm_is_the_keys(party: Party, ec_party: Party) -> None:
    """RSA keys sign RSA-SHA256, P-256 keys ECDSA-SHA256."""
    for signer, algorithm in ((party, RSA_SHA256), (ec_party, ECDSA_SHA256)):
        method = one(parse(signer.envelope()), "SignatureMethod")
        assert method.get("Algorithm") == algorithm


def test_times_are_utc_and_the_ttl_is_the_profiles(party: Party) -> None:
    """Created is the moment given, Expires five minutes later, both in UTC."""
    stamp = one(parse(party.envelope()), "Timestamp")
    assert [child.text for child in stamp] == [
        "2026-11-21T09:30:00.000Z",
        "2026-11-21T09:35:00.000Z",
    ]


def test_the_callers_document_stays_his(party: Party) -> None:
    """The Body is copied: attempts of one submission share the document."""
    body = etree.fromstring(BODY)
    for number in ("1", "2"):
        unsigned = build(body, to="t", action="a", message_id=number, created=NOW, profile=MODI)
        sign(unsigned, party.key, MODI)
    assert etree.tostring(body) == BODY
    assert body.getparent() is None


def test_parts_of_another_version_are_not_signed(party: Party) -> None:
    """A SOAP 1.1 Body never stands in a SOAP 1.2 Envelope."""
    body = etree.fromstring(BODY)
    unsigned = build(body, to="t", action="a", message_id="m", created=NOW, profile=MODI)
    with pytest.raises(SigningError, match=r"SOAP 1\.2"):
        sign(unsigned, party.key, MODI_SOAP12)


@pytest.mark.parametrize("day", [-101, 101])
def test_a_key_out_of_its_time_signs_nothing(party: Party, day: int) -> None:
    """With an expired or not yet valid certificate nothing leaves."""
    with pytest.raises(SigningError, match="certificate"):
        party.envelope(created=NOW + day * DAY)


def test_a_character_that_xml_cannot_carry_is_an_error(party: Party) -> None:
    """A control character never reaches the wire."""
    with pytest.raises(ValueError, match="XML"):
        party.envelope(action="urn:\x01")


@given(
    surname=XML_TEXT, action=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
)
def test_whatever_is_signed_verifies(ec_party: Party, surname: str, action: str) -> None:
    """Any text that XML carries comes out as it went in."""
    body = etree.Element("{urn:example:1}R")
    body.text = surname
    raw = ec_party.envelope(etree.tostring(body), action=action)
    verified = ec_party.check(raw, now=NOW + timedelta(seconds=1))
    assert (verified.body.text or "") == surname
    assert verified.action == action


def test_a_certificate_of_a_shorter_time_is_looked_at_when_signing() -> None:
    """Validity counts at the envelope's Created, to the second."""
    authority = Authority()
    key = ec_key()
    short = SigningKey(key, authority.issue(key, end=NOW))
    assert Party(authority, short).envelope()
    with pytest.raises(SigningError):
        Party(authority, short).envelope(created=NOW + timedelta(seconds=1))


def test_wsu_ids_are_in_the_wsu_namespace(party: Party) -> None:
    """Every signed element carries wsu:Id and no other kind of Id."""
    root = parse(party.envelope())
    for attribute in root.xpath("//@*[translate(local-name(), 'ID', 'id') = 'id']/.."):
        assert f"{{{WSU}}}Id" in attribute.attrib


# ---------------------------------------------------------------- what is digested and what is sent
NAMES = st.sampled_from(["a", "Body", "Envelope", "Timestamp"])
NAMESPACES = st.sampled_from(["urn:a", "urn:b", SOAP11, SOAP12, WSU, WSA])
DECLARED = st.dictionaries(st.sampled_from(["soap", "wsu", "wsa", "a"]), NAMESPACES, max_size=2)
LOOKALIKES = st.sampled_from(
    [
        f'<soap:Body xmlns:soap="{SOAP11}">',
        f' xmlns:wsu="{WSU}"',
        "</soap:Body>",
        "]]>",
        "\r\n",
        "&",
    ]
)
VALUES = XML_TEXT | LOOKALIKES | st.just("\t\r\n")


def value(draw: st.DrawFn) -> str:
    return escape(draw(VALUES), {"\r": "&#13;"})


@st.composite
def documents(draw: st.DrawFn, scope: Mapping[str, str] | None = None, depth: int = 3) -> str:
    """An element with any of an envelope's own prefixes bound to anything, and values like markup.

    Prefixes are declared where they are used, above, or for nothing.
    """
    declared = draw(DECLARED)
    scope = {**(scope or {}), **declared}
    default = draw(st.sampled_from(["", ' xmlns=""', f' xmlns="{SOAP11}"', ' xmlns="urn:a"']))
    tag = ":".join([*draw(st.sets(st.sampled_from([*scope, ""]), max_size=1)), draw(NAMES)])
    tag = tag.removeprefix(":")
    attributes = {name: draw(VALUES) for name in draw(st.sets(st.sampled_from(["x", "y"])))}
    attributes |= {f"{prefix}:z": draw(VALUES) for prefix in [*scope][:1] if draw(st.booleans())}
    spaces = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in declared.items())
    written = "".join(f" {name}={quoteattr(text)}" for name, text in attributes.items())
    children = draw(st.lists(documents(scope, depth - 1), max_size=2)) if depth else []
    content = value(draw) + "".join(child + value(draw) for child in children)
    return f"<{tag}{default}{spaces}{written}>{content}</{tag}>"


@given(
    body=documents().map(own),
    texts=st.tuples(VALUES, VALUES, VALUES, st.none() | VALUES),
    profile=st.sampled_from([MODI, MODI_SOAP12]),
    written=st.booleans(),
)
def test_every_part_is_digested_as_receivers_will(
    ec_party: Party,
    body: etree._Element,
    texts: tuple[str, str, str, str | None],
    profile: SecurityProfile,
    written: bool,
) -> None:
    """In the envelope that is sent, lxml's canonical form of each part are the bytes digested."""
    to, action, message_id, relates_to = texts
    unsigned = build(
        Canonical.of(body) if written else body,
        to=to,
        action=action,
        message_id=message_id,
        created=NOW,
        profile=profile,
        relates_to=relates_to,
    )
    raw = sign(unsigned, ec_party.key, profile)
    root = parse(raw)
    for identifier, part in unsigned.parts.items():
        found = one(root, identifier) if identifier != "Body" else root[1]
        assert found.get(ID) == identifier
        assert canonical(found) == part.digested
        assert raw.count(part.sent) == 1
    assert canonical(root[1][0]) == canonical(body)
    assert [one(root, name).text or "" for name in ("To", "Action", "MessageID")] == [
        to,
        action,
        message_id,
    ]


def test_signed_info_is_written_in_its_canonical_form(party: Party) -> None:
    """The bytes that the key signs are those that a receiver canonicalizes."""
    raw = party.envelope(relates_to="urn:uuid:7")
    assert canonical(one(parse(raw), "SignedInfo")) in raw

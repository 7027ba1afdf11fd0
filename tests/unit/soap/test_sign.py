"""What leaves: laid out and signed as the profile says, or not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import SigningError
from gateway.soap.envelope import build
from gateway.soap.keys import SigningKey
from gateway.soap.names import DS, ECDSA_SHA256, ID, RSA_SHA256, SHA256, WSSE, WSU, X509V3
from gateway.soap.profile import MODI
from gateway.soap.sign import sign
from gateway.xml import parse
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


def test_nothing_is_signed_twice(party: Party) -> None:
    """An envelope that is signed is finished."""
    unsigned = build(
        etree.fromstring(BODY), to="t", action="a", message_id="m", created=NOW, profile=MODI
    )
    sign(unsigned, party.key, MODI)
    with pytest.raises(SigningError, match="signed already"):
        sign(unsigned, party.key, MODI)


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

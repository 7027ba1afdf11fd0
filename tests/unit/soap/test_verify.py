"""Hostile envelopes: each is refused for the reason that is its own, and says what would pass."""

from __future__ import annotations

import re
from base64 import b64encode
from copy import deepcopy
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import VerificationError
from gateway.soap.explain import explain
from gateway.soap.names import DS, ID, WSA
from gateway.soap.profile import MODI_SOAP12
from gateway.soap.verify import Verified
from gateway.xml import LIMIT, canonical, parse
from tests.soap_parties import (
    NOW,
    Change,
    Party,
    add_reference,
    one,
    refusal,
    text,
)


# ---------------------------------------------------------------- what passes
def test_what_was_signed_is_what_is_given_back(party: Party) -> None:
    """A good envelope gives its Body, addressing and times, and nothing else."""
    verified = party.check(party.envelope(relates_to="urn:uuid:7"))
    assert verified.body.tag == "{urn:example:1}Richiesta"
    assert verified.body[0].text == "INVENTATI"
    assert verified.action == "urn:example:1/registra"
    assert verified.to == "https://comune.example/nascita"
    assert verified.message_id.endswith("1")
    assert verified.relates_to == "urn:uuid:7"
    assert (verified.created, verified.expires) == (NOW, NOW + timedelta(seconds=300))
    assert verified.signer_subject == "CN=firma"
    assert "INVENTATI" not in repr(verified)


def test_curves_and_soap12_are_as_good(ec_party: Party) -> None:
    """ECDSA on P-256 and SOAP 1.2 verify like RSA and SOAP 1.1."""
    party = Party(ec_party.authority, ec_party.key, MODI_SOAP12)
    assert party.check(party.envelope()).relates_to is None


def test_the_body_comes_from_the_digested_bytes(party: Party) -> None:
    """A prefix declared outside what was signed is not there when the Body is read."""
    raw = party.forge(lambda root: None).replace(b"<soap:Body", b'<soap:Body xmlns:evil="urn:e"')
    body = party.check(raw).body
    assert "evil" not in body.getparent().nsmap  # type: ignore[union-attr]  # it has a parent


def test_unread_headers_do_not_harm(party: Party) -> None:
    """A header that nobody reads may be unsigned, as long as it does not insist."""
    raw = party.forge(lambda root: etree.SubElement(root[0], "{urn:x}Traccia"))
    assert party.check(raw).action


def test_a_signed_token_is_accepted(party: Party) -> None:
    """Partners whose library signs the token too are understood."""
    assert party.check(party.resign(add_reference("Certificate"))).action


def test_the_prefix_list_of_java_partners_is_accepted(party: Party) -> None:
    """WSS4J names inclusive prefixes; the digest is then computed with them."""
    root = parse(party.envelope())
    reference = list(root.iter(f"{{{DS}}}Reference"))[-1]
    transform = one(reference, "Transform")
    inclusive = etree.SubElement(
        transform, "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces"
    )
    inclusive.set("PrefixList", "wsu soap")
    body = canonical(root[1], ["wsu", "soap"])
    one(reference, "DigestValue").text = b64encode(sha256(body).digest()).decode()
    sign_again(party, root)
    assert party.check(etree.tostring(root)).body.tag == "{urn:example:1}Richiesta"


def sign_again(party: Party, root: etree._Element) -> None:
    value = party.key.sign(canonical(one(root, "SignedInfo")))
    one(root, "SignatureValue").text = b64encode(value).decode()


# ---------------------------------------------------------------- changed after signing
@pytest.mark.parametrize(
    ("change", "element"),
    [
        (text("cognome", "INVENTATJ"), "soap:Body"),
        (text("Created", "2026-11-21T09:30:00.001Z"), "wsu:Timestamp"),
        (text("Expires", "2026-11-21T10:30:00.000Z"), "wsu:Timestamp"),
        (text("To", "https://altro.example/"), "wsa:To"),
        (text("Action", "urn:example:1/annulla"), "wsa:Action"),
        (text("MessageID", "urn:uuid:2"), "wsa:MessageID"),
        (lambda root: one(root, "nato").set("quando", "2026-11-21"), "soap:Body"),
        (lambda root: setattr(one(root, "Richiesta"), "tail", " "), "soap:Body"),
    ],
)
def test_a_changed_part_is_refused(party: Party, change: Change, element: str) -> None:
    """One byte of any signed part changed after signing is found, and the part is named."""
    assert refusal(party, party.forge(change)) == ("digest", element)


@given(data=st.data())
def test_no_changed_byte_changes_what_is_read(party: Party, data: st.DataObject) -> None:
    """Whatever byte of an envelope is changed: it is refused, or says exactly the same."""
    raw = party.envelope()
    at = data.draw(st.integers(0, len(raw) - 1))
    changed = raw[:at] + bytes([data.draw(st.integers(0, 255))]) + raw[at + 1 :]
    try:
        verified = party.check(changed)
    except VerificationError:
        return
    assert said(verified) == said(party.check(raw))


def said(verified: Verified) -> tuple[object, ...]:
    return canonical(verified.body), verified.action, verified.message_id, verified.created


# ---------------------------------------------------------------- signature wrapping
def move_aside(root: etree._Element) -> None:
    """The signed Body goes into a header; another one takes its place."""
    signed = root[1]
    signed_copy = deepcopy(signed)
    etree.SubElement(root[0], "{urn:x}Involucro").append(signed_copy)
    one(signed, "cognome").text = "FALSI"
    signed.attrib.pop(ID)


def test_a_body_moved_aside_is_refused(party: Party) -> None:
    """The signed Body elsewhere and another in its place: the one in its place is not signed."""
    assert refusal(party, party.forge(move_aside)) == ("references", "soap:Body")


def test_a_body_moved_aside_under_the_same_id_is_refused(party: Party) -> None:
    """The same with the Id kept on both: no Id may be there twice."""

    def change(root: etree._Element) -> None:
        identifier = root[1].get(ID) or ""
        move_aside(root)
        root[1].set(ID, identifier)

    assert refusal(party, party.forge(change)) == ("ids", "wsu:Id")


@pytest.mark.parametrize(
    "attribute", ["Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id"]
)
def test_an_id_of_another_kind_counts_too(party: Party, attribute: str) -> None:
    """A double Id is refused also if it is spelt as another library would look for it."""
    raw = party.forge(lambda root: etree.SubElement(root[0], "{urn:x}A").set(attribute, "Body"))
    assert refusal(party, raw) == ("ids", "wsu:Id")


def test_a_second_body_is_refused(party: Party) -> None:
    """An Envelope has one Header and one Body."""
    raw = party.forge(lambda root: root.append(deepcopy(root[1])))
    assert refusal(party, raw) == ("shape", "soap:Envelope")


def test_a_second_signature_is_refused(party: Party) -> None:
    """A Signature anywhere but in wsse:Security is refused, the Body included."""
    raw = party.forge(lambda root: root[1][0].append(deepcopy(one(root, "Signature"))))
    assert refusal(party, raw) == ("signatures", "ds:Signature")


def test_the_timestamp_moved_aside_is_refused(party: Party) -> None:
    """A fresh Timestamp in the place of the signed one is not signed."""

    def change(root: etree._Element) -> None:
        signed = one(root, "Timestamp")
        fresh = deepcopy(signed)
        fresh.set(ID, "fresco")
        signed.addprevious(fresh)
        etree.SubElement(root[0], "{urn:x}Involucro").append(signed)

    assert refusal(party, party.forge(change)) == ("references", "wsu:Timestamp")


# ---------------------------------------------------------------- not signed, or wrongly
def drop_reference(identifier: str) -> Change:
    def change(root: etree._Element) -> None:
        for reference in list(root.iter(f"{{{DS}}}Reference")):
            if reference.get("URI") == f"#{identifier}":
                reference.getparent().remove(reference)  # type: ignore[union-attr]  # it has one

    return change


@pytest.mark.parametrize(
    ("identifier", "element"),
    [
        ("Timestamp", "wsu:Timestamp"),
        ("To", "wsa:To"),
        ("Action", "wsa:Action"),
        ("MessageID", "wsa:MessageID"),
        ("Body", "soap:Body"),
    ],
)
def test_an_unsigned_part_is_refused(party: Party, identifier: str, element: str) -> None:
    """The true key signed, but not all: an unsigned part is named."""
    raw = party.resign(drop_reference(identifier))
    assert refusal(party, raw) == ("references", element)


def test_every_addressing_header_must_be_signed(party: Party) -> None:
    """A ReplyTo slipped in after signing is refused."""
    raw = party.forge(lambda root: etree.SubElement(root[0], f"{{{WSA}}}ReplyTo"))
    assert refusal(party, raw) == ("references", "wsa:ReplyTo")


def test_a_reference_to_something_else_is_refused(party: Party) -> None:
    """References are exactly the parts: one to another element of the envelope is too many."""

    def change(root: etree._Element) -> None:
        etree.SubElement(root[0], "{urn:x}A").set(ID, "altro")
        add_reference("altro")(root)

    assert refusal(party, party.resign(change)) == ("references", "ds:Reference")


def test_a_reference_named_twice_is_refused(party: Party) -> None:
    """One element, one reference."""
    assert refusal(party, party.resign(add_reference("Body"))) == ("references", "ds:Reference")


@pytest.mark.parametrize("uri", ["", "#", "https://altro.example/x.xml", "#xpointer(/)"])
def test_a_reference_outside_is_refused(party: Party, uri: str) -> None:
    """A reference names an element of the envelope by its Id, nothing else."""

    def change(root: etree._Element) -> None:
        list(root.iter(f"{{{DS}}}Reference"))[-1].set("URI", uri)

    check, element = refusal(party, party.resign(change))
    assert check == "references"
    assert element in ("ds:Reference", "soap:Body")


def test_an_unsigned_envelope_is_refused(party: Party) -> None:
    """No signature, no trust."""
    raw = party.forge(lambda root: one(root, "Security").remove(one(root, "Signature")))
    assert refusal(party, raw) == ("signatures", "ds:Signature")


def test_an_envelope_without_a_token_is_refused(party: Party) -> None:
    """The certificate travels in the envelope."""
    raw = party.forge(lambda root: one(root, "Security").remove(one(root, "BinarySecurityToken")))
    assert refusal(party, raw) == ("token", "wsse:BinarySecurityToken")


def test_a_signature_of_another_signedinfo_is_refused(party: Party) -> None:
    """Digests made anew without the key do not help: SignedInfo no longer fits its signature."""

    def change(root: etree._Element) -> None:
        one(root, "cognome").text = "FALSI"
        digest = list(root.iter(f"{{{DS}}}DigestValue"))[-1]
        digest.text = b64encode(sha256(canonical(root[1])).digest()).decode()

    assert refusal(party, party.forge(change)) == ("signature value", "ds:SignatureValue")


# ---------------------------------------------------------------- time
@pytest.mark.parametrize(
    ("seconds", "passes"), [(-6, False), (-5, True), (0, True), (300, True), (301, False)]
)
def test_created_is_young_and_hardly_ahead(party: Party, seconds: int, passes: bool) -> None:
    """Created is at most 300 s old and at most 5 s in the future."""
    raw, now = party.envelope(), NOW + timedelta(seconds=seconds)
    if passes:
        assert party.check(raw, now=now).created == NOW
    else:
        assert refusal(party, raw, now=now) == ("time", "wsu:Created")


@pytest.mark.parametrize("expires", ["2026-11-21T09:30:00Z", "2026-11-21T09:29:00Z"])
def test_expires_is_after_created(party: Party, expires: str) -> None:
    """An envelope that expires when it is made never passes."""
    raw = party.resign(text("Expires", expires))
    assert refusal(party, raw) == ("time", "wsu:Expires")


def test_other_zones_and_far_expiries_are_times(party: Party) -> None:
    """A Timestamp may name another zone, and Expires the end of time."""

    def change(root: etree._Element) -> None:
        one(root, "Created").text = "2026-11-21T10:30:00.1234567+01:00"
        one(root, "Expires").text = "9999-12-31T23:59:59Z"

    assert party.check(party.resign(change)).created == NOW + timedelta(microseconds=123456)


def test_an_expired_envelope_is_refused(party: Party) -> None:
    """A partner may give less than five minutes; after them, and our tolerance, it is over."""
    raw = party.resign(text("Expires", "2026-11-21T09:30:10Z"))
    assert party.check(raw, now=NOW + timedelta(seconds=14)).action
    assert refusal(party, raw, now=NOW + timedelta(seconds=15)) == ("time", "wsu:Expires")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ieri",
        "2026-11-21T09:30:00",
        "2026-11-21",
        "20261121T093000Z",
        "2026-02-30T09:30:00Z",
        "0001-01-01T00:00:00+23:59",
        "٢٠٢٦-11-21T09:30:00Z",
    ],
)
def test_a_time_without_zone_is_refused(party: Party, value: str) -> None:
    """A Timestamp is a moment, with its zone."""
    raw = party.resign(text("Created", value))
    assert refusal(party, raw) == ("timestamp", "wsu:Created")


def test_a_timestamp_of_another_shape_is_refused(party: Party) -> None:
    """Created, then Expires, once each."""
    raw = party.resign(lambda root: one(root, "Timestamp").remove(one(root, "Expires")))
    assert refusal(party, raw) == ("timestamp", "wsu:Timestamp")
    raw = party.resign(lambda root: etree.SubElement(one(root, "Created"), "{urn:x}A"))
    assert refusal(party, raw) == ("shape", "wsu:Created")


# ---------------------------------------------------------------- addressing and replay
@pytest.mark.parametrize(
    ("expected", "element"),
    [
        ({"to": "https://altro.example/"}, "wsa:To"),
        ({"action": "urn:example:1/annulla"}, "wsa:Action"),
        ({"relates_to": ("urn:uuid:8",)}, "wsa:RelatesTo"),
    ],
)
def test_an_envelope_for_something_else_is_refused(
    party: Party, expected: dict[str, object], element: str
) -> None:
    """A good envelope for another service, action or request is not the one we wait for."""
    raw = party.envelope(relates_to="urn:uuid:7")
    assert refusal(party, raw, **expected) == ("addressing", element)


def test_a_reply_may_name_any_attempt(party: Party) -> None:
    """RelatesTo may be the MessageID of an earlier attempt of the submission."""
    raw = party.envelope(relates_to="urn:uuid:7")
    assert party.check(raw, relates_to={"urn:uuid:6", "urn:uuid:7"}).relates_to == "urn:uuid:7"


def test_a_reply_to_nothing_is_refused(party: Party) -> None:
    """Where an answer is expected, an envelope without RelatesTo is none."""
    raw = party.envelope()
    assert refusal(party, raw, relates_to=("urn:uuid:7",)) == ("addressing", "wsa:RelatesTo")


def test_an_endless_uri_is_refused(party: Party) -> None:
    """Addressing texts are bounded, and not empty."""
    for value in ("", "u" * 1025):
        raw = party.resign(text("MessageID", value))
        assert refusal(party, raw) == ("addressing", "wsa:MessageID")


def test_a_replay_is_refused(party: Party) -> None:
    """The same envelope a second time is refused."""
    raw, came = party.envelope(), set[str]()

    def seen(message_id: str) -> bool:
        return message_id in came or bool(came.add(message_id))

    assert party.check(raw, seen=seen).action
    assert refusal(party, raw, seen=seen) == ("replay", "wsa:MessageID")


def test_what_is_refused_is_not_remembered(party: Party) -> None:
    """An attacker cannot use up a MessageID with an envelope that is not believed."""
    came: list[str] = []
    with pytest.raises(VerificationError):
        party.check(party.forge(text("cognome", "X")), seen=lambda i: bool(came.append(i)))
    assert came == []


@pytest.mark.parametrize("place", [b"<ds:SignedInfo", b"<soap:Body", b"<soap:Envelope", b"<wsa:To"])
def test_what_has_no_canonical_form_is_refused(party: Party, place: bytes) -> None:
    """C14N knows no relative namespace: verifier and explanation say so, and neither breaks."""
    raw = party.envelope().replace(place, place + b' xmlns:q="rel" q:a="1"', 1)
    check, _ = refusal(party, raw)
    assert check == "canonical form"
    told = explain(raw, trust=party.trust, now=NOW, profile=party.profile)
    assert any("canonical form" in reason for step in told for reason in step.reasons)


def test_a_signed_info_too_large_for_its_own_canonical_form_is_refused(party: Party) -> None:
    """Eight million quotation marks are six times as many when they are written canonically."""
    prefixes = (
        b'<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#"'
        b' PrefixList="wsu"/></ds:CanonicalizationMethod>'
    )
    signed = re.sub(
        rb"(<ds:CanonicalizationMethod[^>]*?)(/>|></ds:CanonicalizationMethod>)",
        rb"\1>" + prefixes,
        party.envelope(),
    )
    long = b" Id='" + b'"' * (LIMIT - len(signed) - 100) + b"'"
    raw = signed.replace(b"<ds:SignedInfo", b"<ds:SignedInfo" + long)
    assert refusal(party, raw) == ("canonical form", "SignedInfo")


def test_a_signed_body_too_large_to_be_read_again_is_refused(ec_party: Party) -> None:
    """Also a partner's own: what was digested must be what is read."""
    body = b"<n:a xmlns:n='urn:n' b='" + b'"' * (LIMIT - 20_000) + b"'/>"
    raw = ec_party.envelope(body).replace(b"&quot;", b"'")
    raw = re.sub(rb""" b="('+)\"""", lambda found: b" b='" + b'"' * len(found[1]) + b"'", raw)
    assert len(raw) < LIMIT
    assert refusal(ec_party, raw) == ("size", "soap:Body")
    told = explain(raw, trust=ec_party.trust, now=NOW, profile=ec_party.profile)
    assert [step.number for step in told if step.state == "refused"] == [7]

"""Hostile envelopes: each is refused for the reason that is its own, and says what would pass."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from hashlib import sha256
from hmac import digest as hmac

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import VerificationError
from gateway.soap.keys import SigningKey
from gateway.soap.names import DS, ECDSA_SHA256, ID, SOAP11, WSA, WSSE, WSU
from gateway.soap.profile import MODI_SOAP12
from gateway.soap.trust import Trust
from gateway.soap.verify import Verified
from gateway.xml import canonical, parse
from tests.soap_parties import DAY, NOW, Authority, Party, ec_key, make_party, one, rsa_key

Change = Callable[[etree._Element], object]


def refusal(party: Party, raw: bytes, **expected: object) -> tuple[str, str]:
    """The check and the element that refuse `raw`."""
    with pytest.raises(VerificationError) as caught:
        party.check(raw, **expected)
    assert caught.value.remedy
    assert "INVENTATI" not in str(caught.value)
    return caught.value.check, caught.value.element


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


def add_reference(identifier: str) -> Change:
    def change(root: etree._Element) -> None:
        references = list(root.iter(f"{{{DS}}}Reference"))
        extra = deepcopy(references[0])
        extra.set("URI", f"#{identifier}")
        references[-1].addnext(extra)

    return change


# ---------------------------------------------------------------- changed after signing
def text(tag: str, value: str) -> Change:
    return lambda root: setattr(one(root, tag), "text", value)


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


# ---------------------------------------------------------------- algorithms
def algorithm(tag: str, uri: str) -> Change:
    return lambda root: one(root, tag).set("Algorithm", uri)


@pytest.mark.parametrize(
    ("tag", "uri"),
    [
        ("SignatureMethod", f"{DS}rsa-sha1"),
        ("SignatureMethod", f"{DS}hmac-sha1"),
        ("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
        ("SignatureMethod", ECDSA_SHA256),
        ("DigestMethod", f"{DS}sha1"),
        ("CanonicalizationMethod", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
        ("CanonicalizationMethod", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"),
        ("Transform", f"{DS}enveloped-signature"),
        ("Transform", "http://www.w3.org/TR/1999/REC-xpath-19991116"),
        ("Transform", "http://www.w3.org/TR/1999/REC-xslt-19991116"),
    ],
)
def test_another_algorithm_is_refused(party: Party, tag: str, uri: str) -> None:
    """Only the profile's algorithms pass, even if the true key signed; SHA-1 never."""
    check, element = refusal(party, party.resign(algorithm(tag, uri)))
    assert (check, element) == ("algorithm", f"ds:{tag}")


def test_a_mac_made_with_the_public_key_is_refused(party: Party) -> None:
    """Key confusion: the token's key decides the algorithm, so HMAC with public bytes is none."""
    spki = party.key.certificate.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )

    def change(root: etree._Element) -> None:
        one(root, "SignatureMethod").set(
            "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
        )
        value = hmac(spki, canonical(one(root, "SignedInfo")), "sha256")
        one(root, "SignatureValue").text = b64encode(value).decode()

    assert refusal(party, party.forge(change)) == ("algorithm", "ds:SignatureMethod")


@pytest.mark.parametrize(
    ("change", "element"),
    [
        (lambda root: etree.SubElement(one(root, "Signature"), f"{{{DS}}}Object"), "ds:Signature"),
        (
            lambda root: one(root, "Transforms").append(deepcopy(one(root, "Transform"))),
            "ds:Transforms",
        ),
        (lambda root: etree.SubElement(one(root, "KeyInfo"), f"{{{DS}}}KeyValue"), "ds:KeyInfo"),
        (
            lambda root: etree.SubElement(
                one(root, "SignatureMethod"), f"{{{DS}}}HMACOutputLength"
            ),
            "ds:SignatureMethod",
        ),
        (lambda root: etree.SubElement(one(root, "DigestMethod"), "{urn:x}A"), "ds:DigestMethod"),
        (lambda root: etree.SubElement(one(root, "DigestValue"), "{urn:x}A"), "ds:DigestValue"),
        (
            lambda root: one(root, "SignedInfo").remove(one(root, "SignatureMethod")),
            "ds:SignatureMethod",
        ),
        (
            lambda root: [
                one(root, "SignedInfo").remove(child) for child in list(one(root, "SignedInfo"))[1:]
            ],
            "ds:SignedInfo",
        ),
        (
            lambda root: one(root, "SignedInfo").insert(0, one(root, "SignatureMethod")),
            "ds:CanonicalizationMethod",
        ),
        (
            lambda root: setattr(list(one(root, "SignedInfo"))[-1], "tag", f"{{{DS}}}Manifest"),
            "ds:Reference",
        ),
    ],
)
def test_another_shape_of_signature_is_refused(party: Party, change: Change, element: str) -> None:
    """XML Signature's other possibilities are refused, even under the true key."""
    assert refusal(party, party.resign(change)) == ("signature shape", element)


@pytest.mark.parametrize("prefixes", ["#default", " ".join(f"p{n}" for n in range(33))])
def test_a_prefix_list_that_cannot_be_honoured_is_refused(party: Party, prefixes: str) -> None:
    """`#default` and endless lists are refused, not ignored."""

    def change(root: etree._Element) -> None:
        tag = "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces"
        etree.SubElement(one(root, "CanonicalizationMethod"), tag).set("PrefixList", prefixes)

    assert refusal(party, party.resign(change)) == ("algorithm", "ec:InclusiveNamespaces")


@pytest.mark.parametrize(
    ("tag", "value", "check"),
    [
        ("SignatureValue", "%%%%", "signature value"),
        ("SignatureValue", "AA=A", "signature value"),
        ("SignatureValue", "AB==", "signature value"),
        ("SignatureValue", "è", "signature value"),
        ("DigestValue", "AB==", "digest value"),
        ("BinarySecurityToken", "AB==", "token"),
    ],
)
def test_base64_of_another_spelling_is_refused(
    party: Party, tag: str, value: str, check: str
) -> None:
    """Bytes have one spelling; a second would be a second text for the same signature."""
    assert refusal(party, party.forge(text(tag, value)))[0] == check


def test_a_curve_signature_of_another_length_is_refused(ec_party: Party) -> None:
    """r and s are 32 bytes each; anything else is no signature."""
    raw = ec_party.forge(text("SignatureValue", b64encode(b"x" * 63).decode()))
    assert refusal(ec_party, raw) == ("signature value", "ds:SignatureValue")


# ---------------------------------------------------------------- the key and its token
def test_keyinfo_must_name_the_token(party: Party) -> None:
    """A KeyInfo that points elsewhere is refused."""
    raw = party.resign(lambda root: one(one(root, "KeyInfo"), "Reference").set("URI", "#Body"))
    assert refusal(party, raw) == ("key", "ds:KeyInfo")


def test_keyinfo_of_another_kind_of_token_is_refused(party: Party) -> None:
    """The reference says X509v3 or nothing."""
    raw = party.resign(
        lambda root: one(one(root, "KeyInfo"), "Reference").set("ValueType", "urn:x")
    )
    assert refusal(party, raw) == ("key", "ds:KeyInfo")


def test_a_token_without_id_is_refused(party: Party) -> None:
    """KeyInfo can name only a token with an Id."""
    raw = party.forge(lambda root: one(root, "BinarySecurityToken").attrib.pop(ID))
    assert refusal(party, raw) == ("key", "ds:KeyInfo")


def test_a_token_of_a_foreign_ca_is_refused(party: Party) -> None:
    """An envelope that is perfect but for the CA that issued its token is refused."""
    stranger = make_party(ec_key())
    assert refusal(party, stranger.envelope())[0] == "token issuer"


def test_a_token_of_a_ca_of_the_same_name_is_refused(party: Party) -> None:
    """The CA is known by its key, not by its name."""
    stranger = make_party(ec_key())
    assert stranger.authority.title == party.authority.title
    assert refusal(party, stranger.envelope()) == ("token issuer", "wsse:BinarySecurityToken")


def test_another_customer_of_the_ca_is_refused(party: Party) -> None:
    """Where the directory pins the certificate, others of the same CA are refused."""
    pinned = party.key.certificate.fingerprint(party.key.certificate.signature_hash_algorithm)  # type: ignore[arg-type]  # SHA-256
    good = Trust((party.authority.certificate,), fingerprints=frozenset({pinned.hex()}))
    assert party.check(party.envelope(), trust=good).action
    named = Trust((party.authority.certificate,), subjects=frozenset({"CN=firma"}))
    assert party.check(party.envelope(), trust=named).action
    other = Trust((party.authority.certificate,), subjects=frozenset({"CN=altro"}))
    assert refusal(party, party.envelope(), trust=other)[0] == "token pin"


def test_the_token_of_the_ca_itself_is_refused(party: Party) -> None:
    """A CA issues; it does not sign births."""
    key = ec_key()
    authority = Authority(key=key)
    own = Party(authority, SigningKey(key, authority.certificate))
    assert refusal(own, own.envelope())[0] == "token usage"


@pytest.mark.parametrize("day", [-101, 101])
def test_a_token_out_of_its_time_is_refused(party: Party, day: int) -> None:
    """Expired and not yet valid certificates are refused, whatever the Timestamp says."""
    raw = party.envelope()
    assert refusal(party, raw, now=NOW + day * DAY)[0] == "token validity"


def test_a_token_outlives_its_ca_in_vain(party: Party) -> None:
    """When the pinned CA has expired, so have its certificates."""
    authority = Authority(start=NOW - 9 * DAY, end=NOW - DAY)
    key = ec_key()
    late = authority.issue(key, start=NOW - 9 * DAY, end=NOW + DAY)
    own = Party(authority, SigningKey(key, late))
    assert refusal(own, own.envelope())[0] == "token validity"


@pytest.mark.parametrize("kind", ["ValueType", "EncodingType"])
def test_a_token_of_another_kind_is_refused(party: Party, kind: str) -> None:
    """Only X509v3 in Base64Binary."""
    raw = party.forge(lambda root: one(root, "BinarySecurityToken").set(kind, "urn:altro"))
    assert refusal(party, raw) == ("token", "wsse:BinarySecurityToken")


def test_a_small_key_is_refused() -> None:
    """RSA below 2048 bits and curves other than P-256 sign nothing for us."""
    authority = Authority()
    good = make_party(ec_key())
    for weak in (rsa_key(1024), ec_key(ec.SECP384R1())):
        token = authority.issue(weak).public_bytes(Encoding.DER)
        raw = good.forge(text("BinarySecurityToken", b64encode(token).decode()))
        trust = Trust((authority.certificate,))
        assert refusal(good, raw, trust=trust)[0] == "token key"


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


def test_an_expired_envelope_is_refused(party: Party) -> None:
    """A partner may give less than five minutes; after them, and our tolerance, it is over."""
    raw = party.resign(text("Expires", "2026-11-21T09:30:10Z"))
    assert party.check(raw, now=NOW + timedelta(seconds=14)).action
    assert refusal(party, raw, now=NOW + timedelta(seconds=15)) == ("time", "wsu:Expires")


@pytest.mark.parametrize("value", ["", "ieri", "2026-11-21T09:30:00", "2026-11-21"])
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


# ---------------------------------------------------------------- markup
@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        (b"INVENTATI", b"INVEN<!-- -->TATI", "markup"),
        (b"INVENTATI", b"INVEN<?x y?>TATI", "markup"),
        (b"<soap:Envelope", b"<!DOCTYPE a><soap:Envelope", "DTD"),
        (b"INVENTATI", b"INVEN&x;TATI", "well-formedness"),
        (b"</soap:Envelope>", b"", "well-formedness"),
    ],
)
def test_markup_that_hides_is_refused(party: Party, old: bytes, new: bytes, check: str) -> None:
    """Comments in digested text, entities, DTDs: nothing that two readers read in two ways."""
    assert refusal(party, party.envelope().replace(old, new, 1))[0] == check


def test_a_default_namespace_slipped_in_is_refused(party: Party) -> None:
    """Giving names without prefix a namespace from outside changes the digest."""
    own = party.envelope(b"<Richiesta><cognome>X</cognome></Richiesta>")
    assert party.check(own).body.tag == "Richiesta"
    assert refusal(party, own.replace(b"<Richiesta>", b'<Richiesta xmlns="urn:e">'))[0] == "digest"


def test_a_header_that_insists_is_refused(party: Party) -> None:
    """mustUnderstand on a header that we do not know cannot be served."""
    raw = party.forge(
        lambda root: etree.SubElement(root[0], "{urn:x}A").set(f"{{{SOAP11}}}mustUnderstand", "1")
    )
    assert refusal(party, raw) == ("shape", "A")


@pytest.mark.parametrize(
    ("change", "element"),
    [
        (lambda root: root[0].remove(one(root, "Action")), "wsa:Action"),
        (lambda root: root[0].append(deepcopy(one(root, "To"))), "wsa:To"),
        (lambda root: etree.SubElement(root[0], f"{{{WSA}}}Altro"), "wsa:Altro"),
        (lambda root: root[0].append(deepcopy(one(root, "Security"))), "wsse:Security"),
        (lambda root: root[0].remove(one(root, "Security")), "wsse:Security"),
        (
            lambda root: etree.SubElement(one(root, "Security"), f"{{{WSSE}}}UsernameToken"),
            "wsse:Security",
        ),
        (
            lambda root: one(root, "Security").append(deepcopy(one(root, "Signature"))),
            "ds:Signature",
        ),
        (lambda root: one(root, "Security").remove(one(root, "Timestamp")), "wsu:Timestamp"),
        (
            lambda root: one(root, "Security").append(deepcopy(one(root, "Timestamp"))),
            "wsu:Timestamp",
        ),
        (lambda root: root[1].remove(root[1][0]), "soap:Body"),
        (lambda root: etree.SubElement(root[1], "{urn:x}A"), "soap:Body"),
        (lambda root: root.remove(root[0]), "soap:Envelope"),
        (lambda root: setattr(root, "tag", f"{{{WSU}}}Envelope"), "wsu:Envelope"),
    ],
)
def test_a_part_missing_doubled_or_moved_is_named(
    party: Party, change: Change, element: str
) -> None:
    """The layout is one; what departs from it is named."""
    assert refusal(party, party.forge(change)) == ("shape", element)


def test_a_soap12_envelope_is_not_a_soap11_one(party: Party) -> None:
    """The version is the partner's agreement, not the sender's choice."""
    assert refusal(party, party.envelope(), profile=MODI_SOAP12) == ("shape", "soap:Envelope")


# ---------------------------------------------------------------- certificates with their purpose
def usage(**wanted: bool) -> x509.KeyUsage:
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in names.split()})


def test_a_certificate_for_something_else_is_refused() -> None:
    """A certificate whose key usage is not signing signs no envelope."""
    authority, key = Authority(), ec_key()
    for extra, passes in (
        (usage(digital_signature=True), True),
        (usage(content_commitment=True), True),
        (usage(key_agreement=True), False),
    ):
        own = Party(authority, SigningKey(key, authority.issue(key, extra=extra)))
        if passes:
            assert own.check(own.envelope()).action
        else:
            assert refusal(own, own.envelope())[0] == "token usage"


def test_a_certificate_signed_with_a_weak_hash_is_refused() -> None:
    """Below SHA-256 a certificate proves nothing, whoever's it is."""
    authority, key = Authority(), ec_key()
    weak = authority.issue(key, digest=hashes.SHA224())
    own = Party(authority, SigningKey(key, weak))
    check, element = refusal(own, own.envelope())
    assert (check, element) == ("token", "wsse:BinarySecurityToken")


def test_any_of_several_pinned_cas_will_do(party: Party) -> None:
    """A partner who changes his CA has both pinned for a while."""
    trust = Trust((Authority().certificate, party.authority.certificate))
    assert party.check(party.envelope(), trust=trust).action


def test_a_token_that_is_no_certificate_is_refused(party: Party) -> None:
    """Bytes that are no DER certificate are refused as such."""
    raw = party.forge(text("BinarySecurityToken", b64encode(b"nessuno").decode()))
    assert refusal(party, raw) == ("token", "wsse:BinarySecurityToken")

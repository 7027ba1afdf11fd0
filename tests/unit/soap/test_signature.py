"""Signatures of another shape, algorithm or spelling: refused, even under the true key."""

from __future__ import annotations

from base64 import b64encode
from copy import deepcopy
from hmac import digest as hmac

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from gateway.soap.names import DS, ECDSA_SHA256
from gateway.xml import canonical
from tests.soap_parties import (
    Change,
    Party,
    one,
    refusal,
    text,
)


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

"""signxml, the library that we do not sign with, agrees with us both ways."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest
from cryptography import x509
from lxml import etree
from signxml import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConfiguration,
    SignatureConstructionMethod,
    SignatureMethod,
    XMLSigner,
    XMLVerifier,
)
from signxml.exceptions import InvalidDigest, InvalidSignature
from signxml.signer import SignatureReference

from gateway.errors import VerificationError
from gateway.soap.names import BASE64, DS, EXC_C14N, ID, WSSE, X509V3
from gateway.soap.profile import MODI
from gateway.soap.verify import verify
from gateway.xml import canonical

EXPECT = SignatureConfiguration(
    signature_methods=frozenset({SignatureMethod.RSA_SHA256}),
    digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
    expect_references=6,
    location=".//",
)


def signxml_believes(raw: bytes) -> list[bytes]:
    """The canonical parts that signxml found signed, by the token's certificate."""
    root = etree.fromstring(raw)
    token = next(root.iter(f"{{{WSSE}}}BinarySecurityToken"))
    certificate = x509.load_der_x509_certificate(b64decode(token.text or ""))
    results = XMLVerifier().verify(root, x509_cert=certificate, expect_config=EXPECT)
    assert isinstance(results, list)
    return [result.signed_data for result in results]


def test_signxml_believes_our_envelope(on_disk: Any) -> None:
    """Six references, and signxml digests the very bytes that we digest."""
    raw = on_disk.envelope.read_bytes()
    signed = signxml_believes(raw)
    root = etree.fromstring(raw)
    assert canonical(root[1]) in signed
    assert len(signed) == 6


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [("INVENTAT", "INVENTAU", InvalidDigest), ("DigestValue>", "DigestValue> ", InvalidSignature)],
)
def test_signxml_refuses_what_we_refuse(
    on_disk: Any, old: str, new: str, error: type[Exception]
) -> None:
    """A changed Body, a changed SignedInfo: no for both."""
    raw = on_disk.envelope.read_text("utf-8").replace(old, new, 1).encode()
    with pytest.raises(error):
        signxml_believes(raw)
    with pytest.raises(VerificationError):
        verify(raw, trust=on_disk.trust, now=on_disk.now, profile=MODI)


def signed_by_signxml(on_disk: Any, algorithm: DigestAlgorithm = DigestAlgorithm.SHA256) -> bytes:
    """The same envelope with signxml's signature in the place of ours."""
    root = etree.fromstring(on_disk.envelope.read_bytes())
    ours = next(root.iter(f"{{{DS}}}Signature"))
    security = ours.getparent()
    token = next(root.iter(f"{{{WSSE}}}BinarySecurityToken"))
    assert security is not None
    assert (token.get("EncodingType"), token.get("ValueType")) == (BASE64, X509V3)
    key_info = next(ours.iter(f"{{{DS}}}KeyInfo"))
    references = [
        SignatureReference(URI=reference.get("URI"), c14n_method=CanonicalizationMethod(EXC_C14N))
        for reference in ours.iter(f"{{{DS}}}Reference")
    ]
    security.remove(ours)
    signer = XMLSigner(
        SignatureConstructionMethod.detached,
        SignatureMethod.RSA_SHA256,
        algorithm,
        CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    signature = signer.sign(
        root, key=on_disk.key.private_key, reference_uri=references, key_info=key_info
    )
    security.append(signature)
    return etree.tostring(root)


def test_we_believe_what_signxml_signed(on_disk: Any) -> None:
    """An envelope that another library signed passes all our steps."""
    raw = signed_by_signxml(on_disk)
    verified = verify(raw, trust=on_disk.trust, now=on_disk.now, profile=MODI)
    assert verified.body[0].text == "INVENTATÌ"
    token = next(etree.fromstring(raw).iter(f"{{{WSSE}}}BinarySecurityToken"))
    assert token.get(ID) == "Certificate"


def test_we_refuse_what_signxml_signed_otherwise(on_disk: Any) -> None:
    """SHA-512 digests are good for signxml, and not the profile's."""
    raw = signed_by_signxml(on_disk, DigestAlgorithm.SHA512)
    with pytest.raises(VerificationError) as caught:
        verify(raw, trust=on_disk.trust, now=on_disk.now, profile=MODI)
    assert caught.value.element == "ds:DigestMethod"

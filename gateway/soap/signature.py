"""Reads a ds:Signature strictly: one shape, one canonicalization, one digest, the key's algorithm.

Whatever XML Signature allows beyond what two honest parties of our profile need is refused:
objects, XPath, other transforms, other places of the key. Decides nothing about whom to trust.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from lxml import etree

from gateway.errors import VerificationError
from gateway.soap.names import DS, EXC_C14N, ID, SHA256, WSSE, X509V3, readable
from gateway.soap.references import read_as_written
from gateway.soap.trust import decode_base64
from gateway.xml import canonical

_SIGNED_INFO: Final = f"{{{DS}}}SignedInfo"
_VALUE: Final = f"{{{DS}}}SignatureValue"
_KEY_INFO: Final = f"{{{DS}}}KeyInfo"
_CANONICALIZATION: Final = f"{{{DS}}}CanonicalizationMethod"
_METHOD: Final = f"{{{DS}}}SignatureMethod"
_REFERENCE: Final = f"{{{DS}}}Reference"
_TRANSFORMS: Final = f"{{{DS}}}Transforms"
_TRANSFORM: Final = f"{{{DS}}}Transform"
_DIGEST_METHOD: Final = f"{{{DS}}}DigestMethod"
_DIGEST: Final = f"{{{DS}}}DigestValue"
_INCLUSIVE: Final = f"{{{EXC_C14N}}}InclusiveNamespaces"
_TOKEN_REFERENCE: Final = f"{{{WSSE}}}SecurityTokenReference"
_DIRECT: Final = f"{{{WSSE}}}Reference"
_MAX_PREFIXES: Final = 32


class Reference(NamedTuple):
    """One signed part: which Id, which digest, and the prefixes that its canonical form keeps."""

    identifier: str
    digest: bytes
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignatureParts:
    """What a ds:Signature says, after its shape and algorithms were found to be the profile's.

    `content` are the bytes that must be signed: ds:SignedInfo as it asks to be canonicalized.
    """

    content: bytes
    references: tuple[Reference, ...]
    value: bytes


def read_signature(
    signature: etree._Element, token: etree._Element, algorithm: str
) -> SignatureParts:
    """Read `signature`, which must be made with `algorithm` by the key of `token`."""
    signed_info, value, key_info = _children(signature, _SIGNED_INFO, _VALUE, _KEY_INFO)
    _require_token(key_info, token)
    content = canonical(signed_info)
    found = read_as_written(content, algorithm)
    if found is not None:
        references = tuple(Reference(*each) for each in found)
    else:
        prefixes, references = _read_strictly(signed_info, algorithm)
        content = canonical(signed_info, prefixes) if prefixes else content
    return SignatureParts(content, references, _decoded(value, "signature value"))


def _read_strictly(
    signed_info: etree._Element, algorithm: str
) -> tuple[tuple[str, ...], tuple[Reference, ...]]:
    """The prefixes of its own canonical form, and what it signs."""
    if len(signed_info) < 3:
        raise VerificationError("signature shape", "ds:SignedInfo", "sign at least one element")
    canonicalization, method, *references = signed_info
    _require_tag(canonicalization, _CANONICALIZATION)
    _require_tag(method, _METHOD)
    # The key decides the algorithm, not the sender: no HMAC with a public key, no SHA-1.
    _require_algorithm(method, algorithm)
    _children(method)
    return _exclusive(canonicalization), tuple(_reference(element) for element in references)


def _require_token(key_info: etree._Element, token: etree._Element) -> None:
    """The key is named by a reference to the one token, and by nothing else."""
    (token_reference,) = _children(key_info, _TOKEN_REFERENCE)
    (direct,) = _children(token_reference, _DIRECT)
    kind = direct.get("ValueType", X509V3)
    identifier = token.get(ID)
    if not identifier or direct.get("URI") != f"#{identifier}" or kind != X509V3:
        remedy = "name the token in wsse:SecurityTokenReference/wsse:Reference by its wsu:Id"
        raise VerificationError("key", "ds:KeyInfo", remedy)


def _reference(element: etree._Element) -> Reference:
    _require_tag(element, _REFERENCE)
    uri = element.get("URI", "")
    if element.keys() != ["URI"] or not uri.startswith("#") or len(uri) < 2:
        raise VerificationError("references", "ds:Reference", "name an element of this envelope")
    transforms, method, digest = _children(element, _TRANSFORMS, _DIGEST_METHOD, _DIGEST)
    (transform,) = _children(transforms, _TRANSFORM)
    _require_algorithm(method, SHA256)
    _children(method)
    return Reference(uri[1:], _decoded(digest, "digest value"), _exclusive(transform))


def _exclusive(element: etree._Element) -> tuple[str, ...]:
    """The PrefixList of an exclusive canonicalization (WSS4J writes one); often empty."""
    _require_algorithm(element, EXC_C14N)
    if not len(element):
        return ()
    (inclusive,) = _children(element, _INCLUSIVE)
    prefixes = tuple(inclusive.get("PrefixList", "").split())
    if inclusive.keys() != ["PrefixList"] or len(prefixes) > _MAX_PREFIXES:
        raise VerificationError("algorithm", "ec:InclusiveNamespaces", "list up to 32 prefixes")
    if "#default" in prefixes:
        # lxml cannot canonicalize with it; a digest that we cannot compute is not trusted.
        raise VerificationError("algorithm", "ec:InclusiveNamespaces", "list no #default")
    return prefixes


def _require_algorithm(element: etree._Element, expected: str) -> None:
    if element.keys() != ["Algorithm"] or element.get("Algorithm") != expected:
        remedy = f"use {expected}"
        raise VerificationError("algorithm", readable(element.tag), remedy)


def _require_tag(element: etree._Element, tag: str) -> None:
    if element.tag != tag:
        raise VerificationError("signature shape", readable(tag), "put it at its place, once")


def _children(element: etree._Element, *tags: str) -> Sequence[etree._Element]:
    """Exactly these children, in this order, with nothing but white space between."""
    children = list(element)
    if [child.tag for child in children] != list(tags):
        wanted = ", ".join(readable(tag) for tag in tags) or "nothing"
        raise VerificationError("signature shape", readable(element.tag), f"put in it {wanted}")
    return children


def _decoded(element: etree._Element, check: str) -> bytes:
    _children(element)
    return decode_base64(element.text or "", check, readable(element.tag))

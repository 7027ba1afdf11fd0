"""Signs an envelope: token, digests, SignedInfo, signature value, in this order.

SignedInfo is written in its canonical form at once, which spares a canonicalization.
docs/decisions/0001-signing.md says why this is our own code, and which two others check it.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from hashlib import sha256
from typing import Final

from lxml import etree

from gateway.errors import SigningError
from gateway.soap.envelope import Parts, locate
from gateway.soap.keys import SigningKey
from gateway.soap.names import BASE64, DS, EXC_C14N, ID, SHA256, WSSE, WSU, X509V3
from gateway.soap.profile import SecurityProfile
from gateway.xml import canonical, own

_CERTIFICATE_ID: Final = "Certificate"

# Canonical form: no empty-element tags, attributes sorted, the namespace declared where first used.
_REFERENCE: Final = (
    '<ds:Reference URI="#{id}"><ds:Transforms>'
    f'<ds:Transform Algorithm="{EXC_C14N}"></ds:Transform></ds:Transforms>'
    f'<ds:DigestMethod Algorithm="{SHA256}"></ds:DigestMethod>'
    "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
)
_SIGNED_INFO: Final = (
    f'<ds:SignedInfo xmlns:ds="{DS}">'
    f'<ds:CanonicalizationMethod Algorithm="{EXC_C14N}"></ds:CanonicalizationMethod>'
    '<ds:SignatureMethod Algorithm="{algorithm}"></ds:SignatureMethod>'
    "{references}</ds:SignedInfo>"
)
_SECURITY: Final = (
    f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}">'
    f'<wsse:BinarySecurityToken EncodingType="{BASE64}" ValueType="{X509V3}"'
    f' wsu:Id="{_CERTIFICATE_ID}">{{token}}</wsse:BinarySecurityToken>'
    f'<ds:Signature xmlns:ds="{DS}">{{signed_info}}'
    "<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><wsse:SecurityTokenReference>"
    f'<wsse:Reference URI="#{_CERTIFICATE_ID}" ValueType="{X509V3}"/>'
    "</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature></wsse:Security>"
)


def sign(envelope: etree._Element, key: SigningKey, profile: SecurityProfile) -> bytes:
    """The bytes to send. Completes the `envelope` of `build` in place.

    Raises SigningError if the certificate is not valid at the envelope's Created, or if the
    envelope is signed already.
    """
    parts = locate(envelope, profile)
    if parts.token is not None or parts.signature is not None:
        raise SigningError("wsse:Security: the envelope is signed already")
    _require_valid(key, parts)
    signed_info = _signed_info(parts, key.algorithm)
    value = b64encode(key.sign(signed_info.encode())).decode()
    made = own(_SECURITY.format(token=key.token, signed_info=signed_info, value=value))
    token, signature = made
    parts.security.insert(0, token)
    parts.security.append(signature)
    return etree.tostring(envelope, encoding="UTF-8", xml_declaration=True)


def _require_valid(key: SigningKey, parts: Parts) -> None:
    created = datetime.fromisoformat(parts.timestamp[0].text or "")
    if not key.valid_from <= created <= key.valid_until:
        raise SigningError("signing certificate: not valid at the envelope's Created; renew it")


def _signed_info(parts: Parts, algorithm: str) -> str:
    references = "".join(
        _REFERENCE.format(
            id=element.get(ID), digest=b64encode(sha256(canonical(element)).digest()).decode()
        )
        for element in parts.signable()
    )
    return _SIGNED_INFO.format(algorithm=algorithm, references=references)

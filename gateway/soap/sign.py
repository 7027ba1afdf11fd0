"""Signs an envelope: digests, SignedInfo, signature value, in this order.

Everything is written in its canonical form at once, which spares the canonicalizations.
docs/decisions/0001-signing.md says why this is our own code, and which two others check it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from gateway.errors import SigningError
from gateway.soap.envelope import Unsigned
from gateway.soap.keys import SigningKey
from gateway.soap.names import BASE64, DS, EXC_C14N, SHA256, SOAP11, WSSE, WSU, X509V3
from gateway.soap.profile import SecurityProfile

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
_OPENING: Final = (
    "<?xml version='1.0' encoding='UTF-8'?>\n<soap:Envelope xmlns:soap=\"{soap}\"><soap:Header>"
)
_TOKEN: Final = (
    f'<wsse:Security xmlns:wsse="{WSSE}" soap:mustUnderstand="{{must}}">'
    f'<wsse:BinarySecurityToken xmlns:wsu="{WSU}" EncodingType="{BASE64}" ValueType="{X509V3}"'
    f' wsu:Id="{_CERTIFICATE_ID}">{{token}}</wsse:BinarySecurityToken>'
)
_SIGNATURE: Final = (
    f'<ds:Signature xmlns:ds="{DS}">{{signed_info}}'
    "<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><wsse:SecurityTokenReference>"
    f'<wsse:Reference URI="#{_CERTIFICATE_ID}" ValueType="{X509V3}"/>'
    "</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature></wsse:Security></soap:Header>"
)
_CLOSING: Final = b"</soap:Envelope>"


def sign(envelope: Unsigned, key: SigningKey, profile: SecurityProfile) -> bytes:
    """The bytes to send: the `envelope` of `build`, whole and signed.

    Raises SigningError if the certificate is not valid at the envelope's Created, or if the
    envelope was built for another version of SOAP.
    """
    if envelope.soap != profile.namespace:
        raise SigningError(f"soap:Envelope: built for another version than SOAP {profile.soap}")
    if not key.valid_from <= envelope.created <= key.valid_until:
        raise SigningError("signing certificate: not valid at the envelope's Created; renew it")
    signed_info = _signed_info(envelope.parts, key.algorithm)
    value = b64encode(key.sign(signed_info.encode())).decode()
    timestamp, *addressing, body = envelope.parts.values()
    must = "1" if envelope.soap == SOAP11 else "true"
    return b"".join(
        (
            _OPENING.format(soap=envelope.soap).encode(),
            *addressing,
            _TOKEN.format(must=must, token=key.token).encode(),
            timestamp,
            _SIGNATURE.format(signed_info=signed_info, value=value).encode(),
            body,
            _CLOSING,
        )
    )


def _signed_info(parts: Mapping[str, bytes], algorithm: str) -> str:
    references = "".join(
        _REFERENCE.format(id=identifier, digest=b64encode(sha256(part).digest()).decode())
        for identifier, part in parts.items()
    )
    return _SIGNED_INFO.format(algorithm=algorithm, references=references)

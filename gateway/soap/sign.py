"""Signs an envelope: digests, SignedInfo, signature value, in this order.

Everything is written in its canonical form at once, which spares the canonicalizations.
docs/decisions/0001-signing.md says why this is our own code, and which two others check it.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Final

from gateway.errors import SigningError
from gateway.soap.envelope import Unsigned
from gateway.soap.keys import SigningKey
from gateway.soap.names import BASE64, DS, SOAP11, WSA, WSSE, WSU, X509V3
from gateway.soap.profile import SecurityProfile
from gateway.soap.references import write_references

_CERTIFICATE_ID: Final = "Certificate"

_OPENING: Final = (
    "<?xml version='1.0' encoding='UTF-8'?>\n<soap:Envelope xmlns:soap=\"{soap}\">"
    f'<soap:Header xmlns:wsa="{WSA}" xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}">'
)
_TOKEN: Final = (
    '<wsse:Security soap:mustUnderstand="{must}">'
    f'<wsse:BinarySecurityToken EncodingType="{BASE64}" ValueType="{X509V3}"'
    f' wsu:Id="{_CERTIFICATE_ID}">{{token}}</wsse:BinarySecurityToken>'
)
_SIGNATURE: Final = f'<ds:Signature xmlns:ds="{DS}">'.encode()
_VALUE: Final = (
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
    digests = (
        (name.encode(), sha256(part.digested).digest()) for name, part in envelope.parts.items()
    )
    signed_info = write_references(digests, key.algorithm)
    value = b64encode(key.sign(signed_info)).decode()
    timestamp, *addressing, body = (part.sent for part in envelope.parts.values())
    must = "1" if envelope.soap == SOAP11 else "true"
    return b"".join(
        (
            _OPENING.format(soap=envelope.soap).encode(),
            *addressing,
            _TOKEN.format(must=must, token=key.token).encode(),
            timestamp,
            _SIGNATURE,
            signed_info,
            _VALUE.format(value=value).encode(),
            body,
            _CLOSING,
        )
    )

"""The key that signs, as a value. Knows no file and no password.

RSA of at least 2048 bits, or EC on P-256; nothing else is made or accepted (ModI allows RSA and
ECDSA with SHA-256).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Final, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.errors import SigningError
from gateway.soap.names import ECDSA_SHA256, RSA_SHA256

MIN_RSA_BITS: Final = 2048
_P256_BYTES: Final = 32
_SHA256: Final = hashes.SHA256()
_PKCS1: Final = padding.PKCS1v15()
_ECDSA: Final = ec.ECDSA(_SHA256)

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def algorithm_of(key: object) -> str | None:
    """The signature algorithm that belongs to a public or private key; None if it may not sign."""
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        return RSA_SHA256 if key.key_size >= MIN_RSA_BITS else None
    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
        return ECDSA_SHA256 if isinstance(key.curve, ec.SECP256R1) else None
    return None


@dataclass(frozen=True)
class SigningKey:
    """A private key with its certificate. Raises SigningError if the two are no usable pair."""

    private_key: PrivateKey = field(repr=False)
    certificate: x509.Certificate = field(repr=False)

    def __post_init__(self) -> None:
        if algorithm_of(self.private_key) is None:
            raise SigningError("signing key: use RSA of at least 2048 bits, or EC P-256")
        if _spki(self.private_key.public_key()) != _spki(self.certificate.public_key()):
            raise SigningError("signing key: the certificate is of another key")

    @cached_property
    def algorithm(self) -> str:
        """Its ds:SignatureMethod."""
        return RSA_SHA256 if isinstance(self.private_key, rsa.RSAPrivateKey) else ECDSA_SHA256

    @cached_property
    def token(self) -> str:
        """Its certificate as the text of a wsse:BinarySecurityToken."""
        return b64encode(self.certificate.public_bytes(Encoding.DER)).decode()

    @cached_property
    def valid_from(self) -> datetime:
        """The certificate's notBefore, UTC."""
        return self.certificate.not_valid_before_utc

    @cached_property
    def valid_until(self) -> datetime:
        """The certificate's notAfter, UTC."""
        return self.certificate.not_valid_after_utc

    def days_left(self, now: datetime) -> float:
        """Days until the certificate expires; negative if it has."""
        return (self.valid_until - now.astimezone(UTC)).total_seconds() / 86_400

    def sign(self, content: bytes) -> bytes:
        """The raw value of ds:SignatureValue over `content`."""
        return self._sign(content)

    @cached_property
    def _sign(self) -> Callable[[bytes], bytes]:
        """What kind of key it is, is asked once: the library's types are slow to ask."""
        key = self.private_key
        if isinstance(key, rsa.RSAPrivateKey):
            return lambda content: key.sign(content, _PKCS1, _SHA256)
        return lambda content: _side_by_side(key.sign(content, _ECDSA))


def signature_is_of(key: PublicKey, value: bytes, content: bytes) -> bool:
    """Whether `value` (a ds:SignatureValue) is this key's signature of `content`."""
    try:
        if _is_rsa(type(key)):
            cast("rsa.RSAPublicKey", key).verify(value, content, _PKCS1, _SHA256)
        else:
            cast("ec.EllipticCurvePublicKey", key).verify(_asn1(value), content, _ECDSA)
    except InvalidSignature:
        return False
    return True


@cache
def _is_rsa(kind: type[object]) -> bool:
    """Asked once for a type: `isinstance` of an abstract class takes longer than a digest."""
    return issubclass(kind, rsa.RSAPublicKey)


def _side_by_side(asn1: bytes) -> bytes:
    """As XML Signature wants r and s (RFC 4050, 3.3)."""
    r, s = decode_dss_signature(asn1)
    return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")


def _asn1(value: bytes) -> bytes:
    if len(value) != 2 * _P256_BYTES:
        raise InvalidSignature
    r, s = value[:_P256_BYTES], value[_P256_BYTES:]
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))


def _spki(key: object) -> bytes:
    assert isinstance(key, PublicKey)  # the algorithm was looked at before
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

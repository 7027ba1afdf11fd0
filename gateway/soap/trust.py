"""Whom a partner's token may be: which CA issued it, which certificate or subject it is.

The pinned CA is the CA that issues the partner's certificates directly; a token issued by any
other, or by one of its customers, is refused. Revocation is not looked up: pins are short lists
in the partner directory, and taking a certificate out of it is the revocation.
"""

from __future__ import annotations

from binascii import Error as BadBase64
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from lxml import etree

from gateway.errors import VerificationError
from gateway.soap.keys import PublicKey, algorithm_of
from gateway.soap.names import BASE64, X509V3

_ELEMENT: Final = "wsse:BinarySecurityToken"
_LONGEST: Final = 16 * 2**10
"""Characters of a token: five times those of a certificate with RSA of 4096 bits."""

UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises for bytes that are no certificate it can read."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The CAs that issue a partner's signing certificates, and, if given, which of these are his.

    `fingerprints` are SHA-256 of the DER certificate in lower-case hex, `subjects` RFC 4514 texts.
    With neither, every certificate of the CA is the partner's: for a CA of his own.
    """

    ca_certificates: tuple[x509.Certificate, ...] = field(repr=False)
    fingerprints: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Signer:
    """A token that may speak for the partner, while `valid_from` ≤ now ≤ `valid_until`."""

    key: PublicKey = field(repr=False)
    algorithm: str
    subject: str = field(repr=False)
    valid_from: datetime
    valid_until: datetime


def signer_of(token: etree._Element, trust: Trust, now: datetime) -> Signer:
    """The certificate in the token, if it is the partner's and valid now."""
    kinds = (token.get("ValueType"), token.get("EncodingType"))
    if kinds != (X509V3, BASE64) or len(token):
        raise VerificationError("token", _ELEMENT, "send one X509v3 certificate as Base64Binary")
    text = token.text or ""
    if len(text) > _LONGEST:
        raise VerificationError("token", _ELEMENT, f"send at most {_LONGEST} characters")
    signer = _admitted("".join(text.split()), trust)
    if not signer.valid_from <= now <= signer.valid_until:
        remedy = "sign with a certificate that is valid now, of a CA that is valid now"
        raise VerificationError("token validity", _ELEMENT, remedy)
    return signer


def decode_base64(text: str, check: str, element: str) -> bytes:
    """Strict base64; line breaks and spaces are allowed, other spellings of the same bytes not."""
    compact = "".join(text.split())
    try:
        decoded = a2b_base64(compact, strict_mode=True)
    except (BadBase64, ValueError):
        raise VerificationError(check, element, "write canonical base64") from None
    if b2a_base64(decoded, newline=False) != compact.encode():
        raise VerificationError(check, element, "write canonical base64")
    return decoded


# The chain of one certificate never changes; its dates are looked at every time. `text` has no
# blanks: spellings of one certificate would each be kept.
@lru_cache(maxsize=256)
def _admitted(text: str, trust: Trust) -> Signer:
    certificate = _certificate(decode_base64(text, "token", _ELEMENT))
    authority = _issuer_of(certificate, trust)
    _require_partner(certificate, trust)
    key = certificate.public_key()
    algorithm = algorithm_of(key)
    if algorithm is None:
        raise VerificationError("token key", _ELEMENT, "use RSA of 2048 bits or more, or EC P-256")
    assert isinstance(key, PublicKey)  # algorithm_of knows only these
    return Signer(
        key=key,
        algorithm=algorithm,
        subject=certificate.subject.rfc4514_string(),
        valid_from=max(certificate.not_valid_before_utc, authority.not_valid_before_utc),
        valid_until=min(certificate.not_valid_after_utc, authority.not_valid_after_utc),
    )


def _certificate(der: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(der)
        weak = not isinstance(
            certificate.signature_hash_algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512
        )
        usage = _extension(certificate, x509.KeyUsage)
        authority = _extension(certificate, x509.BasicConstraints)
        # Read here once, so that a part nobody can read is refused here.
        certificate.public_key()
    except UNREADABLE:
        raise VerificationError("token", _ELEMENT, "send one X.509 certificate in DER") from None
    if weak:
        raise VerificationError(
            "token", _ELEMENT, "use a certificate signed with SHA-256 or better"
        )
    if usage and not (usage.digital_signature or usage.content_commitment):
        raise VerificationError("token usage", _ELEMENT, "use a certificate made for signatures")
    if authority and authority.ca:
        raise VerificationError("token usage", _ELEMENT, "sign with a certificate that is no CA")
    return certificate


def _issuer_of(certificate: x509.Certificate, trust: Trust) -> x509.Certificate:
    for authority in trust.ca_certificates:
        try:
            certificate.verify_directly_issued_by(authority)
        except (*UNREADABLE, InvalidSignature):
            continue
        return authority
    remedy = "sign with a certificate issued by the CA in the partner directory"
    raise VerificationError("token issuer", _ELEMENT, remedy)


def _require_partner(certificate: x509.Certificate, trust: Trust) -> None:
    if not trust.fingerprints and not trust.subjects:
        return
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    if fingerprint in trust.fingerprints:
        return
    if certificate.subject.rfc4514_string() in trust.subjects:
        return
    remedy = "sign with the certificate that the partner directory names"
    raise VerificationError("token pin", _ELEMENT, remedy)


_Kind = TypeVar("_Kind", bound=x509.ExtensionType)


def _extension(certificate: x509.Certificate, kind: type[_Kind]) -> _Kind | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None

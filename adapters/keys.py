"""Reads certificates and keys from files, and makes TLS contexts of them.

Every file is read once, at start-up; what cannot be used is a ConfigurationError that names the
file and never what is in it. TLS is 1.2 or newer, the peer's CA is pinned, and both sides show a
certificate. The key for TLS and the key that signs are two files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from gateway.errors import ConfigurationError, SigningError
from gateway.soap.keys import PrivateKey, SigningKey

_PKCS12: Final = (".p12", ".pfx")
_NO_RENEGOTIATION: Final[int] = getattr(SSL, "OP_NO_RENEGOTIATION")  # noqa: B009  # not in the stubs
_CIPHERS: Final = b"ECDHE+AESGCM:ECDHE+CHACHA20"


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key, its certificate, and the intermediates that go with it in TLS."""

    private_key: PrivateKey = field(repr=False)
    certificate: x509.Certificate = field(repr=False)
    chain: tuple[x509.Certificate, ...] = field(default=(), repr=False)

    def days_left(self, now: datetime) -> float:
        """Days until the certificate expires; negative if it has."""
        return (self.certificate.not_valid_after_utc - now.astimezone(UTC)).total_seconds() / 86_400


def load_identity(
    certificate: Path,
    key: Path | None = None,
    *,
    password_file: Path | None = None,
    password_env: str | None = None,
) -> Identity:
    """Read PKCS#12 (`.p12`, `.pfx`: one file) or PEM (certificate with its chain, and a key file).

    Raises ConfigurationError naming the file.
    """
    password = _password(password_file, password_env)
    if certificate.suffix.lower() in _PKCS12:
        private_key, own, chain = _pkcs12(certificate, password)
    else:
        own, *chain = load_certificates(certificate)
        private_key = _pem_key(key or certificate, password)
    try:
        SigningKey(private_key, own)
    except SigningError as error:
        raise ConfigurationError([f"{key or certificate}: {error}"]) from error
    return Identity(private_key, own, tuple(chain))


def load_signing_key(
    certificate: Path,
    key: Path | None = None,
    *,
    password_file: Path | None = None,
    password_env: str | None = None,
) -> SigningKey:
    """As `load_identity`, for the key that signs envelopes."""
    found = load_identity(certificate, key, password_file=password_file, password_env=password_env)
    return SigningKey(found.private_key, found.certificate)


def load_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """All certificates of a PEM file, in their order; at least one."""
    try:
        return tuple(x509.load_pem_x509_certificates(_read(path)))
    except ValueError as error:
        raise ConfigurationError([f"{path}: has no usable PEM certificate"]) from error


def _pem_key(path: Path, password: bytes | None) -> PrivateKey:
    try:
        found = load_pem_private_key(_read(path), password)
    except (ValueError, TypeError) as error:
        text = "wrong password, or no" if password else "encrypted without a password, or no"
        raise ConfigurationError([f"{path}: {text} usable PEM private key"]) from error
    return _usable(path, found)


def _pkcs12(
    path: Path, password: bytes | None
) -> tuple[PrivateKey, x509.Certificate, list[x509.Certificate]]:
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(_read(path), password)
    except ValueError as error:
        raise ConfigurationError([f"{path}: wrong password, or no usable PKCS#12"]) from error
    if key is None or certificate is None:
        raise ConfigurationError([f"{path}: holds no private key with its certificate"])
    return _usable(path, key), certificate, others


def _usable(path: Path, key: object) -> PrivateKey:
    if not isinstance(key, PrivateKey):
        raise ConfigurationError([f"{path}: is neither an RSA nor an EC key"])
    return key


def _password(file: Path | None, env: str | None) -> bytes | None:
    if file is not None:
        return _read(file).rstrip(b"\r\n")
    if env is None:
        return None
    if env not in os.environ:
        raise ConfigurationError([f"environment variable {env}: is not set"])
    return os.environ[env].encode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError([f"{path}: {error.strerror}"]) from error


def _context(identity: Identity, authorities: Sequence[x509.Certificate]) -> SSL.Context:
    """What both sides share: own certificate, pinned CAs, modern TLS."""
    context: Any = SSL.Context(SSL.TLS_METHOD)  # its stubs are of an older pyOpenSSL
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(_CIPHERS)
    context.set_options(SSL.OP_NO_COMPRESSION | _NO_RENEGOTIATION)
    context.use_certificate(identity.certificate)
    context.use_privatekey(identity.private_key)
    for certificate in identity.chain:
        context.add_extra_chain_cert(certificate)
    store = context.get_cert_store()
    for authority in authorities:
        store.add_cert(crypto.X509.from_cryptography(authority))
    # The pin may be an intermediate CA: then nothing above it counts.
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    return cast(SSL.Context, context)


class ClientTls:
    """TLS towards one partner: his pinned CA, our certificate. http.py checks the host's name."""

    def __init__(self, identity: Identity, authorities: Sequence[x509.Certificate]) -> None:
        self._context = _context(identity, authorities)
        self._context.set_verify(SSL.VERIFY_PEER, self._note)
        self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        self._problems: WeakKeyDictionary[SSL.Connection, int] = WeakKeyDictionary()

    def connection(self) -> SSL.Connection:
        """A new connection, not yet on any wire."""
        return SSL.Connection(self._context, None)

    def problem_of(self, connection: SSL.Connection) -> int | None:
        """OpenSSL's number of what is wrong with the peer's certificate; None if nothing is."""
        return self._problems.get(connection)

    def _note(
        self, connection: SSL.Connection, _peer: object, problem: int, _depth: int, good: int
    ) -> bool:
        if not good:
            self._problems[connection] = problem
        return bool(good)


@implementer(IOpenSSLServerConnectionCreator)
class ServerTls:
    """TLS of a listener: our certificate; the client must show one of the pinned CAs'."""

    def __init__(self, identity: Identity, authorities: Sequence[x509.Certificate]) -> None:
        self._context = _context(identity, authorities)
        self._context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
        # Without an id of its own OpenSSL refuses to resume sessions with client certificates.
        self._context.set_session_id(b"icaro")

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:  # noqa: N802, N803  # Twisted's names
        """Called by Twisted for each connection."""
        return SSL.Connection(self._context, None)


PARTIES: Final = ("gateway", "comune", "agenzia_entrate", "asl", "ospedale")
DEVELOPMENT: Final = "SVILUPPO - NON VALIDO"
_DOCUMENT_SIGNING: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336


@dataclass(frozen=True, slots=True)
class DevelopmentPki:
    """Short-lived certificates for development: a CA per party, thrown away after two signatures.

    Subjects say that they are not valid; CA keys are never written, so nobody can issue more.
    """

    now: datetime
    days: int = 30

    def write(self, folder: Path, parties: Sequence[str] = PARTIES) -> list[Path]:
        """Write `folder/<party>/{ca.pem, tls.pem, tls.key, sign.pem, sign.key}`; keys are 0600.

        Nothing is overwritten: raises ConfigurationError if a party's folder is there. Gives back
        what was written.
        """
        there = [folder / party for party in parties if (folder / party).exists()]
        if there:
            raise ConfigurationError([f"{path}: is there already" for path in there])
        return [path for party in parties for path in self._write_party(folder / party)]

    def _write_party(self, folder: Path) -> list[Path]:
        folder.mkdir(parents=True, mode=0o755)
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca_name = _subject(folder.name, "CA")
        ca = self._certificate(ca_name, ca_key, ca_name, ca_key, _CA_EXTENSIONS)
        # P-256 for TLS keeps handshakes cheap; the signature that partners look at is RSA.
        tls_key = ec.generate_private_key(ec.SECP256R1())
        sign_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        tls = self._certificate(
            _subject(folder.name, "TLS"), tls_key, ca_name, ca_key, _TLS_EXTENSIONS
        )
        sign = self._certificate(
            _subject(folder.name, "firma"), sign_key, ca_name, ca_key, _SIGN_EXTENSIONS
        )
        return [
            _write(folder / "ca.pem", _pem(ca), 0o644),
            _write(folder / "tls.pem", _pem(tls), 0o644),
            _write(folder / "tls.key", _key_pem(tls_key), 0o600),
            _write(folder / "sign.pem", _pem(sign), 0o644),
            _write(folder / "sign.key", _key_pem(sign_key), 0o600),
        ]

    def _certificate(
        self,
        subject: x509.Name,
        key: PrivateKey,
        issuer: x509.Name,
        issuer_key: ec.EllipticCurvePrivateKey,
        extensions: Sequence[x509.ExtensionType],
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - timedelta(minutes=5))
            .not_valid_after(self.now + timedelta(days=self.days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
            )
        )
        for extension in extensions:
            critical = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
            builder = builder.add_extension(extension, critical)
        return builder.sign(issuer_key, hashes.SHA256())


def _subject(party: str, role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, DEVELOPMENT),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{party} {role}"),
        ]
    )


def _usage(*names: str) -> x509.KeyUsage:
    known = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: name in names for name in known.split()})


_CA_EXTENSIONS: Final = (
    x509.BasicConstraints(ca=True, path_length=0),
    _usage("key_cert_sign", "crl_sign"),
)
_TLS_EXTENSIONS: Final = (
    x509.BasicConstraints(ca=False, path_length=None),
    _usage("digital_signature"),
    x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
    x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
    ),
)
_SIGN_EXTENSIONS: Final = (
    x509.BasicConstraints(ca=False, path_length=None),
    _usage("digital_signature", "content_commitment"),
    x509.ExtendedKeyUsage([_DOCUMENT_SIGNING]),
)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return path

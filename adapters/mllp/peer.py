"""Who speaks on a connection, by its address and by its certificate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from twisted.internet.interfaces import ISSLTransport

from gateway.answering import Said
from gateway.errors import PeerError


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Peer:
    """Who speaks. `certificate_names` is None without TLS; else what its certificate is called:
    subject common names, DNS and URI alternative names, and `sha256:…` of the whole."""

    listener: str
    host: str
    port: int
    certificate_names: frozenset[str] | None = None


Intake = Callable[[bytes, Peer], Awaitable[Said | bytes | None]]
"""A payload to its acknowledgments (None: silence; bytes: one, of what is stored). Called in the
order of arrival; calls of one connection overlap, up to `limits.unanswered`. If it raises, the
connection closes unanswered."""

Refuse = Callable[[PeerError, bytes, Peer], Awaitable[Said | bytes | None]]
"""What cannot become a payload, with the first bytes of it: too large, or cut in the middle."""


def certificate_names(transport: Any) -> frozenset[str] | None:
    """What the peer's certificate is called; None if the connection is not TLS.

    A certificate's name need not be that of a host. The empty set: it showed none.
    """
    if not ISSLTransport.providedBy(transport):
        return None
    shown = transport.getPeerCertificate()
    if shown is None:
        return frozenset()
    certificate: x509.Certificate = shown.to_cryptography()
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    names = {str(name.value) for name in common}
    names.add(f"sha256:{certificate.fingerprint(hashes.SHA256()).hex()}")
    try:
        other = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset(names)
    names.update(other.get_values_for_type(x509.DNSName))
    names.update(other.get_values_for_type(x509.UniformResourceIdentifier))
    return frozenset(names)

"""TLS towards a HIS: its CA is pinned, its certificate must be for the host that was named."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from OpenSSL import crypto
from twisted.internet import ssl

from adapters.keys import Identity

_ssl: Any = ssl  # untyped in Twisted
_crypto: Any = crypto  # its published types are older than it


def client_tls(
    host: str, authorities: tuple[x509.Certificate, ...], identity: Identity | None = None
) -> Any:
    """What makes TLS connections to `host` (a name or an address), for MllpSender.

    `identity` is what we show if the HIS asks who we are.
    """
    trusted = [_ssl.Certificate(_crypto.X509.from_cryptography(own)) for own in authorities]
    return _ssl.optionsForClientTLS(
        host,
        trustRoot=_ssl.trustRootFromCertificates(trusted),
        clientCertificate=None if identity is None else _shown(identity),
    )


def _shown(identity: Identity) -> Any:
    certificate = _ssl.Certificate(_crypto.X509.from_cryptography(identity.certificate))
    key = _ssl.KeyPair(_crypto.PKey.from_cryptography_key(identity.private_key))
    return _ssl.PrivateCertificate.fromCertificateAndKeyPair(certificate, key)

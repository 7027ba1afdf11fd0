"""TLS towards a HIS: its CA is pinned, its certificate must be for the host that was named."""

# ruff: noqa: N802, N803  (the names are Twisted's)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from OpenSSL import SSL, crypto
from service_identity.pyopenssl import verify_hostname, verify_ip_address
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from zope.interface import implementer

from adapters.http_connection import is_ip
from adapters.keys import Identity


@implementer(IOpenSSLClientConnectionCreator)
@dataclass(frozen=True)
class HisTls:
    """Makes connections to `host` with `context`, and checks whom they lead to."""

    host: str
    context: SSL.Context

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Called by Twisted for each connection."""
        connection = SSL.Connection(self.context, None)
        if not is_ip(self.host):
            connection.set_tlsext_host_name(self.host.encode("idna"))
        return connection

    def verify(self, connection: SSL.Connection) -> None:
        """The pinned CA may have certified others too: the name must be the HIS's.

        Raises service_identity's VerificationError or CertificateError.
        """
        (verify_ip_address if is_ip(self.host) else verify_hostname)(connection, self.host)


def client_tls(
    host: str, authorities: Sequence[x509.Certificate], identity: Identity | None = None
) -> HisTls:
    """For MllpSender: TLS to `host` (a name or an address), certified by one of `authorities`.

    `identity` is what we show if the HIS asks who we are.
    """
    # Its published types are older than it: it takes cryptography's own values.
    context: Any = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_verify(SSL.VERIFY_PEER)
    store = context.get_cert_store()
    for authority in authorities:
        store.add_cert(crypto.X509.from_cryptography(authority))
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    if identity is not None:
        context.use_certificate(identity.certificate)
        context.use_privatekey(identity.private_key)
        for certificate in identity.chain:
            context.add_extra_chain_cert(certificate)
    return HisTls(host, context)

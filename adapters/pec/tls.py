"""Whom we trust to be the provider, and as whom we speak to it. TLS only, from the first byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.protocols.tls import TLSMemoryBIOFactory

from adapters.keys import load_certificates
from gateway.errors import ConfigurationError
from gateway.mailbox import Mailbox
from gateway.units import Address


@dataclass(frozen=True, slots=True)
class Provider:
    """Its servers, its certificates' CAs, and our credentials."""

    smtp: Address
    imap: Address
    folder: str
    user: bytes
    password: bytes = field(repr=False)
    seconds: float
    authorities: Sequence[x509.Certificate] = field(repr=False)

    @classmethod
    def of(cls, mailbox: Mailbox) -> Provider:
        """Read its files. Raises ConfigurationError."""
        lines = mailbox.password_file.read_bytes().splitlines()
        if not lines or not lines[0]:
            raise ConfigurationError([f"{mailbox.password_file.name}: has no password in it"])
        return cls(
            mailbox.smtp,
            mailbox.imap,
            mailbox.folder,
            mailbox.user.encode(),
            lines[0],
            mailbox.timeout.total_seconds(),
            load_certificates(mailbox.ca),
        )

    def secured(self, host: str, factory: Any, reactor: Any) -> Any:
        """`factory` over TLS that leads to `host`, certified by one of the CAs, or nowhere."""
        pems = [each.public_bytes(Encoding.PEM) for each in self.authorities]
        trusted = trustRootFromCertificates([Certificate.loadPEM(pem) for pem in pems])
        options: Any = optionsForClientTLS(host, trusted)
        return TLSMemoryBIOFactory(options, True, factory, clock=reactor)

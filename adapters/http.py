"""Posts SOAP over mutual TLS and says what became of it as a value, never as an exception.

The one question that matters is whether the partner may have the request: nothing is written
before the handshake is complete and the host's name is checked; after the first byte is written,
only an answer ends the doubt. Nothing is sent twice, no redirect is followed, nothing is logged.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer

from adapters.http1 import Response
from adapters.http_connection import Connection, Lost, NotSent, is_ip, why
from adapters.keys import ClientTls

__all__ = ["Address", "Lost", "NotSent", "Reply", "Result", "SoapClient"]

MAX_REPLY: Final = 8 * 2**20
_PRINTABLE: Final = re.compile(r"[!#-~ ]*")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the expected media type. Its status and signature are yet to be looked at."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)


Result = NotSent | Lost | Reply


@dataclass(frozen=True, slots=True)
class Address:
    """Where to post: from the partner directory, never from a message."""

    host: str
    port: int
    target: str

    @classmethod
    def of(cls, url: str) -> Address:
        """Read an https URL; ValueError if it is none."""
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.username is not None:
            raise ValueError("the address is no https URL with a host")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if " " in target or not target.isascii() or not target.isprintable():
            raise ValueError("the address has characters that must be percent-encoded")
        return cls(parts.hostname, parts.port or 443, target)

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 else f"{host}:{self.port}"


class SoapClient:
    """Posts to one partner over kept connections.

    `first_byte` is the time in seconds until the answer begins, `idle` how long a connection is
    kept: shorter than the partner's, so that he seldom closes it while we write.
    """

    def __init__(
        self,
        reactor: Any,
        tls: ClientTls,
        *,
        limit: int = MAX_REPLY,
        connect: float = 10.0,
        first_byte: float = 60.0,
        idle: float = 4.0,
        keep: int = 8,
    ) -> None:
        self._reactor = reactor
        self._tls = tls
        self._limit = limit
        self._connect = connect
        self._first_byte = first_byte
        self._idle = idle
        self._keep = keep
        self._kept: dict[tuple[str, int], deque[Connection]] = {}

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        soap_action: str | None,
        content_type: str,
        timeout: float,  # noqa: ASYNC109  # it is part of the outcome, not a cancellation
    ) -> Result:
        """Post `body` once; `timeout` seconds in all. SOAP 1.2 has no `soap_action`.

        An answer of another media type than `content_type` is Lost: it is not the service's.
        """
        deadline = self._reactor.seconds() + timeout
        try:
            address = Address.of(url)
            request = _request(address, body, soap_action, content_type)
        except ValueError as error:
            return NotSent(str(error))
        connection = self._idle_connection(address)
        if connection is None:
            opened = await self._open(address, min(self._connect, timeout))
            if isinstance(opened, NotSent):
                return opened
            connection = opened
        outcome = await connection.exchange(
            request, self._limit, first_byte=self._first_byte, deadline=deadline
        )
        if isinstance(outcome, Response):
            self._keep_or_close(address, connection)
            return _reply(outcome, content_type)
        return outcome

    def close(self) -> None:
        """Close the kept connections."""
        for kept in self._kept.values():
            while kept:
                kept[-1].close()  # which takes it out of `kept`

    def _idle_connection(self, address: Address) -> Connection | None:
        kept = self._kept.get((address.host, address.port), ())
        while kept:
            connection = kept.pop()
            if connection.wake():
                return connection
        return None

    def _keep_or_close(self, address: Address, connection: Connection) -> None:
        kept = self._kept.setdefault((address.host, address.port), deque())
        if connection.reusable and len(kept) < self._keep:
            connection.rest(self._idle, kept.remove)
            kept.append(connection)
        else:
            connection.close()

    async def _open(self, address: Address, seconds: float) -> Connection | NotSent:
        """A connection whose handshake is complete and whose host is who he should be."""
        ready: Deferred[Connection] = Deferred()
        connection = Connection(self._reactor, self._tls, address.host, ready)
        creator: Any = _Towards(self._tls, address.host)  # mypy does not see zope's interfaces
        once: Any = _Once(connection)
        factory: Any = TLSMemoryBIOFactory(creator, True, once, clock=self._reactor)
        endpoint = HostnameEndpoint(self._reactor, address.host, address.port, timeout=seconds)
        until = self._reactor.seconds() + seconds
        try:
            await endpoint.connect(factory)
            left = max(0.0, until - self._reactor.seconds())
            timer = self._reactor.callLater(left, connection.give_up, "no TLS in time")
            try:
                return await ready
            finally:
                if timer.active():
                    timer.cancel()
        except Exception as error:
            connection.close()
            return NotSent(why(error))


def _request(address: Address, body: bytes, soap_action: str | None, content_type: str) -> bytes:
    for text in (soap_action or "", content_type.replace('"', "")):
        if not _PRINTABLE.fullmatch(text):
            raise ValueError("the SOAPAction or Content-Type cannot be a header")
    action = "" if soap_action is None else f'SOAPAction: "{soap_action}"\r\n'
    head = (
        f"POST {address.target} HTTP/1.1\r\n"
        f"Host: {address.authority}\r\n"
        f"Content-Type: {content_type}\r\n"
        f"{action}"
        "Accept-Encoding: identity\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def _reply(response: Response, content_type: str) -> Result:
    expected = content_type.partition(";")[0].strip().lower()
    if response.media_type != expected:
        return Lost(f"HTTP {response.status} with another Content-Type than {expected}", response)
    return Reply(response.status, response.headers, response.body)


@implementer(IOpenSSLClientConnectionCreator)
class _Towards:
    """Makes the TLS connection for one host; a name, but no IP address, is sent as SNI."""

    def __init__(self, tls: ClientTls, host: str) -> None:
        self._tls = tls
        self._host = host

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:  # noqa: N802, N803  # Twisted's names
        connection = self._tls.connection()
        if not is_ip(self._host):
            connection.set_tlsext_host_name(self._host.encode("idna"))
        return connection


class _Once(Factory):
    """A factory of the one connection that is there already."""

    noisy = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def buildProtocol(self, addr: object) -> Protocol:  # noqa: N802  # Twisted's name
        return self._connection

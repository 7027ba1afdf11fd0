"""The TLS port of a simulated administration, which can be shut or show a wrong certificate.

Knows Twisted and the bad days of kind LISTENER. A change cuts the open connections too, so that
no kept one outlives it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.policies import WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer

from adapters.keys import ServerTls
from adapters.simulation.bad_days import BadDay


@implementer(IOpenSSLServerConnectionCreator)
class Listener:
    """One port that listens as the day says. `tls` makes the TLS settings of a folder, or ours.

    `port` 0 lets the system choose; what it chose is kept, so that a shut port opens where it was.
    """

    def __init__(
        self,
        reactor: Any,
        host: str,
        port: int,
        factory: Any,
        tls: Callable[[Path | None], ServerTls],
    ) -> None:
        self._reactor, self._host, self.port, self._tls = reactor, host, port, tls
        self._connections: Any = WrappingFactory(factory)  # type: ignore[no-untyped-call]  # Twisted's
        self._connections.noisy = False
        self._open: Any = None
        self._shown: tuple[bool, Path | None] | None = None
        self._current = tls(None)

    def show(self, day: BadDay | None) -> None:
        """Listen or not, with which certificate. A ConfigurationError changes nothing."""
        closed = day is not None and day.name == "refuse_connections"
        folder = day.options.get("folder") if day is not None else None
        wanted = (closed, None if folder is None else Path(str(folder)))
        if wanted == self._shown:
            return
        self._current = self._tls(wanted[1])
        self._shown = wanted
        self._cut()
        if closed:
            self._shut()
        elif self._open is None:
            self._listen()

    def close(self) -> None:
        """Stop listening and cut what is open."""
        self._shut()
        self._cut()

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:  # noqa: N802, N803  # Twisted's names
        """Called by Twisted for each connection."""
        return self._current.serverConnectionForTLS(tlsProtocol)

    def _listen(self) -> None:
        creator: Any = self
        secured = TLSMemoryBIOFactory(creator, False, self._connections, clock=self._reactor)
        secured.noisy = False
        self._open = self._reactor.listenTCP(self.port, secured, interface=self._host)
        self.port = self._open.getHost().port

    def _shut(self) -> None:
        if self._open is not None:
            self._open.stopListening()
        self._open = None

    def _cut(self) -> None:
        for connection in list(self._connections.protocols):
            connection.transport.abortConnection()

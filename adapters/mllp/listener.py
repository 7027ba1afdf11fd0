"""One MLLP port: takes connections up to its limits, and ends them in good order.

What a connection does is in `connection.py`; what a message means, intake says.
"""

# ruff: noqa: N802  (the names are Twisted's)

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory
from twisted.protocols.tls import TLSMemoryBIOFactory

from adapters.mllp.connection import Connection
from adapters.mllp.peer import Intake, Refuse
from adapters.mllp.wire import ListeningReactor, Port
from gateway.answering import Said
from gateway.config import Limits
from gateway.hl7.framing import ACK, NAK, wrap
from gateway.telemetry import Log, Metrics
from gateway.units import Address


class MllpListener(ServerFactory):
    """One MLLP port. `reactor` is also the clock; `tls` makes its connections (None: plain).

    `intake` and `refuse` are awaited; see `Intake` and `Refuse`. While `behind()`, a connection is
    served one message at a time, and what follows stays in the sender's own buffers. In MLLP
    `release` 2 every block is first answered by a commit block: stored, or not.
    """

    noisy = False

    def __init__(
        self,
        reactor: ListeningReactor,
        address: Address,
        intake: Intake,
        refuse: Refuse,
        *,
        name: str,
        limits: Limits,
        log: Log,
        metrics: Metrics,
        tls: Any = None,
        behind: Callable[[], bool] = lambda: False,
        release: Literal[1, 2] = 1,
    ) -> None:
        self._reactor = reactor
        self.clock = reactor
        self._address = address
        self.intake = intake
        self.refuse = refuse
        self.name = name
        self.limits = limits
        self.log = log
        self._metrics = metrics
        self._tls = tls
        self._behind = behind
        self._release = release
        self._port: Port | None = None
        self._open: set[Connection] = set()
        self._alive: set[Connection] = set()
        self._peers: Counter[str] = Counter()
        self._full = False
        self.stopping = False
        self._ended: Deferred[None] | None = None

    def buildProtocol(self, addr: IAddress | None) -> Connection:
        """One Connection a hospital's connection."""
        return Connection(self)

    def start(self) -> Address:
        """Listen. Gives back the address, with the port that port 0 became."""
        factory: Any = self
        clock: Any = self.clock
        if self._tls is not None:
            factory = TLSMemoryBIOFactory(self._tls, False, factory, clock=clock)
        host, port = self._address.host, self._address.port
        self._port = self._reactor.listenTCP(port, factory, interface=host)
        bound = Address(host, self._port.getHost().port)
        self.log("listening", listener=self.name, address=str(bound))
        return bound

    async def stop(self, grace: float = 30.0) -> None:
        """Stop listening, finish what is in intake, close. After `grace` seconds, close anyway."""
        self.stopping = True
        if self._port is not None:
            stopped = self._port.stopListening()
            if stopped is not None:
                await stopped
        for connection in tuple(self._alive):
            connection.finish()
        if not self._alive:
            return
        self._ended = Deferred()
        end = self.clock.callLater(grace, self._end)
        await self._ended
        if end.active():
            end.cancel()
        for connection in tuple(self._open):
            connection.abort()

    def _end(self) -> None:
        if self._ended is not None and not self._ended.called:
            self._ended.callback(None)

    def admit(self, connection: Connection) -> bool:
        """Count a new connection in, unless there are too many."""
        limits, host = self.limits, connection.host
        if (
            len(self._open) >= limits.connections
            or self._peers[host] >= limits.connections_per_peer
        ):
            self._metrics.connection_refused(self.name)
            if not self._full:  # said once, not for each of a flood
                self.log("connections_full", "warning", listener=self.name, peer=host)
            self._full = True
            return False
        self._open.add(connection)
        self._alive.add(connection)
        self._peers[host] += 1
        self._metrics.connections(self.name, len(self._open))
        return True

    @property
    def at_once(self) -> int:
        """Messages of one connection that may be in work now."""
        return 1 if self._behind() else self.limits.unanswered

    def messages(self, payloads: list[bytes]) -> list[bytes]:
        """Without the peer's own commit blocks, which are about our acknowledgments."""
        if self._release == 1 or not {ACK, NAK} & set(payloads):
            return payloads
        self._metrics.tolerated("commit NAK", payloads.count(NAK))
        return [each for each in payloads if each not in (ACK, NAK)]

    def blocks(self, said: Said | bytes | None) -> bytes:
        """What goes back for one block that came."""
        if not isinstance(said, Said):
            said = Said(() if said is None else (said,))
        blocks = b"".join(map(wrap, said.payloads))
        if self._release == 1:
            return blocks
        return wrap(ACK if said.kept else NAK) + blocks

    def closed(self, connection: Connection) -> None:
        """Its wire is gone; intake may still be at work."""
        if connection not in self._open:
            return
        self._open.discard(connection)
        self._full = False
        self._peers[connection.host] -= 1
        if not self._peers[connection.host]:
            del self._peers[connection.host]
        self._metrics.connections(self.name, len(self._open))

    def forget(self, connection: Connection) -> None:
        """Nothing of it is left."""
        self._alive.discard(connection)
        if not self._alive:
            self._end()

    def tolerated(self, kinds: Counter[str]) -> None:
        """Count what the framing passed over, and empty the counter."""
        for kind, count in kinds.items():
            self._metrics.tolerated(kind, count)
        kinds.clear()

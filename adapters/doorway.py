"""A door with a largest number of callers: who is over it is hung up on before anything is read.

Wraps the factory of a port and knows no protocol. It stands outermost, so that no TLS begins for
who is sent away: otherwise anybody who reaches the port could use up every descriptor (CWE-770).
"""

# ruff: noqa: N802  (the names are Twisted's)

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from twisted.internet.interfaces import IAddress
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory

from gateway.telemetry import Log, Metrics


@dataclass(frozen=True, slots=True)
class Room:
    """Connections that a port has at once, in all and from one address."""

    connections: int
    per_peer: int


CALLBACKS: Final = Room(connections=200, per_peer=50)
"""An office brings few answers at a time; a broker brings those of many from one address."""

OBSERVATION: Final = Room(connections=50, per_peer=20)
"""What watches asks every few seconds, on one connection or two."""


class Doorway(WrappingFactory[ProtocolWrapper]):
    """`inside` with so much `room`. `name` is the port's, in log lines and metrics."""

    noisy = False

    def __init__(self, inside: Any, name: str, room: Room, log: Log, metrics: Metrics) -> None:
        super().__init__(inside)  # type: ignore[no-untyped-call]  # Twisted's
        self._name, self._room, self._log, self._metrics = name, room, log, metrics
        self._hosts: dict[ProtocolWrapper, str] = {}
        self._peers: Counter[str] = Counter()
        self._full = False

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """One more, or None: the port then closes the connection."""
        host = getattr(addr, "host", "")
        room = self._room
        if len(self._hosts) < room.connections and self._peers[host] < room.per_peer:
            made = super().buildProtocol(addr)
            self._hosts[made] = host
            self._peers[host] += 1
            return made
        self._metrics.connection_refused(self._name)
        if not self._full:  # said once, not for each of a flood
            self._log("connections_full", "warning", listener=self._name, peer=host)
        self._full = True
        return None

    def unregisterProtocol(self, p: ProtocolWrapper) -> None:
        """Its connection is gone."""
        super().unregisterProtocol(p)  # type: ignore[no-untyped-call]  # Twisted's
        host = self._hosts.pop(p)
        self._full = False
        self._peers -= Counter([host])  # who has none left is forgotten

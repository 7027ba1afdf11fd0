"""What of Twisted's reactor and transports this room uses, so that types can be checked.

Twisted says it with zope.interface, which a type checker does not read.
"""

# ruff: noqa: N802  (the names are Twisted's)

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred


class Timer(Protocol):
    """IDelayedCall."""

    def active(self) -> bool: ...
    def cancel(self) -> None: ...
    def reset(self, secondsFromNow: float) -> None: ...  # noqa: N803


class Clock(Protocol):
    """IReactorTime."""

    def callLater(self, delay: float, call: Callable[..., object], /) -> Timer: ...


class Port(Protocol):
    """IListeningPort."""

    def getHost(self) -> Any: ...
    def stopListening(self) -> Deferred[None] | None: ...


class ListeningReactor(Clock, Protocol):
    """IReactorTCP as a server, and its clock."""

    def listenTCP(
        self, port: int, factory: Any, backlog: int = ..., interface: str = ...
    ) -> Port: ...


class Wire(Protocol):
    """ITCPTransport, as producer and consumer too."""

    def write(self, data: bytes, /) -> None: ...
    def loseConnection(self) -> None: ...
    def abortConnection(self) -> None: ...
    def registerProducer(self, producer: Any, streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...
    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...
    def getPeer(self) -> Any: ...
    def getHandle(self) -> Any: ...

"""A listener or a sender on real loopback sockets, against a peer in a thread."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest
from twisted.internet.threads import deferToThreadPool

from adapters.keys import DevelopmentPki
from adapters.mllp import MllpListener, Peer
from gateway.cli.loop import complete
from gateway.config import Limits
from gateway.errors import PeerError
from gateway.hl7.framing import BlockReader
from gateway.telemetry import Log, Metrics
from gateway.units import Address

T = TypeVar("T")
PATIENCE = 10.0


class Echo:
    """An intake that answers with what it got, and remembers it."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.peers: list[Peer] = []
        self.refused: list[PeerError] = []

    async def accept(self, payload: bytes, peer: Peer) -> bytes | None:
        self.payloads.append(payload)
        self.peers.append(peer)
        return b"ack " + payload

    async def refuse(self, error: PeerError, head: bytes, peer: Peer) -> bytes | None:
        self.refused.append(error)
        return b"nak"


class Hospital:
    """A blocking socket that speaks MLLP as a HIS does."""

    def __init__(self, wire: socket.socket) -> None:
        self.wire = wire
        self._reader = BlockReader()
        self._answers: list[bytes] = []

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.wire.sendall(piece)

    def answers(self, count: int) -> list[bytes]:
        """The next `count` acknowledgments; fewer if the gateway closes before."""
        while len(self._answers) < count:
            read = self.wire.recv(65536)
            if not read:
                break
            self._answers += self._reader.feed(read)
        given, self._answers = self._answers[:count], self._answers[count:]
        return given

    def closed(self) -> bool:
        """Waits until the gateway closes; True if it said nothing more."""
        try:
            return self.wire.recv(65536) == b""
        except ConnectionResetError:
            return True


def with_listener(
    script: Callable[[Address], T], echo: Any, *, tls: Any = None, **limits: Any
) -> T:
    """Run `script` in a thread against a listener in a reactor of its own."""

    async def threaded(reactor: Any, address: Address) -> T:
        return await deferToThreadPool(reactor, reactor.getThreadPool(), script, address)

    return beside_listener(threaded, echo, tls=tls, **limits)


def beside_listener(
    script: Callable[[Any, Address], Coroutine[Any, Any, T]],
    echo: Any,
    *,
    tls: Any = None,
    behind: Callable[[], bool] = lambda: False,
    release: Literal[1, 2] = 1,
    **limits: Any,
) -> T:
    """Run `script` in the reactor of the listener."""

    async def work(reactor: Any) -> T:
        listener = MllpListener(
            reactor,
            Address("127.0.0.1", 0),
            echo.accept,
            echo.refuse,
            name="reparto",
            limits=Limits(**limits),
            log=Log(io.StringIO()),
            metrics=Metrics(),
            tls=tls,
            behind=behind,
            release=release,
        )
        address = listener.start()
        try:
            return await script(reactor, address)
        finally:
            await listener.stop(grace=5)

    return complete(work)


def dial(address: Address) -> Hospital:
    wire = socket.create_connection((address.host, address.port), timeout=PATIENCE)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Hospital(wire)


class Mllp:
    """What the tests use of this file: conftest cannot be imported."""

    Echo = Echo
    Hospital = Hospital
    PATIENCE = PATIENCE
    dial = staticmethod(dial)
    with_listener = staticmethod(with_listener)
    beside_listener = staticmethod(beside_listener)


@pytest.fixture(scope="session")
def mllp() -> type[Mllp]:
    return Mllp


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a development PKI: `ospedale/tls.pem` and so on."""
    folder = tmp_path_factory.mktemp("certs")
    DevelopmentPki(datetime.now(UTC)).write(folder)
    return folder


@pytest.fixture
def his() -> Iterator[Callable[[Callable[[socket.socket], None]], Address]]:
    """Starts a HIS that runs the given script on each connection; gives its address."""
    listening: list[socket.socket] = []
    with ThreadPoolExecutor(4) as threads:

        def start(*scripts: Callable[[Hospital], None]) -> Address:
            door = socket.create_server(("127.0.0.1", 0))
            door.settimeout(PATIENCE)
            listening.append(door)

            def serve() -> None:
                for script in scripts:
                    wire, _ = door.accept()
                    wire.settimeout(PATIENCE)
                    with wire:
                        script(Hospital(wire))

            threads.submit(serve)
            return Address("127.0.0.1", door.getsockname()[1])

        yield start
        for door in listening:
            door.close()

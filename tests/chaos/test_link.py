"""The link between two parts: whole it carries, cut it carries nothing, and it forgets nobody."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.chaos.link import HOST, Link


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says back what it hears; gives its port."""
    with socket.create_server((HOST, 0)) as server:
        threading.Thread(target=_serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def link(echo: int) -> Iterator[Link]:
    """A link to that server, tried after a port at which nobody is."""
    with socket.create_server((HOST, 0)) as nobody:
        dead = nobody.getsockname()[1]
    made = Link(lambda: [dead, echo])
    yield made
    made.close()


def _serve(server: socket.socket) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        with client:
            while heard := client.recv(100):
                client.sendall(heard)


def asked(link: Link, word: bytes) -> bytes:
    """What comes back; nothing if the link does not hold."""
    with socket.create_connection((HOST, link.port), timeout=10) as client:
        try:
            client.sendall(word)
            return client.recv(100)
        except ConnectionError:
            return b""


def test_a_cut_lasts_until_it_is_mended(link: Link) -> None:
    """What is connected is lost, what would connect is too, and afterwards all is as before."""
    with socket.create_connection((HOST, link.port), timeout=10) as client:
        client.sendall(b"one")
        assert client.recv(100) == b"one"
        link.cut()
        assert client.recv(100) == b""
    assert asked(link, b"two") == b""
    link.mend()
    assert asked(link, b"three") == b"three"


def test_what_hung_up_is_forgotten(link: Link) -> None:
    """Connections that both ends closed take no place: a run of many minutes makes thousands."""
    for _ in range(50):
        assert asked(link, b"here") == b"here"
    for thread in threading.enumerate():
        if getattr(thread, "_target", None) in (link._connect, link._carry):
            thread.join(10)
    assert link._pairs == []

"""A TCP link of ours between two parts: can be cut, slowed, held, and made to swallow answers.

Knows bytes and ports only. Several targets are tried in turn, as a balancer before nodes does it.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

HOST = "127.0.0.1"
LARGE = 3000
"""Bytes in one piece that only a document has: a handshake's are fewer."""


class Link:
    """Listens on a port of its own; `targets` gives the ports behind it, the first tried first."""

    def __init__(self, targets: Callable[[], list[int]]) -> None:
        self._targets = targets
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self.delay = 0.0
        self.is_cut = False
        self.swallows = False
        """Answers do not come through."""
        self.gate = threading.Event()
        """While clear, documents do not come through, and are not lost."""
        self.gate.set()
        self.held = 0
        self._server = socket.create_server((HOST, 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Every connection is lost, and no other is made until `mend`."""
        self.is_cut = True
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _close(*pair)

    def mend(self) -> None:
        """As before."""
        self.is_cut = self.swallows = False
        self.delay = 0.0
        self.gate.set()

    def close(self) -> None:
        """No more connections."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        for port in [] if self.is_cut else self._targets():
            with suppress(OSError):
                server = socket.create_connection((HOST, port), timeout=2)
                server.settimeout(None)
                self._join(client, server)
                return
        client.close()

    def _join(self, client: socket.socket, server: socket.socket) -> None:
        """Carry both ways until both have ended."""
        with self._lock:
            self._pairs.append((client, server))
        back = threading.Thread(target=self._carry, args=(server, client, False), daemon=True)
        back.start()
        self._carry(client, server, True)
        back.join()
        with self._lock, suppress(ValueError):  # a cut has forgotten it already
            self._pairs.remove((client, server))
        _close(client, server)

    def _carry(self, source: socket.socket, sink: socket.socket, outward: bool) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                self._wait(content, outward)
                if outward or not self.swallows:
                    sink.sendall(content)
            sink.shutdown(socket.SHUT_WR)
            return
        _close(source, sink)

    def _wait(self, content: bytes, outward: bool) -> None:
        if outward and len(content) > LARGE and not self.gate.is_set():
            self.held += 1
            self.gate.wait()
        if self.delay:
            time.sleep(self.delay)  # a slow network is what is played here


def _close(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()

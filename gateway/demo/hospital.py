"""The hospital of the demonstration: sends over MLLP, and takes the `A31` that come back.

Blocking sockets and a thread: a peer of another make than the gateway. It resends only what it
read no acknowledgment of, with the very same bytes.
"""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

from gateway.demo.ports import HOST
from gateway.hl7.acknowledgment import Reply, Verdict, acknowledge, read_acknowledgment
from gateway.hl7.framing import BlockReader, wrap
from gateway.hl7.message import Message


class Feed:
    """One MLLP connection to the gateway, opened when needed, opened again when lost."""

    def __init__(self, port: int, timeout: float = 20.0) -> None:
        self._port = port
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._reader = BlockReader()

    def send(self, payload: bytes, *, patience: float = 60.0) -> bytes:
        """The acknowledgment of `payload`; sends again, until `patience` ends, if none is read."""
        end = time.monotonic() + patience
        while True:
            try:
                return self._exchange(payload)
            except OSError:
                self.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def raw(self, content: bytes) -> bytes | None:
        """Send bytes as they are; the answer, or None if the gateway closes or says nothing."""
        try:
            connection = self._connected()
            connection.sendall(content)
            return self._read(connection)
        except OSError:
            self.close()
            return None

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._reader = None, BlockReader()

    def _exchange(self, payload: bytes) -> bytes:
        connection = self._connected()
        connection.sendall(wrap(payload))
        return self._read(connection)

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection((HOST, self._port), timeout=self._timeout)
        return self._socket

    def _read(self, connection: socket.socket) -> bytes:
        while True:
            data = connection.recv(65536)
            if not data:
                raise ConnectionResetError("the gateway closed the connection")
            for payload in self._reader.feed(data):
                return payload


class ReturnFeed:
    """Takes the gateway's messages on a port of its own and acknowledges each."""

    def __init__(self, port: int, answer: Callable[[Message], Verdict] | None = None) -> None:
        self.messages: list[Message] = []
        self._answer = answer or (lambda _: Verdict.ACCEPTED)
        feed = self

        class Connection(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                # A gateway that dies resets its connections; it comes back with new ones.
                with suppress(ConnectionError):
                    feed._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server((HOST, port), Connection)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, connection: socket.socket) -> None:
        reader = BlockReader()
        while data := connection.recv(65536):
            for payload in reader.feed(data):
                message = Message.parse(payload)
                self.messages.append(message)
                reply = acknowledge(
                    message,
                    self._answer(message),
                    control_id=uuid4().hex[:20],
                    at=datetime.now(UTC),
                )
                if reply is not None:
                    connection.sendall(wrap(reply))


def read(answer: bytes | None) -> Reply | None:
    """What an acknowledgment says."""
    return None if answer is None else read_acknowledgment(answer)

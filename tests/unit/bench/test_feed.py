"""The one that sends: an acknowledgment counts only for the message that it is of."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from bench.day import Day
from bench.feed import PARTS, Line, send
from gateway.hl7.acknowledgment import Verdict, acknowledge
from gateway.hl7.framing import BlockReader, wrap
from gateway.hl7.message import Message

DAY = Day(130, 2, 4, datetime(2026, 11, 22, 8))


@contextmanager
def peer(answer: Callable[[Message], bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """A gateway of another make: its port, and the control ids that came."""
    came: list[bytes] = []

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            reader, request = BlockReader(), self.request
            while data := request.recv(65536):
                for payload in reader.feed(data):
                    message = Message.parse(payload)
                    came.append(message.control_id_raw)
                    request.sendall(wrap(answer(message)))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1], came
        finally:
            server.shutdown()
            thread.join()


def accepted(message: Message, **more: Any) -> bytes:
    """AA."""
    told = acknowledge(message, Verdict.ACCEPTED, control_id="1", at=datetime.now(UTC), **more)
    assert told is not None
    return told


def test_the_whole_day_is_sent_once_and_counted() -> None:
    """In twenty parts, each with its own waits; nothing is left and nothing is wrong."""
    with peer(accepted) as (port, came):
        parts = [part.told() for part in send(port, DAY)]
    assert len(came) == len(set(came)) == DAY.messages
    assert sum(part["count"] for part in parts) == DAY.messages
    assert not sum(part["wrong"] for part in parts)
    assert 1 < len(parts) <= PARTS
    assert all(0 < part["p50_ms"] <= part["p99_ms"] <= part["max_ms"] for part in parts)


def test_what_is_refused_is_counted() -> None:
    """AE is an answer, and no acceptance."""

    def refused(message: Message) -> bytes:
        at = datetime.now(UTC)
        return acknowledge(message, Verdict.ERROR, control_id="1", at=at) or b""

    with peer(refused) as (port, _):
        assert sum(part.wrong for part in send(port, DAY)) == DAY.messages


@pytest.mark.parametrize(
    ("heard", "good"),
    [
        (b"\x0bMSH|^~\\&\rMSA|AA|R7\r\x1c\r", True),
        (b"\x0bMSH|^~\\&\rMSA|CA|R7|more\r\x1c\r", True),
        (b"\x0bMSH|^~\\&\rMSA|AA|R8\r\x1c\r", False),
        (b"\x0bMSH|^~\\&\rMSA|AR|R7\r\x1c\r", False),
        (b"\x0bMSH|^~\\&\rMSA|AA\r\x1c\r", False),
        (b"\x0bMSH|^~\\&\r\x1c\r", False),
        (b"\x0bMSH|^~\\&\rMSA|AA|R7\r\x1c\r\x0bMSH|^~\\&\rMSA|AA|R7\r\x1c\r", False),
    ],
)
def test_an_acknowledgment_is_of_its_message(heard: bytes, good: bool) -> None:
    """AA or CA, its control id in MSA-2, and one block."""
    nobody: Any = None
    line = Line(nobody, iter(()), waits_for=b"R7")
    line.heard = heard
    assert line.accepted() is good

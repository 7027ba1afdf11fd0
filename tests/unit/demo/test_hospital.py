"""The hospital of the demonstration: sends until it is acknowledged, takes what comes back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from gateway.demo.hospital import Feed, ReturnFeed, read
from gateway.demo.ports import HOST, free_port
from gateway.demo.stories import TRANSFER
from gateway.hl7.acknowledgment import Verdict
from gateway.hl7.framing import BlockReader, wrap

ACK = b"MSH|^~\\&|ICARO|ICARO|HIS|SANTA|20260306||ACK|I1|P|2.5\rMSA|AA|DEMOA02\r"


@contextmanager
def gateway(*answers: Callable[[socket.socket, bytes], None]) -> Iterator[tuple[int, list[bytes]]]:
    """A port that treats the nth connection as the nth answer does; what it read."""
    got: list[bytes] = []
    with socket.create_server((HOST, 0)) as server:

        def serve() -> None:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    reader = BlockReader()
                    while not (payloads := reader.feed(connection.recv(65536))):
                        pass
                    got.extend(payloads)
                    answer(connection, payloads[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], got
        thread.join(10)


def acknowledge(connection: socket.socket, payload: bytes) -> None:
    """As a gateway does."""
    connection.sendall(wrap(ACK))


def hang_up(connection: socket.socket, payload: bytes) -> None:
    """As a gateway that died does."""


def test_a_message_is_sent_again_until_its_acknowledgment_is_read():
    """A connection that is lost costs a second sending of the very same bytes, and no more."""
    with gateway(hang_up, acknowledge) as (port, got):
        feed = Feed(port, timeout=5)
        assert feed.send(TRANSFER, patience=10) == ACK
        feed.close()
    assert got == [TRANSFER, TRANSFER]


def test_patience_ends():
    """A gateway that is not there is an error, not an endless loop."""
    with pytest.raises(OSError, match="refused"):
        Feed(free_port(), timeout=1).send(TRANSFER, patience=0)


def test_raw_bytes_may_get_no_answer():
    """What is no message may be answered by hanging up, and that is told as None."""
    with gateway(hang_up) as (port, _):
        assert Feed(port, timeout=5).raw(wrap(b"x")) is None


def test_an_acknowledgment_is_read():
    """Its code and the control id it names; None stays None."""
    told = read(ACK)
    assert told is not None
    assert (told.code, told.control_id) == ("AA", "DEMOA02")
    assert read(None) is None


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.ACCEPTED, "AA"), (Verdict.REJECTED, "AR")])
def test_what_comes_back_is_kept_and_acknowledged(verdict: Verdict, code: str):
    """The HIS keeps every message and answers it as it was told to."""
    back = ReturnFeed(0, lambda _: verdict)
    port = back._server.server_address[1]
    feed = Feed(int(port), timeout=5)
    reply = read(feed.send(TRANSFER))
    feed.close()
    back.close()
    assert reply is not None
    assert reply.code == code
    assert [message.raw for message in back.messages] == [TRANSFER]

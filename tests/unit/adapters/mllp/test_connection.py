"""One connection, over an in-memory transport and a clock that the test turns."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from adapters.mllp import MllpListener, Peer
from adapters.mllp.connection import LINGER, Connection
from gateway.config import Limits
from gateway.errors import BlockTooLarge, PeerError
from gateway.hl7.framing import HEAD, wrap
from gateway.telemetry import Log, Metrics
from gateway.units import Address


class Ward:
    """A listener whose intake the test answers by hand, and its connections."""

    def __init__(self, **limits: Any) -> None:
        self.clock = Clock()
        self.log = io.StringIO()
        self.metrics = Metrics()
        self.asked: list[tuple[bytes, Peer, Deferred[bytes | None]]] = []
        self.refused: list[tuple[PeerError, bytes]] = []
        self.nak: bytes | None = b"NAK"
        self.listener = MllpListener(
            self.clock,  # type: ignore[arg-type]  # nothing listens here
            Address("127.0.0.1", 0),
            self.intake,
            self.refuse,
            name="reparto",
            limits=Limits(**limits),
            log=Log(self.log, priority=False),
            metrics=self.metrics,
        )

    def intake(self, payload: bytes, peer: Peer) -> Awaitable[bytes | None]:
        answer: Deferred[bytes | None] = Deferred()
        self.asked.append((payload, peer, answer))
        return answer

    async def refuse(self, error: PeerError, head: bytes, peer: Peer) -> bytes | None:
        self.refused.append((error, head))
        return self.nak

    def connect(self) -> tuple[Connection, StringTransport]:
        connection, transport = Connection(self.listener), StringTransport()
        connection.makeConnection(transport)
        return connection, transport

    def answer(self, number: int, payload: bytes | None) -> None:
        self.asked[number][2].callback(payload)

    @property
    def payloads(self) -> list[bytes]:
        return [payload for payload, _, _ in self.asked]


def lose(connection: Connection) -> None:
    connection.connectionLost(Failure(ConnectionDone()))


def test_acknowledgments_leave_in_the_order_of_the_messages():
    """A later message that intake finishes first waits for the earlier ones' acknowledgments."""
    ward = Ward()
    connection, transport = ward.connect()
    connection.dataReceived(wrap(b"one") + wrap(b"two") + wrap(b"three"))
    ward.answer(2, b"ack three")
    ward.answer(1, b"ack two")
    assert transport.value() == b""
    ward.answer(0, b"ack one")
    assert transport.value() == wrap(b"ack one") + wrap(b"ack two") + wrap(b"ack three")


def test_silence_is_no_block():
    """A message that asked for no acknowledgment gets not a byte, and holds up nobody."""
    ward = Ward()
    connection, transport = ward.connect()
    connection.dataReceived(wrap(b"one") + wrap(b"two"))
    ward.answer(0, None)
    ward.answer(1, b"ack two")
    assert transport.value() == wrap(b"ack two")


def test_peer_is_told_with_every_message():
    """Intake hears which listener and which address a message came by."""
    ward = Ward()
    connection, _ = ward.connect()
    connection.dataReceived(wrap(b"one"))
    assert ward.asked[0][1] == Peer("reparto", "192.168.1.1", 54321, None)


@given(cuts=st.lists(st.integers(0, 60), max_size=8))
def test_cuts_between_reads_change_nothing(cuts: list[int]):
    """However the network cuts the bytes, intake gets the same messages."""
    stream = wrap(b"MSH|one") + b"\n" + wrap(b"MSH|two\x1cand more") + b"\r\n" + wrap(b"MSH|three")
    ward = Ward()
    connection, _ = ward.connect()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for start, end in pairwise(edges):
        connection.dataReceived(stream[start:end])
    assert ward.payloads == [b"MSH|one", b"MSH|two\x1cand more", b"MSH|three"]


def test_reading_pauses_while_too_many_are_unanswered():
    """A peer that sends faster than intake works is not read, and no more than N are in work."""
    ward = Ward(unanswered=2)
    connection, transport = ward.connect()
    connection.dataReceived(b"".join(wrap(b"%d" % n) for n in range(4)))
    assert ward.payloads == [b"0", b"1"]
    assert transport.producerState == "paused"
    ward.answer(0, b"a0")
    assert ward.payloads == [b"0", b"1", b"2"]
    ward.answer(1, b"a1")
    ward.answer(2, b"a2")
    assert transport.producerState == "producing"
    ward.answer(3, b"a3")
    assert transport.value() == b"".join(wrap(b"a%d" % n) for n in range(4))


def test_thousands_of_tiny_messages_in_one_read():
    """Intake that answers at once is never called from inside its own answer: no deep recursion."""
    ward = Ward()

    async def at_once(payload: bytes, peer: Peer) -> bytes | None:
        return payload

    ward.listener.intake = at_once
    connection, transport = ward.connect()
    stream = b"".join(wrap(b"%d" % n) for n in range(5000))
    connection.dataReceived(stream)
    assert transport.value() == stream


def test_peer_that_does_not_read_its_answers_is_not_read():
    """When the write buffer is full the connection stops reading until it has drained."""
    ward = Ward()
    connection, transport = ward.connect()
    assert transport.producer is connection
    connection.pauseProducing()
    assert transport.producerState == "paused"
    connection.resumeProducing()
    assert transport.producerState == "producing"


def test_too_large_block_is_refused_after_the_answers_before_it_then_closed():
    """The refusal is the last thing said, in its turn; the connection closes a little later."""
    ward = Ward(block=10)
    connection, transport = ward.connect()
    connection.dataReceived(wrap(b"small") + b"\x0b" + b"x" * 50)
    connection.dataReceived(b"x" * 50)
    ward.answer(0, b"ack")
    assert transport.value() == wrap(b"ack") + wrap(b"NAK")
    ((error, head),) = ward.refused
    assert isinstance(error, BlockTooLarge)
    assert head == b"x" * 50
    assert not transport.disconnecting
    ward.clock.advance(LINGER)
    assert transport.disconnecting


def test_too_large_block_without_msh_closes_in_silence():
    """If intake finds nothing to answer, nothing is written, and the connection still closes."""
    ward = Ward(block=10)
    ward.nak = None
    connection, transport = ward.connect()
    connection.dataReceived(b"\x0b" + b"x" * 50)
    ward.clock.advance(LINGER)
    assert transport.value() == b""
    assert transport.disconnecting


def test_health_probe_leaves_no_trace():
    """A connection that opens and closes without a byte logs nothing and refuses nothing."""
    ward = Ward()
    connection, _ = ward.connect()
    lose(connection)
    assert ward.log.getvalue() == ""
    assert ward.refused == []
    assert not ward.clock.getDelayedCalls()


@pytest.mark.parametrize("step", [1, 3, 5, 100])
def test_cut_message_is_told(step: int):
    """A connection that ends inside a message is told to intake, with what came of the message."""
    ward = Ward()
    connection, _ = ward.connect()
    stream = wrap(b"MSH|1") + b"\x0bMSH|2|cut"
    for at in range(0, len(stream), step):
        connection.dataReceived(stream[at : at + step])
    lose(connection)
    ((error, head),) = ward.refused
    assert str(error) == "the connection ended inside a message"
    assert head == b"MSH|2|cut"


def test_of_a_long_cut_message_only_the_beginning_is_kept():
    """What is kept of a message that was cut is bounded."""
    ward = Ward()
    connection, _ = ward.connect()
    connection.dataReceived(b"\x0bMSH|")
    for _ in range(3):
        connection.dataReceived(b"x" * HEAD)
    lose(connection)
    ((_, head),) = ward.refused
    assert head == b"MSH|" + b"x" * (HEAD - 4)


def test_stray_bytes_are_told():
    """Bytes outside any block, such as an HTTP request, are kept for the operator."""
    ward = Ward()
    connection, _ = ward.connect()
    connection.dataReceived(b"GET / HTTP/1.1")
    lose(connection)
    ((error, head),) = ward.refused
    assert str(error) == "bytes outside any block"
    assert head.startswith(b"GET /")
    kinds = ward.metrics.registry.get_sample_value
    assert kinds("icaro_framing_tolerated_total", {"kind": "junk"}) == 12


def test_what_was_received_whole_is_finished_after_the_peer_is_gone():
    """Messages that arrived whole go to intake though nobody waits for the acknowledgment."""
    ward = Ward(unanswered=1)
    connection, transport = ward.connect()
    connection.dataReceived(wrap(b"one") + wrap(b"two"))
    lose(connection)
    ward.answer(0, b"ack one")
    ward.answer(1, b"ack two")
    assert ward.payloads == [b"one", b"two"]
    assert transport.value() == b""


def test_failure_of_intake_closes_without_an_answer():
    """After a message that cannot be answered nothing more is said: the next acknowledgment
    would be taken for its."""
    ward = Ward()
    connection, transport = ward.connect()
    connection.dataReceived(wrap(b"one") + wrap(b"two"))
    ward.asked[0][2].errback(RuntimeError("ROSSI MARIO"))
    ward.answer(1, b"ack two")
    assert transport.value() == b""
    assert transport.disconnecting
    assert "error=RuntimeError" in ward.log.getvalue()
    assert "ROSSI" not in ward.log.getvalue()


def test_two_failures_close_once():
    """A second failure on the same connection changes nothing."""
    ward = Ward()
    connection, transport = ward.connect()
    connection.dataReceived(wrap(b"one") + wrap(b"two"))
    ward.asked[0][2].errback(RuntimeError())
    ward.asked[1][2].errback(RuntimeError())
    assert transport.disconnecting


def test_acknowledgment_that_would_end_a_block_is_not_written():
    """A hostile control id cannot smuggle an end of block into an acknowledgment."""
    ward = Ward()
    connection, transport = ward.connect()
    connection.dataReceived(wrap(b"one"))
    ward.answer(0, b"MSA|AA|\x1c\rMSH|forged")
    assert transport.value() == b""
    assert transport.disconnecting


@pytest.mark.parametrize(("before", "seconds"), [(b"", 5), (wrap(b"one"), 60)])
def test_silent_connection_is_closed(before: bytes, seconds: int):
    """A peer has `first_byte` to begin and `idle` between messages."""
    ward = Ward(first_byte="5 s", idle="60 s")
    connection, transport = ward.connect()
    if before:
        connection.dataReceived(before)
        ward.answer(0, b"ack")
    ward.clock.advance(seconds - 1)
    assert not transport.disconnecting
    ward.clock.advance(1)
    assert transport.disconnecting


def test_silence_inside_a_message_is_told():
    """A message that was begun and never ended is told to intake when patience ends."""
    ward = Ward(idle="60 s")
    connection, transport = ward.connect()
    connection.dataReceived(b"\x0bMSH")
    ward.clock.advance(60)
    assert transport.disconnecting
    assert len(ward.refused) == 1
    lose(connection)
    assert len(ward.refused) == 1


def test_peer_that_waits_for_us_is_not_idle():
    """While intake works, the peer's silence is no fault of its."""
    ward = Ward(idle="60 s")
    connection, transport = ward.connect()
    connection.dataReceived(wrap(b"one"))
    ward.clock.advance(60)
    assert not transport.disconnecting
    ward.answer(0, b"ack")
    ward.clock.advance(60)
    assert transport.disconnecting


def test_peer_that_does_not_let_go_is_cut_off():
    """A close that the peer never completes ends the connection anyway."""
    ward = Ward(idle="60 s")
    _, transport = ward.connect()
    ward.clock.advance(120)
    ward.clock.advance(LINGER)
    assert transport.disconnected


def test_connections_over_the_limit_are_sent_away():
    """More than `connections` at once are refused, said once, and admitted again later."""
    ward = Ward(connections=1)
    first, _ = ward.connect()
    for _ in range(3):
        refused, transport = ward.connect()
        assert transport.disconnected
        refused.dataReceived(wrap(b"x"))
        lose(refused)
    assert ward.payloads == []
    assert ward.log.getvalue().count("connections_full") == 1
    read = ward.metrics.registry.get_sample_value
    assert read("icaro_connections", {"listener": "reparto"}) == 1
    assert read("icaro_connections_refused_total", {"listener": "reparto"}) == 3
    lose(first)
    _, transport = ward.connect()
    assert not transport.disconnecting


def test_one_peer_cannot_take_all_connections():
    """The limit per peer holds for each address by itself."""
    ward = Ward(connections_per_peer=2)
    ward.connect()
    ward.connect()
    _, third = ward.connect()
    assert third.disconnected


def stopped(ward: Ward, grace: float = 30) -> Callable[[], bool]:
    done: list[object] = []
    Deferred.fromCoroutine(ward.listener.stop(grace)).addCallback(done.append)
    return lambda: bool(done)


def test_stop_answers_what_is_in_work_and_takes_nothing_more():
    """A graceful stop: started messages are answered, waiting ones left to the hospital."""
    ward = Ward(unanswered=1)
    connection, transport = ward.connect()
    connection.dataReceived(wrap(b"one") + wrap(b"two"))
    is_stopped = stopped(ward)
    connection.dataReceived(wrap(b"three"))
    assert not transport.disconnecting
    ward.answer(0, b"ack one")
    assert ward.payloads == [b"one"]
    assert transport.value() == wrap(b"ack one")
    assert transport.disconnecting
    assert not is_stopped()
    lose(connection)
    assert is_stopped()


def test_stop_without_connections_is_at_once():
    """Nothing to wait for, nothing waited for."""
    assert stopped(Ward())()


def test_stop_ends_after_its_grace():
    """A message that intake never answers does not hold up the end for ever."""
    ward = Ward()
    connection, transport = ward.connect()
    connection.dataReceived(wrap(b"one"))
    is_stopped = stopped(ward, grace=5)
    ward.clock.advance(5)
    assert is_stopped()
    assert transport.disconnected


def test_stop_waits_for_work_of_connections_that_are_gone():
    """The journal must not close under a message whose sender has hung up."""
    ward = Ward()
    connection, _ = ward.connect()
    connection.dataReceived(wrap(b"one"))
    lose(connection)
    is_stopped = stopped(ward)
    assert not is_stopped()
    ward.answer(0, b"ack")
    assert is_stopped()

"""The MLLP table over real sockets: what hospitals send, and what they must hear."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool

from adapters.keys import ServerTls, load_certificates, load_identity
from gateway.answering import Said
from gateway.hl7.framing import wrap

TABLE = {
    "one message": (wrap(b"MSH|1"), [b"MSH|1"]),
    "two in one write": (wrap(b"MSH|1") + wrap(b"MSH|2"), [b"MSH|1", b"MSH|2"]),
    "LF after the end": (wrap(b"MSH|1") + b"\n" + wrap(b"MSH|2"), [b"MSH|1", b"MSH|2"]),
    "FS CR LF": (b"\x0bMSH|1\x1c\r\n\x0bMSH|2\x1c\r\n", [b"MSH|1", b"MSH|2"]),
    "blanks and NUL before the start": (b" \x00\r\n\t" + wrap(b"MSH|1"), [b"MSH|1"]),
    "CR forgotten between two": (b"\x0bMSH|1\x1c" + wrap(b"MSH|2"), [b"MSH|1", b"MSH|2"]),
    "FS inside": (wrap(b"MSH|a\x1cb"), [b"MSH|a\x1cb"]),
    "VT inside": (wrap(b"MSH|a\x0bb"), [b"MSH|a\x0bb"]),
    "an empty block": (wrap(b"") + wrap(b"MSH|1"), [b"MSH|1"]),
    "junk before": (b"hello" + wrap(b"MSH|1"), [b"MSH|1"]),
    "CRs and bytes over 127": (wrap(b"MSH|1\rPID|\xe8\xff\r"), [b"MSH|1\rPID|\xe8\xff\r"]),
}
ROWS = pytest.mark.parametrize(("stream", "messages"), TABLE.values(), ids=TABLE.keys())


@ROWS
@pytest.mark.parametrize("step", [1, 3, 10_000], ids=["byte by byte", "by threes", "whole"])
def test_every_cut_gives_the_same_acknowledgments(
    mllp: Any, stream: bytes, messages: list[bytes], step: int
):
    """However the bytes are cut on their way, each message is acknowledged once, in order."""

    def hospital(address: Any) -> list[bytes]:
        his = mllp.dial(address)
        with his.wire:
            his.send(*(stream[at : at + step] for at in range(0, len(stream), step)))
            return his.answers(len(messages))

    echo = mllp.Echo()
    assert mllp.with_listener(hospital, echo) == [b"ack " + message for message in messages]
    assert echo.payloads == messages


def test_a_thousand_messages_without_waiting(mllp: Any):
    """Pipelining: a HIS that does not wait for acknowledgments gets all of them, in order."""
    messages = [b"MSH|%d" % n for n in range(1000)]

    def hospital(address: Any) -> list[bytes]:
        his = mllp.dial(address)
        with his.wire:
            his.send(b"".join(map(wrap, messages)))
            return his.answers(len(messages))

    answers = mllp.with_listener(hospital, mllp.Echo(), unanswered=7)
    assert answers == [b"ack " + message for message in messages]


def test_many_connections_at_once(mllp: Any):
    """Each connection has its own order; none waits for another that is silent."""

    def hospital(address: Any) -> list[list[bytes]]:
        wires = [mllp.dial(address) for _ in range(20)]
        for number, his in enumerate(wires[1:]):
            his.send(wrap(b"MSH|%d" % number))
        heard = [his.answers(1) for his in wires[1:]]
        for his in wires:
            his.wire.close()
        return heard

    heard = mllp.with_listener(hospital, mllp.Echo())
    assert heard == [[b"ack MSH|%d" % number] for number in range(19)]


def test_a_block_of_five_megabytes_is_answered_then_closed(mllp: Any):
    """The refusal arrives although the hospital is still writing; then the connection ends."""

    def hospital(address: Any) -> tuple[list[bytes], bool]:
        his = mllp.dial(address)
        with his.wire:
            his.send(wrap(b"MSH|1"), wrap(b"MSH|" + b"x" * 5 * 2**20))
            return his.answers(2), his.closed()

    echo = mllp.Echo()
    answers, closed = mllp.with_listener(hospital, echo)
    assert answers == [b"ack MSH|1", b"nak"]
    assert closed
    assert echo.payloads == [b"MSH|1"]


def test_a_connection_cut_inside_a_message(mllp: Any):
    """What was whole is processed, the cut message is told, and the listener lives on."""
    echo = mllp.Echo()

    def hospital(address: Any) -> list[bytes]:
        his = mllp.dial(address)
        his.send(wrap(b"MSH|1"), b"\x0bMSH|2|half")
        first = his.answers(1)
        his.wire.close()
        again = mllp.dial(address)
        with again.wire:
            again.send(wrap(b"MSH|2|whole"))
            return first + again.answers(1)

    assert mllp.with_listener(hospital, echo) == [b"ack MSH|1", b"ack MSH|2|whole"]
    assert [str(error) for error in echo.refused] == ["the connection ended inside a message"]


@pytest.fixture(scope="module")
def tls(pki: Path) -> ServerTls:
    identity = load_identity(pki / "gateway/tls.pem", pki / "gateway/tls.key")
    return ServerTls(identity, load_certificates(pki / "ospedale/ca.pem"))


def context(pki: Path, party: str | None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(pki / "gateway/ca.pem"))
    if party:
        made.load_cert_chain(pki / party / "tls.pem", pki / party / "tls.key")
    return made


def test_tls_certificate_names_reach_intake(mllp: Any, pki: Path, tls: ServerTls):
    """Over mutual TLS intake hears what the client's certificate is called."""
    echo = mllp.Echo()

    def hospital(address: Any) -> list[bytes]:
        plain = socket.create_connection((address.host, address.port), timeout=mllp.PATIENCE)
        with context(pki, "ospedale").wrap_socket(plain, server_hostname="localhost") as wire:
            his = mllp.Hospital(wire)
            his.send(wrap(b"MSH|1"), wrap(b"MSH|2"))
            return his.answers(2)

    assert mllp.with_listener(hospital, echo, tls=tls) == [b"ack MSH|1", b"ack MSH|2"]
    names = echo.peers[0].certificate_names
    assert names is not None
    assert "localhost" in names
    assert any(name.startswith("sha256:") for name in names)


@pytest.mark.parametrize("party", [None, "comune"])
def test_tls_without_the_right_certificate_says_nothing(
    mllp: Any, pki: Path, tls: ServerTls, party: str | None
):
    """Without a client certificate, or with one of another CA, no message reaches intake."""
    echo = mllp.Echo()

    def hospital(address: Any) -> list[bytes]:
        plain = socket.create_connection((address.host, address.port), timeout=mllp.PATIENCE)
        try:
            with context(pki, party).wrap_socket(plain, server_hostname="localhost") as wire:
                his = mllp.Hospital(wire)
                his.send(wrap(b"MSH|1"))
                return his.answers(1)
        except (ssl.SSLError, ConnectionError):
            return []
        finally:
            plain.close()

    assert mllp.with_listener(hospital, echo, tls=tls) == []
    assert echo.payloads == []


def test_while_the_journal_is_behind_one_message_at_a_time_is_taken(mllp: Any):
    """The others stay where they are; when it keeps up again, many are in work at once."""
    most: dict[bool, int] = {True: 0, False: 0}

    class Slow(mllp.Echo):
        behind = True
        busy = 0

        async def accept(self, payload: bytes, peer: Any) -> bytes | None:
            self.busy += 1
            most[self.behind] = max(most[self.behind], self.busy)
            await deferLater(self.reactor, 0.001)
            self.busy -= 1
            self.behind = self.behind and payload != b"MSH|5"
            return payload

    echo = Slow()

    async def script(reactor: Any, address: Any) -> list[bytes]:
        echo.reactor = reactor
        return await deferToThreadPool(reactor, reactor.getThreadPool(), hospital, address)

    def hospital(address: Any) -> list[bytes]:
        his = mllp.dial(address)
        with his.wire:
            his.send(b"".join(wrap(b"MSH|%d" % n) for n in range(30)))
            return his.answers(30)

    answers = mllp.beside_listener(script, echo, behind=lambda: echo.behind)
    assert answers == [b"MSH|%d" % n for n in range(30)]
    assert most[True] == 1
    assert most[False] > 1


def test_release_2_commits_every_block(mllp: Any):
    """Stored: ACK block, then the acknowledgment; not stored: NAK block, then why; in order.
    A commit block of the peer is about our acknowledgment: it is no message.
    """

    class Disk(mllp.Echo):
        async def accept(self, payload: bytes, peer: Any) -> Any:
            self.payloads.append(payload)
            return {
                b"MSH|1": b"yes",
                b"MSH|2": Said((b"no",), kept=False),
                b"MSH|3": Said((b"one", b"two")),
                b"MSH|4": None,
            }[payload]

    def hospital(address: Any) -> list[bytes]:
        his = mllp.dial(address)
        with his.wire:
            his.send(*(wrap(b"MSH|%d" % n) + wrap(b"\x06") + wrap(b"\x15") for n in range(1, 5)))
            return his.answers(8)

    echo = Disk()
    answers = mllp.with_listener(hospital, echo, release=2)
    assert answers == [b"\x06", b"yes", b"\x15", b"no", b"\x06", b"one", b"two", b"\x06"]
    assert echo.payloads == [b"MSH|%d" % n for n in range(1, 5)]


def test_in_release_1_nothing_is_committed_apart(mllp: Any):
    """The usual MLLP: a 06 is a message like any other, that intake may refuse."""

    def hospital(address: Any) -> list[bytes]:
        his = mllp.dial(address)
        with his.wire:
            his.send(wrap(b"\x06"))
            return his.answers(1)

    assert mllp.with_listener(hospital, mllp.Echo()) == [b"ack \x06"]

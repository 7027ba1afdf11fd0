"""The SOAP client against a real TLS peer, over memory and a clock of our own.

The question in each test is the same: may the partner have it?
"""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import (
    ConnectionDone,
    ConnectionRefusedError,
    DNSLookupError,
    TimeoutError,
)
from twisted.internet.interfaces import IHostnameResolver
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.testing import MemoryReactorClock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, IOPump, connect
from zope.interface import implementer

from adapters.http import Address, Lost, NotSent, Reply, SoapClient
from adapters.keys import (
    ClientTls,
    DevelopmentPki,
    Identity,
    ServerTls,
    load_certificates,
    load_identity,
)
from gateway.soap.profile import MODI

URL = "https://127.0.0.1:8443/nascita?x=1"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Valid certificates for gateway, comune and asl; expired ones for `vecchio`."""
    folder = tmp_path_factory.mktemp("certs")
    DevelopmentPki(datetime.now(UTC)).write(folder, ["gateway", "comune", "asl"])
    DevelopmentPki(datetime.now(UTC) - timedelta(days=60)).write(folder, ["vecchio"])
    DevelopmentPki(datetime.now(UTC) + timedelta(days=60)).write(folder, ["futuro"])
    return folder


def identity(pki: Path, party: str, kind: str = "tls") -> Identity:
    return load_identity(pki / party / f"{kind}.pem", pki / party / f"{kind}.key")


class Peer(Protocol):
    """A server that says what the test tells it to say."""

    def __init__(self) -> None:
        self.heard = b""
        self.gone = False

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone = True


@implementer(IHostnameResolver)
class LoopbackNames:
    """Every name is 127.0.0.1."""

    def resolveHostName(self, receiver: Any, name: str, **wanted: Any) -> Any:
        receiver.resolutionBegan(self)
        receiver.addressResolved(IPv4Address("TCP", "127.0.0.1", wanted["portNumber"]))
        receiver.resolutionComplete()
        return self

    def cancel(self) -> None:
        """Nothing to cancel: it is immediate."""


class World:
    """Client and servers in one process: memory for wires, a clock that the test moves."""

    def __init__(
        self, pki: Path, *, server: str = "comune", client: str = "gateway", **options: Any
    ):
        self.reactor = MemoryReactorClock()
        self.tls = ServerTls(identity(pki, server), load_certificates(pki / "gateway/ca.pem"))
        pinned = load_certificates(pki / options.pop("pinned", server) / "ca.pem")
        self.client = SoapClient(self.reactor, ClientTls(identity(pki, client), pinned), **options)
        self.peers: list[Peer] = []
        self.pumps: list[IOPump] = []
        self.dialled = 0

    def post(self, url: str = URL, timeout: float = 30, **changes: Any) -> list[Any]:
        """Begin a POST; the list holds its outcome when there is one."""
        arguments = {
            "soap_action": "urn:a",
            "content_type": MODI.content_type("urn:a"),
            "timeout": timeout,
        } | changes
        outcome: list[Any] = []
        coroutine: Coroutine[Any, Any, Any] = self.client.post(url, b"<b/>", **arguments)
        Deferred.fromCoroutine(coroutine).addBoth(outcome.append)
        return outcome

    def accept(self) -> Peer:
        """Let the newest connection reach a server, and the handshake run."""
        *_, factory, _, _ = self.reactor.tcpClients[self.dialled]
        self.dialled += 1
        peer = Peer()
        wrapped = Factory.forProtocol(lambda: peer)  # type: ignore[arg-type]  # a callable will do
        server = TLSMemoryBIOFactory(self.tls, False, wrapped, clock=self.reactor).buildProtocol(
            None
        )
        client = factory.buildProtocol(None)
        assert server is not None
        self.pumps.append(
            connect(
                server,
                FakeTransport(server, isServer=True),
                client,
                FakeTransport(client, isServer=False),
                clock=self.reactor,
            )
        )
        self.peers.append(peer)
        self.run()
        return peer

    def run(self) -> None:
        """Everything that can happen now, happens."""
        for _ in range(8):
            self.reactor.advance(0)
            for pump in self.pumps:
                pump.flush()

    def say(self, peer: Peer, data: bytes) -> None:
        assert peer.transport is not None
        peer.transport.write(data)
        self.run()

    def drop(self, peer: Peer) -> None:
        assert peer.transport is not None
        peer.transport.loseConnection()
        self.run()


# ---------------------------------------------------------------- an answer
def test_a_post_is_answered(pki: Path) -> None:
    """One request with its headers goes out over TLS; the answer comes back as a value."""
    world = World(pki)
    outcome = world.post()
    peer = world.accept()
    head, _, body = peer.heard.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /nascita?x=1 HTTP/1.1",
        b"Host: 127.0.0.1:8443",
        b"Content-Type: text/xml; charset=utf-8",
        b'SOAPAction: "urn:a"',
        b"Accept-Encoding: identity",
        b"Content-Length: 4",
    ]
    assert body == b"<b/>"
    assert outcome == []
    world.say(peer, ANSWER)
    (reply,) = outcome
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body) == (200, b"<a/>")


def test_a_connection_is_kept_and_used_again(pki: Path) -> None:
    """The second POST finds the first one's connection; closing the client closes it."""
    world = World(pki)
    world.post()
    peer = world.accept()
    world.say(peer, ANSWER)
    second = world.post()
    world.run()
    assert len(world.reactor.tcpClients) == 1
    assert peer.heard.count(b"POST") == 2
    world.say(peer, ANSWER)
    assert isinstance(second[0], Reply)
    world.client.close()
    world.run()
    assert peer.gone


def test_posts_at_once_have_a_connection_each(pki: Path) -> None:
    """Nothing is pipelined: what is in flight has its connection to itself."""
    world = World(pki, keep=1)
    first, second = world.post(), world.post()
    peers = [world.accept(), world.accept()]
    for peer in peers:
        assert peer.heard.count(b"POST") == 1
        world.say(peer, ANSWER)
    assert isinstance(first[0], Reply)
    assert isinstance(second[0], Reply)
    assert [peer.gone for peer in peers] == [False, True]  # one more than is kept


def test_a_resting_connection_ends_before_the_partner_ends_it(pki: Path) -> None:
    """After `idle` seconds we close; a byte that nobody asked for closes at once."""
    world = World(pki, idle=4)
    world.post()
    peer = world.accept()
    world.say(peer, ANSWER)
    world.reactor.advance(4)
    world.run()
    assert peer.gone
    world.post()
    peer = world.accept()
    world.say(peer, ANSWER)
    world.say(peer, b"HTTP/1.1 408 Tardi\r\n\r\n")
    assert peer.gone


def test_a_connection_closed_while_resting_is_not_written_to(pki: Path) -> None:
    """The partner closed an idle connection: the next POST opens a new one, and nothing is lost."""
    world = World(pki)
    world.post()
    world_peer = world.accept()
    world.say(world_peer, ANSWER)
    world.drop(world_peer)
    assert world.reactor.getDelayedCalls() == []  # nothing is to be closed a second time
    outcome = world.post()
    peer = world.accept()
    assert peer.heard.startswith(b"POST")
    world.say(peer, ANSWER)
    assert isinstance(outcome[0], Reply)


def test_a_partner_who_wants_to_close_is_obeyed(pki: Path) -> None:
    """Connection: close ends the connection after the answer."""
    world = World(pki)
    outcome = world.post()
    peer = world.accept()
    world.say(peer, ANSWER.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"))
    assert isinstance(outcome[0], Reply)
    assert peer.gone


def test_soap12_sends_no_soapaction(pki: Path) -> None:
    """SOAP 1.2 has its action in the Content-Type."""
    world = World(pki)
    world.post(soap_action=None, content_type='application/soap+xml; action="urn:a"')
    assert b"SOAPAction" not in world.accept().heard


def test_an_answer_without_a_length_ends_with_the_connection(pki: Path) -> None:
    """The close is the end of such an answer, and no loss."""
    world = World(pki)
    outcome = world.post()
    peer = world.accept()
    world.say(peer, b"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n<a/>")
    world.drop(peer)
    assert isinstance(outcome[0], Reply)
    assert outcome[0].body == b"<a/>"


def test_a_partner_is_known_by_his_name(pki: Path) -> None:
    """A host name is looked up, sent as SNI, and must be in the certificate."""
    for host, result in (("localhost", Reply), ("comune.example", NotSent)):
        world = World(pki)
        world.reactor.installNameResolver(LoopbackNames())
        outcome = world.post(f"https://{host}/")
        peer = world.accept()
        if result is Reply:
            handle = peer.transport.getHandle()  # type: ignore[union-attr]  # it is connected
            assert handle.get_servername() == b"localhost"
            world.say(peer, ANSWER)
        assert isinstance(outcome[0], result)


# ---------------------------------------------------------------- surely not sent
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(), "refused"),
        (TimeoutError(), "no connection in time"),
        (DNSLookupError(), "not known"),
        (OSError("/percorso/segreto"), "no connection: OSError"),
    ],
)
def test_no_connection_is_not_sent(pki: Path, error: Exception, words: str) -> None:
    """Whatever keeps us from connecting, nothing was sent; the reason is in our words."""
    world = World(pki)
    outcome = world.post()
    *_, factory, _, _ = world.reactor.tcpClients[0]
    factory.clientConnectionFailed(None, Failure(error))
    world.reactor.advance(1)  # it waits a moment for other addresses of the host
    (result,) = outcome
    assert isinstance(result, NotSent)
    assert words in result.reason
    assert "segreto" not in result.reason


@pytest.mark.parametrize(
    ("options", "url", "words"),
    [
        ({"pinned": "asl"}, URL, "not of the pinned CA"),
        ({"server": "vecchio"}, URL, "has expired"),
        ({"server": "futuro"}, URL, "is not valid yet"),
        ({}, "https://127.0.0.2:8443/", "for another host"),
        ({"client": "comune"}, URL, "refused our TLS certificate"),
        ({"client": "vecchio"}, URL, "refused our TLS certificate"),
    ],
)
def test_tls_without_trust_is_not_sent(
    pki: Path, options: dict[str, str], url: str, words: str
) -> None:
    """Foreign CA, expired, not yet valid, another host, or he refuses us: nothing arrived."""
    world = World(pki, **options)
    outcome = world.post(url)
    peer = world.accept()
    assert peer.heard == b""
    (result,) = outcome
    assert isinstance(result, NotSent)
    assert words in result.reason


def test_a_signing_certificate_serves_no_tls(pki: Path) -> None:
    """A server that shows a certificate not made for TLS servers is refused."""
    world = World(pki)
    world.tls = ServerTls(
        identity(pki, "comune", "sign"), load_certificates(pki / "gateway/ca.pem")
    )
    outcome = world.post()
    world.accept()
    assert outcome == [NotSent("the server's certificate is not made for TLS servers")]


def test_a_host_that_is_silent_is_not_sent(pki: Path) -> None:
    """No TCP answer in time: given up, nothing sent, nothing left behind."""
    world = World(pki, connect=10)
    outcome = world.post()
    world.reactor.advance(10)
    *_, factory, timeout, _ = world.reactor.tcpClients[0]
    assert timeout == 10
    factory.clientConnectionFailed(None, Failure(TimeoutError()))
    world.reactor.advance(1)
    assert outcome == [NotSent("no connection in time")]
    assert world.reactor.getDelayedCalls() == []


def test_whoever_stops_waiting_while_it_opens_leaves_nothing(pki: Path) -> None:
    """Cancelled before the handshake: not sent, and the connection is closed."""
    world = World(pki)
    waiting = Deferred.fromCoroutine(
        world.client.post(URL, b"<b/>", soap_action="a", content_type="text/xml", timeout=30)
    )
    outcome: list[Any] = []
    waiting.addBoth(outcome.append)
    *_, factory, _, _ = world.reactor.tcpClients[0]
    client = factory.buildProtocol(None)
    wire = FakeTransport(client, isServer=False)
    client.makeConnection(wire)
    waiting.cancel()
    assert outcome == [NotSent("no connection in time")]
    assert wire.disconnecting or wire.aborting


def test_a_handshake_that_hangs_is_not_sent(pki: Path) -> None:
    """TCP answers, TLS does not: given up in time, nothing sent."""
    world = World(pki, connect=10)
    outcome = world.post()
    *_, factory, _, _ = world.reactor.tcpClients[0]
    client = factory.buildProtocol(None)
    client.makeConnection(FakeTransport(client, isServer=False))
    world.reactor.advance(10)
    assert outcome == [NotSent("no TLS in time")]


def test_a_peer_that_speaks_no_tls_is_not_sent(pki: Path) -> None:
    """Something else on that port: the handshake fails."""
    world = World(pki)
    outcome = world.post()
    *_, factory, _, _ = world.reactor.tcpClients[0]
    client = factory.buildProtocol(None)
    client.makeConnection(FakeTransport(client, isServer=False))
    client.dataReceived(b"220 posta pronta\r\n")
    client.connectionLost(Failure(ConnectionDone()))
    assert outcome == [NotSent("the TLS handshake failed")]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "https:///x",
        "https://utente@127.0.0.1/",
        "https://127.0.0.1/a b",
        "https://127.0.0.1/è",
        "https://127.0.0.1:porta/",
    ],
)
def test_an_address_that_is_none_is_not_sent(pki: Path, url: str) -> None:
    """Only https with a host, and a target that fits a request line."""
    world = World(pki)
    assert isinstance(world.post(url)[0], NotSent)
    assert world.reactor.tcpClients == []


@pytest.mark.parametrize(
    "changes",
    [
        {"soap_action": 'urn:a"\r\nX: y'},
        {"soap_action": 'a"b'},
        {"content_type": "text/xml\r\nX: y"},
        {"content_type": "text/xml; è"},
    ],
)
def test_headers_cannot_be_slipped_in(pki: Path, changes: dict[str, str]) -> None:
    """No line end, quote or odd character gets into a header."""
    assert isinstance(World(pki).post(**changes)[0], NotSent)


def test_addresses_are_read_as_urls(pki: Path) -> None:
    """Default port, IPv6, the query."""
    assert Address.of("https://Comune.example") == Address("comune.example", 443, "/")
    assert Address.of("https://comune.example/a?b").authority == "comune.example"
    assert Address.of("https://[::1]:9/").authority == "[::1]:9"


# ---------------------------------------------------------------- perhaps received
@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200", ANSWER[:-1]])
def test_a_connection_lost_after_the_post_is_lost(pki: Path, answer: bytes) -> None:
    """The request is out; no whole answer came: he may have it."""
    world = World(pki)
    outcome = world.post()
    peer = world.accept()
    if answer:
        world.say(peer, answer)
    world.drop(peer)
    assert outcome == [Lost("the connection closed in the middle of the response")]


def test_a_kept_connection_lost_after_the_post_is_lost_and_not_sent_again(pki: Path) -> None:
    """On a stale connection nothing is repeated by itself: POST is not idempotent."""
    world = World(pki)
    world.post()
    peer = world.accept()
    world.say(peer, ANSWER)
    outcome = world.post()
    world.run()
    world.drop(peer)
    assert isinstance(outcome[0], Lost)
    assert len(world.reactor.tcpClients) == 1


@pytest.mark.parametrize(
    ("answer", "seconds", "words"),
    [(b"", 20, "did not begin"), (b"HTTP/1.1", 30, "no whole answer")],
)
def test_an_answer_too_late_is_lost(pki: Path, answer: bytes, seconds: float, words: str) -> None:
    """Time to the first byte and time in all are bounded; the connection ends with them."""
    world = World(pki, first_byte=20)
    outcome = world.post(timeout=30)
    peer = world.accept()
    world.say(peer, answer)
    world.reactor.advance(seconds - 0.1)
    assert outcome == []
    world.reactor.advance(0.1)
    world.run()
    assert words in outcome[0].reason
    assert isinstance(outcome[0], Lost)
    assert peer.gone


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not readable"),
        (ANSWER.replace(b": 4", b": 9999999"), "larger"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000, "larger"),
    ],
)
def test_garbage_and_endless_answers_are_lost(pki: Path, answer: bytes, words: str) -> None:
    """What is no answer ends the connection; he may have it."""
    world = World(pki, limit=1000)
    outcome = world.post()
    peer = world.accept()
    world.say(peer, answer)
    assert isinstance(outcome[0], Lost)
    assert words in outcome[0].reason
    assert peer.gone


def test_an_answer_of_another_kind_is_lost_but_kept(pki: Path) -> None:
    """HTML from a proxy is no answer of the service; what came is there for the operator."""
    world = World(pki)
    outcome = world.post()
    peer = world.accept()
    world.say(peer, ANSWER.replace(b"200 OK", b"502 Male").replace(b"text/xml", b"text/html"))
    (result,) = outcome
    assert isinstance(result, Lost)
    assert result.reason == "HTTP 502 with another Content-Type than text/xml"
    assert result.response is not None
    assert result.response.status == 502
    assert "<a/>" not in repr(result)


def test_a_redirect_is_not_followed(pki: Path) -> None:
    """A redirect is an answer like another; nobody goes there."""
    world = World(pki)
    outcome = world.post()
    peer = world.accept()
    world.say(
        peer, ANSWER.replace(b"200 OK\r\n", b"307 La\r\nLocation: https://altro.example/\r\n")
    )
    assert outcome[0].status == 307
    assert len(world.reactor.tcpClients) == 1


def test_whoever_stops_waiting_leaves_a_loss(pki: Path) -> None:
    """A cancelled POST closes its connection; nobody else gets its answer."""
    world = World(pki)
    coroutine = world.client.post(
        URL, b"<b/>", soap_action="a", content_type="text/xml", timeout=30
    )
    waiting = Deferred.fromCoroutine(coroutine)
    outcome: list[Any] = []
    waiting.addBoth(outcome.append)
    peer = world.accept()
    waiting.cancel()
    world.run()
    assert outcome == [Lost("hung up before the answer")]
    assert peer.gone

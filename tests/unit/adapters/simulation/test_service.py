"""What bad days do to replies, in memory: the same service that the process runs."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.web.test.requesthelper import DummyRequest

from adapters.keys import load_signing_key
from adapters.simulation.bad_days import CATALOGUE, BadDay, BadDays, Bites
from adapters.simulation.service import PAGE, Later, SimulatedService, Spoiled
from adapters.soap_service import Reply
from adapters.spyne_dispatch import application
from gateway.errors import VerificationError
from gateway.soap.fault import read_fault
from gateway.soap.profile import MODI
from gateway.xml import parse
from tests.unit.adapters.soap_peers import (
    NOW,
    believed,
    contract,
    echo,
    key,
    now,
    pki,
    request,
    trust,
)


class Comune:
    """A simulated Comune whose every operation echoes; `dispatched` counts what it did."""

    def __init__(self) -> None:
        self.clock, self.days, self.dispatched = Clock(), BadDays(), 0
        self.service = SimulatedService(
            application(contract(), dict.fromkeys(contract().operations, self._echo)),
            contract(),
            reactor=self.clock,
            days=self.days,
            stranger=lambda: load_signing_key(
                pki() / "gateway" / "sign.pem", pki() / "gateway" / "sign.key"
            ),
            trust=trust("gateway"),
            key=key("comune"),
            profile=MODI,
            clock=lambda: NOW,
            seen=lambda _: False,
            on_refusal=lambda refusal: pytest.fail(str(refusal)),
        )

    def _echo(self, call: Any) -> Any:
        self.dispatched += 1
        return echo(call)

    def on(self, name: str, **options: Any) -> Reply:
        """The reply to an echo on a bad day."""
        self.days.add(BadDay(name, times=1, options=options))
        return self.reply()

    def reply(self) -> Reply:
        """The reply to an echo."""
        action = contract().operations["echo"].action
        coming = self.service.exchange(request(), content_type="text/xml", soap_action=action)
        return now(coming)


@pytest.fixture
def comune() -> Comune:
    """A Comune."""
    return Comune()


def test_without_a_bad_day_it_is_the_honest_service(comune: Comune) -> None:
    """The reply is believed."""
    assert believed(comune.reply()).body.findtext("{*}testo") == "ciao"


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [("html", 200, PAGE), ("http_500", 500, PAGE), ("empty", 200, b"")],
)
def test_pages_and_nothing(comune: Comune, name: str, status: int, body: bytes) -> None:
    """Pages for people and empty bodies, after the work is done."""
    reply = comune.on(name)
    assert (reply.status, reply.body, comune.dispatched) == (status, body, 1)


def test_before_means_that_nothing_was_done(comune: Comune) -> None:
    """With `before` the operation is not dispatched."""
    assert comune.on("http_500", before=True).body == PAGE
    assert comune.dispatched == 0


def test_an_outage_over_http_is_no_soap(comune: Comune) -> None:
    """A 503 with a page, and nothing done."""
    reply = comune.on("outage", how="http")
    assert (reply.status, comune.dispatched) == (503, 0)


def test_an_outage_may_say_when_to_come_again(comune: Comune) -> None:
    """In the header that HTTP has for it."""
    reply = comune.on("outage", how="http", retry_after="120")
    assert isinstance(reply, Later)
    request = DummyRequest([b"service"])  # type: ignore[no-untyped-call]  # Twisted's
    comune.service.deliver(request, reply)
    assert request.responseHeaders.getRawHeaders(b"retry-after") == [b"120"]


def test_garbage_is_no_xml(comune: Comune) -> None:
    """Bytes that no parser takes, announced as SOAP."""
    reply = comune.on("garbage")
    assert reply.content_type.startswith("text/xml")
    with pytest.raises(VerificationError):
        parse(reply.body)


def test_dropped_and_endless_are_told_to_the_transport(comune: Comune) -> None:
    """These two are not replies but manners of not giving one."""
    for name, manner in (("drop_after_storing", "cut"), ("endless", "endless")):
        reply = comune.on(name)
        assert isinstance(reply, Spoiled)
        assert reply.manner == manner


@pytest.mark.parametrize(
    ("how", "check"),
    [
        ("body", "digest"),
        ("timestamp", "digest"),
        ("relates_to", "addressing"),
        ("unsigned", "signatures"),
        ("foreign", "token issuer"),
    ],
)
def test_wrong_signatures_fail_their_check(comune: Comune, how: str, check: str) -> None:
    """Each way of being wrong fails as announced, and the next reply is right again."""
    with pytest.raises(VerificationError) as refusal:
        believed(comune.on("wrong_signature", how=how))
    assert refusal.value.check == check
    believed(comune.reply())


def test_faults_after_storing(comune: Comune) -> None:
    """One is signed and undeclared, the other declared and unsigned."""
    fault = read_fault(believed(comune.on("fault_after_storing")).body)
    assert fault is not None
    assert (fault.code, fault.detail) == ("Server", None)
    reply = comune.on("unsigned_fault")
    declared = read_fault(parse(reply.body)[0][0])
    assert declared is not None
    assert declared.detail is not None
    assert declared.detail.tag in contract().operations["echo"].faults
    with pytest.raises(VerificationError):
        believed(reply)


def test_a_slow_reply_waits_for_the_clock(comune: Comune) -> None:
    """The work is done at once, the reply comes when the time is over."""
    from twisted.internet.defer import Deferred

    comune.days.add(BadDay("slow", options={"seconds": 3}))
    action = contract().operations["echo"].action
    replies: list[Reply] = []
    coming = comune.service.exchange(request(), content_type="text/xml", soap_action=action)
    Deferred.fromCoroutine(coming).addCallback(replies.append)
    assert (comune.dispatched, replies) == (1, [])
    comune.clock.advance(3)
    believed(replies[0])


def test_days_match_the_operation_and_the_body(comune: Comune) -> None:
    """`operation` and any element's text choose which calls are bitten."""
    comune.days.add(BadDay("empty", match={"operation": "registraNascita"}))
    comune.days.add(BadDay("html", match={"operation": "echo", "testo": "ciao"}))
    assert comune.reply().body == PAGE


def test_every_day_of_a_reply_has_its_deed(comune: Comune) -> None:
    """No name in the catalogue is without effect on a reply."""
    for name, kind in CATALOGUE.items():
        if kind.bites is Bites.REPLY and name != "slow":
            reply = comune.on(name)
            assert isinstance(reply, Spoiled) or b"RispostaEcho" not in reply.body or spoiled(reply)


def spoiled(reply: Reply) -> bool:
    """Whether nobody believes a reply."""
    try:
        believed(reply)
    except VerificationError:
        return True
    return False


class Channel:
    """What a request's channel is asked to do."""

    def __init__(self) -> None:
        self.transport, self.aborted = self, False

    def abortConnection(self) -> None:  # Twisted's name
        """Cut."""
        self.aborted = True


def test_delivery_cuts_or_never_ends(comune: Comune) -> None:
    """A cut writes nothing; an endless body is pulled until the reader has gone."""
    from tests.unit.adapters.test_soap_service import Request

    cut: Any = Request(b"POST")
    cut.channel = Channel()
    comune.service.deliver(cut, Spoiled(200, b"", "text/xml", "cut"))
    assert cut.channel.aborted
    assert cut.written == []
    endless: Any = Request(b"POST")
    endless.channel = Channel()
    pulled: list[Any] = []
    endless.registerProducer = lambda producer, streaming: pulled.append((producer, streaming))
    comune.service.deliver(endless, Spoiled(200, b"<a>", "text/xml", "endless"))
    ((producer, streaming),) = pulled
    assert not streaming
    for _ in range(3):
        producer.resumeProducing()
    assert endless.written[0] == b"<a>"
    assert len(endless.written) == 3
    endless.unregisterProducer = lambda: pulled.append("gone")
    endless.processingFailed(VerificationError("x", "y", "z"))
    producer.stopProducing()
    assert pulled[-1] == "gone"

"""The return feed over real sockets, against a HIS that answers well, late, wrongly or not."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Semaphore
from typing import Any

import pytest

from adapters.keys import ServerTls, load_certificates, load_identity
from adapters.mllp import Answered, HisTls, Lost, MllpSender, NotSent, client_tls
from gateway.cli.loop import complete
from gateway.errors import UnreadableMessage
from gateway.hl7.acknowledgment import Verdict, acknowledge
from gateway.hl7.framing import wrap
from gateway.hl7.message import Message
from gateway.units import Address

Outcome = Answered | NotSent | Lost
Start = Callable[..., Address]


def message(control_id: str) -> bytes:
    return f"MSH|^~\\&|ICARO|REG|HIS|OSP|20261121||ADT^A31|{control_id}|P|2.5\r".encode()


def yes(payload: bytes) -> bytes:
    answer = acknowledge(
        Message.parse(payload), Verdict.ACCEPTED, control_id="R1", at=datetime.now(UTC)
    )
    assert answer is not None
    return wrap(answer)


def sent(address: Address, *payloads: bytes, timeout: float = 5) -> list[Outcome]:
    return complete(lambda reactor: exchange(reactor, address, *payloads, timeout=timeout))


async def exchange(
    reactor: Any,
    address: Address,
    *payloads: bytes,
    timeout: float = 5,  # noqa: ASYNC109  # the sender's own
    tls: HisTls | None = None,
) -> list[Outcome]:
    sender = MllpSender(reactor, address, timeout=timeout, tls=tls)
    outcomes = [await sender.send(payload) for payload in payloads]
    await sender.close()
    return outcomes


def told(outcomes: list[Outcome]) -> list[str]:
    return [
        f"{outcome.reply.code} {outcome.reply.control_id}"
        if isinstance(outcome, Answered)
        else f"{type(outcome).__name__}: {outcome.reason}"
        for outcome in outcomes
    ]


def test_messages_go_one_after_another_on_one_connection(his: Start):
    """Two messages, two acknowledgments, one connection."""

    def script(hospital: Any) -> None:
        for _ in range(2):
            (payload,) = hospital.answers(1)
            hospital.send(yes(payload))

    assert told(sent(his(script), message("1"), message("2"))) == ["AA 1", "AA 2"]


def test_one_in_flight(his: Start):
    """The second of two that are sent at once leaves only when the first is answered."""
    seen: list[list[bytes]] = []

    def script(hospital: Any) -> None:
        (first,) = hospital.answers(1)
        hospital.wire.settimeout(0.2)
        try:
            seen.append(hospital.answers(1))
        except TimeoutError:
            seen.append([])
        hospital.wire.settimeout(5)
        hospital.send(yes(first))
        hospital.send(yes(hospital.answers(1)[0]))

    async def work(reactor: Any) -> list[Outcome]:
        from twisted.internet.defer import Deferred, gatherResults

        sender = MllpSender(reactor, address)
        both = [Deferred.fromCoroutine(sender.send(message(n))) for n in ("1", "2")]
        outcomes: list[Outcome] = await gatherResults(both)
        await sender.close()
        return outcomes

    address = his(script)
    assert told(complete(work)) == ["AA 1", "AA 2"]
    assert seen == [[]]


def test_who_hangs_up_is_told_what_has_left(his: Start):
    """One on its way is lost, one before its turn was not sent; the sender goes on after them."""

    def silent(hospital: Any) -> None:
        hospital.answers(1)
        left.release()
        hospital.closed()

    def good(hospital: Any) -> None:
        hospital.send(yes(hospital.answers(1)[0]))

    async def work(reactor: Any) -> list[Outcome]:
        from twisted.internet.defer import Deferred, gatherResults
        from twisted.internet.threads import deferToThreadPool

        sender = MllpSender(reactor, address, timeout=60)
        both = [Deferred.fromCoroutine(sender.send(message(n))) for n in ("1", "2")]
        await deferToThreadPool(reactor, reactor.getThreadPool(), left.acquire)
        for each in reversed(both):
            each.cancel()
        outcomes: list[Outcome] = await gatherResults(both)
        outcomes.append(await sender.send(message("3")))
        await sender.close()
        return outcomes

    left = Semaphore(0)
    address = his(silent, good)
    assert told(complete(work)) == [
        "Lost: hung up before the acknowledgment",
        "NotSent: hung up before its turn",
        "AA 3",
    ]


def test_a_late_acknowledgment_is_never_taken_for_the_next(his: Start):
    """An answer to the message before last is passed over, on whatever connection it comes."""

    def slow(hospital: Any) -> None:
        hospital.answers(1)
        time.sleep(0.4)  # longer than the first is waited for, shorter than both

    def stale(hospital: Any) -> None:
        (second,) = hospital.answers(1)
        hospital.send(yes(message("1")), yes(second))

    outcomes = told(sent(his(slow, stale), message("1"), message("2"), timeout=0.3))
    assert outcomes == ["Lost: no acknowledgment within 0.3 s", "AA 2"]


def test_a_connection_lost_after_sending_is_lost_and_the_next_connects_anew(his: Start):
    """What left and was not answered is said to be lost, never sent again by itself."""

    def hang_up(hospital: Any) -> None:
        hospital.answers(1)

    def good(hospital: Any) -> None:
        hospital.send(yes(hospital.answers(1)[0]))

    outcomes = told(sent(his(hang_up, good), message("1"), message("2")))
    assert outcomes == ["Lost: the connection closed before the acknowledgment", "AA 2"]


@pytest.mark.parametrize(
    "garbage",
    [wrap(b"HTTP/1.1 200 OK"), wrap(b"x" * 2**21), wrap(b"MSH|^~\\&|HIS\rPID|1\r")],
    ids=["no HL7", "endless", "no MSA"],
)
def test_an_answer_that_is_no_acknowledgment(his: Start, garbage: bytes):
    """Nonsense from the HIS is no answer; the connection is not used again."""

    def script(hospital: Any) -> None:
        hospital.answers(1)
        hospital.send(garbage)
        hospital.closed()

    outcomes = told(sent(his(script), message("1"), timeout=2))
    assert len(outcomes) == 1
    assert outcomes[0].startswith("Lost: ")


def test_nobody_there():
    """A refused connection is certain: nothing was sent."""
    (outcome,) = sent(Address("127.0.0.1", 1), message("1"), timeout=2)
    assert isinstance(outcome, NotSent)
    assert "ConnectionRefusedError" in outcome.reason


def test_a_payload_without_msh_is_the_callers_mistake():
    """Without a control id no acknowledgment could be recognised."""
    with pytest.raises(UnreadableMessage):
        sent(Address("127.0.0.1", 1), b"PID|1")


@pytest.fixture
def gateway_tls(pki: Path) -> ServerTls:
    identity = load_identity(pki / "ospedale/tls.pem", pki / "ospedale/tls.key")
    return ServerTls(identity, load_certificates(pki / "gateway/ca.pem"))


class Yes:
    async def accept(self, payload: bytes, peer: Any) -> bytes:
        return yes(payload)[1:-2]

    async def refuse(self, error: Exception, head: bytes, peer: Any) -> None:
        return None


@pytest.mark.parametrize(
    ("authority", "party", "host", "expected"),
    [
        ("ospedale", "gateway", "127.0.0.1", "AA 1"),
        ("comune", "gateway", "127.0.0.1", "NotSent"),
        ("ospedale", "gateway", "his.example", "NotSent"),
        ("ospedale", None, "127.0.0.1", "NotSent|Lost"),
    ],
    ids=["good", "certificate of another CA", "certificate for another host", "we show none"],
)
def test_tls_to_the_his(
    mllp: Any,
    pki: Path,
    gateway_tls: ServerTls,
    authority: str,
    party: str | None,
    host: str,
    expected: str,
):
    """Only a HIS of the pinned CA and the right name gets the codice fiscale."""
    identity = load_identity(pki / party / "tls.pem", pki / party / "tls.key") if party else None
    tls = client_tls(host, load_certificates(pki / authority / "ca.pem"), identity)

    async def script(reactor: Any, address: Address) -> list[Outcome]:
        return await exchange(reactor, address, message("1"), tls=tls)

    (outcome,) = told(mllp.beside_listener(script, Yes(), tls=gateway_tls))
    assert outcome.split(":")[0] in expected.split("|")


STORED, NOT_STORED = wrap(b"\x06"), wrap(b"\x15")


def sent2(address: Address, *payloads: bytes, timeout: float = 5) -> list[str]:
    """What came of them at a HIS that speaks MLLP release 2."""

    async def work(reactor: Any) -> list[Outcome]:
        sender = MllpSender(reactor, address, timeout=timeout, release=2)
        outcomes = [await sender.send(payload) for payload in payloads]
        await sender.close()
        return outcomes

    return told(complete(work))


def test_release_2_waits_for_the_commit_and_commits_the_answer(his: Start):
    """ACK block, then the acknowledgment, which gets a commit block of ours; and so on."""
    heard: list[list[bytes]] = []

    def script(hospital: Any) -> None:
        for _ in range(3):
            (payload,) = hospital.answers(1)
            hospital.send(STORED, yes(payload))
            heard.append(hospital.answers(1))  # the last one may be cut by the end of the test

    told = sent2(his(script), message("1"), message("2"), message("3"))
    assert told == ["AA 1", "AA 2", "AA 3"]
    assert heard[:2] == [[b"\x06"], [b"\x06"]]


def test_release_2_sends_again_what_was_not_stored(his: Start):
    """NAK: the same bytes again on the same connection, until it is stored."""
    heard: list[bytes] = []

    def script(hospital: Any) -> None:
        for says in (NOT_STORED, NOT_STORED, STORED):
            (payload,) = hospital.answers(1)
            heard.append(payload)
            hospital.send(says)
        hospital.send(yes(payload))
        hospital.answers(1)

    assert sent2(his(script), message("1")) == ["AA 1"]
    assert heard == [message("1")] * 3


def test_release_2_gives_up_after_three(his: Start):
    """Three times no: it was surely not stored, and the caller tries later."""

    def script(hospital: Any) -> None:
        for _ in range(3):
            hospital.answers(1)
            hospital.send(NOT_STORED)
        hospital.closed()

    assert sent2(his(script), message("1")) == ["NotSent: it could not store it"]


def test_release_2_sends_again_when_no_commit_comes(his: Start):
    """On another connection, so that a late commit block is not taken for the next one's."""

    def silent(hospital: Any) -> None:
        hospital.answers(1)
        hospital.closed()

    def good(hospital: Any) -> None:
        (payload,) = hospital.answers(1)
        hospital.send(STORED, yes(payload))
        hospital.answers(1)

    assert sent2(his(silent, good), message("1"), timeout=0.2) == ["AA 1"]
    every = ["Lost: no commit block within 0.2 s"]
    assert sent2(his(silent, silent, silent), message("1"), timeout=0.2) == every


def test_release_2_an_acknowledgment_without_a_commit_is_enough(his: Start):
    """Who answers a message has it."""

    def script(hospital: Any) -> None:
        hospital.send(yes(hospital.answers(1)[0]))
        hospital.answers(1)

    assert sent2(his(script), message("1")) == ["AA 1"]


def test_release_2_tells_only_what_is_stored(his: Start):
    """An acknowledgment of ours is told when its commit block came, and not before."""

    def stores(hospital: Any) -> None:
        hospital.answers(1)
        hospital.send(STORED)
        hospital.closed()

    def hangs_up(hospital: Any) -> None:
        hospital.answers(1)

    async def tell(reactor: Any, address: Address) -> NotSent | Lost | None:
        sender = MllpSender(reactor, address, timeout=5, release=2)
        outcome = await sender.tell(message("1"))
        await sender.close()
        return outcome

    assert complete(lambda reactor: tell(reactor, his(stores))) is None
    lost = complete(lambda reactor: tell(reactor, his(hangs_up, hangs_up, hangs_up)))
    assert isinstance(lost, Lost)

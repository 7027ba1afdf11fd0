"""Sends messages to a HIS over MLLP and tells what came of each: the return feed.

One message in flight, the others in order behind it. An acknowledgment counts only for the message
that its MSA-2 names: a late one is never taken for the next. Whether to send again is the
caller's decision; here a lost answer is said to be lost.
"""

# ruff: noqa: N802  (the names are Twisted's)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.defer import TimeoutError as NoAnswer
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IAddress, IHandshakeListener
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from adapters.mllp.tls import HisTls
from adapters.mllp.wire import Wire
from gateway.errors import BlockTooLarge, PeerError
from gateway.hl7.acknowledgment import Reply, read_acknowledgment
from gateway.hl7.framing import BlockReader, wrap
from gateway.hl7.message import Message
from gateway.units import Address

ANSWER_LIMIT = 2**20
"""Bytes of an acknowledgment; a longer one is none."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The HIS acknowledged this message, positively or not."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class NotSent:
    """Not a byte of it left: it may be sent again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """It left, whole or in part, and no acknowledgment of it came back."""

    reason: str


class _Broken(Exception):
    """The connection is of no more use; the text says why."""


@implementer(IHandshakeListener)
class _Line(Protocol):
    """One connection to a HIS, on which one message waits for its acknowledgment."""

    transport: Wire  # type: ignore[assignment]  # ITransport, which mypy cannot read

    def __init__(self, tls: HisTls | None) -> None:
        self._tls = tls
        self.ready: Deferred[None] = Deferred()
        self._reader = BlockReader(ANSWER_LIMIT)
        self._expected = ""
        self._answer: Deferred[Reply] | None = None
        self.usable = True

    def exchange(self, payload: bytes, control_id: str) -> Deferred[Reply]:
        """Send, and give back the acknowledgment that names `control_id`. Fails with _Broken."""
        self._expected = control_id
        answer = self._answer = Deferred()
        self.transport.write(wrap(payload))
        return answer

    def handshakeCompleted(self) -> None:
        """TLS stands: if it is with the HIS, messages may go."""
        assert self._tls is not None  # or there were no handshake
        try:
            self._tls.verify(self.transport.getHandle())
        except Exception as error:
            self.ready.errback(error)
        else:
            self.ready.callback(None)

    def dataReceived(self, data: bytes) -> None:
        """Hear acknowledgments; what names another message than ours is an old one."""
        try:
            for payload in self._reader.feed(data):
                self._heard(read_acknowledgment(payload))
        except (BlockTooLarge, PeerError):
            self.drop("its answer is no acknowledgment")

    def _heard(self, reply: Reply) -> None:
        if self._answer is not None and reply.control_id == self._expected:
            answer, self._answer = self._answer, None
            answer.callback(reply)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Nothing will be heard any more."""
        if not self.ready.called:
            self.ready.errback(reason or _Broken())
        self._give_up("the connection closed before the acknowledgment")

    def drop(self, reason: str) -> None:
        """Close: an answer that is still to come would be taken for the next one's."""
        self.transport.abortConnection()
        self._give_up(reason)

    def _give_up(self, reason: str) -> None:
        answer, self._answer, self.usable = self._answer, None, False
        if answer is not None:
            answer.errback(_Broken(reason))

    def close(self) -> None:
        """Nothing is in flight: leave in peace."""
        self.usable = False
        self.transport.loseConnection()


class MllpSender:
    """The way to one HIS. `tls` makes the connections (None: plain); `timeout` in seconds.

    Connects when there is something to send, keeps the connection, and connects anew when it is
    gone.
    """

    def __init__(
        self, reactor: Any, address: Address, *, tls: HisTls | None = None, timeout: float = 30.0
    ) -> None:
        self._reactor = reactor
        self._address = address
        self._tls = tls
        self._timeout = timeout
        self._turn = DeferredLock()
        self._line: _Line | None = None

    async def send(self, payload: bytes) -> Answered | NotSent | Lost:
        """Send one message (without its framing) after those before it.

        Raises UnreadableMessage if the payload has no MSH.
        """
        control_id = Message.parse(payload).control_id
        async with self._turn:
            try:
                line = await self._connected()
            except Exception as error:
                # Whatever connecting failed with (address, refusal, TLS), nothing was sent.
                return NotSent(f"no connection to {self._address}: {_kind(error)}")
            return await self._exchange(line, payload, control_id)

    async def tell(self, payload: bytes) -> NotSent | None:
        """Send an acknowledgment, which nobody acknowledges; whether it arrives is not known."""
        async with self._turn:
            try:
                line = await self._connected()
            except Exception as error:
                return NotSent(f"no connection to {self._address}: {_kind(error)}")
            line.transport.write(wrap(payload))
            return None

    async def _connected(self) -> _Line:
        if self._line is not None and self._line.usable:
            return self._line
        line = _Line(self._tls)
        factory: Any = _Only(line)
        if self._tls is not None:
            tls: Any = self._tls  # an IOpenSSLClientConnectionCreator, which mypy cannot read
            factory = TLSMemoryBIOFactory(tls, True, factory, clock=self._reactor)
        host, port = self._address.host, self._address.port
        endpoint = HostnameEndpoint(self._reactor, host, port, timeout=self._timeout)
        await endpoint.connect(factory)
        if self._tls is None:
            line.ready.callback(None)
        try:
            await line.ready.addTimeout(self._timeout, self._reactor)
        except Exception:
            line.drop("TLS failed")
            raise
        self._line = line
        return line

    async def _exchange(
        self, line: _Line, payload: bytes, control_id: str
    ) -> Answered | NotSent | Lost:
        answer = line.exchange(payload, control_id).addTimeout(self._timeout, self._reactor)
        try:
            return Answered(await answer)
        except NoAnswer:
            line.drop("late")
            return Lost(f"no acknowledgment within {self._timeout:g} s")
        except _Broken as error:
            return Lost(str(error))

    async def close(self) -> None:
        """After what is in flight, close the connection."""
        async with self._turn:
            if self._line is not None and self._line.usable:
                self._line.close()


class _Only(Factory):
    """Makes the one line that it was given."""

    noisy = False

    def __init__(self, line: _Line) -> None:
        self._line = line

    def buildProtocol(self, addr: IAddress | None) -> _Line:
        """The line."""
        return self._line


def _kind(error: Exception) -> str:
    """The kind of error, and what OpenSSL says of a certificate."""
    reasons = [str(step[-1]) for step in error.args[0]] if isinstance(error, SSL.Error) else []
    return " ".join([type(error).__name__, *reasons])

"""Sends messages to a HIS over MLLP and tells what came of each: the return feed.

One message in flight, the others in order behind it. An acknowledgment counts only for the message
that its MSA-2 names: a late one is never taken for the next. Whether to send again is the
caller's decision; here a lost answer is said to be lost.
"""

# ruff: noqa: N802  (the names are Twisted's)

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from OpenSSL import SSL
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
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
from gateway.hl7.framing import ACK, NAK, BlockReader, wrap
from gateway.hl7.message import Message
from gateway.units import Address

T = TypeVar("T")

TRIES = 3
"""How often a message is put to a HIS of release 2 that does not say that it is stored."""

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

    def __init__(self, tls: HisTls | None, release: Literal[1, 2] = 1) -> None:
        self._tls = tls
        self._release = release
        self._commit: Deferred[bool] | None = None
        self.ready: Deferred[None] = Deferred()
        self._reader = BlockReader(ANSWER_LIMIT)
        self._expected = ""
        self._answer: Deferred[Reply] | None = None
        self.usable = True

    def expect(self, control_id: str) -> Deferred[Reply]:
        """The acknowledgment that names `control_id`. Fails with _Broken."""
        self._expected = control_id
        answer = self._answer = Deferred()
        return answer

    def put(self, payload: bytes) -> Deferred[bool]:
        """Send; in release 2, whether the HIS says that it is stored. Fails with _Broken."""
        commit: Deferred[bool] = Deferred()
        self.transport.write(wrap(payload))
        if self._release == 1:
            commit.callback(True)
        else:
            self._commit = commit
        return commit

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
                if self._release == 2 and payload in (ACK, NAK):
                    self._committed(stored=payload == ACK)
                else:
                    self._heard(read_acknowledgment(payload))
        except (BlockTooLarge, PeerError):
            self.drop("its answer is no acknowledgment")

    def _committed(self, *, stored: bool) -> None:
        commit, self._commit = self._commit, None
        if commit is not None:
            commit.callback(stored)

    def _heard(self, reply: Reply) -> None:
        if self._release == 2:
            self.transport.write(wrap(ACK))
            if reply.control_id == self._expected:
                self._committed(stored=True)  # it answers what it has
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
        commit, self._commit = self._commit, None
        if commit is not None:
            commit.errback(_Broken(reason))
        elif answer is not None:
            answer.errback(_Broken(reason))

    def close(self) -> None:
        """Nothing is in flight: leave in peace."""
        self.usable = False
        self.transport.loseConnection()


class MllpSender:
    """The way to one HIS. `tls` makes the connections (None: plain); `timeout` in seconds.

    Connects when there is something to send, keeps the connection, and connects anew when it is
    gone. In MLLP `release` 2 it waits for the commit block of each message too, and sends the
    message again, up to `TRIES` times in all, where that says no or does not come.
    """

    def __init__(
        self,
        reactor: Any,
        address: Address,
        *,
        tls: HisTls | None = None,
        timeout: float = 30.0,
        release: Literal[1, 2] = 1,
    ) -> None:
        self._reactor = reactor
        self._address = address
        self._tls = tls
        self._timeout = timeout
        self._release: Literal[1, 2] = release
        self._turn = DeferredLock()
        self._line: _Line | None = None

    async def send(self, payload: bytes) -> Answered | NotSent | Lost:
        """Send one message (without its framing) after those before it.

        Raises UnreadableMessage if the payload has no MSH.
        """
        control_id = Message.parse(payload).control_id
        return await self._in_turn(self._exchange(payload, control_id))

    async def tell(self, payload: bytes) -> NotSent | Lost | None:
        """Send an acknowledgment, which nobody acknowledges.

        None in release 1 says only that it left; in release 2, that the HIS has stored it.
        """
        return await self._in_turn(self._stated(payload))

    async def _stated(self, payload: bytes) -> NotSent | Lost | None:
        put = await self._put(payload, None)
        return None if isinstance(put, Deferred) else put

    async def _in_turn(self, exchange: Coroutine[Any, Any, T]) -> T | NotSent | Lost:
        """After those before it. Who hangs up meanwhile (CancelledError) is told what he left."""
        try:
            await self._turn.acquire()
        except CancelledError:
            exchange.close()
            return NotSent("hung up before its turn")
        try:
            return await exchange
        except CancelledError:
            if self._line is not None:
                self._line.drop("hung up")
            return Lost("hung up before the acknowledgment")
        finally:
            self._turn.release()

    async def _connected(self) -> _Line:
        if self._line is not None and self._line.usable:
            return self._line
        line = _Line(self._tls, self._release)
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

    async def _put(
        self, payload: bytes, control_id: str | None
    ) -> Deferred[Reply] | NotSent | Lost:
        """The acknowledgment to come; in release 2 the HIS has said that the message is stored.

        None for `control_id`: there will be none.
        """
        failed: NotSent | Lost = NotSent("")
        for _ in range(TRIES if self._release == 2 else 1):
            try:
                line = await self._connected()
            except Exception as error:
                # Whatever connecting failed with (address, refusal, TLS), nothing was sent now.
                reason = f"no connection to {self._address}: {_kind(error)}"
                return failed if isinstance(failed, Lost) else NotSent(reason)
            answer = Deferred() if control_id is None else line.expect(control_id)
            try:
                if await line.put(payload).addTimeout(self._timeout, self._reactor):
                    return answer
            except NoAnswer:
                line.drop("late")
                failed = Lost(f"no commit block within {self._timeout:g} s")
            except _Broken as error:
                failed = Lost(str(error))
            else:
                failed = failed if isinstance(failed, Lost) else NotSent("it could not store it")
        return failed

    async def _exchange(self, payload: bytes, control_id: str) -> Answered | NotSent | Lost:
        put = await self._put(payload, control_id)
        if not isinstance(put, Deferred):
            return put
        try:
            return Answered(await put.addTimeout(self._timeout, self._reactor))
        except NoAnswer:
            if self._line is not None:
                self._line.drop("late")
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

"""One hospital's connection: feeds what arrives, awaits intake, writes the acknowledgment.

Knows nothing of HL7: what a payload means, and what is answered, intake says. What is here: that
acknowledgments leave in the order of the messages, and that a peer who sends faster than it is
served, or reads slower than it is answered, waits.
"""

# ruff: noqa: N802  (the names are Twisted's)

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from adapters.mllp.peer import Peer, certificate_names
from adapters.mllp.wire import Timer, Wire
from gateway.answering import Said
from gateway.errors import BlockTooLarge, NotWhole
from gateway.hl7.framing import HEAD, BlockReader

if TYPE_CHECKING:
    from adapters.mllp.listener import MllpListener

LINGER = 2.0
"""Seconds in which a peer may read why it is sent away, before the connection closes."""


@dataclass(slots=True, eq=False)
class _Turn:
    """A message's place in the row: its acknowledgment leaves when all before it have left."""

    block: bytes = b""
    done: bool = False
    last: bool = False


@implementer(IPushProducer)
class Connection(Protocol):
    """One hospital's connection. As a producer it reads no faster than its answers are read."""

    transport: Wire  # type: ignore[assignment]  # ITransport, which mypy cannot read

    def __init__(self, listener: MllpListener) -> None:
        self._listener = listener
        self._limits = listener.limits
        self._reader = BlockReader(listener.limits.block)
        self._begun = b""
        self._waiting: deque[bytes] = deque()
        self._turns: deque[_Turn] = deque()
        self._refused: BlockTooLarge | None = None
        self._deaf = False
        self._choked = False
        self._reading = True
        self._advancing = False
        self._closing = False
        self._lost = False
        self._timer: Timer | None = None
        self._peer: Peer | None = None
        self.host = ""

    @property
    def busy(self) -> bool:
        """True while intake works on something of this connection."""
        return bool(self._turns or self._waiting)

    def connectionMade(self) -> None:
        """Count it in, or send it away."""
        self.host = getattr(self.transport.getPeer(), "host", "")
        if not self._listener.admit(self):
            self._deaf = True
            self.transport.abortConnection()
            return
        options: Any = self.transport
        if ITCPTransport.providedBy(options):
            options.setTcpNoDelay(True)
            options.setTcpKeepAlive(True)
        self.transport.registerProducer(self, True)
        self._expect(self._limits.first_byte.total_seconds())

    def dataReceived(self, data: bytes) -> None:
        """Feed what came; begin what is complete."""
        if self._deaf:
            return
        self._who()  # while the connection can still tell
        self._expect(self._limits.idle.total_seconds())
        try:
            payloads = self._listener.messages(self._reader.feed(data))
            self._waiting.extend(payloads)
            if payloads:
                self._reader.feed(b"")  # tells now if what follows them is too large
        except BlockTooLarge as error:
            self._deaf = True
            self._refused = error
        if self._reader.tolerated:
            self._listener.tolerated(self._reader.tolerated)
        self._remember(data)
        self._advance()

    def _remember(self, data: bytes) -> None:
        """Keep the first bytes of the message that has begun: all that is left if it is cut."""
        pending = self._reader.pending
        if pending <= len(data):
            self._begun = data[len(data) - pending :][:HEAD]
        elif len(self._begun) < HEAD:
            self._begun += data[: HEAD - len(self._begun)]

    def _advance(self) -> None:
        """Give intake as many messages as may be in work; read on only when none is left over."""
        if self._advancing:
            return
        self._advancing = True
        while self._waiting and len(self._turns) < self._listener.at_once:
            self._begin(self._listener.intake(self._waiting.popleft(), self._who()))
        if self._refused is not None and not self._waiting:
            error, self._refused = self._refused, None
            self._begin(self._listener.refuse(error, error.head, self._who()), last=True)
        self._advancing = False
        self._breathe()

    def _begin(self, work: Awaitable[Said | bytes | None], *, last: bool = False) -> None:
        turn = _Turn(last=last)
        self._turns.append(turn)
        Deferred.fromCoroutine(self._answer(turn, work))

    async def _answer(self, turn: _Turn, work: Awaitable[Said | bytes | None]) -> None:
        try:
            turn.block = self._listener.blocks(await work)
        except Exception as error:
            # No acknowledgment: the hospital keeps the message and sends it again.
            self._listener.log("intake_failed", "critical", error=type(error).__name__)
            self._close()
        turn.done = True
        self._speak()

    def _speak(self) -> None:
        """Write the acknowledgments whose turn has come."""
        blocks: list[bytes] = []
        last = False
        while self._turns and self._turns[0].done:
            turn = self._turns.popleft()
            blocks.append(turn.block)
            last = turn.last
        if any(blocks) and not self._closing and not self._lost:
            self.transport.write(b"".join(blocks))
        if last:
            # Its bytes are still coming: closing on them would take the answer with it.
            self._expect(LINGER)
        self._advance()
        if not self.busy:
            self._rest()

    def _rest(self) -> None:
        if self._lost:
            self._listener.forget(self)
        elif self._listener.stopping:
            self._close()

    def finish(self) -> None:
        """Take nothing more; answer what is in work, then close."""
        self._deaf = True
        self._waiting.clear()
        if not self.busy:
            self._close()

    def _close(self) -> None:
        """Say nothing more: after a message without an answer, the next answer would be its."""
        self._deaf = True
        self._waiting.clear()
        if not self._lost and not self._closing:
            self._closing = True
            self.transport.unregisterProducer()
            self.transport.loseConnection()
            self._expect(LINGER)

    def abort(self) -> None:
        """Close at once, whatever is unsaid."""
        if not self._lost:
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """What is in work goes on: it was received whole. What was cut is told to intake."""
        self._lost = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._listener.closed(self)
        if not self._deaf:
            self._tell_what_was_cut()
        if not self.busy:
            self._listener.forget(self)

    def _tell_what_was_cut(self) -> None:
        if self._reader.pending:
            cut = NotWhole("the connection ended inside a message")
            self._begin(self._listener.refuse(cut, self._begun, self._who()))
        elif self._reader.junk:
            stray = NotWhole("bytes outside any block")
            self._begin(self._listener.refuse(stray, self._reader.junk, self._who()))

    def _expect(self, seconds: float) -> None:
        """Something must be heard within so many seconds."""
        if self._lost:
            return
        if self._timer is None or not self._timer.active():
            self._timer = self._listener.clock.callLater(seconds, self._silence)
        else:
            self._timer.reset(seconds)

    def _silence(self) -> None:
        if self.busy:  # it waits for us, not we for it
            self._expect(self._limits.idle.total_seconds())
        elif self._closing:
            self.abort()
        else:
            if not self._deaf:
                self._tell_what_was_cut()
            self._close()

    def _who(self) -> Peer:
        if self._peer is None:
            port = getattr(self.transport.getPeer(), "port", 0)
            names = certificate_names(self.transport)
            self._peer = Peer(self._listener.name, self.host, port, names)
        return self._peer

    def pauseProducing(self) -> None:
        """The peer does not read our answers: do not read its messages."""
        self._choked = True
        self._breathe()

    def resumeProducing(self) -> None:
        """The peer reads again."""
        self._choked = False
        self._breathe()

    def stopProducing(self) -> None:
        """The connection is lost; connectionLost does the rest."""

    def _breathe(self) -> None:
        reading = not self._choked and not self._waiting
        reading = reading and len(self._turns) < self._listener.at_once
        if reading != self._reading and not self._closing and not self._lost:
            self._reading = reading
            (self.transport.resumeProducing if reading else self.transport.pauseProducing)()

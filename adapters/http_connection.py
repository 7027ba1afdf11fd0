"""One TLS connection of the HTTP client: opened, checked, used for one exchange at a time.

Nothing is written before the handshake is complete and the host's name is checked. What becomes
of an exchange is a Response, NotSent (surely nothing reached the service) or Lost (perhaps it
did); after the first byte is written only a Response ends the doubt.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final

from OpenSSL import SSL
from service_identity import CertificateError, VerificationError
from service_identity.pyopenssl import verify_hostname, verify_ip_address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionRefusedError, DNSLookupError, TimeoutError
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from adapters.http1 import BadResponse, Response, ResponseReader
from adapters.keys import ClientTls

# OpenSSL's names of the alerts that a peer sends about our certificate.
_CERTIFICATE_ALERT: Final = re.compile(r"alert [a-z ]*(certificate|unknown ca|access denied)")
_X509_PROBLEMS: Final = {
    9: "is not valid yet",
    10: "has expired",
    18: "is self-signed and not pinned",
    19: "is not of the pinned CA",
    20: "is not of the pinned CA",
    21: "is not of the pinned CA",
    26: "is not made for TLS servers",
}


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely nothing of the request reached the partner's service; it may be sent again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The partner may have the request, and no usable answer came; `response` is what came."""

    reason: str
    response: Response | None = field(default=None, repr=False)


Outcome = Response | NotSent | Lost


class Refused(Exception):
    """The TLS peer is not the partner; the text says why."""


@implementer(IHandshakeListener)
class Connection(Protocol):
    """`ready` fires when the connection may be used, or fails with the reason why not."""

    transport: Any  # a TLSMemoryBIOProtocol, from connectionMade on

    def __init__(
        self, reactor: Any, tls: ClientTls, host: str, ready: Deferred[Connection]
    ) -> None:
        self._reactor = reactor
        self._tls = tls
        self._host = host
        self._ready: Deferred[Connection] | None = ready
        self._reader: ResponseReader | None = None
        self._waiting: Deferred[Outcome] | None = None
        self._timers: list[Any] = []
        self._answered = False
        self._forget: Callable[[Connection], None] | None = None
        self._fresh = True
        self.reusable = True

    # ------------------------------------------------------------ opening
    def handshakeCompleted(self) -> None:  # noqa: N802  # Twisted's name
        """The chain is good; now the name. Only then may anything be written."""
        try:
            self._check_host()
        except (VerificationError, CertificateError):
            self._fail_opening(Refused("the server's certificate is for another host"))
            return
        if self._ready is not None:
            ready, self._ready = self._ready, None
            ready.callback(self)

    def _check_host(self) -> None:
        connection = self.transport.getHandle()
        if is_ip(self._host):
            verify_ip_address(connection, self._host)
        else:
            verify_hostname(connection, self._host)

    def give_up(self, reason: str) -> None:
        """Opening took too long."""
        self._fail_opening(Refused(reason))

    def _fail_opening(self, error: Exception) -> None:
        if self._ready is not None:
            ready, self._ready = self._ready, None
            ready.errback(error)
        self.close()

    # ------------------------------------------------------------ one exchange
    def exchange(
        self, request: bytes, limit: int, *, first_byte: float, deadline: float
    ) -> Deferred[Outcome]:
        """Write the request and wait for its response until `deadline` (the reactor's seconds)."""
        self._reader = ResponseReader(limit)
        self._answered = False
        waiting: Deferred[Outcome] = Deferred(self._cancelled)
        self._waiting = waiting
        left = max(0.0, deadline - self._reactor.seconds())
        self._timers = [self._reactor.callLater(left, self._lose, "no whole answer in time")]
        if first_byte < left:
            self._timers.append(self._reactor.callLater(first_byte, self._silent))
        self.transport.write(request)
        return waiting

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  # Twisted's name
        """Bytes of the answer; bytes on a resting connection end it."""
        if self._reader is None or self._waiting is None:
            self.close()
            return
        self._answered = True
        try:
            self._reader.feed(data)
        except BadResponse as error:
            self._lose(f"the answer is not readable: {error}")
            return
        self._finish_if_complete(self._reader)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802  # Twisted's name
        """The peer, or we, closed."""
        self.reusable = False
        if self._forget is not None:  # it rested: nobody is to close it a second time
            self._stop_timers()
        self._leave_pool()
        if self._ready is not None:
            self._fail_opening(self._opening_error(reason))
        elif self._waiting is not None and self._reader is not None:
            self._closed_while_waiting(self._reader, reason)

    def _closed_while_waiting(self, reader: ResponseReader, reason: Failure) -> None:
        if self._fresh and not self._answered and _refused_by_tls(reason.value):
            # TLS 1.3: the server looks at our certificate after we have begun to write, but its
            # service gets nothing before that check is passed.
            self._settle(NotSent("the partner refused our TLS certificate"))
            return
        try:
            reader.end()
        except BadResponse as error:
            self._settle(Lost(str(error)))
            return
        self._finish_if_complete(reader)

    def _finish_if_complete(self, reader: ResponseReader) -> None:
        if reader.response is not None:
            self.reusable = self.reusable and reader.reusable
            self._fresh = False
            self._settle(reader.response)

    def _silent(self) -> None:
        if not self._answered:
            self._lose("the answer did not begin in time")

    def _lose(self, reason: str) -> None:
        self.close()
        self._settle(Lost(reason))

    def _settle(self, outcome: Outcome) -> None:
        self._stop_timers()
        self._reader = None
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting.callback(outcome)

    def _cancelled(self, _: object) -> None:
        """Whoever waited went away: as any other loss."""
        self._lose("hung up before the answer")

    # ------------------------------------------------------------ resting
    def rest(self, seconds: float, forget: Callable[[Connection], None]) -> None:
        """Stay open for another request for `seconds`; `forget` is told if it ends before."""
        self._forget = forget
        self._timers = [self._reactor.callLater(seconds, self.close)]

    def wake(self) -> bool:
        """Take it out of its rest; whether it is still good."""
        self._forget = None
        self._stop_timers()
        return self.reusable

    def _stop_timers(self) -> None:
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        self._timers = []

    def _leave_pool(self) -> None:
        if self._forget is not None:
            forget, self._forget = self._forget, None
            forget(self)

    def close(self) -> None:
        """Close at once; whoever waits is told by the caller."""
        self.reusable = False
        self._leave_pool()
        if self.transport is not None:
            self.transport.abortConnection()

    def _opening_error(self, reason: Failure) -> Exception:
        problem = self._tls.problem_of(self.transport.getHandle())
        if problem is not None:
            text = _X509_PROBLEMS.get(problem, f"is refused (X.509 problem {problem})")
            return Refused(f"the server's certificate {text}")
        return Refused(why(reason.value))


def _refused_by_tls(error: BaseException | None) -> bool:
    """Whether the peer ended the handshake with an alert about certificates."""
    return isinstance(error, SSL.Error) and _CERTIFICATE_ALERT.search(str(error)) is not None


def why(error: BaseException | None) -> str:
    """The reason in words of ours: what a library says could hold anything."""
    match error:
        case Refused():
            return str(error)
        case ConnectionRefusedError():
            return "the connection was refused"
        case TimeoutError() | CancelledError():
            return "no connection in time"
        case DNSLookupError():
            return "the host's name is not known"
        case SSL.Error():
            return "the TLS handshake failed"
        case _:
            return f"no connection: {type(error).__name__}"


def is_ip(host: str) -> bool:
    """Whether `host` is an IP address and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

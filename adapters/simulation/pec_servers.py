"""The simulated provider's two doors: SMTP to send and IMAP to read, both over TLS.

Twisted's servers, with what the day does to a conversation.
"""

# ruff: noqa: N802  (the names are Twisted's)

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from OpenSSL import SSL
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.mail import imap4, smtp
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from adapters.simulation.pec_provider import PecProvider
from gateway.units import Address

USER: Final = b"nati@pec.ospedale.example"
PASSWORD: Final = b"prova"
_VALIDITY: Final = 1


class PecServers:
    """`keys` is a party's folder of `icaro certs init`. `smtp` and `imap` are the ports."""

    def __init__(
        self, reactor: Any, provider: PecProvider, keys: Path, smtp: Address, imap: Address
    ) -> None:
        tls: Any = DefaultOpenSSLContextFactory(
            str(keys / "tls.key"), str(keys / "tls.pem"), sslmethod=SSL.TLS_METHOD
        )
        self._ports = []
        for where, make in ((smtp, _submission), (imap, _mailbox)):
            factory: Any = Factory.forProtocol(partial(make, provider))
            secured = TLSMemoryBIOFactory(tls, False, factory, clock=reactor)
            factory.noisy = secured.noisy = False
            self._ports.append(reactor.listenTCP(where.port, secured, interface=where.host))

    @property
    def smtp(self) -> int:
        """The port of submission."""
        port: int = self._ports[0].getHost().port
        return port

    @property
    def imap(self) -> int:
        """The port of the mailbox."""
        port: int = self._ports[1].getHost().port
        return port


def _portal(interface: Any, avatar: Callable[[], Any], password: bytes = PASSWORD) -> Portal:
    checker: Any = InMemoryUsernamePasswordDatabaseDontUse()
    if password:
        checker.addUser(USER, password)
    realm: Any = _Realm(interface, avatar)  # mypy does not see zope's interfaces
    return Portal(realm, [checker])


@implementer(IRealm)
class _Realm:
    def __init__(self, interface: Any, avatar: Callable[[], Any]) -> None:
        self._interface, self._avatar = interface, avatar

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:  # noqa: N803  # Twisted's
        """The one there is."""
        return self._interface, self._avatar(), lambda: None


def _submission(provider: PecProvider) -> Any:
    made: Any = smtp.ESMTP({b"PLAIN": imap4.PLAINCredentials})
    day = provider.begins()
    password = b"" if day == "no_login" else PASSWORD
    made.portal = _portal(smtp.IMessageDelivery, lambda: _Post(provider, day), password)
    return made


@implementer(smtp.IMessageDelivery)
class _Post:
    """Takes mail of whoever has logged in."""

    def __init__(self, provider: PecProvider, day: str) -> None:
        self._provider, self._day = provider, day

    def receivedHeader(self, helo: Any, origin: Any, recipients: Any) -> bytes:
        """None of ours: the mail is kept as it came."""
        return b""

    def validateFrom(self, helo: Any, origin: Any) -> Any:
        """Its own address only (RFC 6109, 3.1.1)."""
        if bytes(origin) != USER:
            raise smtp.SMTPBadSender(origin)
        return origin

    def validateTo(self, user: Any) -> Callable[[], Any]:
        """As the day says."""
        day = self._day
        if day in ("refuse", "busy"):
            raise smtp.SMTPServerError(550 if day == "refuse" else 451, day)
        if day == "cut_before":
            user.protocol.transport.abortConnection()
        recipient = bytes(user.dest).decode()
        return lambda: _Content(self._provider, day, user.protocol, recipient)


@implementer(smtp.IMessage)
class _Content:
    """One mail on its way in."""

    def __init__(self, provider: PecProvider, day: str, protocol: Any, recipient: str) -> None:
        self._provider, self._day = provider, day
        self._protocol, self._recipient = protocol, recipient
        self._lines: list[bytes] = []

    def lineReceived(self, line: bytes) -> None:
        """One more line."""
        self._lines.append(line)

    def eomReceived(self) -> Deferred[None]:
        """All of it is here."""
        content = b"".join(line + b"\r\n" for line in self._lines)
        self._provider.take(content, self._recipient, self._day)
        told: Deferred[None] = Deferred()
        if self._day == "cut_after":
            self._protocol.transport.abortConnection()
        elif self._day != "hang":
            told.callback(None)
        return told

    def connectionLost(self) -> None:
        """Half a mail is none."""
        self._lines.clear()


def _mailbox(provider: PecProvider) -> Any:
    made: Any = imap4.IMAP4Server()
    account = imap4.MemoryAccountWithoutNamespaces(USER.decode())
    account.addMailbox("INBOX", _Box(provider))
    made.portal = _portal(imap4.IAccount, lambda: account)
    return made


@implementer(imap4.IMailbox, imap4.ISearchableMailbox)
class _Box:
    """What lies in `receipts/`, to be read and never changed."""

    def __init__(self, provider: PecProvider) -> None:
        self._provider = provider

    def getUIDValidity(self) -> int:
        """Files keep their numbers for good."""
        return _VALIDITY

    def getUIDNext(self) -> int:
        """The number of the next file."""
        return self.getMessageCount() + 1

    def getUID(self, message: int) -> int:
        """Its place."""
        return message

    def getMessageCount(self) -> int:
        """All of them."""
        return len(self._provider.receipts())

    def getRecentCount(self) -> int:
        """Not kept."""
        return 0

    def getUnseenCount(self) -> int:
        """Not kept."""
        return self.getMessageCount()

    def isWriteable(self) -> bool:
        """To be read only."""
        return False

    def getHierarchicalDelimiter(self) -> str:
        """As most have it."""
        return "/"

    def getFlags(self) -> list[str]:
        """None."""
        return []

    def addListener(self, listener: Any) -> None:
        """Nobody is told of news."""

    def removeListener(self, listener: Any) -> None:
        """As above."""

    def search(self, query: Any, uid: bool) -> list[int]:
        """HEADER name value: those whose header holds the value."""
        _, name, wanted = (each.decode() if isinstance(each, bytes) else each for each in query)
        mails = [message_from_bytes(each) for each in self._provider.receipts()]
        return [n for n, mail in enumerate(mails, 1) if wanted in str(mail.get(name, ""))]

    def fetch(self, messages: Any, uid: bool) -> list[tuple[int, Any]]:
        """Those of the set, the first first."""
        files = self._provider.receipts()
        messages.last = max(1, len(files))
        return [(n, _Lying(n, files[n - 1])) for n in messages if 0 < n <= len(files)]


@implementer(imap4.IMessage, imap4.IMessageFile)
class _Lying:
    """One receipt in the mailbox."""

    def __init__(self, number: int, content: bytes) -> None:
        self._number, self._content = number, content

    def getUID(self) -> int:
        """The number of its file."""
        return self._number

    def getSize(self) -> int:
        """In bytes."""
        return len(self._content)

    def getHeaders(self, negate: bool, *names: Any) -> dict[str, str]:
        """All of them: who asks picks."""
        return {k.lower(): str(v) for k, v in message_from_bytes(self._content).items()}

    def open(self) -> BytesIO:
        """The whole."""
        return BytesIO(self._content)

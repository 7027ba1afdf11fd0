"""Reads receipts from the provider's mailbox, over TLS: asks for those that name a mail of ours.

Changes nothing in the mailbox: it is opened to be read (EXAMINE). What a server may make us hold is
bounded in bytes, its answers as a whole and each receipt.
"""

# ruff: noqa: N802  (the names are Twisted's)

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory
from twisted.mail.imap4 import Command, IMAP4Client
from twisted.python.failure import Failure

from adapters.pec.tls import Provider
from gateway.errors import MailError
from gateway.pec.receipt import LIMIT
from gateway.postman import Found

_SESSION_LIMIT: Final = 4 * LIMIT
"""Bytes that one session may bring."""


class Reader:
    """Reads as one user of one provider."""

    def __init__(self, reactor: Any, provider: Provider) -> None:
        self._reactor = reactor
        self._provider = provider

    async def look(
        self, about: Collection[str], seen: Collection[str], most: int
    ) -> Sequence[Found]:
        """What names one of these mails, the oldest first. Raises MailError."""
        session = _Session(_SESSION_LIMIT)
        try:
            looking = Deferred.fromCoroutine(self._look(session, about, seen, most))
            return await looking.addTimeout(self._provider.seconds, self._reactor)
        except Exception as error:
            raise MailError(f"the mailbox cannot be read: {type(error).__name__}") from error
        finally:
            session.end()

    async def _look(
        self, session: _Session, about: Collection[str], seen: Collection[str], most: int
    ) -> list[Found]:
        provider = self._provider
        host, port = provider.imap.host, provider.imap.port
        factory = Factory.forProtocol(lambda: session)
        factory.noisy = False
        endpoint = HostnameEndpoint(self._reactor, host, port, timeout=provider.seconds)
        await endpoint.connect(provider.secured(host, factory, self._reactor))
        await session.greeted
        await session.login(provider.user, provider.password)
        chosen = await session.examine(provider.folder)
        found: list[Found] = []
        for message_id in sorted(about):
            for uid in await session.naming(message_id):
                place = f"{chosen.get('UIDVALIDITY', 0)}.{uid}"
                if place not in seen and len(found) < most:
                    found.append(Found(place, message_id, await session.whole(uid)))
        return found


class _Session(IMAP4Client):
    """One session. TLS stands before anything is said."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.greeted: Deferred[None] = Deferred()
        self._left = limit

    def serverGreeting(self, caps: object) -> None:
        """It may begin."""
        self.greeted.callback(None)

    def dataReceived(self, data: bytes) -> None:
        """Bounded: a literal has the length that the server says."""
        self._left -= len(data)
        if self._left < 0:
            self.end()
        else:
            super().dataReceived(data)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Whatever is awaited fails."""
        failure = reason or Failure(MailError("the connection closed"))
        super().connectionLost(failure)
        if not self.greeted.called:
            self.greeted.errback(failure)

    async def naming(self, message_id: str) -> list[int]:
        """UIDs of the receipts of this mail. `message_id` is ours: it needs no quoting."""
        query = f'HEADER X-Riferimento-Message-ID "{message_id}"'.encode("ascii")
        # IMAP4Client.search(uid=True) waits for an answer that no server gives.
        asked: Any = Command(b"UID SEARCH", query, wantResponse=(b"SEARCH",))
        lines, _ = await self.sendCommand(asked)
        numbers = [each for line in lines if line[0] == b"SEARCH" for each in line[1:]]
        return sorted(int(each) for each in numbers)

    async def whole(self, uid: int) -> bytes:
        """The exact bytes; none if it is too large to be a receipt."""
        sizes = await self.fetchSize(str(uid), uid=True)
        if sum(int(each["RFC822.SIZE"]) for each in sizes.values()) > LIMIT:
            return b""
        # RFC822 marks nothing as seen: the mailbox is open to be read only.
        (told,) = (await self.fetchMessage(str(uid), uid=True)).values()
        return str(told["RFC822"]).encode("charmap")  # as Twisted made text of the bytes

    def end(self) -> None:
        """Close; what it would still say is not heard."""
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()

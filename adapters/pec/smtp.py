"""Gives a mail to the provider's SMTP server, over TLS, and tells what surely became of it.

From the moment the server asks for the mail's content until it answers, nobody knows whether it has
it. One mail, one connection, one try: whether to send again is the caller's decision.
"""

# ruff: noqa: N802  (the names are Twisted's)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory
from twisted.mail.smtp import (
    SUCCESS,
    Address,
    ESMTPClient,
    LOGINAuthenticator,
    PLAINAuthenticator,
)
from twisted.python.failure import Failure

from adapters.pec.tls import Provider
from gateway.pec.compose import Mail
from gateway.postman import Given


class Submitter:
    """Sends as one user of one provider."""

    def __init__(self, reactor: Any, provider: Provider) -> None:
        self._reactor = reactor
        self._provider = provider

    async def send(self, mail: Mail) -> Given:
        """Never fails: whatever goes wrong is one of the four."""
        provider, seconds = self._provider, self._provider.seconds
        talk = _Talk(mail, provider.user, provider.password)
        host, port = provider.smtp.host, provider.smtp.port
        endpoint = HostnameEndpoint(self._reactor, host, port, timeout=seconds)
        factory = Factory.forProtocol(lambda: talk)
        factory.noisy = False
        try:
            await endpoint.connect(provider.secured(host, factory, self._reactor))
        except Exception:
            return Given.LATER  # whatever connecting failed with, nothing was sent
        limit = self._reactor.callLater(seconds, talk.give_up)
        try:
            return await talk.result
        finally:
            if limit.active():
                limit.cancel()


class _Talk(ESMTPClient):
    """One conversation. TLS stands already, or else it says nothing."""

    debug = False  # its log would hold the password
    heloFallback = False  # noqa: N815  # Twisted's name
    requireAuthentication = True  # noqa: N815  # Twisted's name
    requireTransportSecurity = True  # noqa: N815  # Twisted's name

    def __init__(self, mail: Mail, user: bytes, password: bytes) -> None:
        super().__init__(password, None, mail.sender.rpartition("@")[2])
        self.result: Deferred[Given] = Deferred()
        self._mail = mail
        self._asked = False
        self._offered = False
        self.registerAuthenticator(PLAINAuthenticator(user))
        self.registerAuthenticator(LOGINAuthenticator(user))

    def getMailFrom(self) -> Address | None:
        """Ours, once; then there is no other mail."""
        if self._offered:
            return None
        self._offered = True
        return Address(self._mail.sender)

    def getMailTo(self) -> Sequence[Address]:
        """The office."""
        return [Address(self._mail.recipient)]

    def smtpState_data(self, code: int, resp: bytes) -> None:
        """The server asks for the content: from here on it may have the mail.

        At once, as it is: Twisted's own way misses a dot at the edge of a chunk; ours begins no
        line with one.
        """
        self._asked = True
        self._expected, self._okresponse = list(SUCCESS), self.smtpState_msgSent
        wire: Any = self.transport
        wire.write(self._mail.content)
        self.sendLine(b".")

    def sentMail(
        self,
        code: int,
        resp: object,
        numOk: int,  # noqa: N803  # Twisted's name
        addresses: object,
        log: object,
    ) -> None:
        """The server's answer: to the content, or to what came before it."""
        if 500 <= code < 600:
            self._tell(Given.REFUSED)
        elif 400 <= code < 500:
            self._tell(Given.LATER)
        else:
            taken = self._asked and 200 <= code < 300
            self._tell(Given.TAKEN if taken else self._unanswered)

    def sendError(self, exc: Exception) -> None:
        """It cannot go on."""
        super().sendError(exc)
        self._tell(self._unanswered)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Nothing will be heard any more."""
        super().connectionLost(reason)
        self._tell(self._unanswered)

    def give_up(self) -> None:
        """It took too long."""
        transport: Any = self.transport
        transport.abortConnection()

    @property
    def _unanswered(self) -> Given:
        return Given.LOST if self._asked else Given.LATER

    def _tell(self, given: Given) -> None:
        if not self.result.called:
            self.result.callback(given)

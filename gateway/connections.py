"""Keys, certificates and the ways to every partner, made once from the configuration.

Everything that can be wrong with a file is told at start-up. The certificates' remaining days are
for `/health` and the metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from twisted.protocols.tls import TLSMemoryBIOFactory

import adapters.agenzia_entrate.destination as agenzia_entrate
import adapters.asl.destination as asl
import adapters.comune.destination as comune
from adapters.http import SoapClient
from adapters.keys import ClientTls, Identity, ServerTls, load_certificates, load_identity
from adapters.mllp import Answered, MllpSender
from adapters.mllp.tls import client_tls
from adapters.ospedale.destination import ReturnFeed as HospitalFeed
from adapters.soap_destination import Channel, Partner, SoapDestination
from gateway.agreements import ReturnFeed
from gateway.config import Configuration, KeyPair, Listener, Sender
from gateway.courier import Told
from gateway.destination import Destination, Echo
from gateway.errors import ConfigurationError
from gateway.mailbox import Mailbox
from gateway.partners import Directory, Entry
from gateway.postman import Look, Send
from gateway.soap.contract import Contract
from gateway.soap.keys import SigningKey
from gateway.soap.profile import MODI, MODI_SOAP12, SecurityProfile
from gateway.soap.trust import Trust

PARTNERS: Final[dict[str, Partner]] = {
    "comune": comune,
    "agenzia_entrate": agenzia_entrate,
    "asl": asl,
}
KEPT: Final = 64
"""Connections kept to one office: as many as the directory may allow at once."""

PROFILES: Final[dict[str, SecurityProfile]] = {
    profile.name: profile for profile in (MODI, MODI_SOAP12)
}


class Connections:
    """The node's own keys, and the channels made with them."""

    def __init__(
        self,
        reactor: Any,
        configuration: Configuration,
        directory: Directory,
        clock: Callable[[], datetime],
    ) -> None:
        self._reactor = reactor
        self._configuration = configuration
        self._directory = directory
        self._clock = clock
        self.tls_identity = _identity(configuration.certs.tls)
        signing = _identity(configuration.certs.sign)
        self.signing_key = SigningKey(signing.private_key, signing.certificate)
        self._signing_identity = signing
        self._clients: list[SoapClient] = []
        self._senders: dict[str, MllpSender] = {}
        self._client = cache(self._make_client)
        self._channels = {
            (entry.partner, entry.code): self._channel(entry)
            for entry in directory.entries
            if entry.partner in PARTNERS
        }

    def destinations(self) -> dict[str, Destination]:
        """By kind of partner: the administrations over SOAP, the hospitals over MLLP."""
        xsd = self._configuration.xsd
        found: dict[str, Destination] = {"ospedale": HospitalFeed(self._sender, self._clock)}
        for name, partner in PARTNERS.items():
            entries = self._directory.of(name)
            if not entries or entries[0].contract is None:
                continue
            contract = Contract.load(xsd / entries[0].contract, xsd)
            found[name] = SoapDestination(
                partner, contract, self.signing_key, self._channel_of, self._clock
            )
        return found

    @staticmethod
    def echoes(destinations: Mapping[str, Destination]) -> dict[str, Echo]:
        """Those whose service can be asked whether it is there."""
        return {
            name: destination
            for name, destination in destinations.items()
            if isinstance(destination, SoapDestination) and destination.echoes
        }

    def trust(self, entry: Entry) -> Trust:
        """Whose signatures are this office's."""
        assert entry.ca is not None  # the directory requires it of every administration
        signer = entry.signer or ""
        if signer.startswith("sha256:"):
            pin = frozenset({signer.removeprefix("sha256:").lower()})
            return Trust(load_certificates(entry.ca), fingerprints=pin)
        subjects = frozenset({signer}) if signer else frozenset()
        return Trust(load_certificates(entry.ca), subjects=subjects)

    def listener_tls(self, listener: Listener) -> Any:
        """What makes a listener's connections; None: plain."""
        if listener.tls is None:
            return None
        own = listener.tls.certificate
        identity = _identity(own) if own else self.tls_identity
        return ServerTls(identity, load_certificates(listener.tls.ca))

    def callback_factory(self, site: Any) -> Any:
        """`site` behind mutual TLS, for every administration of the directory."""
        offices = [entry for entry in self._directory.entries if entry.partner in PARTNERS]
        paths = {entry.ca for entry in offices if entry.ca is not None}
        authorities = [each for path in sorted(paths) for each in load_certificates(path)]
        settings = self._configuration.callbacks
        own = settings.tls.certificate if settings and settings.tls else None
        identity = _identity(own) if own else self.tls_identity
        creator: Any = ServerTls(identity, authorities)  # mypy does not see zope's interfaces
        return TLSMemoryBIOFactory(creator, False, site, clock=self._reactor)

    def tells(self, sender: str) -> bool:
        """Whether this sender has a way for application acknowledgments."""
        return any(each.name == sender and each.told_apart for each in self._configuration.senders)

    async def tell(self, sender: str, payload: bytes) -> Told:
        """Bring an application acknowledgment to its hospital (Tell)."""
        way = self._application_way(sender)
        if way is None:
            return "REFUSED"  # its entry is gone from the configuration
        line, confirm = way
        if not confirm:
            return "LATER" if await line.tell(payload) else "TOLD"
        answer = await line.send(payload)
        if not isinstance(answer, Answered):
            return "LATER"
        if answer.reply.accepted:
            return "TOLD"
        return "LATER" if answer.reply.passing else "REFUSED"

    def _application_way(self, name: str) -> tuple[MllpSender, bool] | None:
        sender = next((each for each in self._configuration.senders if each.name == name), None)
        if sender is None or not sender.told_apart:
            return None
        own = sender.application_acks
        if own is not None and f"{name}/acks" not in self._senders:
            self._senders[f"{name}/acks"] = self._made(own)
        if own is not None:
            return self._senders[f"{name}/acks"], own.confirm
        entry = self._directory.entry("ospedale", name)
        return None if entry is None else (self._sender(entry), False)

    def post(self, mailbox: Mailbox) -> tuple[Send, Look]:
        """The ways to and from the provider of our mail. Raises ConfigurationError."""
        # Reading Twisted's mail chooses the reactor of this process: only where there is mail.
        from adapters.pec.imap import Reader
        from adapters.pec.smtp import Submitter
        from adapters.pec.tls import Provider

        provider = Provider.of(mailbox)
        return Submitter(self._reactor, provider).send, Reader(self._reactor, provider).look

    def days_left(self) -> dict[str, float]:
        """How long our own certificates last."""
        own = {"tls": self.tls_identity, "sign": self._signing_identity}
        return {name: identity.days_left(self._clock()) for name, identity in own.items()}

    async def close(self) -> None:
        """Close every kept connection."""
        for client in self._clients:
            client.close()
        for sender in self._senders.values():
            await sender.close()

    def _channel_of(self, entry: Entry) -> Channel:
        return self._channels[entry.partner, entry.code]

    def _channel(self, entry: Entry) -> Channel:
        profile = PROFILES.get(entry.security)
        if profile is None:
            known = ", ".join(sorted(PROFILES))
            text = f"{entry.partner} {entry.code}: security: known profiles are {known}"
            raise ConfigurationError([text])
        assert entry.ca is not None  # the directory requires it of every administration
        return Channel(self._client(entry.ca), self.trust(entry), profile)

    def _make_client(self, ca: Path) -> SoapClient:
        tls = ClientTls(self.tls_identity, load_certificates(ca))
        client = SoapClient(self._reactor, tls, keep=KEPT)
        self._clients.append(client)
        return client

    def _sender(self, entry: Entry) -> MllpSender:
        if entry.code not in self._senders:
            self._senders[entry.code] = self._make_sender(entry)
        return self._senders[entry.code]

    def _make_sender(self, entry: Entry) -> MllpSender:
        feed = next(
            sender.return_feed for sender in self._configuration.senders if _is(sender, entry)
        )
        assert feed is not None  # the entry was made from it
        return self._made(feed)

    def _made(self, feed: ReturnFeed) -> MllpSender:
        tls = None
        if feed.tls is not None:
            authorities = load_certificates(feed.tls.ca)
            tls = client_tls(feed.address.host, authorities, self.tls_identity)
        seconds = feed.timeout.total_seconds()
        return MllpSender(
            self._reactor, feed.address, tls=tls, timeout=seconds, release=feed.release
        )


def _is(sender: Sender, entry: Entry) -> bool:
    return sender.name == entry.code


def _identity(pair: KeyPair) -> Identity:
    return load_identity(pair.certificate, pair.key, password_file=pair.password_file)

"""Keys, certificates and the ways to every partner, made from a deployment's own files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.testing import MemoryReactorClock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web.resource import Resource
from twisted.web.server import Site

from adapters.keys import DevelopmentPki, ServerTls, load_certificates
from adapters.ospedale.destination import ReturnFeed
from adapters.soap_destination import SoapDestination
from gateway.config import Configuration, load
from gateway.connections import Connections
from gateway.deployment import lay_out
from gateway.errors import ConfigurationError
from gateway.partners import Directory, Entry

NOW = datetime.now(UTC)


@cache
def folder() -> Path:
    """A deployment with a TLS listener and a return feed over TLS, made once."""
    made = Path(mkdtemp(prefix="icaro-test-")) / "d"
    lay_out(made)
    DevelopmentPki(NOW).write(made / "certs")
    path = made / "icaro.yaml"
    text = path.read_text(encoding="utf-8")
    text = text.replace("# tls:", "tls:").replace("# certificate_names", "certificate_names")
    feed = "return_feed: {address: 127.0.0.1:2576, tls: {ca: certs/ospedale/ca.pem}}\n"
    path.write_text(re_feed(text, feed), encoding="utf-8")
    return made


def re_feed(text: str, feed: str) -> str:
    """The settings with another return feed."""
    lines = text.splitlines(keepends=True)
    return "".join(f"    {feed}" if "# return_feed" in line else line for line in lines)


def settings() -> Configuration:
    """The deployment's."""
    return load(folder() / "icaro.yaml", {})


def directory(configuration: Configuration, **changes: Any) -> Directory:
    """Its partners; `changes` are of the Comune's entry."""
    found = Directory.load(configuration.partners, xsd=configuration.xsd)
    entries = [
        replace(each, **changes) if each.partner == "comune" else each for each in found.entries
    ]
    return Directory(tuple(entries)).with_return_feeds(configuration.senders)


def connections(reactor: Any = None, **changes: Any) -> Connections:
    """The connections of the deployment, in memory."""
    configuration = settings()
    found = directory(configuration, **changes)
    return Connections(reactor or MemoryReactorClock(), configuration, found, lambda: NOW)


def comune(made: Connections) -> Entry:
    """The Comune of the directory."""
    (entry,) = made._directory.of("comune")
    return entry


def test_every_kind_of_partner_has_its_way():
    """Administrations speak signed SOAP, hospitals HL7."""
    found = connections().destinations()
    assert {name: type(each) for name, each in found.items()} == {
        "ospedale": ReturnFeed,
        "comune": SoapDestination,
        "agenzia_entrate": SoapDestination,
        "asl": SoapDestination,
    }


def test_a_partner_that_nobody_configured_has_none():
    """A deployment without an ASL starts, and makes no way to one."""
    configuration = settings()
    entries = tuple(each for each in directory(configuration).entries if each.partner != "asl")
    made = Connections(MemoryReactorClock(), configuration, Directory(entries), lambda: NOW)
    assert "asl" not in made.destinations()


def test_an_unknown_security_profile_stops_the_start():
    """The mistake names the office and the profiles there are."""
    with pytest.raises(ConfigurationError, match=r"comune 015146: security: .* modi, modi-soap12"):
        connections(security="modj")


def test_partners_with_one_authority_share_connections():
    """One client a CA: two comuni served by one system reuse its connections."""
    configuration = settings()
    found = directory(configuration)
    (milano,) = found.of("comune")
    both = Directory((*found.entries, replace(milano, code="015209")))
    made = Connections(MemoryReactorClock(), configuration, both, lambda: NOW)
    channels = [made._channel_of(each) for each in both.of("comune")]
    assert channels[0].client is channels[1].client
    (agenzia,) = both.of("agenzia_entrate")
    assert made._channel_of(agenzia).client is not channels[0].client


def test_whose_signature_is_an_offices_own():
    """Any certificate of its CA, or one subject, or one certificate, as the directory says."""
    ca = folder() / "certs" / "comune" / "ca.pem"
    made = connections()
    assert made.trust(comune(made)).ca_certificates == load_certificates(ca)
    subject = connections(signer="CN=firma,O=Comune")
    assert subject.trust(comune(subject)).subjects == {"CN=firma,O=Comune"}
    (certificate,) = load_certificates(folder() / "certs" / "comune" / "sign.pem")[:1]
    pin = sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
    pinned = connections(signer=f"sha256:{pin.upper()}")
    assert pinned.trust(comune(pinned)).fingerprints == {pin}


def test_a_listener_speaks_tls_where_its_settings_say_so():
    """With `tls` it shows our certificate and asks for theirs; without, it is plain."""
    made = connections()
    (listener,) = made._configuration.listeners
    assert isinstance(made.listener_tls(listener), ServerTls)
    assert made.listener_tls(listener.model_copy(update={"tls": None})) is None


def test_callbacks_come_over_mutual_tls():
    """The callback service is behind TLS that asks for a certificate of a partner."""
    resource: Any = Resource()
    site: Any = Site(resource)
    assert isinstance(connections().callback_factory(site), TLSMemoryBIOFactory)


def test_certificates_tell_how_long_they_last():
    """Ours are counted in days, at the moment of asking."""
    moments = [NOW, NOW + timedelta(days=31)]
    configuration = settings()
    made = Connections(
        MemoryReactorClock(), configuration, directory(configuration), lambda: moments[0]
    )
    assert set(made.days_left()) == {"tls", "sign"}
    assert all(29 < days <= 30 for days in made.days_left().values())
    moments.pop(0)
    assert all(days < 0 for days in made.days_left().values())


def test_a_hospital_has_one_line():
    """The sender of a return feed is made at the first message and kept; TLS as it says."""
    made = connections()
    (entry,) = made._directory.of("ospedale")
    line = made._sender(entry)
    assert made._sender(entry) is line
    assert entry.endpoint == "mllps://127.0.0.1:2576"


def test_closing_ends_every_connection(monkeypatch: pytest.MonkeyPatch):
    """Clients and senders are closed; nothing is left open when the node stops."""
    made = connections()
    (entry,) = made._directory.of("ospedale")
    made._sender(entry)
    closed: list[str] = []
    for client in made._clients:
        monkeypatch.setattr(client, "close", lambda: closed.append("soap"))

    async def close() -> None:
        closed.append("mllp")

    monkeypatch.setattr(made._sender(entry), "close", close)
    with pytest.raises(StopIteration):
        made.close().send(None)
    assert sorted(closed) == ["mllp", "soap", "soap", "soap"]


def test_a_key_that_does_not_fit_stops_the_start():
    """A certificate with another's key is told before anything is sent."""
    configuration = settings()
    tls = configuration.certs.tls.model_copy(update={"key": configuration.certs.sign.key})
    certs = configuration.certs.model_copy(update={"tls": tls})
    wrong = configuration.model_copy(update={"certs": certs})
    with pytest.raises(ConfigurationError):
        Connections(MemoryReactorClock(), wrong, directory(configuration), lambda: NOW)

"""An envelope on disk, signed by the development PKI's Comune, with the CA beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from adapters.keys import DevelopmentPki, load_certificates, load_signing_key
from gateway.soap.envelope import build
from gateway.soap.keys import SigningKey
from gateway.soap.profile import MODI
from gateway.soap.sign import sign
from gateway.soap.trust import Trust

BODY = '<n:Richiesta xmlns:n="urn:example:1"><n:cognome>INVENTATÌ</n:cognome></n:Richiesta>'


@dataclass(frozen=True)
class OnDisk:
    """What a third party has: the envelope, and the CA that it trusts."""

    envelope: Path
    ca: Path
    key: SigningKey
    trust: Trust
    now: datetime


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `icaro certs init` writes."""
    folder = tmp_path_factory.mktemp("certs")
    DevelopmentPki(datetime.now(UTC)).write(folder, ["comune", "asl"])
    return folder


@pytest.fixture
def on_disk(request: pytest.FixtureRequest, pki: Path, tmp_path: Path) -> OnDisk:
    """A signed envelope in a file: RSA, or P-256 where a test asks for the TLS key."""
    now = datetime.now(UTC)
    pair = pki / "comune" / getattr(request, "param", "sign")
    key = load_signing_key(pair.with_suffix(".pem"), pair.with_suffix(".key"))
    unsigned = build(
        etree.fromstring(BODY),
        to="https://comune.example/nascita",
        action="urn:example:1/registra",
        message_id="urn:uuid:00000000-0000-4000-8000-000000000001",
        created=now,
        profile=MODI,
        relates_to="urn:uuid:00000000-0000-4000-8000-000000000000",
    )
    envelope = tmp_path / "busta.xml"
    envelope.write_bytes(sign(unsigned, key, MODI))
    ca = pki / "comune/ca.pem"
    return OnDisk(envelope, ca, key, Trust(load_certificates(ca)), now)

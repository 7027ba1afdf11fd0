"""Two parties with a CA each, and envelopes between them, at one fixed moment."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from gateway.errors import VerificationError
from gateway.soap.envelope import build
from gateway.soap.keys import PrivateKey, SigningKey
from gateway.soap.names import DS
from gateway.soap.profile import MODI, SecurityProfile
from gateway.soap.sign import sign
from gateway.soap.trust import Trust
from gateway.soap.verify import Verified, verify
from gateway.xml import canonical, parse

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
BODY = (
    b'<n:Richiesta xmlns:n="urn:example:1"><n:cognome>INVENTATI</n:cognome>'
    b'<n:nato quando="2026-11-20">x</n:nato></n:Richiesta>'
)


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def ec_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve or ec.SECP256R1())


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Authority:
    """A CA that issues whatever a test asks for."""

    key: PrivateKey = field(default_factory=ec_key)
    start: datetime = NOW - 100 * DAY
    end: datetime = NOW + 100 * DAY
    title: str = "CA inventata"

    def __post_init__(self) -> None:
        self.certificate = self.issue(self.key, subject=self.title, ca=True)

    def issue(
        self,
        key: PrivateKey,
        *,
        subject: str = "firma",
        start: datetime | None = None,
        end: datetime | None = None,
        ca: bool = False,
        digest: hashes.HashAlgorithm | None = None,
        extra: x509.ExtensionType | None = None,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(self.title))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start or self.start)
            .not_valid_after(end or self.end)
            .add_extension(x509.BasicConstraints(ca, None), True)
        )
        if extra is not None:
            builder = builder.add_extension(extra, True)
        return builder.sign(self.key, digest or hashes.SHA256())


@dataclass
class Party:
    """Somebody who signs, and those who trust him."""

    authority: Authority
    key: SigningKey
    profile: SecurityProfile = MODI

    @property
    def trust(self) -> Trust:
        return Trust((self.authority.certificate,))

    def envelope(
        self,
        body: bytes = BODY,
        *,
        to: str = "https://comune.example/nascita",
        action: str = "urn:example:1/registra",
        message_id: str = "urn:uuid:00000000-0000-4000-8000-000000000001",
        created: datetime = NOW,
        relates_to: str | None = None,
    ) -> bytes:
        unsigned = build(
            etree.fromstring(body),
            to=to,
            action=action,
            message_id=message_id,
            created=created,
            profile=self.profile,
            relates_to=relates_to,
        )
        return sign(unsigned, self.key, self.profile)

    def check(self, raw: bytes, **expected: object) -> Verified:
        arguments = {"trust": self.trust, "now": NOW, "profile": self.profile} | expected
        return verify(raw, **arguments)  # type: ignore[arg-type]  # keyword table

    def forge(self, change: Callable[[etree._Element], object]) -> bytes:
        """An envelope changed after signing."""
        root = parse(self.envelope())
        change(root)
        return etree.tostring(root)

    def resign(self, change: Callable[[etree._Element], object]) -> bytes:
        """An envelope changed, then signed again by the true key: what a careless partner sends."""
        root = parse(self.envelope())
        change(root)
        for reference in root.iter(f"{{{DS}}}Reference"):
            wanted = (reference.get("URI") or "").removeprefix("#")
            found = root.xpath("//*[@*[local-name() = 'Id' and . = $wanted]]", wanted=wanted)
            digest = reference.find(f"{{{DS}}}DigestValue")
            if found and digest is not None:
                digest.text = b64encode(sha256(canonical(found[0])).digest()).decode()
        info = next(root.iter(f"{{{DS}}}SignedInfo"))
        value = next(root.iter(f"{{{DS}}}SignatureValue"))
        value.text = b64encode(self.key.sign(canonical(info))).decode()
        return etree.tostring(root)


def make_party(key: PrivateKey | None = None, profile: SecurityProfile = MODI) -> Party:
    authority = Authority()
    own = key or rsa_key()
    return Party(authority, SigningKey(own, authority.issue(own)), profile)


def one(root: etree._Element, tag: str) -> etree._Element:
    return next(root.iter(f"{{*}}{tag}"))


Change = Callable[[etree._Element], object]


def text(tag: str, value: str) -> Change:
    return lambda root: setattr(one(root, tag), "text", value)


def add_reference(identifier: str) -> Change:
    def change(root: etree._Element) -> None:
        references = list(root.iter(f"{{{DS}}}Reference"))
        extra = deepcopy(references[0])
        extra.set("URI", f"#{identifier}")
        references[-1].addnext(extra)

    return change


def refusal(party: Party, raw: bytes, **expected: object) -> tuple[str, str]:
    """The check and the element that refuse `raw`."""
    with pytest.raises(VerificationError) as caught:
        party.check(raw, **expected)
    assert caught.value.remedy
    assert "INVENTATI" not in str(caught.value)
    return caught.value.check, caught.value.element

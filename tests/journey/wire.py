"""A party of the stage that speaks signed SOAP by itself: blocking, over mutual TLS."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from lxml import etree

from adapters.keys import load_certificates, load_signing_key
from gateway.errors import VerificationError
from gateway.soap.envelope import build
from gateway.soap.keys import SigningKey
from gateway.soap.names import WSA
from gateway.soap.profile import MODI
from gateway.soap.sign import sign
from gateway.soap.trust import Trust
from gateway.soap.verify import Verified, verify
from gateway.xml import parse


def fresh_id() -> str:
    """A MessageID."""
    return f"urn:uuid:{uuid4()}"


@dataclass(frozen=True)
class Answered:
    """An HTTP answer: what its signature covers, if that is the partner's."""

    status: int
    raw: bytes
    verified: Verified | None

    @property
    def element(self) -> str:
        """The local name of the signed Body's element; empty if nothing can be believed."""
        return "" if self.verified is None else etree.QName(self.verified.body).localname

    @property
    def text(self) -> str:
        """All texts of what came, to look for a reason."""
        return " ".join(parse(self.raw).itertext()) if self.raw else ""


class Party:
    """Speaks with the keys of `name` to `partner`; both are folders of `certs`."""

    def __init__(self, certs: Path, name: str, partner: str) -> None:
        self.key = load_signing_key(certs / name / "sign.pem", certs / name / "sign.key")
        self.trust = Trust(load_certificates(certs / partner / "ca.pem"))
        self._tls = ssl.create_default_context(cafile=str(certs / partner / "ca.pem"))
        self._tls.load_cert_chain(certs / name / "tls.pem", certs / name / "tls.key")

    def envelope(
        self, body: etree._Element, to: str, action: str, key: SigningKey | None = None, **more: Any
    ) -> bytes:
        """A signed request; `more` are arguments of `build`."""
        arguments = {"message_id": fresh_id(), "created": datetime.now(UTC), "profile": MODI}
        envelope = build(body, to=to, action=action, **(arguments | more))
        return sign(envelope, key or self.key, MODI)

    def post(
        self, url: str, content: bytes, method: str = "POST", action: str | None = None
    ) -> Answered:
        """Post bytes; SOAPAction is what wsa:Action says, unless given."""
        if action is None:
            action = parse(content).findtext(f".//{{{WSA}}}Action") if content else ""
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
        place = urlsplit(url)
        connection = HTTPSConnection(place.netloc, context=self._tls, timeout=20)
        try:
            connection.request(method, place.path, content, headers)
            response = connection.getresponse()
            raw = response.read(2**20)
            return Answered(response.status, raw, self._believed(raw))
        finally:
            connection.close()

    def _believed(self, raw: bytes) -> Verified | None:
        try:
            return verify(raw, trust=self.trust, now=datetime.now(UTC), profile=MODI)
        except VerificationError:
            return None


def altered(raw: bytes, change: Callable[[etree._Element], object]) -> bytes:
    """An envelope changed after it was signed."""
    root = parse(raw)
    change(root)
    return etree.tostring(root)

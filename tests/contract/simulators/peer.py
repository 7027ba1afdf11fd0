"""A gateway's side of the wire for tests: signs, posts over mutual TLS, verifies. Blocking.

What it posts to is a real `icaro simulate` process.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

from lxml import etree

from adapters.keys import load_certificates, load_signing_key
from adapters.simulation.documents import Answer, render
from gateway import shipped
from gateway.soap.contract import Contract
from gateway.soap.envelope import build
from gateway.soap.profile import MODI
from gateway.soap.sign import sign
from gateway.soap.trust import Trust
from gateway.soap.verify import Verified, verify

CONTRACTS = {
    "comune": "comune/NotificaNascita.wsdl",
    "agenzia_entrate": "agenzia_entrate/CodiceFiscale.wsdl",
    "asl": "asl/AnagrafeAssistiti.wsdl",
}


@dataclass(frozen=True)
class Told:
    """What came back: the HTTP status, and the verified Body's element as plain values."""

    status: int
    body: etree._Element
    verified: Verified

    def __getitem__(self, name: str) -> str:
        found = self.body.find(f".//{{*}}{name}")
        assert found is not None, f"{name} is not in the answer"
        return found.text or ""

    def all(self, name: str) -> list[str]:
        """Every text with this local name."""
        return [found.text or "" for found in self.body.iterfind(f".//{{*}}{name}")]


class Simulated:
    """One `icaro simulate` process, for as long as the `with` lasts."""

    def __init__(self, partner: str, pki: Path, store: Path, *options: str) -> None:
        self.partner, self.pki, self.store = partner, pki, store
        self.contract = Contract.load(shipped.xsd() / CONTRACTS[partner], shipped.xsd())
        self._key = load_signing_key(pki / "gateway" / "sign.pem", pki / "gateway" / "sign.key")
        self._trust = Trust(load_certificates(pki / partner / "ca.pem"))
        self._tls = ssl.create_default_context(cafile=str(pki / partner / "ca.pem"))
        self._tls.load_cert_chain(pki / "gateway" / "tls.pem", pki / "gateway" / "tls.key")
        self._options = options

    def __enter__(self) -> Simulated:
        """Start it and wait until it says where it listens."""
        command = [sys.executable, "-c", "from gateway.cli import main; main()"]
        arguments = ["simulate", self.partner, "--certs", self.pki, "--store", self.store]
        self._process = subprocess.Popen(
            [*command, *map(str, arguments), *self._options], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        self.listen, self.control = told["listen"], told["control"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        place: TracebackType | None,
    ) -> None:
        """Stop it as an operator does."""
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def envelope(self, operation: str, values: Answer, **changes: Any) -> bytes:
        """A signed request; `changes` are arguments of `build`."""
        found = self.contract.operations[operation]
        body = render(found.request, values)
        assert not self.contract.schema.check(body), self.contract.schema.check(body)
        arguments = {
            "to": f"https://{self.listen}/",
            "action": found.action,
            "message_id": f"urn:uuid:{uuid4()}",
            "created": datetime.now(UTC),
            "profile": MODI,
        }
        return sign(build(body, **(arguments | changes)), self._key, MODI)

    def post(self, content: bytes, operation: str) -> tuple[int, bytes]:
        """Post bytes; the status and the bytes that come back."""
        action = self.contract.operations[operation].action
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
        return self.http("POST", "/", content, headers)

    def http(
        self, method: str, path: str, content: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """One HTTPS exchange on a connection of its own."""
        connection = HTTPSConnection(self.listen, context=self._tls, timeout=10)
        try:
            connection.request(method, path, content, headers or {})
            return _read(connection.getresponse())
        finally:
            connection.close()

    def call(self, operation: str, values: Answer) -> Told:
        """Call an operation and verify what comes back."""
        message_id = f"urn:uuid:{uuid4()}"
        status, reply = self.post(
            self.envelope(operation, values, message_id=message_id), operation
        )
        return self.read(status, reply, message_id)

    def read(self, status: int, reply: bytes, message_id: str) -> Told:
        """Verify a reply to one request."""
        verified = verify(
            reply,
            trust=self._trust,
            now=datetime.now(UTC) + timedelta(seconds=1),
            profile=MODI,
            relates_to=(message_id,),
        )
        return Told(status, verified.body, verified)

    def tell(self, method: str, path: str, **value: Any) -> dict[str, Any]:
        """Say something to the control port."""
        connection = HTTPConnection(self.control, timeout=10)
        try:
            connection.request(method, path, json.dumps(value).encode() if value else b"")
            status, answer = _read(connection.getresponse())
        finally:
            connection.close()
        told: dict[str, Any] = json.loads(answer)
        return told | {"status": status}

    def bad_day(self, name: str, *, times: int | None = 1, **options: Any) -> None:
        """Switch a bad day on."""
        told = self.tell("POST", "/bad-day", name=name, times=times, options=options)
        assert told["status"] == 200, told

    def effects(self) -> list[dict[str, Any]]:
        """What it wrote down."""
        path = self.store / "effects.jsonl"
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _read(response: HTTPResponse) -> tuple[int, bytes]:
    return response.status, response.read(2**20)

"""Where administrations bring later outcomes: one address an office, stored before acknowledged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from lxml import etree
from twisted.web.resource import Resource
from twisted.web.test.requesthelper import DummyRequest

from adapters.callback_service import CONTRACT, CallbackService
from adapters.simulation.documents import render
from adapters.soap_service import Reply, SoapService
from gateway.errors import JournalError, VerificationError
from gateway.partners import Directory, Entry
from gateway.soap.envelope import build
from gateway.soap.fault import read_fault
from gateway.soap.profile import MODI
from gateway.soap.sign import sign
from gateway.soap.verify import verify
from tests.births import entry
from tests.unit.adapters.soap_peers import ID, NOW, contract, key, now, pki, trust

OFFICE = replace(entry("comune", "015146"), contract="comune/NotificaNascita.wsdl")
MUTE = replace(entry("ospedale", "santa-prova"), ca=pki() / "comune" / "ca.pem")
ENDPOINT = "https://gateway.example/esiti/comune/015146"
OPERATION = "7f3c9a52-0b3e-4d19-9a53-6d1d0c8f0001"
OUTCOME = {
    "idOperazione": OPERATION,
    "servizio": "comune",
    "esito": "ACCOLTA",
    "protocollo": "015146/2026/1",
}


class Inbox:
    """Stands for the journal: keeps what it is given, or cannot."""

    def __init__(self, *, full: bool = False) -> None:
        self.kept: list[tuple[str, str, str, bytes]] = []
        self._full = full

    async def store(self, office: Entry, message_id: str, operation_id: str, body: bytes) -> None:
        """As Callbacks.store."""
        if self._full:
            raise JournalError("the disk is full")
        self.kept.append((office.code, message_id, operation_id, body))


class Gateway:
    """The service with what it refused and how often it said that there is work."""

    def __init__(self, *, full: bool = False) -> None:
        self.inbox = Inbox(full=full)
        self.refused: list[VerificationError] = []
        self.woken: list[int] = []
        self.trusted: list[str] = []
        callbacks: Any = self.inbox
        self.service = CallbackService(
            Directory((OFFICE, MUTE)),
            contract(CONTRACT),
            callbacks,
            trust=self._trust,
            key=key("gateway"),
            profile=MODI,
            clock=lambda: NOW,
            seen=lambda _: False,
            stored=lambda: self.woken.append(len(self.inbox.kept)),
            on_refusal=self.refused.append,
        )

    def _trust(self, office: Entry) -> Any:
        self.trusted.append(office.code)
        return trust("comune")

    def at(self, path: str) -> Resource:
        """The resource at a path."""
        first, *rest = path.encode().split(b"/")
        request = DummyRequest([first, *rest])
        request.postpath = rest
        found: Resource = self.service.getChild(first, request)
        return found

    def says(self, operation: str, values: dict[str, str], signer: str = "comune") -> Reply:
        """The reply to a request of the office."""
        service = self.at("esiti/comune/015146")
        assert isinstance(service, SoapService)
        found = contract(CONTRACT).operations[operation]
        envelope = build(
            render(found.request, values),
            to=ENDPOINT,
            action=found.action,
            message_id=ID,
            created=NOW,
            profile=MODI,
        )
        raw = sign(envelope, key(signer), MODI)
        return now(service.exchange(raw, content_type="text/xml", soap_action=found.action))


def body_of(reply: Reply) -> etree._Element:
    """What the gateway's signature covers in a reply."""
    return verify(reply.body, trust=trust("gateway"), now=NOW, profile=MODI, relates_to=(ID,)).body


def test_an_outcome_is_stored_and_then_acknowledged() -> None:
    """The office hears `ricevuta` only after its Body is kept, and then there is work."""
    gateway = Gateway()
    reply = gateway.says("notificaEsito", OUTCOME)
    answer = body_of(reply)
    assert answer.findtext("{*}idOperazione") == OPERATION
    assert answer.findtext("{*}ricevuta") == "true"
    ((code, message_id, operation_id, body),) = gateway.inbox.kept
    assert (code, message_id, operation_id) == ("015146", ID, OPERATION)
    assert b"015146/2026/1" in body
    assert gateway.woken == [1]


def test_what_cannot_be_kept_is_not_acknowledged() -> None:
    """A journal that cannot be written is told as a declared fault: the office comes again."""
    gateway = Gateway(full=True)
    fault = read_fault(body_of(gateway.says("notificaEsito", OUTCOME)))
    assert fault is not None
    assert fault.detail is not None
    assert fault.detail.findtext("{*}codice") == "INDISPONIBILE"
    assert gateway.woken == []


def test_who_is_not_the_office_is_not_believed() -> None:
    """A signature of another party stores nothing and is told."""
    gateway = Gateway()
    gateway.says("notificaEsito", OUTCOME, signer="gateway")
    assert gateway.inbox.kept == []
    assert len(gateway.refused) == 1


def test_echo_gives_back_what_it_got() -> None:
    """An office can try its way to us without an outcome."""
    answer = body_of(Gateway().says("echo", {"testo": "prova"}))
    assert answer.findtext("{*}testo") == "prova"


def test_an_office_has_one_service() -> None:
    """It is made at the first call, with the office's own trust, and kept."""
    gateway = Gateway()
    first = gateway.at("esiti/comune/015146")
    assert gateway.at("esiti/comune/015146") is first
    assert gateway.trusted == ["015146"]


@pytest.mark.parametrize(
    "path",
    [
        "esiti",
        "esiti/comune",
        "esiti/comune/015146/altro",
        "altro/comune/015146",
        "esiti/comune/999999",
        "esiti/ospedale/santa-prova",
        "esiti/comune/\u00e9",
    ],
)
def test_nothing_else_is_there(path: str) -> None:
    """A path that names no office with keys has nothing, whatever it is made of."""
    assert not isinstance(Gateway().at(path), SoapService)

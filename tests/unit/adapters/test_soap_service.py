"""The signed SOAP service: whom it believes, what reaches spyne, what leaves it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher
from twisted.web.test.requesthelper import DummyRequest

from adapters.simulation.documents import anywhere, render
from adapters.soap_service import SCHEMA, reply_action
from adapters.spyne_dispatch import Call, DeclaredFault
from gateway.errors import VerificationError
from gateway.soap.fault import FAULT_ACTION, read_fault
from gateway.soap.names import SOAP11
from gateway.soap.profile import MODI, MODI_SOAP12
from gateway.xml import LIMIT
from tests.unit.adapters.soap_peers import ID, NOW, Service, believed, contract, echo, request


def test_a_verified_request_gets_a_signed_reply() -> None:
    """The reply is signed, relates to the request and answers its operation."""
    reply = Service().exchange(request())
    assert (reply.status, reply.content_type) == (200, "text/xml; charset=utf-8")
    verified = believed(reply)
    assert verified.body.findtext("{*}testo") == "ciao"
    assert verified.action == reply_action(contract().operations["echo"])


def test_soap_12_is_served_too() -> None:
    """With a SOAP 1.2 profile the action is in Content-Type and the reply is SOAP 1.2."""
    service = Service(profile=MODI_SOAP12)
    reply = service.exchange(request(profile=MODI_SOAP12), soap_action=None)
    assert believed(reply, MODI_SOAP12).body.findtext("{*}testo") == "ciao"
    bare = service.exchange(
        request(profile=MODI_SOAP12, message_id="urn:2"), content_type="application/soap+xml"
    )
    assert bare.status == 500


def test_an_operation_sees_only_what_was_signed() -> None:
    """What the function gets has no header and no ancestor of the sender's making."""
    calls: list[Call] = []

    def look(call: Call) -> etree._Element:
        calls.append(call)
        return echo(call)

    Service({"echo": look}).exchange(request())
    (call,) = calls
    assert (call.operation.name, call.message_id, call.created) == (
        "echo",
        ID,
        NOW.replace(microsecond=NOW.microsecond // 1000 * 1000),
    )
    assert "gateway" in call.signer_subject
    root = call.body.getroottree().getroot()
    assert [child.tag for child in root] == [f"{{{SOAP11}}}Body"]
    assert "ciao" not in repr(call)


def test_an_operation_may_answer_later() -> None:
    """A function may give a Deferred or a coroutine; the reply waits for it."""
    later: Deferred[None] = Deferred()

    async def slow(call: Call) -> etree._Element:
        await later
        return echo(call)

    service = Service({"echo": slow})
    replies: list[object] = []
    action = contract().operations["echo"].action
    coming = service.resource.exchange(request(), content_type="text/xml", soap_action=action)
    Deferred.fromCoroutine(coming).addCallback(replies.append)
    assert replies == []
    later.callback(None)
    assert len(replies) == 1


@pytest.mark.parametrize(
    ("headers", "element"),
    [
        ({"soap_action": None}, "SOAPAction"),
        ({"soap_action": '"urn:icaro:comune:1/registraNascita"'}, "SOAPAction"),
        ({"content_type": "application/soap+xml"}, "Content-Type"),
        ({"content_type": "text/xml; charset=utf-16"}, "Content-Type"),
        ({"content_type": ""}, "Content-Type"),
    ],
)
def test_headers_that_disagree_are_refused(headers: dict[str, str], element: str) -> None:
    """SOAPAction, wsa:Action, the Body's element and the media type must agree."""
    service = Service()
    reply = service.exchange(request(), **headers)
    assert [refusal.element for refusal in service.refusals] == [element]
    assert element in anywhere(believed(reply).body, "faultstring") or element in str(
        etree.tostring(believed(reply).body)
    )


def test_an_action_for_another_body_is_refused() -> None:
    """A signed wsa:Action that is not the Body's operation is action spoofing."""
    action = contract().operations["registraNascita"].action
    service = Service()
    service.exchange(request(action=action), soap_action=action)
    assert [refusal.check for refusal in service.refusals] == ["action"]


def test_a_body_of_no_operation_is_refused() -> None:
    """An answer's element, sent as a request, is of no operation."""
    from gateway.soap.envelope import build
    from gateway.soap.sign import sign
    from tests.unit.adapters.soap_peers import key

    found = contract().operations["echo"]
    body = render(found.response, {"testo": "x"})
    envelope = build(body, to="x", action=found.action, message_id=ID, created=NOW, profile=MODI)
    service = Service()
    service.exchange(sign(envelope, key("gateway"), MODI))
    assert [refusal.check for refusal in service.refusals] == ["action"]


def test_a_replay_is_refused() -> None:
    """The same envelope a second time is not dispatched."""
    calls: list[Call] = []

    def count(call: Call) -> etree._Element:
        calls.append(call)
        return echo(call)

    service = Service({"echo": count})
    raw = request()
    service.exchange(raw)
    reply = service.exchange(raw)
    assert len(calls) == 1
    assert [refusal.check for refusal in service.refusals] == ["replay"]
    assert reply.status == 500


def test_a_changed_body_is_refused_with_the_place_and_without_the_value() -> None:
    """The refusal is a signed, undeclared fault that names check and element, and no value."""
    service = Service()
    reply = service.exchange(request().replace(b"ciao", b"segreto"))
    verified = believed(reply)
    fault = read_fault(verified.body)
    assert fault is not None
    assert fault.detail is None
    assert "soap:Body" in fault.reason
    assert verified.action == FAULT_ACTION
    assert b"segreto" not in reply.body


def test_an_old_request_is_refused() -> None:
    """A Timestamp of an hour ago is refused, and told how old it is."""
    service = Service(clock=lambda: NOW + timedelta(hours=1))
    service.exchange(request())
    assert [refusal.check for refusal in service.refusals] == ["time"]


@given(st.binary(max_size=300))
def test_any_bytes_get_a_signed_fault(raw: bytes) -> None:
    """Whatever comes, a signed fault goes back, and nothing is dispatched."""
    service = Service()
    reply = service.exchange(raw)
    assert reply.status == 500
    assert len(service.refusals) == 1


@pytest.mark.parametrize("text", ["a b", "", "x" * 300, "è"])
def test_an_odd_message_id_is_not_repeated(text: str) -> None:
    """The MessageID of what was refused is only repeated if it looks like one."""
    raw = request().replace(ID.encode(), text.encode())
    assert b"RelatesTo" not in Service().exchange(raw).body


def test_a_body_that_breaks_the_schema_is_a_declared_fault() -> None:
    """The XSD's reason comes back as FaultServizio with the path, and nothing is dispatched."""
    reply = Service().exchange(
        request("consultaEsito", {"idOperazione": "segreto!"}),
        soap_action=contract().operations["consultaEsito"].action,
    )
    fault = read_fault(believed(reply).body)
    assert fault is not None
    assert fault.detail is not None
    assert anywhere(fault.detail, "codice") == SCHEMA
    assert anywhere(fault.detail, "campo").startswith("RichiestaConsultaEsito")
    assert not contract().schema.check(fault.detail)
    assert b"segreto" not in reply.body


@pytest.mark.parametrize("later", [False, True])
def test_a_declared_fault_is_signed_and_keeps_its_code(later: bool) -> None:
    """What an operation refuses, at once or later, is the contract's own fault with HTTP 500."""
    refusal = DeclaredFault("COM001", "Non competente", "testataRichiesta/codDestinatario")

    def at_once(call: Call) -> etree._Element:
        raise refusal

    async def afterwards(call: Call) -> etree._Element:
        raise refusal

    reply = Service({"echo": afterwards if later else at_once}).exchange(request())
    fault = read_fault(believed(reply).body)
    assert reply.status == 500
    assert fault is not None
    assert fault.detail is not None
    assert fault.detail.tag in contract().operations["echo"].faults
    assert not contract().schema.check(fault.detail)
    assert [child.text for child in fault.detail] == [
        "COM001",
        "Non competente",
        "testataRichiesta/codDestinatario",
    ]


@pytest.mark.parametrize("answer", ["wrong element", "wrong content", "exception"])
def test_a_failing_operation_promises_nothing_and_tells_nobody_values(answer: str) -> None:
    """An unforeseen failure is a signed undeclared fault; neither it nor the log has a value."""

    def fail(call: Call) -> etree._Element:
        if answer == "wrong element":
            return etree.Element("x")
        if answer == "wrong content":
            return render(call.operation.response, {"segreto": "segreto"})
        raise RuntimeError("segreto")

    events: list[dict[str, object]] = []
    globalLogPublisher.addObserver(events.append)
    try:
        reply = Service({"echo": fail}).exchange(request())
    finally:
        globalLogPublisher.removeObserver(events.append)
    fault = read_fault(believed(reply).body)
    assert fault is not None
    assert (fault.code, fault.detail) == ("Server", None)
    assert [event["name"] for event in events] == ["echo"]
    assert "segreto" not in str(events) + reply.body.decode()


class Request(DummyRequest):
    """Twisted's own test double of a request, with a body and an address."""

    def __init__(self, method: bytes, body: bytes = b"", query: bytes = b"") -> None:
        super().__init__([b""])
        import io

        self.method, self.content = method, io.BytesIO(body)
        self.args = {query.partition(b"=")[0]: [query.partition(b"=")[2]]} if query else {}

    def headers(self, **headers: str) -> Request:
        """Set request headers."""
        for name, value in headers.items():
            self.requestHeaders.setRawHeaders(name.replace("_", "-"), [value])
        return self


def post(service: Service, raw: bytes) -> Request:
    """Post bytes as an echo."""
    action = contract().operations["echo"].action
    sent = Request(b"POST", raw).headers(content_type="text/xml", soapaction=action)
    sent.render(service.resource)
    return sent


def test_a_post_is_answered_over_http() -> None:
    """Status, Content-Type and the signed bytes reach the caller."""
    sent = post(Service(), request())
    assert (sent.responseCode, sent.finished) == (200, 1)
    assert b"ciao" in b"".join(sent.written)
    assert post(Service(), b"x" * (LIMIT + 1)).responseCode == 500


def test_who_is_gone_gets_nothing_and_the_work_is_done() -> None:
    """A connection lost while an operation works stops neither it nor the service."""
    later: Deferred[None] = Deferred()
    done: list[Call] = []

    async def slow(call: Call) -> etree._Element:
        await later
        done.append(call)
        return echo(call)

    sent = post(Service({"echo": slow}), request())
    sent.processingFailed(VerificationError("x", "y", "z"))
    later.callback(None)
    assert len(done) == 1
    assert sent.written == []


def test_nothing_leaves_unsigned() -> None:
    """When the signing certificate is not valid any more, the answer is an empty 503."""
    service = Service(clock=lambda: NOW + timedelta(days=400))
    sent = post(service, request())
    assert (sent.responseCode, b"".join(sent.written)) == (503, b"")


def test_an_answer_that_cannot_be_signed_is_no_fault() -> None:
    """If the certificate ends between request and reply, nothing is said rather than unsigned."""
    times = iter([NOW, NOW + timedelta(days=400)])
    sent = post(Service(clock=lambda: next(times)), request())
    assert sent.responseCode == 503


@pytest.mark.parametrize("query", [b"", b"x=1", b"xsd=../comune/tipi.xsd", b"xsd=/etc/passwd"])
def test_get_serves_nothing_but_the_contract(query: bytes) -> None:
    """Operations are not called by GET, and no other file is served."""
    sent = Request(b"GET", query=query)
    sent.render(Service().resource)
    assert (sent.responseCode, b"".join(sent.written)) == (405, b"")


def test_the_contract_is_our_own() -> None:
    """`?wsdl` is the file of `xsd/`, its schema addresses pointing at this service."""
    sent = Request(b"GET", query=b"wsdl")
    sent.render(Service().resource)
    served = b"".join(sent.written)
    assert served.replace(b"?xsd=", b"") == contract().path.read_bytes()
    for name in re.findall(rb'schemaLocation="\?xsd=([^"]+)"', served):
        schema = Request(b"GET", query=b"xsd=" + name)
        schema.render(Service().resource)
        assert b"<xs:schema" in b"".join(schema.written)


def test_a_request_that_breaks_us_is_answered_and_ended() -> None:
    """What nobody thought of is an empty 500, logged without values; no caller waits for ever."""

    def broken() -> datetime:
        raise RuntimeError("segreto")

    events: list[dict[str, object]] = []
    globalLogPublisher.addObserver(events.append)
    try:
        sent = post(Service(clock=broken), request())
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert (sent.responseCode, sent.finished, sent.written) == (500, 1, [b""])
    assert [event["kind"] for event in events] == ["RuntimeError"]
    assert "segreto" not in str(events)


def test_a_request_without_a_canonical_form_is_refused() -> None:
    """A relative namespace, which C14N does not know: a signed fault, and somebody is told."""
    service = Service()
    raw = request().replace(b"<ds:SignedInfo", b'<ds:SignedInfo xmlns:q="rel" q:a="1"')
    sent = post(service, raw)
    assert (sent.responseCode, sent.finished) == (500, 1)
    assert [refusal.check for refusal in service.refusals] == ["canonical form"]
    assert b"canonical form" in b"".join(sent.written)

"""A simulated administration's SOAP service: the honest one, with its bad days around it.

What a bad day does to a reply is here and only here; the honest service and the administration
know nothing of it but the plan that a call carries.
"""

# ruff: noqa: N802  (the names are Twisted's)

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from lxml import etree
from twisted.internet.task import deferLater

from adapters.simulation.administration import PlannedCall
from adapters.simulation.bad_days import CATALOGUE, BadDay, BadDays, Bites
from adapters.simulation.documents import anywhere
from adapters.soap_service import Reply, SoapService, reply_action
from adapters.spyne_dispatch import Call
from gateway.soap.fault import write_fault
from gateway.soap.keys import SigningKey
from gateway.soap.names import ANONYMOUS, SOAP11
from gateway.xml import parse

_NOBODYS_ID: Final = "urn:uuid:00000000-0000-4000-8000-000000000000"
PAGE: Final = b"<!DOCTYPE html><html><body><h1>Manutenzione</h1><p>Riprovare.</p></body></html>"


@dataclass(frozen=True, slots=True)
class Spoiled(Reply):
    """A reply that is not delivered as HTTP wants it."""

    manner: Literal["cut", "endless"] = "cut"


@dataclass(frozen=True, slots=True)
class Later(Reply):
    """A reply that says when to come again: seconds, or an HTTP-date."""

    retry_after: str = ""


class SimulatedService(SoapService):
    """The service of one administration. `stranger` makes a key that nobody trusts."""

    def __init__(
        self,
        application: Any,
        contract: Any,
        *,
        reactor: Any,
        days: BadDays,
        stranger: Callable[[], SigningKey],
        **arguments: Any,
    ) -> None:
        super().__init__(application, contract, **arguments)
        self._reactor, self._days, self._stranger = reactor, days, stranger

    async def answer(self, call: Call) -> Reply:
        """The honest reply, unless a bad day bites."""
        plan = self._days.plan(lambda name: _value(call, name))
        if "outage" in plan and plan["outage"].options.get("how") == "http":
            when = str(plan["outage"].options.get("retry_after", ""))
            return Later(503, PAGE, "text/html; charset=utf-8", when)
        planned = PlannedCall(**vars(call), plan=plan)
        if any(day.options.get("before") for day in plan.values()):
            reply = self.undeclared_fault("nothing was done", relates_to=call.message_id)
        else:
            reply = await super().answer(planned)
        return await self._spoil(reply, planned)

    def deliver(self, request: Any, reply: Reply) -> None:
        """Cut the connection or never end, where that is what the day brings."""
        if not isinstance(reply, Spoiled):
            if isinstance(reply, Later) and reply.retry_after:
                request.setHeader(b"retry-after", reply.retry_after.encode("ascii"))
            super().deliver(request, reply)
        elif reply.manner == "cut":
            request.channel.transport.abortConnection()
        else:
            request.setResponseCode(reply.status)
            request.setHeader(b"content-type", reply.content_type.encode("ascii"))
            _Endless(self._reactor, request, reply.body)

    async def _spoil(self, reply: Reply, call: PlannedCall) -> Reply:
        for name, day in call.plan.items():
            if name == "slow":
                await deferLater(self._reactor, day.number("seconds", 5))
            elif CATALOGUE[name].bites is Bites.REPLY:
                reply = _SPOILERS[name](self, reply, call, day)
        return reply

    def wrong_signature(self, reply: Reply, call: PlannedCall, day: BadDay) -> Reply:
        """A reply whose signature does not hold, in the way that `how` says."""
        how = str(day.options.get("how", "body"))
        if call.plan.keys() & _NO_XML:
            return reply  # what nobody can read has no signature to spoil
        if how in ("relates_to", "foreign"):
            return self._signed_again(reply, call, how)
        pattern, new = _CHANGES[how]
        return replace(reply, body=re.sub(pattern, new, reply.body, count=1, flags=re.DOTALL))

    def _signed_again(self, reply: Reply, call: PlannedCall, how: str) -> Reply:
        body = parse(reply.body).find(f"{{{SOAP11}}}Body")
        assert body is not None  # we wrote it
        return self._signed(
            reply.status,
            body[0],
            reply_action(call.operation),
            _NOBODYS_ID if how == "relates_to" else call.message_id,
            key=self._stranger() if how == "foreign" else None,
        )

    def unsigned_fault(self) -> Reply:
        """A declared fault in an envelope without any header."""
        namespace = self._contract.namespace
        detail = etree.Element(f"{{{namespace}}}FaultServizio", nsmap={"icaro": namespace})
        for name, text in (("codice", "INDISPONIBILE"), ("descrizione", "Guasto non firmato")):
            etree.SubElement(detail, f"{{{namespace}}}{name}").text = text
        soap = self._profile.namespace
        envelope = etree.Element(f"{{{soap}}}Envelope", nsmap={"soap": soap})
        fault = write_fault(self._profile, blame="receiver", reason="Guasto", detail=detail)
        etree.SubElement(envelope, f"{{{soap}}}Body").append(fault)
        return Reply(500, etree.tostring(envelope), self._profile.content_type(ANONYMOUS))


class _Endless:
    """Writes as long as the peer listens, as fast as he reads; twisted.web's pull producer."""

    def __init__(self, reactor: Any, request: Any, first: bytes) -> None:
        self._request, self._first = request, first
        request.notifyFinish().addErrback(lambda _: self._gone())
        request.registerProducer(self, False)

    def resumeProducing(self) -> None:
        chunk, self._first = self._first or b"<!--" + b" " * 16_384 + b"-->", b""
        self._request.write(chunk)

    def stopProducing(self) -> None:
        """The peer has gone; `unregisterProducer` was called."""

    def _gone(self) -> None:
        if self._request.channel is not None:  # the request has left it where the peer hung up
            self._request.unregisterProducer()


_CHANGES: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "body": (rb"</soap:Body>", rb" </soap:Body>"),
    "timestamp": (rb"(<wsu:Created>\d{3})\d", rb"\g<1>0"),
    "unsigned": (rb"<ds:Signature .*</ds:Signature>", rb""),
}

_NO_XML: Final = frozenset(
    {"garbage", "html", "http_500", "empty", "endless", "drop_after_storing"}
)
"""Bad days that leave nothing of the reply to read."""

_Spoiler = Callable[[SimulatedService, Reply, PlannedCall, BadDay], Reply]

_SPOILERS: Final[Mapping[str, _Spoiler]] = {
    "fault_after_storing": lambda service, _r, call, _d: service.undeclared_fault(
        "internal error", relates_to=call.message_id, blame="receiver"
    ),
    "drop_after_storing": lambda _s, reply, _c, _d: Spoiled(200, b"", "text/xml", "cut"),
    "garbage": lambda _s, reply, _c, _d: replace(reply, status=200, body=os.urandom(600)),
    "wrong_signature": SimulatedService.wrong_signature,
    "unsigned_fault": lambda service, _r, _c, _d: service.unsigned_fault(),
    "html": lambda _s, _r, _c, _d: Reply(200, PAGE, "text/html; charset=utf-8"),
    "http_500": lambda _s, _r, _c, _d: Reply(500, PAGE, "text/html; charset=utf-8"),
    "empty": lambda _s, reply, _c, _d: replace(reply, status=200, body=b""),
    "endless": lambda _s, reply, _c, _d: Spoiled(200, b"<a>", reply.content_type, "endless"),
}


def _value(call: Call, name: str) -> str:
    return call.operation.name if name == "operation" else anywhere(call.body, name)

"""A signed SOAP service over HTTP: verifies before spyne, signs after it.

POST only. What spyne and the operations get is the verified Body and nothing else of the
request; what leaves is checked by the XSD, tied to the request and signed, faults and refusals
too. A refusal names the check and the element, never a value. Used by the gateway for later
outcomes and by the simulated administrations.
"""

# ruff: noqa: N802, N815  (the names are Twisted's)

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from lxml import etree
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from adapters.spyne_dispatch import Call, DeclaredFault, Dispatcher
from gateway.errors import SigningError, VerificationError
from gateway.soap.contract import Contract, Operation
from gateway.soap.envelope import build
from gateway.soap.fault import FAULT_ACTION, write_fault
from gateway.soap.keys import SigningKey
from gateway.soap.names import ANONYMOUS, WSA
from gateway.soap.profile import SecurityProfile
from gateway.soap.sign import sign
from gateway.soap.trust import Trust
from gateway.soap.verify import verify
from gateway.xml import LIMIT, parse

SCHEMA: Final = "SCHEMA"
"""The declared fault's code for a Body that breaks the contract's XSD."""

_MESSAGE_ID: Final = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back over HTTP."""

    status: int
    body: bytes = field(repr=False)
    content_type: str


class SoapService(Resource):
    """The resource that serves `application` (of `spyne_dispatch.application`) as `contract` says.

    `clock` gives an aware time; `seen` tells whether a MessageID came before and remembers it;
    `on_refusal` hears of each request that was not believed. It belongs under `site.capped_site`.
    """

    isLeaf = True
    log = Logger()

    def __init__(
        self,
        application: Any,
        contract: Contract,
        *,
        trust: Trust,
        key: SigningKey,
        profile: SecurityProfile,
        clock: Callable[[], datetime],
        seen: Callable[[str], bool],
        on_refusal: Callable[[VerificationError], None],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self._dispatcher = Dispatcher(application)
        self._contract = contract
        self._trust, self._key, self._profile = trust, key, profile
        self._clock, self._seen, self._on_refusal = clock, seen, on_refusal

    def render_GET(self, request: Any) -> bytes:
        """Our contract at `?wsdl` and its schemas at `?xsd=name`; nothing else by GET."""
        found = self._published(request)
        if found is None:
            request.setResponseCode(405)
            request.setHeader(b"allow", b"POST")
            return b""
        request.setHeader(b"content-type", b"text/xml; charset=utf-8")
        return found

    def render_POST(self, request: Any) -> int:
        """Answer now or later; a connection that is gone by then gets nothing."""
        gone: list[object] = []
        # The work goes on: what an operation began, it ends, whoever listens.
        request.notifyFinish().addErrback(gone.append)
        Deferred.fromCoroutine(self._serve(request, gone))
        return NOT_DONE_YET

    async def _serve(self, request: Any, gone: list[object]) -> None:
        try:
            reply = await self.exchange(
                request.content.read(LIMIT + 1),
                content_type=request.getHeader("content-type") or "",
                soap_action=request.getHeader("soapaction"),
            )
        except SigningError as error:
            self.log.error("no reply can be signed: {error}", error=str(error))
            reply = Reply(503, b"", "text/plain")
        except Exception as error:
            # The outermost: nobody waits for ever because of what nobody thought of.
            self._tell("a request", error)
            reply = Reply(500, b"", "text/plain")
        if not gone:
            self.deliver(request, reply)

    def deliver(self, request: Any, reply: Reply) -> None:
        """Write the reply to a caller who is still there."""
        request.setResponseCode(reply.status)
        request.setHeader(b"content-type", reply.content_type.encode("ascii"))
        request.write(reply.body)
        request.finish()

    async def exchange(self, raw: bytes, *, content_type: str, soap_action: str | None) -> Reply:
        """The signed reply to one request's bytes, whatever they are."""
        try:
            call = self._admit(raw, content_type, soap_action)
        except VerificationError as refusal:
            self._on_refusal(refusal)
            return self.undeclared_fault(str(refusal), relates_to=_unverified_id(raw))
        except DeclaredFault as fault:
            return self.declared_fault(fault, relates_to=_unverified_id(raw))
        return await self.answer(call)

    async def answer(self, call: Call) -> Reply:
        """The signed reply to a call that was admitted."""
        try:
            body = await self._dispatcher.perform(call)
            return self.reply(call, body)
        except DeclaredFault as fault:
            return self.declared_fault(fault, relates_to=call.message_id)
        except SigningError:
            raise
        except Exception as error:
            # The outermost of what an operation may do.
            self._tell(call.operation.name, error)
            reason = "internal error: nothing is promised about this request"
            return self.undeclared_fault(reason, relates_to=call.message_id, blame="receiver")

    def _tell(self, name: str, error: Exception) -> None:
        """Where it failed; the exception's text may hold what the request held."""
        kind, place = type(error).__name__, _place(error)
        self.log.error("{name} failed: {kind} at {place}", name=name, kind=kind, place=place)

    def reply(self, call: Call, body: etree._Element) -> Reply:
        """A positive reply; raises ValueError if `body` breaks our own contract."""
        faults = self._contract.schema.check(body)
        if body.tag != call.operation.response or faults:
            raise ValueError("answer breaks the contract: " + "; ".join(map(str, faults)))
        action = reply_action(call.operation)
        return self._signed(200, body, action, call.message_id)

    def declared_fault(self, fault: DeclaredFault, *, relates_to: str | None) -> Reply:
        """The contract's `FaultServizio`, signed, with HTTP 500 (WS-I BP 1.2, R1126)."""
        namespace = self._contract.namespace
        detail = etree.Element(f"{{{namespace}}}FaultServizio", nsmap={"icaro": namespace})
        members = {"codice": fault.codice, "descrizione": fault.descrizione, "campo": fault.campo}
        for name, text in members.items():
            if text:
                etree.SubElement(detail, f"{{{namespace}}}{name}").text = text[:240]
        body = write_fault(self._profile, blame="sender", reason=fault.descrizione, detail=detail)
        return self._signed(500, body, FAULT_ACTION, relates_to)

    def undeclared_fault(
        self, reason: str, *, relates_to: str | None, blame: Any = "sender"
    ) -> Reply:
        """A signed fault that the contract does not declare: it promises nothing."""
        body = write_fault(self._profile, blame=blame, reason=reason)
        return self._signed(500, body, FAULT_ACTION, relates_to)

    def _signed(
        self,
        status: int,
        body: etree._Element,
        action: str,
        relates_to: str | None,
        key: SigningKey | None = None,
    ) -> Reply:
        envelope = build(
            body,
            to=ANONYMOUS,
            action=action,
            message_id=f"urn:uuid:{uuid4()}",
            created=self._clock(),
            profile=self._profile,
            relates_to=relates_to,
        )
        content = sign(envelope, key or self._key, self._profile)
        return Reply(status, content, self._profile.content_type(action))

    def _admit(self, raw: bytes, content_type: str, soap_action: str | None) -> Call:
        """Trust, then agreement of the three names, then the schema; in this order."""
        _require_media_type(content_type, self._profile)
        verified = verify(
            raw, trust=self._trust, now=self._clock(), profile=self._profile, seen=self._seen
        )
        operation = self._contract.operation_of(verified.body)
        if operation is None or verified.action != operation.action:
            remedy = "name the operation whose element is in soap:Body"
            raise VerificationError("action", "wsa:Action", remedy)
        if _action_of(content_type, soap_action, self._profile) != operation.action:
            raise VerificationError("action", "SOAPAction", "send the text of wsa:Action in it")
        for fault in self._contract.schema.check(verified.body):
            raise DeclaredFault(SCHEMA, f"Il documento non rispetta lo schema: {fault}", fault.path)
        return Call(
            operation=operation,
            body=verified.body,
            message_id=verified.message_id,
            created=verified.created,
            signer_subject=verified.signer_subject,
        )

    def _published(self, request: Any) -> bytes | None:
        if any(name.lower() == b"wsdl" for name in request.args):
            return _with_queries(self._contract.path.read_bytes())
        for name in request.args.get(b"xsd", []):
            for path in self._contract.path.parent.glob("*.xsd"):
                if path.name.encode() == name:
                    return _with_queries(path.read_bytes())
        return None


soap_service = SoapService


def reply_action(operation: Operation) -> str:
    """wsa:Action of an operation's reply."""
    return f"{operation.action}Response"


def _require_media_type(content_type: str, profile: SecurityProfile) -> None:
    media_type, _, parameters = content_type.partition(";")
    charset = re.search(r"""charset\s*=\s*"?([\w-]+)""", parameters, re.IGNORECASE)
    utf8 = charset is None or charset[1].upper() in ("UTF-8", "UTF8", "US-ASCII")
    if media_type.strip().lower() != profile.media_type or not utf8:
        remedy = f"send {profile.media_type}; charset=utf-8"
        raise VerificationError("media type", "Content-Type", remedy)


def _action_of(content_type: str, soap_action: str | None, profile: SecurityProfile) -> str | None:
    """SOAP 1.1 says the action in SOAPAction, SOAP 1.2 in Content-Type (its optional parameter)."""
    if profile.soap == "1.1":
        return soap_action.strip().removeprefix('"').removesuffix('"') if soap_action else None
    parameter = re.search(r'action\s*=\s*"([^"]*)"', content_type, re.IGNORECASE)
    return parameter[1] if parameter else None


def _unverified_id(raw: bytes) -> str | None:
    """The MessageID of a request that was refused: only repeated, never believed."""
    try:
        found = parse(raw).find(f".//{{{WSA}}}MessageID")
    except VerificationError:
        return None
    text = (found.text or "").strip() if found is not None else ""
    return text if _MESSAGE_ID.fullmatch(text) else None


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else "unknown"


def _with_queries(contract: bytes) -> bytes:
    """Addresses of schemas beside the WSDL become addresses at this service."""
    return re.sub(rb'schemaLocation="([\w.-]+\.xsd)"', rb'schemaLocation="?xsd=\1"', contract)

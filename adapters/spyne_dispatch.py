"""A contract as a spyne application: verified Bodies in, answer Bodies out.

Knows spyne and our WSDL. The interface is made from the contract, so that the two cannot
differ; spyne finds the function by the Body's element and never sees the raw request. HTTP,
signatures and schemas are in front of it, in `soap_service.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from inspect import isawaitable
from typing import Any

from lxml import etree

from adapters.spyne_compat import (
    Application,
    Document,
    Documents,
    Fault,
    MethodContext,
    ServerBase,
    Service,
    rpc,
)
from gateway.errors import ConfigurationError
from gateway.soap.contract import Contract, Operation
from gateway.soap.names import SOAP11


@dataclass(frozen=True)
class Call:
    """One verified request. `body` is the element inside soap:Body, checked by the XSD."""

    operation: Operation
    body: etree._Element = field(repr=False)
    message_id: str
    created: datetime
    signer_subject: str = field(repr=False)


Function = Callable[[Any], etree._Element | Awaitable[etree._Element]]
"""Takes a Call, gives the answer's Body element, now or later."""


class DeclaredFault(Fault):  # type: ignore[misc]  # spyne ships no types
    """What an operation raises to refuse as its contract declares: `FaultServizio`.

    `descrizione` and `campo` (a path) hold no personal value: they are signed and logged.
    """

    def __init__(self, codice: str, descrizione: str, campo: str = "") -> None:
        super().__init__("Client", descrizione)
        self.codice = codice
        self.descrizione = descrizione
        self.campo = campo


def application(contract: Contract, operations: Mapping[str, Function]) -> Application:
    """A spyne application with one function an operation of the contract.

    Raises ConfigurationError where the two do not name the same operations.
    """
    odd = set(operations) ^ set(contract.operations)
    if odd:
        raise ConfigurationError([f"operation {name}: only in one of two" for name in sorted(odd)])
    methods = {
        name: _method(contract.operations[name], function) for name, function in operations.items()
    }
    service = type(contract.path.stem, (Service,), methods)
    return Application(
        [service],
        contract.namespace,
        name=contract.path.stem,
        in_protocol=Documents(),
        out_protocol=Documents(),
    )


def _method(operation: Operation, function: Function) -> Any:
    async def method(ctx: Any, document: etree._Element) -> etree._Element:
        # Awaited by the Dispatcher and not by spyne, which would hide what an operation raises.
        answer = function(ctx.udc)
        return await answer if isawaitable(answer) else answer

    # spyne tells its methods apart by the names of their functions.
    method.__name__ = operation.name
    return rpc(
        Document,
        _returns=Document,
        _body_style="bare",
        _args=["document"],
        _in_message_name=operation.request,
        _out_message_name=operation.response,
        _throws=[DeclaredFault],
    )(method)


class Dispatcher(ServerBase):  # type: ignore[misc]  # spyne ships no types
    """Spyne's transport for calls that were read from HTTP, verified and checked before."""

    transport = "urn:icaro:verified"

    async def perform(self, call: Call) -> etree._Element:
        """The answer's Body element.

        Raises DeclaredFault where the operation refuses, and whatever else it raises.
        """
        initial = MethodContext(self, MethodContext.SERVER)
        initial.in_string = _clean_envelope(call.body)
        context = self.generate_contexts(initial)[0]
        context.udc = call
        if context.out_error is not None:
            raise context.out_error
        self.get_in_object(context)
        self.get_out_object(context)
        context.out_object = [await context.out_object[0]]
        context.out_protocol.serialize(context, Documents.RESPONSE)
        written: etree._Element = context.out_body_doc[0]
        return written


def _clean_envelope(body: etree._Element) -> etree._Element:
    """An envelope of ours around the verified element: no header, no namespace of the sender's."""
    envelope = etree.Element(f"{{{SOAP11}}}Envelope")
    etree.SubElement(envelope, f"{{{SOAP11}}}Body").append(body)
    return envelope

"""What a service promises, read from its WSDL: operations, actions, elements, faults, schema.

zeep reads the WSDL, once, from local files only; lxml checks documents against its types. Only
document/literal with one element per message is read (WS-I BP 1.2, R2712).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lxml import etree
from zeep.exceptions import Error as ZeepError
from zeep.settings import Settings
from zeep.transports import Transport
from zeep.wsdl import Document
from zeep.wsdl.bindings.soap import Soap12Binding, SoapBinding

from gateway.errors import ConfigurationError
from gateway.xml import Schema, read_local


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. Elements are `{namespace}local`; `faults` are the declared detail elements."""

    name: str
    action: str
    request: str
    response: str
    faults: frozenset[str]


@dataclass(frozen=True, slots=True)
class Contract:
    """One service. `address` is what the WSDL says; where to send is the partner directory's."""

    path: Path
    namespace: str
    soap: str
    address: str
    operations: Mapping[str, Operation]
    schema: Schema = field(repr=False)
    _by_request: Mapping[str, Operation] = field(repr=False)

    @classmethod
    def load(cls, wsdl: Path, xsd_root: Path) -> Contract:
        """Read `wsdl`; everything it imports lies inside `xsd_root`.

        Raises ConfigurationError naming the file and what cannot be used in it.
        """
        schema = Schema.load(wsdl, xsd_root)  # first: it walks the imports
        document = _document(wsdl)
        services = list(document.services.values())
        ports = [port for service in services for port in service.ports.values()]
        if len(ports) != 1 or not isinstance(ports[0].binding, SoapBinding):
            raise ConfigurationError([f"{wsdl}: has {len(ports)} ports; one SOAP port is read"])
        port = ports[0]
        operations = _operations(wsdl, port.binding)
        by_request = {operation.request: operation for operation in operations.values()}
        if len(by_request) != len(operations):
            raise ConfigurationError([f"{wsdl}: two operations have the same request element"])
        return cls(
            path=wsdl,
            namespace=read_local(wsdl).get("targetNamespace", ""),
            soap="1.2" if isinstance(port.binding, Soap12Binding) else "1.1",
            address=port.binding_options["address"],
            operations=MappingProxyType(operations),
            schema=schema,
            _by_request=MappingProxyType(by_request),
        )

    def operation_of(self, body_root: etree._Element) -> Operation | None:
        """The operation whose request element this is; None if it is of no operation."""
        return self._by_request.get(body_root.tag)


class _LocalFiles(Transport):
    """zeep's way to files, without its way to the network; Schema.load has walked the imports."""

    def load(self, url: str) -> bytes:
        return Path(url).read_bytes()


def _document(wsdl: Path) -> Any:
    settings = Settings(strict=True, forbid_external=True, forbid_entities=True)
    transport: Any = _LocalFiles()  # type: ignore[no-untyped-call]  # zeep has few types
    try:
        with warnings.catch_warnings():
            # Of a message without its element zeep only warns, and then goes on without it.
            warnings.simplefilter("error", UserWarning)
            return Document(str(wsdl.resolve()), transport, settings=settings)
    except (ZeepError, OSError, LookupError, ValueError, AttributeError, UserWarning) as error:
        # zeep says some mistakes of a WSDL by LookupError and the like.
        raise ConfigurationError([f"{wsdl}: {error}"]) from error
    finally:
        transport.session.close()


def _operations(wsdl: Path, binding: Any) -> dict[str, Operation]:
    operations, problems = {}, []
    for name, operation in sorted(binding.all().items()):
        try:
            operations[name] = _operation(name, operation)
        except (LookupError, AttributeError, ValueError) as error:
            problems.append(f"{wsdl}: operation {name}: {error}")
    if problems:
        raise ConfigurationError(problems)
    return operations


def _operation(name: str, found: Any) -> Operation:
    if found.style != "document":
        raise ValueError("only document/literal is read")
    faults = (_element(fault) for fault in found.abstract.fault_messages.values())
    return Operation(
        name=name,
        action=found.soapaction,
        request=_element(found.abstract.input_message),
        response=_element(found.abstract.output_message),
        faults=frozenset(faults),
    )


def _element(message: Any) -> str:
    parts = list(message.parts.values())
    if len(parts) != 1 or parts[0].element is None:
        raise ValueError("a message has one part, which names an element")
    return str(parts[0].element.qname.text)

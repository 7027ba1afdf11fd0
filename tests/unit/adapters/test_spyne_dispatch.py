"""A contract as a spyne application."""

from __future__ import annotations

import pytest
from lxml import etree

from adapters.spyne_compat import Fault
from adapters.spyne_dispatch import Call, Dispatcher, application
from gateway import shipped
from gateway.errors import ConfigurationError
from gateway.soap.contract import Contract
from tests.unit.adapters.soap_peers import NOW, contract, echo, now

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"


@pytest.mark.parametrize("path", sorted(shipped.xsd().glob("*/*.wsdl")), ids=lambda p: p.stem)
def test_spynes_interface_is_our_contract(path: object) -> None:
    """The WSDL that spyne would generate has our operations with our elements."""
    from spyne.interface.wsdl import Wsdl11

    found = Contract.load(path, shipped.xsd())  # type: ignore[arg-type]  # a Path
    served = application(found, dict.fromkeys(found.operations, echo))
    generated = Wsdl11(served.interface)
    generated.build_interface_document("https://localhost/")
    root = etree.fromstring(generated.get_interface_document())
    assert root.get("targetNamespace") == found.namespace
    elements = {m.get("name"): m[0].get("element") for m in root.iterfind(f"{WSDL}message")}
    operations = {}
    for operation in root.iterfind(f"{WSDL}portType/{WSDL}operation"):
        messages = [operation.find(f"{WSDL}{way}").get("message") for way in ("input", "output")]
        names = [elements[message.partition(":")[2]].partition(":")[2] for message in messages]
        operations[operation.get("name")] = tuple(f"{{{found.namespace}}}{name}" for name in names)
    assert operations == {
        name: (each.request, each.response) for name, each in found.operations.items()
    }


def test_an_operation_without_a_function_is_told_at_start() -> None:
    """An operation that is missing, or that the contract lacks, is named."""
    functions = dict.fromkeys(contract().operations, echo)
    del functions["echo"]
    with pytest.raises(ConfigurationError, match="echo"):
        application(contract(), functions | {"extra": echo})


def test_an_element_of_no_operation_is_spynes_fault() -> None:
    """Spyne itself finds no function for a Body that the contract does not know."""
    dispatcher = Dispatcher(application(contract(), dict.fromkeys(contract().operations, echo)))
    body = etree.Element("{urn:other}x")
    call = Call(contract().operations["echo"], body, "urn:1", NOW, "CN=x")
    with pytest.raises(Fault):
        now(dispatcher.perform(call))

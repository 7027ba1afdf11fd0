"""Reading contracts: ours, and small ones with one mistake each."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from gateway.errors import ConfigurationError
from gateway.soap.contract import Contract

XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:p"
  elementFormDefault="qualified">
  <xs:element name="Richiesta" type="xs:string"/>
  <xs:element name="Risposta" type="xs:string"/>
  <xs:element name="Errore" type="xs:string"/>
</xs:schema>"""

OPERATION = """<operation name="{name}"><input message="t:Richiesta"/>
  <output message="t:Risposta"/><fault name="errore" message="t:Errore"/></operation>"""
BOUND = """<operation name="{name}"><soap:operation soapAction="urn:p/{name}"/>
  <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output>
  <fault name="errore"><soap:fault name="errore" use="literal"/></fault></operation>"""


def wsdl(
    folder: Path,
    *,
    operations: tuple[str, ...] = ("echo",),
    location: str = "prova.xsd",
    part: str = 'element="t:Richiesta"',
    style: str = "document",
    soap: str = "",
    ports: int = 1,
) -> Path:
    """A small service in `folder`."""
    (folder / "prova.xsd").write_text(XSD)
    port = '<port name="P{n}" binding="t:B"><soap:address location="https://localhost/p"/></port>'
    path = folder / "prova.wsdl"
    path.write_text(f"""<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:p"
  xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap{soap}/" targetNamespace="urn:p">
  <!-- a comment is no fault of a contract -->
  <types><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
    <xs:import namespace="urn:p" schemaLocation="{location}"/></xs:schema></types>
  <message name="Richiesta"><part name="p" {part}/></message>
  <message name="Risposta"><part name="p" element="t:Risposta"/></message>
  <message name="Errore"><part name="p" element="t:Errore"/></message>
  <portType name="T">{"".join(OPERATION.format(name=name) for name in operations)}</portType>
  <binding name="B" type="t:T">
    <soap:binding style="{style}" transport="http://schemas.xmlsoap.org/soap/http"/>
    {"".join(BOUND.format(name=name) for name in operations)}</binding>
  <service name="S">{"".join(port.format(n=n) for n in range(ports))}</service>
</definitions>""")
    return path


def test_a_contract_tells_its_operations(tmp_path: Path) -> None:
    """Action, elements and declared faults of an operation come from the WSDL."""
    contract = Contract.load(wsdl(tmp_path), tmp_path)
    echo = contract.operations["echo"]
    assert (contract.namespace, contract.soap) == ("urn:p", "1.1")
    assert contract.address == "https://localhost/p"
    assert (echo.action, echo.request, echo.response) == (
        "urn:p/echo",
        "{urn:p}Richiesta",
        "{urn:p}Risposta",
    )
    assert echo.faults == {"{urn:p}Errore"}


def test_a_body_names_its_operation(tmp_path: Path) -> None:
    """The operation is found by the request's root element."""
    contract = Contract.load(wsdl(tmp_path), tmp_path)
    assert contract.operation_of(etree.Element("{urn:p}Richiesta")) == contract.operations["echo"]
    assert contract.operation_of(etree.Element("{urn:p}Risposta")) is None


def test_the_schema_is_that_of_the_types(tmp_path: Path) -> None:
    """Documents are checked against what the WSDL's types import."""
    schema = Contract.load(wsdl(tmp_path), tmp_path).schema
    assert schema.check(etree.Element("{urn:p}Richiesta")) == []
    assert schema.check(etree.Element("{urn:p}Altro"))


def test_soap12_is_seen(tmp_path: Path) -> None:
    """A SOAP 1.2 binding is told apart."""
    assert Contract.load(wsdl(tmp_path, soap="12"), tmp_path).soap == "1.2"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"location": "../fuori.xsd"}, "not inside"),
        ({"location": "https://altro.example/x.xsd"}, "not inside"),
        ({"location": "manca.xsd"}, "manca.xsd"),
        ({"operations": ("echo", "altra")}, "same request element"),
        ({"part": 'type="x:string" xmlns:x="http://www.w3.org/2001/XMLSchema"'}, "operation echo"),
        ({"part": 'element="t:Ignota"'}, "prova.wsdl"),
        ({"style": "rpc"}, "operation echo: only document/literal"),
        ({"ports": 2}, "2 ports"),
    ],
)
def test_a_contract_that_cannot_be_kept_is_named(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    """What is not document/literal, not local or not one port is refused with the file's name."""
    folder = tmp_path / "dentro"
    folder.mkdir()
    path = wsdl(folder, **changes)  # type: ignore[arg-type]  # a table of keyword arguments
    with pytest.raises(ConfigurationError) as caught:
        Contract.load(path, folder)
    assert words in str(caught.value)
    assert str(folder) in str(caught.value)


def test_our_own_contracts_are_read(root: Path) -> None:
    """Every service in xsd/ has an echo, one action per operation, and declared faults."""
    found = sorted((root / "xsd").glob("*/*.wsdl"))
    assert len(found) >= 4
    for path in found:
        contract = Contract.load(path, root / "xsd")
        assert "echo" in contract.operations, path
        for name, operation in contract.operations.items():
            assert operation.action == f"{contract.namespace}/{name}"
            assert operation.faults == {f"{{{contract.namespace}}}FaultServizio"}

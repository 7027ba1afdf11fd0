"""The contracts under `xsd/`: complete, loadable by other tools, and alike in each folder."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import zeep
from lxml import etree

ROOT = Path(__file__).parents[3]
XSD = ROOT / "xsd"
SCHEMAS = sorted(XSD.glob("*/*.xsd"))
XS = "{http://www.w3.org/2001/XMLSchema}"

CONTRACTS = {
    "comune/NotificaNascita.wsdl": (
        "urn:icaro:comune:1",
        {
            "registraNascita": ("RichiestaRegistraNascita", "RispostaNascita"),
            "rettificaNascita": ("RichiestaRettificaNascita", "RispostaNascita"),
            "annullaNascita": ("RichiestaAnnullaNascita", "RispostaNascita"),
            "consultaEsito": ("RichiestaConsultaEsito", "RispostaNascita"),
            "echo": ("RichiestaEcho", "RispostaEcho"),
        },
    ),
    "agenzia_entrate/CodiceFiscale.wsdl": (
        "urn:icaro:agenzia-entrate:1",
        {
            "attribuisciCodiceFiscale": ("RichiestaAttribuzione", "RispostaCodiceFiscale"),
            "variaDati": ("RichiestaVariazione", "RispostaCodiceFiscale"),
            "annullaRichiesta": ("RichiestaAnnullamento", "RispostaCodiceFiscale"),
            "consultaEsito": ("RichiestaConsultaEsito", "RispostaCodiceFiscale"),
            "echo": ("RichiestaEcho", "RispostaEcho"),
        },
    ),
    "asl/AnagrafeAssistiti.wsdl": (
        "urn:icaro:asl:1",
        {
            "iscriviAssistito": ("RichiestaIscriviAssistito", "RispostaAssistito"),
            "variaAssistito": ("RichiestaVariaAssistito", "RispostaAssistito"),
            "cancellaAssistito": ("RichiestaCancellaAssistito", "RispostaAssistito"),
            "elencoPediatri": ("RichiestaElencoPediatri", "RispostaElencoPediatri"),
            "scegliPediatra": ("RichiestaScegliPediatra", "RispostaPediatra"),
            "variaPediatra": ("RichiestaVariaPediatra", "RispostaPediatra"),
            "revocaPediatra": ("RichiestaRevocaPediatra", "RispostaPediatra"),
            "consultaEsito": ("RichiestaConsultaEsito", "RispostaEsito"),
            "echo": ("RichiestaEcho", "RispostaEcho"),
        },
    ),
    "gateway/RicezioneEsiti.wsdl": (
        "urn:icaro:esiti:1",
        {
            "notificaEsito": ("RichiestaNotificaEsito", "RispostaNotificaEsito"),
            "echo": ("RichiestaEcho", "RispostaEcho"),
        },
    ),
}


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: str(path.relative_to(XSD)))
def test_every_schema_compiles(path: Path) -> None:
    """libxml2, which checks every document of ours, takes every schema as it stands."""
    etree.XMLSchema(etree.parse(str(path)))


def test_every_contract_is_tested_here() -> None:
    """No WSDL ships without being held against the table above."""
    assert {str(path.relative_to(XSD)) for path in XSD.glob("*/*.wsdl")} == set(CONTRACTS)


@pytest.mark.parametrize("path", CONTRACTS)
def test_a_contract_loads_and_offers_its_operations(path: str) -> None:
    """A partner's own tools find each operation with its action, its roots and its fault."""
    namespace, expected = CONTRACTS[path]
    document = zeep.wsdl.Document(str(XSD / path), zeep.Transport())
    (binding,) = document.bindings.values()
    found = {}
    for name, operation in binding.all().items():
        assert operation.soapaction == f"{namespace}/{name}"
        assert list(operation.faults) == ["FaultServizio"]
        names = [operation.input.body.qname, operation.output.body.qname]
        assert {qname.namespace for qname in names} == {namespace}
        found[name] = tuple(qname.localname for qname in names)
    assert found == expected


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: str(path.relative_to(XSD)))
def test_a_folder_can_be_given_away(path: Path) -> None:
    """A schema includes only files beside it: a partner gets the folder and nothing is missing."""
    includes = etree.parse(str(path)).iter(f"{XS}include", f"{XS}import")
    for include in includes:
        assert (path.parent / include.get("schemaLocation", "")).parent == path.parent


def test_types_of_the_same_name_are_the_same_everywhere() -> None:
    """A codice fiscale, a header or a person is the same thing to every partner."""
    shared: dict[str, str] = {}
    for path in sorted(XSD.glob("*/tipi.xsd"), key=lambda each: each.parent.name != "comune"):
        for declared in etree.parse(str(path)).getroot().iterchildren(etree.Element):
            name = declared.get("name", "")
            text = re.sub(
                rb'\s*xmlns(:\w+)?="[^"]*"', b"", etree.tostring(declared, with_tail=False)
            )
            assert shared.setdefault(name, text.decode()) == text.decode(), f"{path}: {name}"


@pytest.mark.parametrize(
    ("code", "good"),
    [
        ("RSSGLI26C41F205V", True),
        ("RSSGLI26C41F20RQ", True),
        ("00743110157", True),
        ("RSSGLI26F41F205V", False),
        ("rssgli26c41f205v", False),
        ("0074311015", False),
        ("RSSGLI26C41F205", False),
    ],
)
def test_the_form_of_a_codice_fiscale(code: str, good: bool) -> None:
    """Sixteen characters with omocodia's letters, or eleven digits; nothing else passes."""
    schema = etree.XMLSchema(etree.parse(str(XSD / "gateway/esiti.xsd")))
    document = etree.fromstring(
        '<RichiestaNotificaEsito xmlns="urn:icaro:esiti:1"><idOperazione>1</idOperazione>'
        "<servizio>codice_fiscale</servizio><esito>ACCOLTA</esito>"
        f"<codiceFiscale>{code}</codiceFiscale></RichiestaNotificaEsito>"
    )
    assert schema.validate(document) is good


@pytest.mark.parametrize("partner", ["comune", "agenzia_entrate", "asl"])
def test_every_code_a_simulator_answers_with_is_in_the_partner_s_readme(partner: str) -> None:
    """An integrator can look up each code beside the contract."""
    told = (XSD / partner / "README.md").read_text(encoding="utf-8")
    catalogue = importlib.import_module(f"adapters.{partner}.errors").CATALOGUE
    assert [code for code in catalogue if f"`{code}`" not in told] == []

"""The documents as an administration gets them, and its answers as facts: letter by letter.

The files in `golden/` were read by a person. A change of one is a change of the contract.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lxml import etree

from . import shipped
from .shipped import AMENDING, ANNULLING, GIULIA, document, message, run

GOLDEN = Path(__file__).parent / "golden"
ENROLLED = {"assistito": {"codiceAssistibile": "A0000000003", "protocollo": "ASL/2026/0000003"}}
PAEDIATRICIAN = {"pediatra": {"codicePediatra": "PDF1234", "cognome": "VILLA", "nome": "LAURA"}}
ACT = {
    "comune": {
        "protocollo": "015209/2026/0000042",
        "attoAnno": "2026",
        "attoParte": "1",
        "attoSerie": "A",
        "attoNumero": "117",
    }
}

# golden file, mapping, sample, profile, inputs
DOCUMENTS = [
    ("nascita_femmina", "comune/nascita.yaml", "femmina", "default", ()),
    ("nascita_femmina_con_cf", "comune/nascita.yaml", "femmina", "default", (GIULIA,)),
    ("nascita_maschio", "comune/nascita.yaml", "maschio", "default", ()),
    ("nascita_gemello", "comune/nascita.yaml", "gemello_2", "default", ()),
    ("nascita_nato_morto", "comune/nascita.yaml", "nato_morto", "default", ()),
    ("nascita_anonima", "comune/nascita.yaml", "anonima", "default", ()),
    ("nascita_dialetto_nnita", "comune/nascita.yaml", "dialetto_nnita", "dialect_nnita", ()),
    ("nascita_dialetto_cf", "comune/nascita.yaml", "dialetto_cf", "dialect_cf", ()),
    ("rettifica", "comune/rettifica.yaml", "femmina", "default", (AMENDING,)),
    ("annullamento", "comune/annullamento.yaml", "femmina", "default", (ANNULLING,)),
    ("consulta", "comune/consulta.yaml", "femmina", "default", ()),
    ("attribuzione", "agenzia_entrate/attribuzione.yaml", "femmina", "default", ()),
    (
        "attribuzione_convalida",
        "agenzia_entrate/attribuzione.yaml",
        "femmina",
        "default",
        ({"flow": {"tipoRichiesta": "3"}, "scelta": {"candidato": "RSSGLI26C41F205V"}},),
    ),
    (
        "attribuzione_omocodia",
        "agenzia_entrate/attribuzione.yaml",
        "gemello_1",
        "default",
        ({"flow": {"tipoRichiesta": "2"}},),
    ),
    ("variazione_cf", "agenzia_entrate/variazione.yaml", "femmina", "default", (AMENDING,)),
    ("annullamento_cf", "agenzia_entrate/annullamento.yaml", "femmina", "default", (ANNULLING,)),
    ("consulta_cf", "agenzia_entrate/consulta.yaml", "femmina", "default", ()),
    ("iscrizione", "asl/iscrizione.yaml", "femmina", "default", (GIULIA,)),
    ("variazione_asl", "asl/variazione.yaml", "femmina", "default", (GIULIA, AMENDING)),
    ("cancellazione", "asl/cancellazione.yaml", "femmina", "default", (ANNULLING,)),
    ("pediatra", "asl/pediatra.yaml", "femmina", "default", (GIULIA, ENROLLED)),
    ("pediatra_ufficio", "asl/pediatra.yaml", "gemello_1", "default", (GIULIA, ENROLLED)),
    (
        "pediatra_variazione",
        "asl/pediatra_variazione.yaml",
        "femmina",
        "default",
        (GIULIA, ENROLLED, AMENDING, {"scelta": {"pediatra": "PDF5678"}}),
    ),
    ("pediatra_revoca", "asl/pediatra_revoca.yaml", "femmina", "default", (ANNULLING,)),
    ("elenco_pediatri", "asl/elenco_pediatri.yaml", "femmina", "default", ()),
    ("consulta_asl", "asl/consulta.yaml", "femmina", "default", ()),
]


def expected(name: str, made: bytes) -> bytes:
    """The golden file; GOLDEN=write makes it, for a person to read before the commit."""
    path = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(made)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("golden", "name", "sample", "profile", "more"), DOCUMENTS, ids=lambda each: str(each)[:30]
)
def test_a_document_is_the_golden_one(
    golden: str, name: str, sample: str, profile: str, more: tuple[dict[str, dict[str, str]], ...]
) -> None:
    """A dossier becomes exactly the document that was agreed."""
    made = document(name, message(f"{sample}.hl7"), *more, profile=profile)
    etree.indent(made)
    text = etree.tostring(made, encoding="UTF-8", xml_declaration=True) + b"\n"
    assert text == expected(f"{golden}.xml", text)


def test_every_mapping_to_xml_has_a_golden_document() -> None:
    """No document goes out in a form that nobody has read."""
    tested = {name for _, name, *_ in DOCUMENTS}
    shipped_names = {
        path.relative_to(shipped.MAPPINGS).as_posix()
        for folder in ("comune", "agenzia_entrate", "asl")
        for path in (shipped.MAPPINGS / folder).glob("*.yaml")
        if not path.stem.startswith("esito")
    }
    assert shipped_names == tested


def test_the_a31_to_the_hospital_is_the_golden_one() -> None:
    """What the HIS reads back: its own numbers, the code, the receipts."""
    facts = (GIULIA, ACT, ENROLLED, PAEDIATRICIAN)
    made = document("ospedale/riscontro.yaml", message("femmina.hl7"), *facts)
    lines = made.replace(b"\r", b"\n")
    assert lines == expected("riscontro.hl7", lines)


FIRST = {"idOperazione": "7f3c9a52-0b3e-4d19-9a53-6d1d0c8f0001"}
SECOND = {"idOperazione": "7f3c9a52-0b3e-4d19-9a53-6d1d0c8f0002"}
FOURTH = {
    "idOperazione": "7f3c9a52-0b3e-4d19-9a53-6d1d0c8f0004",
    "esito": "ACCOLTA",
    "protocollo": "ASL/2026/0000004",
    "codicePediatra": "PDF1234",
    "cognome": "VILLA",
    "nome": "LAURA",
}

# mapping, answer, facts
ANSWERS = [
    (
        "comune/esito.yaml",
        "comune_accolta",
        FIRST
        | {
            "esito": "ACCOLTA",
            "protocollo": "015209/2026/0000042",
            "errori": "COM004",
            "errore[1].codice": "COM004",
            "errore[1].tipo": "W",
            "errore[1].testo": "La residenza della madre non coincide",
            "errore[1].campo": "maternita/residenza",
            "attoAnno": "2026",
            "attoParte": "1",
            "attoSerie": "A",
            "attoNumero": "117",
            "attoData": "2026-03-09",
        },
    ),
    (
        "comune/esito.yaml",
        "comune_presa_in_carico",
        FIRST | {"esito": "PRESA_IN_CARICO", "protocollo": "015209/2026/0000042"},
    ),
    (
        "comune/esito.yaml",
        "comune_respinta",
        FIRST
        | {
            "esito": "RESPINTA",
            "errori": "COM001 COM003",
            "errore[1].codice": "COM001",
            "errore[1].tipo": "E",
            "errore[1].testo": "Comune non competente",
            "errore[2].codice": "COM003",
            "errore[2].tipo": "E",
            "errore[2].testo": "Dichiarazione tardiva senza motivi",
        },
    ),
    (
        "agenzia_entrate/esito.yaml",
        "codice_fiscale_accolta",
        SECOND
        | {
            "esito": "ACCOLTA",
            "protocollo": "AE/2026/0000007",
            "codiceFiscale": "RSSGLI26C41F205V",
            "provvisorio": "false",
        },
    ),
    (
        "agenzia_entrate/esito.yaml",
        "codice_fiscale_provvisorio",
        SECOND
        | {
            "esito": "ACCOLTA",
            "protocollo": "AE/2026/0000008",
            "errori": "EAA50",
            "errore[1].codice": "EAA50",
            "errore[1].tipo": "W",
            "errore[1].testo": "Codice di base di un omocodice",
            "codiceFiscale": "00743110157",
            "provvisorio": "true",
        },
    ),
    (
        "agenzia_entrate/esito.yaml",
        "codice_fiscale_scelta",
        SECOND
        | {
            "esito": "SCELTA",
            "candidato[1].codiceFiscale": "RSSGLI26C41F205V",
            "candidato[1].cognome": "ROSSI",
            "candidato[1].nome": "GIULIA MARIA",
            "candidato[1].dataNascita": "2026-03-01",
            "candidato[2].codiceFiscale": "RSSGLI26C41F20RQ",
            "candidato[2].cognome": "ROSSI",
            "candidato[2].nome": "GIULIA",
            "candidato[2].dataNascita": "2026-03-01",
        },
    ),
    (
        "asl/esito.yaml",
        "assistito_accolta",
        {
            "idOperazione": "7f3c9a52-0b3e-4d19-9a53-6d1d0c8f0003",
            "esito": "ACCOLTA",
            "protocollo": "ASL/2026/0000003",
            "codiceAssistibile": "A0000000003",
        },
    ),
    ("asl/esito_pediatra.yaml", "pediatra_accolta", FOURTH),
    ("asl/esito_consulta.yaml", "esito_pediatra", FOURTH),
    (
        "asl/esito_elenco.yaml",
        "elenco_pediatri",
        {
            "idOperazione": "7f3c9a52-0b3e-4d19-9a53-6d1d0c8f0005",
            "esito": "ACCOLTA",
            "pediatra[1].codicePediatra": "PDF1234",
            "pediatra[1].cognome": "VILLA",
            "pediatra[1].nome": "LAURA",
            "pediatra[1].postiLiberi": "12",
            "pediatra[2].codicePediatra": "PDF5678",
            "pediatra[2].cognome": "SALA",
            "pediatra[2].nome": "PIETRO",
            "pediatra[2].postiLiberi": "0",
        },
    ),
    (
        "gateway/esito_notificato.yaml",
        "notifica_comune",
        FIRST
        | {
            "servizio": "comune",
            "esito": "ACCOLTA",
            "protocollo": "015209/2026/0000042",
            "attoAnno": "2026",
            "attoParte": "1",
            "attoSerie": "A",
            "attoNumero": "117",
        },
    ),
]


@pytest.mark.parametrize(("name", "answer", "facts"), ANSWERS, ids=lambda each: str(each)[:30])
def test_an_answer_gives_exactly_its_facts(name: str, answer: str, facts: dict[str, str]) -> None:
    """An answer tells what it holds, nothing more, and its sample follows the schema."""
    source = etree.fromstring((shipped.SAMPLES / "risposte" / f"{answer}.xml").read_bytes())
    folder = {
        "comune": "comune/nascita.xsd",
        "agenzia_entrate": "agenzia_entrate/codice_fiscale.xsd",
    }
    xsd = folder.get(name.split("/")[0], "asl/assistiti.xsd")
    xsd = "gateway/esiti.xsd" if name.startswith("gateway/") else xsd
    assert shipped.library().schema(xsd).check(source) == []
    result = run(name, source)
    assert result.problems == ()
    assert result.value == facts


def test_a_code_with_a_wrong_letter_is_no_fact() -> None:
    """An answer whose codice fiscale does not check is a problem, and gives nothing."""
    path = shipped.SAMPLES / "risposte" / "codice_fiscale_accolta.xml"
    source = etree.fromstring(path.read_bytes().replace(b"F205V<", b"F205X<"))
    result = run("agenzia_entrate/esito.yaml", source)
    assert result.value is None
    assert [problem.target for problem in result.problems] == ["codiceFiscale"]

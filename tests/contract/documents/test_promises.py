"""What the shipped mappings and profiles promise of every document, whatever its details."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.hl7.message import Message
from gateway.hl7.redaction import redact

from . import shipped
from .shipped import GIULIA, MAPPINGS, body, document, library, message, run, with_field

PROFILES = sorted(path.stem for path in (MAPPINGS / "profiles").glob("*.yaml"))
NAMES = sorted(
    path.relative_to(MAPPINGS).as_posix()
    for folder in ("comune", "agenzia_entrate", "asl", "ospedale", "gateway")
    for path in (MAPPINGS / folder).glob("*.yaml")
)
SENDER = {"sender": {"comune": "text", "struttura": "text", "nome": "text", "asl": "text"}}
NAMES_OF_EVERY_PROFILE = (
    *("newborn", "newborn_id", "newborn_authority", "named", "anonymous", "stillborn", "alive"),
    *("madre", "padre", "requested_comune", "place_of_birth", "residence_of_mother"),
    *("residence_of_father", "paediatrician", "cf_nato", "cf_madre", "cf_padre", "padre_riconosce"),
)
OF_THE_MOTHER = ("FONTANA", "RITA", "ALFA", "20121", "26000009")


def say(text: str, source: Message, profile: str = "default") -> Any:
    """One expression of a profile, on one message."""
    found = library().profile(profile)
    expression = library().expression(text, found, inputs=SENDER, where="test:1")
    return expression(source, {"sender": shipped.INPUTS["sender"]})


@pytest.mark.parametrize(("profile", "name"), list(product(PROFILES, NAMES)))
def test_every_mapping_compiles_for_every_profile(profile: str, name: str) -> None:
    """A dialect never needs a mapping of its own."""
    assert library().mapping(name, library().profile(profile)).name == name


@pytest.mark.parametrize(("profile", "name"), list(product(PROFILES, NAMES_OF_EVERY_PROFILE)))
def test_every_profile_has_every_name(profile: str, name: str) -> None:
    """A flow may use these names whoever the sender is."""
    say(f"exists({name})", message("femmina.hl7"), profile)


@pytest.mark.parametrize(
    ("family", "given"),
    [
        ("SMITH", "BB SARAH"),
        ("Wozniak", "Baby Boy"),
        ("BabyGirl", "Delgado"),
        ("Adams", "Baby of Shahieda"),
        ("Smith", "BabyGirl"),
        ("ROSSI", "BABY"),
        ("ROSSI", "NEONATO"),
        ("ROSSI", "NEONATA"),
        ("FIGLIO DI", "ROSSI"),
        ("ROSSI", "GEMELLO 1"),
        ("ROSSI", "GEMELLA A"),
        ("ROSSI", "MASCHIO"),
        ("ROSSI", "FEMMINA"),
        ("ROSSI", "NN"),
        ("XXXXXX", "XXXCXCXX"),
        ("ROSSI", ""),
        ("", "GIULIA"),
    ],
)
def test_a_placeholder_is_no_name(family: str, given: str) -> None:
    """What wards write before the parents choose does not declare a birth."""
    source = with_field(message("femmina.hl7"), "PID", 5, f"{family}^{given}")
    assert say("named", source) is not True


@pytest.mark.parametrize(
    ("family", "given"),
    [("ROSSI", "GIULIA"), ("D'ANGELO", "NICOLÒ"), ("DE LUCA", "ANNA MARIA"), ("BOYLE", "NINA")],
)
def test_a_real_name_is_one(family: str, given: str) -> None:
    """No real name is taken for a placeholder because it looks a little like one."""
    assert say("named", with_field(message("femmina.hl7"), "PID", 5, f"{family}^{given}")) is True


def test_what_follows_a_comma_is_no_name() -> None:
    """DPR 396/2000 art. 35."""
    source = with_field(message("femmina.hl7"), "PID", 5, "ROSSI^GIULIA, MARIA")
    made = document("comune/nascita.yaml", source)
    assert made.findtext(".//{*}dichiarazioneNascita/{*}generalita/{*}nome") == "GIULIA"


@pytest.mark.parametrize(
    "cx",
    [
        "BNCNNA93E55F205V^^^MEF^NNITA",
        "BNCNNA93E55F205V^^^NNITA^NNITA",
        "BNCNNA93E55F205V^^^^NNITA",
        "BNCNNA93E55F205V^^^CF^CF",
        "BNCNNA93E55F205V^^^CF^NN",
        "BNCNNA93E55F205V^^^CF^SSN",
        "BNCNNA93E55F205V^^^&2.16.840.1.113883.2.9.4.3.2&ISO^NNITA",
        "BNCNNA93E55F205V^^^&2.16.840.1.113883.2.9.4.3.2&ISO",
        "0000123^^^HIS^PI~BNCNNA93E55F205V^^^CF^CF~BNCNNA93E55F205V^^^SSN^SSN",
        "bncnna93e55f205v^^^MEF^NNITA",
    ],
)
def test_a_codice_fiscale_is_found_however_it_is_written(cx: str) -> None:
    """By type, by authority, by OID; then its check letter is looked at."""
    source = with_field(message("femmina.hl7"), "PID", 3, f"1^^^HIS^PI~{cx.split('~')[-1]}")
    assert say("cf_nato", source) == "BNCNNA93E55F205V"
    assert say("newborn_id", source) == "1"


def test_an_unnamed_mother_is_unnamed_whichever_message_is_read() -> None:
    """The message as it came and what is kept of it give the same document, without her."""
    whole = message("anonima.hl7")
    kept = redact(whole, library().profile("default").keeps)
    assert [word for word in OF_THE_MOTHER if word.encode() in kept.raw] == []
    documents = [document("comune/nascita.yaml", source) for source in (whole, kept)]
    assert body(documents[0]) == body(documents[1])
    assert [word for word in OF_THE_MOTHER if word.encode() in etree.tostring(documents[0])] == []
    assert documents[0].findtext(".//{*}madreNonNominata") == "true"


def test_her_wish_is_still_read_in_what_is_kept() -> None:
    """Of her NK1 only the mark stays, so that the dossier goes on saying so."""
    kept = redact(message("anonima.hl7"), library().profile("default").keeps)
    assert say("anonymous", kept) is True


def test_two_mothers_do_not_hide_a_wish() -> None:
    """Where the mother is an error, one of two saying no is still heard, and nothing is raised."""
    source = message("anonima.hl7").raw.decode()
    nk1 = next(line for line in source.split("\r") if line.startswith("NK1"))
    other = nk1.replace("|Y", "|N").replace("NK1|1", "NK1|2")
    twice = Message.parse(source.replace(nk1, f"{nk1}\r{other}").encode())
    assert say("anonymous", twice) is True


@pytest.mark.parametrize("sample", ["femmina", "maschio", "gemello_1", "nato_morto", "anonima"])
@pytest.mark.parametrize("name", ["comune/nascita.yaml", "comune/rettifica.yaml"])
def test_only_the_header_knows_the_clock(sample: str, name: str) -> None:
    """Two translations of one dossier differ in testataRichiesta and nowhere else."""
    amending = {"flow": {"protocollo": "1"}}
    later = {"flow": {"now": "2026-04-01T08:00:00+02:00", "operationId": "2"}}
    source = message(f"{sample}.hl7")
    first = document(name, source, amending)
    assert body(first) == body(document(name, source, amending, later))


def test_the_echo_of_our_own_a31_changes_nothing() -> None:
    """The code that we told the hospital and that comes back is not asked to be validated."""
    source = message("femmina.hl7")
    echoed = with_field(source, "PID", 3, "26000123^^^HIS^PI~RSSGLI26C41F205V^^^MEF^NNITA")
    name = "agenzia_entrate/attribuzione.yaml"
    assert body(document(name, source, GIULIA)) == body(document(name, echoed, GIULIA))


def test_a_code_the_hospital_knows_first_is_validated() -> None:
    """The parents went to the counter before the HIS told us."""
    known = with_field(
        message("femmina.hl7"), "PID", 3, "26000123^^^HIS^PI~RSSGLI26C41F205V^^^MEF^NNITA"
    )
    made = document("agenzia_entrate/attribuzione.yaml", known)
    assert made.findtext("{*}tipoRichiesta") == "3"
    assert made.findtext("{*}generalita/{*}codiceFiscale/{*}codFiscale") == "RSSGLI26C41F205V"


def test_a_father_who_does_not_recognise_is_not_named() -> None:
    """Unmarried, and ZNA-2 says no: nothing of him is in the document."""
    source = with_field(message("maschio.hl7"), "ZNA", 2, "N")
    made = document("comune/nascita.yaml", source)
    assert made.find(".//{*}paternita") is None
    assert made.findtext(".//{*}attribuzioneFamiglia") == "3"
    assert b"CLMLCU86P09E648F" not in etree.tostring(made)


@pytest.mark.parametrize(
    ("fields", "vitality"),
    [
        ({}, "NATO_VIVO"),
        ({30: "Y"}, "NATO_MORTO"),
        ({29: "20260301120000", 30: "Y"}, "MORTO_PRIMA_DELLA_DICHIARAZIONE"),
    ],
)
def test_alive_or_not(fields: dict[int, str], vitality: str) -> None:
    """PID-30 alone is born dead; with a day of death, dead before the declaration."""
    source = message("femmina.hl7")
    for number, value in fields.items():
        source = with_field(source, "PID", number, value)
    made = document("comune/nascita.yaml", source)
    assert made.findtext(".//{*}vitalita") == vitality
    assert say("alive", source) is (vitality == "NATO_VIVO")


def test_a_typical_birth_stays_small() -> None:
    """Its papers apart, a document is of a few kilobytes."""
    made = document("comune/nascita.yaml", message("gemello_1.hl7"))
    assert len(etree.tostring(made)) < 4000


@pytest.mark.parametrize(
    ("segment", "field", "value", "target"),
    [
        ("PID", 7, "2026", "attestazioneNascita/dataNascita"),
        ("PID", 8, "Q", "attestazioneNascita/sesso"),
        ("NK1", 33, "BNCNNA93E55F205X^^^MEF^NNITA", "generalita/codiceFiscale/codFiscale"),
        ("PID", 11, "^^MILANO^MI^^ITA^N^^015999", "attestazioneNascita/luogoNascita"),
        ("PID", 24, "Y", "attestazioneNascita/parto/ordineNascita"),
    ],
)
def test_content_that_cannot_be_read_names_its_place(
    segment: str, field: int, value: str, target: str
) -> None:
    """Every problem carries the element it is about, and never the value."""
    source = with_field(message("femmina.hl7"), segment, field, value)
    if (segment, field) == ("PID", 24):
        source = with_field(source, "PID", 25, "")
    result = run("comune/nascita.yaml", source)
    assert result.value is None
    assert any(target in problem.target for problem in result.problems)
    assert not any(value in str(problem) for problem in result.problems if len(value) > 4)


def test_an_amendment_needs_the_receipt_of_what_it_amends() -> None:
    """Without it there is no document, and the reason says so."""
    result = run("comune/rettifica.yaml", message("femmina.hl7"))
    assert [problem.target for problem in result.problems] == ["protocollo"]


def test_no_enrolment_without_a_codice_fiscale() -> None:
    """The ASL step waits for the code; translated too early, it says what is missing."""
    result = run("asl/iscrizione.yaml", message("femmina.hl7"))
    assert "codFiscale" in result.problems[0].target


def test_samples_are_messages_with_segment_ends() -> None:
    """A sample is what a HIS would send: CR at each segment's end, nothing else."""
    for path in Path(shipped.SAMPLES).glob("*.hl7"):
        raw = path.read_bytes()
        assert raw.endswith(b"\r")
        assert b"\n" not in raw


def test_who_lives_abroad_has_no_comune_of_residence() -> None:
    """The father's Comune is then asked, and the mother's address is still told as it is."""
    source = message("maschio.hl7")
    abroad = Message.parse(source.raw.replace(b"^L^^098031~^^^^^ROU", b"^L^^999235~^^^^^ROU", 1))
    assert say("residence_of_mother", source) == "098031"
    assert say("residence_of_mother", abroad) is None
    assert say("residence_of_father", abroad) == "098031"
    made = document("comune/nascita.yaml", abroad)
    home = made.find(".//{*}maternita/{*}residenza/{*}localitaEstera")
    assert home.findtext(".//{*}codiceStato") == "235"

"""What the three administrations answer, over real mutual TLS, to requests of their contracts."""

from __future__ import annotations

from base64 import b64encode
from datetime import date
from hashlib import sha256

from adapters.simulation.codice_fiscale import compute, is_provisional, is_valid, omocodici
from tests.contract.simulators.documents import (
    assignment,
    birth,
    choice,
    code,
    enrolment,
    follow,
    query,
)
from tests.contract.simulators.peer import Simulated


def test_every_service_gives_the_echo_back(
    comune: Simulated, agenzia: Simulated, asl: Simulated
) -> None:
    """`echo` of every service gives back the text, signed and tied to the request."""
    for simulated in (comune, agenzia, asl):
        assert simulated.call("echo", {"testo": "Città?"})["testo"] == "Città?"


def test_a_birth_is_numbered_and_becomes_an_act(comune: Simulated) -> None:
    """A notification gets a protocol number of its Comune and the act, and is written down once."""
    told = comune.call("registraNascita", birth("op-act"))
    assert (told.status, told["esito"]) == (200, "ACCOLTA")
    assert told["protocollo"].startswith("015146/")
    assert (told["parte"], told["serie"]) == ("1", "A")
    (effect,) = (each for each in comune.effects() if each["idOperazione"] == "op-act")
    assert effect["protocollo"] == told["protocollo"]
    assert effect["facts"]["ordineNascita"] == "1"
    document = (comune.store / "documents" / f"{effect['seq']:06d}.xml").read_bytes()
    assert sha256(document).hexdigest() == effect["sha256"]


def test_the_same_operation_gets_the_earlier_answer(comune: Simulated) -> None:
    """A second attempt of one operation is answered like the first and does nothing more."""
    first = comune.call("registraNascita", birth("op-twice"))
    second = comune.call("registraNascita", birth("op-twice"))
    assert first["protocollo"] == second["protocollo"]
    assert [e["idOperazione"] for e in comune.effects()].count("op-twice") == 1


def test_an_operation_id_used_for_another_document_is_a_declared_fault(comune: Simulated) -> None:
    """The same id with another Body is refused in the declared, signed way."""
    comune.call("registraNascita", birth("op-other"))
    told = comune.call("annullaNascita", follow("015146/2026/0000001", "op-other"))
    assert (told.status, told["codice"]) == (500, "EN079")


def test_a_correction_names_a_receipt_that_stands(comune: Simulated) -> None:
    """Corrections and annulments of an unknown or annulled receipt are refused, others granted."""
    receipt = comune.call("registraNascita", birth())["protocollo"]
    amended = comune.call("rettificaNascita", birth(protocollo=receipt))
    assert amended["esito"] == "ACCOLTA"
    assert comune.call("annullaNascita", follow(receipt))["esito"] == "ACCOLTA"
    again = comune.call("annullaNascita", follow(receipt))
    assert (again["esito"], again["codice"]) == ("RESPINTA", "EN077")
    unknown = comune.call("annullaNascita", follow("015146/2026/9999999"))
    assert unknown["codice"] == "PROTOCOLLO_IGNOTO"


def test_an_attachment_must_have_its_digest(comune: Simulated) -> None:
    """An attachment whose digest is of other bytes is refused."""
    attached = {
        "nome": "dichiarazione.pdf",
        "tipoMime": "application/pdf",
        "contenuto": b64encode(b"%PDF").decode(),
        "improntaSha256": sha256(b"%PDF").hexdigest(),
    }
    assert comune.call("registraNascita", birth(allegato=[attached]))["esito"] == "ACCOLTA"
    wrong = attached | {"improntaSha256": sha256(b"").hexdigest()}
    assert comune.call("registraNascita", birth(allegato=[wrong]))["codice"] == "COM005"


def test_a_late_declaration_needs_its_reasons(comune: Simulated) -> None:
    """Born on 18 November: until the 28th without, from then on with."""
    for declared, why, outcome in (
        ("2026-11-28", {}, "ACCOLTA"),
        ("2026-11-30", {}, "RESPINTA"),
        ("2026-11-30", {"why": "Madre ricoverata"}, "ACCOLTA"),
    ):
        told = comune.call("registraNascita", birth(declared=declared, **why))
        assert told["esito"] == outcome, declared
    refused = comune.call("registraNascita", birth(declared="2026-12-30"))
    assert refused["codice"] == "COM003"


def test_an_operation_can_be_asked_about(comune: Simulated) -> None:
    """`consultaEsito` tells what became of an operation, or that nobody knows it."""
    receipt = comune.call("registraNascita", birth("op-asked"))["protocollo"]
    assert comune.call("consultaEsito", query("op-asked"))["protocollo"] == receipt
    assert comune.call("consultaEsito", query("op-nobody"))["esito"] == "NON_TROVATA"


def test_a_codice_fiscale_is_given_once(agenzia: Simulated) -> None:
    """A person gets the code of the official algorithm; asked for again, EAA30 and that code."""
    first = agenzia.call("attribuisciCodiceFiscale", assignment(name="GIULIA"))
    assert first["codiceFiscale"] == compute(
        "VERDINI", "GIULIA", sex="F", born=date(2026, 11, 18), belfiore="F205"
    )
    again = agenzia.call("attribuisciCodiceFiscale", assignment(name="GIULIA"))
    assert (again["esito"], again["codice"]) == ("RESPINTA", "EAA30")
    assert again["codiceFiscale"] == first["codiceFiscale"]
    same = assignment("3", name="GIULIA", **code(first["codiceFiscale"]))
    assert agenzia.call("attribuisciCodiceFiscale", same)["esito"] == "ACCOLTA"


def test_two_persons_with_the_same_code_are_told_apart(agenzia: Simulated) -> None:
    """The second of two persons whose data give one code gets a variant with letters."""
    first = agenzia.call("attribuisciCodiceFiscale", assignment(name="MARTINA"))
    other = agenzia.call("attribuisciCodiceFiscale", assignment(name="MARTINA MIA"))
    assert first["codiceFiscale"][:14] == other["codiceFiscale"][:14]
    assert other["codiceFiscale"][14].isalpha()
    assert is_valid(other["codiceFiscale"])
    assert other["codice"] == "EAA50"


def test_an_omocodia_gets_a_provisional_number(agenzia: Simulated) -> None:
    """Request type 2 is answered with eleven digits and the right check digit."""
    told = agenzia.call("attribuisciCodiceFiscale", assignment("2", name="SARA", order="2"))
    assert is_provisional(told["codiceFiscale"])
    assert told["provvisorio"] == "true"


def test_a_code_that_is_not_of_the_data_is_not_validated(agenzia: Simulated) -> None:
    """Request type 3 refuses a code of another day, sex or place, and a wrong check letter."""
    right = compute("VERDINI", "ELENA", sex="F", born=date(2026, 11, 18), belfiore="F205")
    day = compute("VERDINI", "ELENA", sex="F", born=date(2026, 11, 19), belfiore="F205")
    boy = compute("VERDINI", "ELENA", sex="M", born=date(2026, 11, 18), belfiore="F205")
    place = compute("VERDINI", "ELENA", sex="F", born=date(2026, 11, 18), belfiore="H501")
    letter = right[:15] + ("A" if right[15] != "A" else "B")
    told = {}
    for name, given in (("day", day), ("boy", boy), ("place", place), ("letter", letter)):
        asked = assignment("3", name="ELENA", **code(given))
        told[name] = agenzia.call("attribuisciCodiceFiscale", asked).all("codice")
    assert told["day"] == ["AEE01", "EA038"]
    assert told["boy"] == ["AEE01", "EA042"]
    assert told["place"] == ["AEE01", "EA029"]
    assert told["letter"] == ["EN403"]
    empty = agenzia.call("attribuisciCodiceFiscale", assignment("3", name="ELENA"))
    assert empty["codice"] == "EN081"


def test_changed_names_change_the_code(agenzia: Simulated) -> None:
    """`variaDati` recomputes: the code stays where the data give the same, else changes."""
    first = agenzia.call("attribuisciCodiceFiscale", assignment(name="CATERINA"))
    same = agenzia.call(
        "variaDati", assignment(name="CATERINA MIA", protocollo=first["protocollo"])
    )
    assert same["codiceFiscale"] == first["codiceFiscale"]
    other = agenzia.call("variaDati", assignment(name="BEATRICE", protocollo=same["protocollo"]))
    assert other["codiceFiscale"].startswith("VRDBRC26S58F205")
    ended = agenzia.call("annullaRichiesta", follow(other["protocollo"]))
    assert ended["esito"] == "ACCOLTA"
    again = agenzia.call("attribuisciCodiceFiscale", assignment(name="BEATRICE"))
    assert again["codiceFiscale"] == other["codiceFiscale"]


def test_one_of_several_candidates_can_be_validated(agenzia: Simulated) -> None:
    """Candidates come with codes that a validation then accepts."""
    agenzia.bad_day("several_candidates", count=3)
    told = agenzia.call("attribuisciCodiceFiscale", assignment(name="NORA"))
    assert told["esito"] == "SCELTA"
    codes = told.all("codiceFiscale")
    assert len(set(codes)) == 3
    chosen = assignment("3", name="NORA", **code(codes[1]))
    assert agenzia.call("attribuisciCodiceFiscale", chosen)["codiceFiscale"] == codes[1]


def test_the_family_that_went_to_the_counter(agenzia: Simulated) -> None:
    """A person whom the Agenzia knows already is EAA30 with the code, which then validates."""
    agenzia.bad_day("already_known")
    told = agenzia.call("attribuisciCodiceFiscale", assignment(name="VIOLA"))
    assert (told["esito"], told["codice"]) == ("RESPINTA", "EAA30")
    given = assignment("3", name="VIOLA", **code(told["codiceFiscale"]))
    assert agenzia.call("attribuisciCodiceFiscale", given)["esito"] == "ACCOLTA"


def test_an_enrolment_needs_a_right_code(asl: Simulated) -> None:
    """The ASL enrols once, and only with a codice fiscale whose check letter is right."""
    assert asl.call("iscriviAssistito", enrolment("RSSMRA85A01F205D"))["codice"] == "ASL003"
    first = asl.call("iscriviAssistito", enrolment("RSSMRA85A01F205C"))
    assert first["esito"] == "ACCOLTA"
    assert first["codiceAssistibile"]
    assert asl.call("iscriviAssistito", enrolment("RSSMRA85A01F205C"))["codice"] == "ASL001"
    ended = asl.call("cancellaAssistito", follow(first["protocollo"]))
    assert ended["esito"] == "ACCOLTA"
    assert asl.call("iscriviAssistito", enrolment("RSSMRA85A01F205C"))["esito"] == "ACCOLTA"


def test_a_paediatrician_has_places_and_siblings_may_exceed_them(asl: Simulated) -> None:
    """A full paediatrician takes only brothers and sisters of those assisted."""
    codes = list(omocodici("RSSMRA85A01F205C"))
    mother = "VRDLCU90A41F205B"
    for cf in codes[:3]:
        asl.call("iscriviAssistito", enrolment(cf, mother))
    for cf in codes[3:5]:
        asl.call("iscriviAssistito", enrolment(cf))
    listed = asl.call(
        "elencoPediatri",
        {
            "testataRichiesta": birth()["testataRichiesta"],
            "codiceIstat": "015146",
            "dataNascita": "2026-11-18",
        },
    )
    assert "PLS005" not in listed.all("codicePediatra")
    assert asl.call("scegliPediatra", choice(codes[9], "PLS001"))["codice"] == "PED003"
    assert asl.call("scegliPediatra", choice(codes[0], "PLS999"))["codice"] == "PED002"
    assert asl.call("scegliPediatra", choice(codes[0], "PLS004"))["esito"] == "ACCOLTA"
    assert asl.call("scegliPediatra", choice(codes[0], "PLS001"))["codice"] == "PED005"
    assert asl.call("scegliPediatra", choice(codes[3], "PLS004"))["esito"] == "ACCOLTA"
    assert asl.call("scegliPediatra", choice(codes[4], "PLS004"))["codice"] == "PED001"
    sibling = asl.call("scegliPediatra", choice(codes[1], "PLS004"))
    assert sibling["esito"] == "ACCOLTA"
    moved = asl.call("variaPediatra", choice(codes[1], protocollo=sibling["protocollo"]))
    assert moved["codicePediatra"] == "PLS001"
    assert asl.call("revocaPediatra", follow(moved["protocollo"]))["esito"] == "ACCOLTA"

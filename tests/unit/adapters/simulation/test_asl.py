"""Enrolment and choice of the paediatrician at the simulated ASL."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from adapters.asl.paediatricians import DEROGATION, ORDINARY, Paediatrician, invented
from adapters.simulation.administration import Switches
from adapters.simulation.codice_fiscale import omocodici, provisional
from tests.contract.simulators.documents import choice, enrolment, follow, header
from tests.unit.adapters.simulation.offices import Office

CODES = list(islice(omocodici("RSSMRA85A01F205C"), 10))
MOTHER = "VRDLCU90A41F205B"


@pytest.fixture
def asl(tmp_path: Path) -> Office:
    """An ASL with nobody enrolled."""
    return Office("asl", tmp_path)


def enrolled(asl: Office, cf: str, mother: str = "") -> str:
    """Enrol a child; the receipt."""
    said = asl.call("iscriviAssistito", enrolment(cf, mother))
    assert said["esito"] == "ACCOLTA"
    return said["protocollo"]


def test_a_right_code_is_enrolled_once(asl: Office) -> None:
    """Also a provisional one; a wrong check letter and a double are refused."""
    enrolled(asl, CODES[0])
    enrolled(asl, provisional(7))
    assert asl.call("iscriviAssistito", enrolment(CODES[0]))["codice"] == "ASL001"
    wrong = "RSSMRA85A01F205D"
    assert asl.call("iscriviAssistito", enrolment(wrong))["codice"] == "ASL003"


def test_an_enrolment_is_changed_in_its_place(asl: Office) -> None:
    """`variaAssistito` may bring the definitive code, but not somebody else's."""
    first = enrolled(asl, provisional(7))
    enrolled(asl, CODES[1])
    said = asl.call("variaAssistito", enrolment(CODES[0], protocollo=first))
    assert said["esito"] == "ACCOLTA"
    again = asl.call("variaAssistito", enrolment(CODES[0], protocollo=said["protocollo"]))
    assert again["esito"] == "ACCOLTA"
    other = asl.call("variaAssistito", enrolment(CODES[1], protocollo=again["protocollo"]))
    assert other["codice"] == "ASL001"
    assert enrolled(asl, provisional(7))


def test_an_ended_enrolment_can_begin_again(asl: Office) -> None:
    """After `cancellaAssistito` the child is not enrolled, and the receipt is unknown."""
    receipt = enrolled(asl, CODES[0])
    assert asl.call("cancellaAssistito", follow(receipt))["esito"] == "ACCOLTA"
    assert asl.call("cancellaAssistito", follow(receipt))["codice"] == "PROTOCOLLO_IGNOTO"
    assert asl.call("scegliPediatra", choice(CODES[0]))["codice"] == "PED003"
    enrolled(asl, CODES[0])


def test_without_idempotence_a_child_is_enrolled_twice(tmp_path: Path) -> None:
    """A resent enrolment and a resent choice are there to be seen."""
    asl = Office("asl", tmp_path, Switches(idempotent=False))
    for _ in range(2):
        enrolled(asl, CODES[0])
        assert asl.call("scegliPediatra", choice(CODES[0], "PLS001"))["esito"] == "ACCOLTA"
    assert len(asl.store.effects) == 4


def test_a_choice_needs_an_enrolled_child_and_a_known_doctor(asl: Office) -> None:
    """Unknown child, unknown doctor, and a second choice are refused."""
    enrolled(asl, CODES[0])
    assert asl.call("scegliPediatra", choice(CODES[1], "PLS001"))["codice"] == "PED003"
    assert asl.call("scegliPediatra", choice(CODES[0], "PLS999"))["codice"] == "PED002"
    said = asl.call("scegliPediatra", choice(CODES[0], "PLS001"))
    assert (said["codicePediatra"], said["cognome"]) == ("PLS001", "BIANCHI")
    assert asl.call("scegliPediatra", choice(CODES[0], "PLS002"))["codice"] == "PED005"


def test_without_a_choice_the_asl_assigns(asl: Office) -> None:
    """Who did not choose gets the doctor with most places."""
    enrolled(asl, CODES[0])
    said = asl.call("scegliPediatra", choice(CODES[0]))
    most = max(invented().values(), key=lambda one: one.places)
    assert said["codicePediatra"] == most.code


def test_places_are_granted_for_long_runs() -> None:
    """With a thousand places more, also the doctor whose list is full takes children."""
    register = invented(1000)
    assert min(one.places for one in register.values()) == 1000
    assert invented()["PLS005"].places == 0


def test_siblings_may_exceed_the_ceiling(asl: Office) -> None:
    """A full doctor takes the brother of a child who is there, and nobody else."""
    for cf in CODES[:2]:
        enrolled(asl, cf, MOTHER)
    for cf in CODES[2:4]:
        enrolled(asl, cf)
    for cf in (CODES[0], CODES[2]):
        assert asl.call("scegliPediatra", choice(cf, "PLS004"))["esito"] == "ACCOLTA"
    assert asl.call("scegliPediatra", choice(CODES[3], "PLS004"))["codice"] == "PED001"
    assert asl.call("scegliPediatra", choice(CODES[1], "PLS004"))["esito"] == "ACCOLTA"


def test_a_choice_is_changed_and_ended(asl: Office) -> None:
    """The old doctor loses the child; a full one keeps a child who is there."""
    enrolled(asl, CODES[0])
    first = asl.call("scegliPediatra", choice(CODES[0], "PLS004"))
    same = choice(CODES[0], "PLS004", protocollo=first["protocollo"])
    second = asl.call("variaPediatra", same)
    moved = choice(CODES[0], "PLS001", protocollo=second["protocollo"])
    third = asl.call("variaPediatra", moved)
    assert third["codicePediatra"] == "PLS001"
    assert asl.call("revocaPediatra", follow(third["protocollo"]))["esito"] == "ACCOLTA"
    assert asl.call("scegliPediatra", choice(CODES[0], "PLS002"))["esito"] == "ACCOLTA"


def test_the_list_has_who_has_places(asl: Office) -> None:
    """Full doctors are not in it; a child of fourteen gets no list."""
    asked = {
        "testataRichiesta": header(None, "ASL321"),
        "codiceIstat": "015146",
        "dataNascita": "2026-11-18",
    }
    said = asl.call("elencoPediatri", asked)
    assert "PLS005" not in said.all("codicePediatra")
    assert all(int(places) > 0 for places in said.all("postiLiberi"))
    old = {**asked, "dataNascita": "2012-11-21", "testataRichiesta": header(None, "ASL321")}
    assert asl.call("elencoPediatri", old)["codice"] == "PED004"
    young = {**asked, "dataNascita": "2012-11-22", "testataRichiesta": header(None, "ASL321")}
    assert asl.call("elencoPediatri", young)["esito"] == "ACCOLTA"
    assert asl.store.effects == []


def test_a_restart_is_a_replay(tmp_path: Path) -> None:
    """Enrolments, families and choices are as before after a restart."""
    before = Office("asl", tmp_path)
    for cf in CODES[:2]:
        enrolled(before, cf, MOTHER)
    before.call("scegliPediatra", choice(CODES[0], "PLS004"))
    after = Office("asl", tmp_path)
    assert after.call("scegliPediatra", choice(CODES[0], "PLS001"))["codice"] == "PED005"
    assert after.call("iscriviAssistito", enrolment(CODES[1]))["codice"] == "ASL001"


def test_places_are_never_fewer_than_none() -> None:
    """A doctor over the ceiling has no place, and takes brothers and sisters only."""
    over = Paediatrician("P1", "A", "B", ORDINARY + DEROGATION + 5, {"x"})
    assert over.places == 0
    assert over.takes(["x"])
    assert not over.takes(["y"])

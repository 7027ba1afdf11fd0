"""The families of the demonstration: messages that a gateway can read, of nobody who exists."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from gateway.demo.people import BERGAMO, Child, Parent
from gateway.demo.stories import BROKEN, TRANSFER, stories
from gateway.hl7.conformance import structure
from gateway.hl7.message import Message
from gateway.mapping.codice_fiscale import is_valid
from tests.births import flow_of, reader_of

TODAY = datetime(2026, 3, 6, 10, 0)
ANNA = Parent("BIANCHI", "ANNA", "F", date(1993, 5, 15), BERGAMO)
LUCA = Parent("COLOMBO", "LUCA", "M", date(1986, 9, 9))
CHILD = Child("S01", "ROSSI", "GIULIA", "F", datetime(2026, 3, 1, 10, 30), ANNA, LUCA, twin=2)
INPUTS = {"sender": {}, "scelta": {}, "partner": {"assegnaCodiceFiscale": False}}


@pytest.mark.parametrize("name", stories(TODAY))
def test_every_story_is_sound_hl7_and_a_birth(name: str):
    """Each child's message breaks no rule of HL7 and opens a case with its hospital's profile."""
    child = stories(TODAY)[name].child
    message = Message.parse(child.message("A01"))
    assert structure(message) == []
    profile = {"nnita": "dialect_nnita", "default": "default"}[child.dialect]
    reader = reader_of(flow_of(), profile)
    assert reader.of(message, INPUTS).opens()
    assert reader.of(message, INPUTS).key() == ("HIS", child.identifier)


def test_codici_fiscali_pass_every_check():
    """They are computed by the official algorithm."""
    assert is_valid(ANNA.codice_fiscale)
    assert is_valid(LUCA.codice_fiscale)


def test_a_message_says_what_the_child_is_now():
    """Changes hold for one message; every message has a control id of its own."""
    first, second = CHILD.message("A01"), CHILD.message("A08", weight=3300, bed="9")
    before, after = Message.parse(first), Message.parse(second)
    assert (before.event, after.event) == ("A01", "A08")
    assert before.control_id != after.control_id
    assert (before.get("OBX-5"), after.get("OBX-5")) == ("3250", "3300")
    assert after.get("PV1-3.2") == "9"
    assert (after.get("PID-24"), after.get("PID-25")) == ("Y", "2")


def test_a_mother_who_is_not_named_says_so():
    """Her wish stands at her own NK1, and nowhere at the father's."""
    message = Message.parse(
        Child("S02", "X", "Y", "F", datetime(2026, 3, 1), ANNA, LUCA, unnamed=True).message("A01")
    )
    mother, father = message.all("NK1")
    assert mother.text(23) == "Y"
    assert father.text(23) is None


@pytest.mark.parametrize(("dialect", "type_code"), [("default", "MEF"), ("nnita", "NNITA")])
def test_dialects_write_the_codice_fiscale_in_their_own_way(dialect: str, type_code: str):
    """The assigning authority is what the profiles of Italian hospitals differ in."""
    child = Child("S03", "X", "Y", "M", datetime(2026, 3, 1), ANNA, dialect=dialect)
    (mother,) = Message.parse(child.message("A01")).all("NK1")
    assert mother.text(33) == ANNA.codice_fiscale
    assert mother.text(33, 1, 4) == type_code


def test_what_is_no_birth_and_what_is_broken():
    """A transfer is sound HL7 and opens nothing; an event that HL7 does not have is refused."""
    transfer = Message.parse(TRANSFER)
    assert structure(transfer) == []
    assert not reader_of(flow_of()).of(transfer, INPUTS).opens()
    assert [finding.code for finding in structure(Message.parse(BROKEN))] != []

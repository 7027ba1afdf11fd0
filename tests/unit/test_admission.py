"""Births that were kept for a person, and what a person's word makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from gateway.admission import admit, kept_births
from gateway.desk import Person
from gateway.errors import NotFound, NotPossible
from tests.births import GIULIA, PERSON, SENDER, House

LIMITED = SENDER.model_copy(update={"births_since": date(2026, 3, 2)})


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node that was switched on the day after GIULIA was born."""
    with House(tmp_path, sender=LIMITED) as made:
        yield made


def kept(house: House) -> list[str]:
    return [row.id for row in house.look(lambda view: kept_births(view, 10))]


def let_in(house: House, reject_id: str, person: Person = PERSON) -> str:
    return house.do(lambda unit: admit(house.casebook, unit, reject_id, person))


def test_a_person_lets_a_birth_of_before_in(house: House) -> None:
    """The case opens as if the message came now, and the evidence says who wanted it."""
    house.hears(GIULIA.message("A08"))
    (one,) = kept(house)
    case = let_in(house, one)
    assert house.steps(case)["comune"] == ["register READY"]
    (entry,) = house.look(lambda view: view.evidence(subject=one))[1:]
    assert (entry.what, entry.note["person"]) == ("case.admitted", PERSON.name)
    house.works()
    assert house.office.got("comune") == ["register"]


def test_a_second_message_of_it_amends(house: House) -> None:
    """Two were kept of one child: the second does not open another case."""
    house.hears(GIULIA.message("A08"))
    house.hears(GIULIA.message("A08", weight=3999))
    newer, older = kept(house)
    assert let_in(house, older) == let_in(house, newer)
    house.works()
    assert house.office.got("comune") == ["register"]
    assert b"3999" in house.office.last("comune")


def test_what_was_refused_is_no_birth(house: House) -> None:
    """A message that was answered AR waits for the hospital, not for a person here."""
    house.hears(b"MSH|^~\\&|HIS|SANTA_PROVA|||20260302||ADT^A01^X|1|P|9.9\r")
    (row,) = house.look(lambda view: view.rejects())
    assert kept(house) == []
    with pytest.raises(NotPossible):
        let_in(house, row.id)


def test_nobody_is_let_in_by_a_number_that_is_none(house: House) -> None:
    """An id that is not there is told as such."""
    with pytest.raises(NotFound):
        let_in(house, "18a5")

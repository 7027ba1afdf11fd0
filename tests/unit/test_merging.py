"""Two records that turn out to be one child, told as whole births on a real journal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.flow.context import Context
from gateway.hl7.dossier import Dossier
from gateway.hl7.message import Message
from gateway.journal import CaseRow
from tests.births import GIULIA, PERSON, House, written

OLD = replace(GIULIA, identifier="OLD", paediatrician="PLS001")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node with offices in production."""
    with House(tmp_path) as made:
        yield made


def born(house: House, *children: object) -> list[CaseRow]:
    """One case each, in order; nothing is sent yet."""
    found = []
    for child in children:
        house.hears(child.message("A01"))  # type: ignore[attr-defined]  # a Child
        found.append(house.case())
    return found


def merge(old: str, event: str = "A40", identifier: str = "S01") -> bytes:
    """`old` is the same newborn as `identifier`, who is GIULIA."""
    message = replace(GIULIA, identifier=identifier).message(event)
    return message.replace(b"PV1|", b"MRG|%s^^^HIS^PI\rPV1|" % old.encode(), 1)


def now(house: House, row: CaseRow) -> CaseRow:
    return house.look(lambda view: view.case(row.id))


def dossier(house: House, row: CaseRow) -> Message:
    return Dossier.decode(now(house, row).dossier or b"").message


def test_of_two_open_records_the_one_that_stays_sends(house: House) -> None:
    """The old record is withdrawn unsent; what only it knew goes with the one that stays."""
    old, stays = born(house, OLD, GIULIA)
    house.hears(merge("OLD"))
    assert (now(house, old).state, now(house, stays).state) == ("MERGED", "DECLARED")
    assert house.steps(old.id)["comune"] == ["register WITHDRAWN MERGED"]
    assert dossier(house, stays).get("PD1-4") == "PLS001"
    house.works()
    assert house.office.got("comune") == ["register"]


def test_a_sent_record_that_stays_takes_the_open_one_in(house: House) -> None:
    """Nothing is registered twice; what only the open one knew amends."""
    (stays,) = born(house, GIULIA)
    house.works()
    (old,) = born(house, OLD)
    house.hears(merge("OLD"))
    house.works()
    assert now(house, old).state == "MERGED"
    assert house.office.got("comune") == ["register"]
    assert house.office.got("pediatra") == ["register"]
    assert dossier(house, stays).get("PD1-4") == "PLS001"


def test_a_sent_record_lives_on_under_the_number_that_stays(house: House) -> None:
    """The other way round the administrations know the old one: it takes the number over."""
    (old,) = born(house, OLD)
    house.works()
    (stays,) = born(house, GIULIA)
    house.hears(merge("OLD"))
    house.works()
    assert (now(house, old).state, now(house, stays).state) == ("DECLARED", "MERGED")
    assert house.steps(stays.id)["comune"] == ["register WITHDRAWN MERGED"]
    assert dossier(house, old).get("PID-3[1].1") == "S01"
    assert house.office.got("comune")[0] == "register"
    assert house.office.got("comune").count("register") == 1
    house.hears(GIULIA.message("A08", weight=3999))
    house.works()
    assert b"3999" in house.office.last("comune")
    assert house.office.got("comune")[-1] == "amend"


def test_of_two_sent_records_a_person_takes_one_back(house: House) -> None:
    """The second registration of the same child is annulled only when a person confirms."""
    (old,) = born(house, OLD)
    house.works()
    (stays,) = born(house, GIULIA)
    house.works()
    house.hears(merge("OLD"))
    assert house.steps(old.id)["comune"] == ["register ACCEPTED", "cancel HELD CONFIRM"]
    held = house.rows("comune", old.id)[-1]
    house.do(lambda unit: house.desk.confirm(unit, held.id, PERSON))
    house.works()
    assert house.office.got("comune") == ["register", "register", "cancel"]
    assert now(house, stays).state == "DECLARED"


@pytest.mark.parametrize("said", ["OLD", "S01"])
def test_whoever_says_either_number_means_the_one_child(house: House, said: str) -> None:
    """After the merge no message opens a second case, whichever number it says."""
    born(house, OLD, GIULIA)
    house.hears(merge("OLD"))
    house.hears(merge("OLD"))
    house.hears(replace(GIULIA, identifier=said).message("A08", weight=3777))
    assert len(house.look(lambda view: view.cases())) == 2
    house.works()
    assert house.office.got("comune") == ["register"]
    assert b"3777" in house.office.last("comune")


def test_an_old_number_that_was_never_heard_leads_to_the_child(house: House) -> None:
    """The birth under the old number that comes after the merge is no second child."""
    (stays,) = born(house, GIULIA)
    before = house.steps(stays.id)
    assert house.hears(merge("NEVER")) == "AA"
    assert house.steps(stays.id) == before
    house.hears(replace(GIULIA, identifier="NEVER").message("A01"))
    assert [case.id for case in house.look(lambda view: view.cases("DECLARED"))] == [stays.id]


def test_a_merge_of_a_child_with_itself_changes_nothing(house: House) -> None:
    """The same number twice is no merge."""
    (row,) = born(house, GIULIA)
    assert house.hears(merge("S01")) == "AA"
    assert now(house, row).version == row.version


def test_a_merge_of_strangers_is_nothing(house: House) -> None:
    """Of millions of merges most are about nobody's birth."""
    assert house.hears(merge("OLD")) == "AA"
    assert house.look(lambda view: view.cases()) == []


@pytest.mark.parametrize("event", ["A40", "A47"])
def test_another_number_is_the_same_child(house: House, event: str) -> None:
    """The case goes on under the new number, and the old one still leads to it."""
    (row,) = born(house, replace(GIULIA, identifier="OLD"))
    house.works()
    house.hears(merge("OLD", event))
    assert dossier(house, row).get("PID-3[1].1") == "S01"
    for identifier in ("S01", "OLD"):
        weight = 3300 + len(identifier)
        house.hears(replace(GIULIA, identifier=identifier).message("A08", weight=weight))
    house.works()
    assert [case.id for case in house.look(lambda view: view.cases("DECLARED"))] == [row.id]
    assert house.office.got("comune").count("register") == 1


def test_a_number_changed_twice_still_leads_to_the_child(house: House) -> None:
    """Numbers of the past follow one another."""
    (row,) = born(house, replace(GIULIA, identifier="OLD"))
    house.hears(merge("OLD", "A47", "MID"))
    house.hears(merge("MID", "A47"))
    house.hears(replace(GIULIA, identifier="OLD").message("A08", weight=3123))
    assert [case.id for case in house.look(lambda view: view.cases("DECLARED"))] == [row.id]


def test_an_unnamed_mother_is_unnamed_in_both(house: House) -> None:
    """Said in one record, the wish holds for what the other had stored, also said after it."""
    old, stays = born(house, replace(OLD, unnamed=True), GIULIA)
    house.hears(merge("OLD"))
    assert Context.decode(now(house, stays).context or b"").anonymous
    assert GIULIA.mother.surname.encode() not in (now(house, stays).dossier or b"")
    assert GIULIA.mother.surname.encode() not in (now(house, old).dossier or b"")


def test_a_late_wish_reaches_what_was_merged(house: House) -> None:
    """The record that went still has what was stored with it."""
    old, stays = born(house, OLD, GIULIA)
    house.hears(merge("OLD"))
    house.hears(replace(GIULIA, unnamed=True).message("A08"))
    for row in (old, stays):
        assert GIULIA.mother.surname.encode() not in (now(house, row).dossier or b"")


def test_a_cancelled_record_does_not_swallow_a_birth(house: House) -> None:
    """Merged into a record that was cancelled, the birth goes on under its number."""
    stays, old = born(house, GIULIA, OLD)
    house.hears(GIULIA.message("A11"))
    house.hears(merge("OLD"))
    assert (now(house, old).state, now(house, stays).state) == ("DECLARED", "MERGED")


def test_a_late_update_of_the_old_number_takes_nothing_back(house: House) -> None:
    """An A08 of before the merge, come after it, fills and does not overwrite."""
    old, stays = born(house, OLD, GIULIA)
    house.hears(written(merge("OLD"), minutes=30))
    house.hears(written(OLD.message("A08", weight=1111), minutes=-60))
    assert dossier(house, stays).get("OBX-5") == str(GIULIA.weight)
    assert now(house, old).state == "MERGED"

"""Two records that turn out to be one child, told as whole births on a real journal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.flow.context import Context
from gateway.hl7.dossier import Dossier
from gateway.hl7.message import Message
from gateway.journal import CaseRow, Unit
from tests.births import CHIARA, GIULIA, PERSON, SENDER, House, run, written

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


def merged_with(marks: str, identifier: str = "S01") -> bytes:
    """An A40 of GIULIA with these segments between her PID and PV1."""
    message = replace(GIULIA, identifier=identifier).message("A40")
    return message.replace(b"PV1|", marks.encode() + b"\rPV1|", 1)


def of_several(*pairs: tuple[str, str]) -> bytes:
    """One A40 that says of several pairs (stays, old) that they are one child each."""
    head, *groups = [merge(old, identifier=stays) for stays, old in pairs]
    return b"".join([head, *(group[group.index(b"PID|") :] for group in groups)])


def declared(house: House) -> list[str]:
    return [case.id for case in house.look(lambda view: view.cases("DECLARED"))]


def refused(house: House, message: bytes) -> str:
    """`AE` and ERR-2 of a message that is refused."""
    answer = run(house.intake.accept(message)) or b""
    reply = Message.parse(answer)
    return f"{reply.get('MSA-1')} {reply.first('ERR').raw(2)}"  # type: ignore[union-attr]  # there


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


# ---------------------------------------------------------------- what HL7 lets a merge repeat


@pytest.mark.parametrize(
    "numbers",
    [
        "CODE^^^MEF^NNITA~OLD^^^HIS^PI",
        "9^^^HIS^MR~OLD^^^HIS^PI",
        "OLD^^^HIS^PI~9^^^HIS^MR",
        "CODE^^^MEF^CF~OLD^^^HIS",
        "OLD^^^HIS",
    ],
)
def test_the_old_number_is_chosen_by_its_type(house: House, numbers: str) -> None:
    """MRG-1 repeats as PID-3 does, in any order: the old record is found, and one registers."""
    old, stays = born(house, OLD, GIULIA)
    assert house.hears(merged_with(f"MRG|{numbers}")) == "AA"
    assert (now(house, old).state, now(house, stays).state) == ("MERGED", "DECLARED")
    house.works()
    assert house.office.got("comune") == ["register"]


@pytest.mark.parametrize("stays_first", [True, False])
def test_a_record_of_before_its_number_is_found_by_the_other(
    house: House, stays_first: bool
) -> None:
    """It was opened by its MR; the merge says the PI that it got since, and its MR after it."""
    record = replace(GIULIA, identifier="MR9").message("A01").replace(b"^HIS^PI", b"^HIS^MR")
    for message in (GIULIA.message("A01"), record) if stays_first else (record,):
        house.hears(message)
    house.hears(merged_with("MRG|PI9^^^HIS^PI~MR9^^^HIS^MR"))
    assert len(declared(house)) == 1
    for number in ("PI9", "S01"):
        house.hears(replace(GIULIA, identifier=number).message("A08", weight=3777))
    house.hears(record.replace(b"ADT^A01", b"ADT^A08"))
    assert len(declared(house)) == 1
    house.works()
    assert house.office.got("comune") == ["register"]


def test_a_second_feed_merges_too(tmp_path: Path) -> None:
    """The laboratory tells of the ward's births, and of their merges."""
    second = SENDER.model_copy(
        update={"name": "laboratorio", "application": "LIS", "cases_of": SENDER.name}
    )
    with House(tmp_path, others=(second,)) as house:
        born(house, OLD, GIULIA)
        house.hears(merge("OLD").replace(b"|HIS|SANTA", b"|LIS|SANTA"))
        assert len(declared(house)) == 1


def test_an_unnamed_mothers_records_merge_by_any_number(house: House) -> None:
    """What may not be stored of her is read all the same."""
    record = replace(GIULIA, identifier="MR9", unnamed=True).message("A01")
    house.hears(record.replace(b"^HIS^PI", b"^HIS^MR"))
    house.hears(replace(GIULIA, unnamed=True).message("A01"))
    house.hears(merged_with("MRG|PI9^^^HIS^PI~MR9^^^HIS^MR"))
    assert len(declared(house)) == 1


def test_a_profile_says_which_number_is_the_old_one(tmp_path: Path) -> None:
    """Where the child's number is of type PK, so is the one that goes."""
    sender = SENDER.model_copy(update={"profile": "dialect_cf"})
    with House(tmp_path, sender=sender) as house:
        for identifier in ("OLD", "S01"):
            child = replace(GIULIA, identifier=identifier).message("A01")
            house.hears(child.replace(b"^HIS^PI", b"^HIS^PK"))
        message = merged_with("MRG|5^^^HIS^PI~OLD^^^HIS^PK")
        house.hears(message.replace(b"S01^^^HIS^PI", b"S01^^^HIS^PK"))
        assert len(declared(house)) == 1


def test_two_merges_in_one_message_are_two_merges(house: House) -> None:
    """ADT_A39 repeats the patient: each is done as if it came alone, and once."""
    twin = replace(CHIARA, identifier="OLD2")
    old, stays, old2, stays2 = born(house, OLD, GIULIA, twin, CHIARA)
    message = of_several(("S01", "OLD"), ("S02", "OLD2"))
    assert house.hears(message) == house.hears(message) == "AA"
    assert [each.kind for each in house.receipts[-2:]] == ["merge", "duplicate"]
    states = [now(house, row).state for row in (old, stays, old2, stays2)]
    assert states == ["MERGED", "DECLARED", "MERGED", "DECLARED"]
    kept = house.look(lambda view: [len(view.messages(row.id)) for row in (stays, stays2)])
    assert kept == [2, 2]
    house.works()
    assert house.office.got("comune") == ["register", "register"]


def test_a_patient_of_a_merge_may_be_a_stranger(house: House) -> None:
    """Only the second pair is of ours; nothing of the others is kept, but that a message came."""
    old, stays = born(house, OLD, GIULIA)
    house.hears(of_several(("ADULT", "FIRST"), ("S01", "OLD"), ("ADULT", "SECOND")))
    assert house.receipts[-1].kind == "merge"
    assert (now(house, old).state, now(house, stays).state) == ("MERGED", "DECLARED")
    kept = house.look(lambda view: view.messages(stays.id))[-1]
    body = house.look(lambda view: view.message_body(kept.id)) or b""
    assert b"ADULT" not in body
    assert len(house.look(lambda view: view.recent_messages())) == 4


def test_a_chain_of_merges_in_one_message_ends_at_its_last(house: House) -> None:
    """OLD into MID, MID into S01: in the order in which they are said."""
    *_, stays = born(house, OLD, replace(OLD, identifier="MID"), GIULIA)
    house.hears(of_several(("MID", "OLD"), ("S01", "MID")))
    assert declared(house) == [stays.id]
    house.hears(OLD.message("A08", weight=3211))
    assert declared(house) == [stays.id]
    house.works()
    assert house.office.got("comune") == ["register"]


@pytest.mark.parametrize(
    "marks",
    [
        "MRG|OLD^^^HIS^PI~OTHER^^^HIS^PI",
        "MRG|OTHER^^^HIS^XX~OLD^^^HIS^PI~THIRD^^^HIS^PI",
        "MRG|OTHER^^^HIS^PI\rMRG|OLD^^^HIS^PI",
    ],
)
def test_an_old_number_that_cannot_be_told_is_refused(house: House, marks: str) -> None:
    """A record of ours would be left behind and registered: AE, its place, and nothing is done."""
    old, stays = born(house, OLD, GIULIA)
    assert refused(house, merged_with(marks)) == "AE MRG^1^1"
    assert sorted(declared(house)) == sorted((old.id, stays.id))


@pytest.mark.parametrize("marks", ["MRG|MAN^^^HIS^PI~S01^^^HIS^AN", "MRG|8^^^HIS^VN~S01^^^HIS^AN"])
def test_a_number_of_another_type_is_somebody_elses(house: House, marks: str) -> None:
    """The visit of an adult has the number of a newborn: the adult's merge is not the child's."""
    (row,) = born(house, GIULIA)
    assert house.hears(merged_with(marks, "S77")) == "AA"
    assert house.receipts[-1].kind == "other"
    assert now(house, row).version == row.version


def test_of_a_merge_without_end_only_so_much_is_looked_at(house: House) -> None:
    """Thousands of numbers of nobody are as quick as twenty: each costs a look."""
    born(house, GIULIA)
    looks: list[str] = []

    def overhear(unit: Unit, sender: str, digest: str) -> None:
        looks.append(digest)

    marks = "MRG|" + "~".join(f"N{number}^^^HIS^AN" for number in range(5000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Unit, "find_case", overhear)
        assert house.hears(merged_with(marks, "S77")) == "AA"
    assert len(looks) < 60


@pytest.mark.parametrize(
    "groups",
    [
        b"PID|1||S01^^^HIS^PI\rMRG|OLD^^^HIS^PI\rPID|1||OLD^^^HIS^PI\r",
        b"PID|1||S01^^^HIS^PI\rPID|1||OLD^^^HIS^PI\rMRG|OLD^^^HIS^PI\r",
    ],
)
def test_patients_that_share_a_merge_are_refused(house: House, groups: bytes) -> None:
    """Whose number it is cannot be told: no record takes the other's data, and none is left."""
    before = born(house, OLD, GIULIA)
    head = merge("OLD")
    assert refused(house, head[: head.index(b"PID|")] + groups) == "AE PID^1^3"
    assert [now(house, row).version for row in before] == [row.version for row in before]


def test_of_a_refused_merge_nothing_of_an_unnamed_mother_is_kept(house: House) -> None:
    """A merge says no wish: that stands in the case of the record that ends."""
    born(house, replace(CHIARA, identifier="OLD", unnamed=True))
    message = replace(CHIARA, identifier="S01").message("A40")
    marks = b"MRG|OLD^^^HIS^PI~OTHER^^^HIS^PI\rPV1|"
    assert refused(house, message.replace(b"PV1|", marks, 1)) == "AE MRG^1^1"
    with house.journal.view() as view:
        body = view.reject_body(view.rejects()[0].id) or b""
    assert CHIARA.mother.surname.encode() not in body


def test_a_merge_into_a_number_that_cannot_be_told_is_refused(house: House) -> None:
    """The old record is ours; that it would go on alone is said, with the place."""
    born(house, OLD)
    message = merge("OLD").replace(b"S01^^^HIS^PI", b"S01^^^HIS^PI~S02^^^HIS^PI")
    assert refused(house, message) == "AE PID^1^3"


def test_a_refusal_names_the_patient_and_undoes_the_others(house: House) -> None:
    """All patients of a message, or none: what was done for the first is taken back."""
    old, stays = born(house, OLD, GIULIA)
    (twin,) = born(house, replace(CHIARA, identifier="OLD2"))
    doubtful = ("S02", "OTHER^^^HIS^PI~OLD2")
    assert refused(house, of_several(("S01", "OLD"), doubtful)) == "AE MRG^2^1"
    assert sorted(declared(house)) == sorted((old.id, stays.id, twin.id))


def test_numbers_that_nobody_can_tell_apart_are_a_strangers(house: House) -> None:
    """The merges of everybody else are acknowledged, whatever they say."""
    born(house, GIULIA)
    assert house.hears(merged_with("MRG|7^^^HIS^PI~8^^^HIS^PI", "ADULT")) == "AA"
    assert house.receipts[-1].kind == "other"


def test_another_code_of_the_state_is_an_update(house: House) -> None:
    """An A47 whose MRG says a codice fiscale of before changes no number of ours."""
    (row,) = born(house, GIULIA)
    message = merge("OLD", "A47").replace(b"OLD^^^HIS^PI", b"CODE^^^MEF^NNITA")
    assert house.hears(message) == "AA"
    assert house.receipts[-1].kind == "amend"
    assert declared(house) == [row.id]


def test_the_newest_admission_of_either_record_counts(house: House) -> None:
    """A cancellation that was written before it takes no child back, in whichever record it was."""
    house.hears(written(GIULIA.message("A01"), 10))
    house.hears(written(OLD.message("A01"), 30))
    house.hears(written(merge("OLD"), 40))
    house.hears(written(GIULIA.message("A11"), 20))
    states = house.look(lambda view: [case.state for case in view.cases()])
    assert sorted(states) == ["DECLARED", "MERGED"]

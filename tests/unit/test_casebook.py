"""What messages and facts do to a case, told as whole births on a real journal."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.demo.people import BERGAMO, Child
from gateway.destination import Claimed, Letter
from gateway.errors import NotFound
from gateway.flow.context import Context
from gateway.flow.definition import Flow
from gateway.hl7.dossier import Dossier
from gateway.hl7.message import Message
from gateway.journal import CaseRow, SubmissionRow, Unit
from gateway.lifecycle import Kind, Status
from gateway.outcomes import Accepted, Choice, Fault, Outcome, Rejected, Taken, Unavailable, Unknown
from gateway.partners import Idempotence
from tests.births import (
    CHIARA,
    CODICE_FISCALE,
    GIULIA,
    OFFICES,
    PERSON,
    ROOT,
    SENDER,
    House,
    entry,
    flow_of,
    run,
)

UNSENT = ["register REPLACED NEW_MESSAGE"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node with offices in production."""
    with House(tmp_path) as made:
        yield made


def born(house: House, child: Child = GIULIA) -> None:
    """Registered everywhere; only the paediatrician waits for the family."""
    assert house.hears(child.message("A01")) == "AA"
    house.works()


def test_a_birth_opens_a_case_and_its_steps(house: House) -> None:
    """The steps that need nothing may go at once; the others say what they wait for."""
    house.hears(GIULIA.message("A01"))
    assert house.case().state == "DECLARED"
    assert house.steps() == {
        "comune": ["register READY"],
        "codice_fiscale": ["register READY"],
        "assistito": ["register WAITING NEEDS"],
        "pediatra": ["register WAITING NEEDS"],
        "riscontro": ["register WAITING NEEDS"],
    }
    assert house.last("comune").endpoint == "015209"


def test_a_child_without_a_name_is_not_declared(house: House) -> None:
    """A birth notice opens the case; nothing is prepared before the parents declare."""
    house.hears(GIULIA.message("A01", given="BABY"))
    assert house.case().state == "OPEN"
    assert house.case().declared_at is None
    assert house.steps() == {}


def test_twenty_updates_leave_one_submission(house: House) -> None:
    """Of twenty A08 before anything is sent nineteen are REPLACED and one goes."""
    house.hears(GIULIA.message("A01", given="BABY"))
    for weight in range(3000, 3020):
        house.hears(GIULIA.message("A08", weight=weight))
    assert house.steps()["comune"] == 19 * UNSENT + ["register READY"]
    house.works()
    assert house.office.got("comune") == ["register"]
    assert b"3019" in house.office.last("comune")


def test_twenty_corrections_give_one_amendment(tmp_path: Path) -> None:
    """What stands at the Comune is amended once, when the storm has settled, to its last state."""
    with House(tmp_path, settle=timedelta(seconds=3)) as house:
        born(house)
        for weight in range(3400, 3420):
            house.hears(GIULIA.message("A08", weight=weight))
        house.works()
        assert house.office.got("comune") == ["register"]
        assert house.steps()["comune"][-1] == "amend READY"
        house.settles()
        assert house.office.got("comune") == ["register", "amend"]
        assert b"3419" in house.office.last("comune")


def test_a_storm_cannot_put_an_amendment_off(tmp_path: Path) -> None:
    """The time runs from the first news: each later message takes its place in it."""
    with House(tmp_path, settle=timedelta(hours=1)) as house:
        born(house)
        house.hears(GIULIA.message("A08", weight=3400))
        due = house.last("comune").due_at
        house.hears(GIULIA.message("A08", weight=3401))
        assert house.last("comune").due_at == due
        assert due is not None


def test_what_waited_behind_an_answer_settles_too(tmp_path: Path) -> None:
    """The storm that began while the Comune was answering ends in one amendment as well."""
    with House(tmp_path, settle=timedelta(hours=1)) as house:
        house.office.says["comune"] = [Taken("T1")]
        house.hears(GIULIA.message("A01"))
        house.works(1)
        house.hears(GIULIA.message("A08", weight=3400))
        row = house.rows("comune")[0]
        house.do(lambda unit: house.aftermath.called_back(unit, row, Accepted("P1")))
        due = house.last("comune").due_at
        assert due is not None
        assert due > datetime.now(UTC) + timedelta(minutes=50)
        house.hears(GIULIA.message("A08", weight=3401))
        assert house.last("comune").due_at == due


def test_a_step_may_settle_in_its_own_time(tmp_path: Path) -> None:
    """`settle:` in the flow stands over the deployment's."""
    text = (ROOT / "mappings" / "nascita.flow.yaml").read_text("utf-8")
    own = text.replace("    partner: comune\n", "    partner: comune\n    settle: 1 ms\n", 1)
    folder = tmp_path / "flow"
    folder.mkdir()
    with House(tmp_path, flow=flow_of(own, folder), settle=timedelta(hours=1)) as house:
        born(house)
        house.hears(GIULIA.message("A08", weight=3400))
        house.settles()
        assert house.office.got("comune") == ["register", "amend"]


def test_facts_let_the_steps_that_need_them_go(house: House) -> None:
    """The codice fiscale enrols the child and goes back to the hospital."""
    born(house)
    assert house.context().facts["codice_fiscale"]["codiceFiscale"] == CODICE_FISCALE
    assert house.steps()["assistito"] == ["register ACCEPTED"]
    assert CODICE_FISCALE.encode() in house.office.last("assistito")
    assert CODICE_FISCALE.encode() in house.office.last("riscontro")


def test_a_waiting_step_says_what_it_waits_for_now(house: House) -> None:
    """Once the child is enrolled, the paediatrician waits for the family, no more for the ASL."""
    born(house)
    assert house.steps()["pediatra"] == ["register WAITING CHOICE"]


def test_a_choice_lets_the_paediatrician_go(house: House) -> None:
    """The family's choice at the desk is what the ASL hears."""
    born(house)
    house.do(lambda unit: house.desk.choose(unit, house.case().id, {"pediatra": "PLS009"}, PERSON))
    house.works()
    assert house.steps()["pediatra"] == ["register ACCEPTED"]
    assert b"PLS009" in house.office.last("pediatra")


def test_another_choice_amends_the_first(house: House) -> None:
    """A family that changes its mind after the assignment is told to the ASL."""
    born(house, replace(GIULIA, paediatrician="PLS001"))
    house.do(lambda unit: house.desk.choose(unit, house.case().id, {"pediatra": "PLS009"}, PERSON))
    house.works()
    assert house.office.got("pediatra") == ["register", "amend"]
    assert b"PLS009" in house.office.last("pediatra")


def test_a_choice_reaches_what_was_deferred(house: House) -> None:
    """While the ASL is down the family changes its mind: the old choice never goes."""
    house.office.says["pediatra"] = [Unavailable("REFUSED")]
    house.hears(replace(GIULIA, paediatrician="PLS001").message("A01"))
    while house.status("pediatra") is not Status.DEFERRED:
        house.works(1)
    house.do(lambda unit: house.desk.choose(unit, house.case().id, {"pediatra": "PLS009"}, PERSON))
    assert house.steps()["pediatra"] == ["register REPLACED NEW_FACTS", "register READY NEW_FACTS"]
    house.works()
    assert b"PLS009" in house.office.last("pediatra")


def renamed(house: House, code: str) -> None:
    """The child gets another given name, and Agenzia delle Entrate another code for it."""
    house.office.says["codice_fiscale/amend"] = [Accepted("AE/2", {"codiceFiscale": code})]
    house.hears(replace(GIULIA, given="BRUNA", paediatrician="PLS001").message("A08"))


def test_a_late_answer_tells_nothing_that_is_newer(house: House) -> None:
    """The definitive code of the child's old name comes when the new name has its own."""
    house.office.says["codice_fiscale"] = [Accepted("AE/1", {"codiceFiscale": "90000003815"})]
    born(house, GIULIA)
    renamed(house, "RSSBRN26C41F205A")
    house.works()
    first = house.rows("codice_fiscale")[0]
    late = Accepted("AE/1", {"codiceFiscale": CODICE_FISCALE})
    house.do(lambda unit: house.aftermath.called_back(unit, unit.submission(first.id), late))
    assert house.context().facts["codice_fiscale"]["codiceFiscale"] == "RSSBRN26C41F205A"
    house.works()
    assert CODICE_FISCALE.encode() not in house.office.last("assistito")


NO_SUCH_CHILD = Rejected((Fault("PED003"),))


def test_a_choice_that_crossed_the_new_name_is_made_again(house: House) -> None:
    """The choice was on its way with the old code, and the ASL knew the new one already: refused,
    it goes again with the new code, and nobody is asked.
    """

    def meanwhile(letter: Letter) -> None:
        if letter.operation == "pediatra/register":
            house.office.before_answer = lambda _: None
            renamed(house, "RSSBRN26C41F205A")
            house.works()

    house.office.before_answer = meanwhile
    house.office.says["pediatra"] = [NO_SUCH_CHILD]
    born(house, replace(GIULIA, paediatrician="PLS001"))
    assert house.status("pediatra") is Status.ACCEPTED
    assert b"RSSBRN26C41F205A" in house.office.last("pediatra")


@pytest.mark.parametrize("standing", [True, False])
def test_a_choice_that_overtook_the_new_name_is_made_again(house: House, standing: bool) -> None:
    """Refused because the ASL did not know the new code yet, it goes again when it does; as the
    family's first word or as a correction of what stands.
    """
    house.office.says["pediatra"] = [Accepted("P/1")] * standing + [NO_SUCH_CHILD]
    born(house, replace(GIULIA, paediatrician="PLS001" if standing else ""))
    house.office.says["assistito/amend"] = [Taken("T/2")]
    renamed(house, "RSSBRN26C41F205A")
    house.works()
    if standing:
        other = {"pediatra": "PLS009"}
        house.do(lambda unit: house.desk.choose(unit, house.case().id, other, PERSON))
        house.works()
    assert house.status("pediatra") is Status.REJECTED
    called_back(house, house.last("assistito"), "ASL/2")
    house.works()
    assert house.status("pediatra") is Status.ACCEPTED
    assert b"RSSBRN26C41F205A" in house.office.last("pediatra")


def called_back(house: House, row: SubmissionRow, receipt: str) -> None:
    """The partner says later that it did it."""

    def call(unit: Unit) -> None:
        house.aftermath.called_back(unit, unit.submission(row.id), Accepted(receipt))

    house.do(call)


def test_another_choice_after_a_refusal_goes_by_itself(house: House) -> None:
    """The paediatrician has no place left; the family's next choice needs no `reprocess`."""
    house.office.says["pediatra"] = [Rejected((Fault("PED001"),))]
    born(house, replace(GIULIA, paediatrician="PLS005"))
    assert house.status("pediatra") is Status.REJECTED
    house.do(lambda unit: house.desk.choose(unit, house.case().id, {"pediatra": "PLS009"}, PERSON))
    house.works()
    assert house.steps()["pediatra"] == ["register REPLACED NEW_FACTS", "register ACCEPTED"]


def test_a_correction_after_sending_amends(house: House) -> None:
    """What stands at the Comune is amended with its protocol number, and nowhere else."""
    born(house)
    house.hears(GIULIA.message("A08", weight=3260))
    house.works()
    assert house.office.got("comune") == ["register", "amend"]
    assert b"comune-1" in house.office.last("comune")
    assert house.office.got("codice_fiscale") == ["register"]


def test_a_bed_move_changes_nothing(house: House) -> None:
    """A message that says nothing new to any administration is withdrawn unsent."""
    born(house)
    sent = len(house.office.letters)
    house.hears(GIULIA.message("A08", bed="9"))
    house.works()
    assert len(house.office.letters) == sent
    assert house.steps()["comune"] == ["register ACCEPTED", "amend WITHDRAWN UNCHANGED"]


def test_the_echo_of_our_own_update_changes_nothing(house: House) -> None:
    """A HIS that sends our A31 back to us causes no document, not even another A31."""
    born(house)
    sent = len(house.office.letters)
    echo = house.office.last("riscontro").replace(
        b"|ICARO|ICARO|HIS|SANTA_PROVA|", b"|HIS|SANTA_PROVA|ICARO|ICARO|", 1
    )
    assert house.hears(echo) == "AA"
    house.works()
    assert len(house.office.letters) == sent


def test_another_competent_comune_holds_the_amendment(house: House) -> None:
    """The mother moved after the registration: a person decides, and the first Comune amends."""
    born(house)
    moved = replace(GIULIA, mother=replace(GIULIA.mother, home=BERGAMO))
    house.hears(moved.message("A08"))
    house.works()
    assert house.steps()["comune"] == ["register ACCEPTED", "amend HELD ROUTE_CHANGED"]
    house.do(lambda unit: house.desk.confirm(unit, house.last("comune").id, PERSON))
    house.works()
    assert house.office.got("comune") == ["register", "amend"]
    assert house.last("comune").endpoint == "015209"


def test_who_died_before_the_declaration_is_registered_where_it_was_born(house: House) -> None:
    """Told by its discharge: the Comune of birth, not that of the mother's residence."""
    house.hears(GIULIA.message("A01", given="BABY"))
    house.hears(GIULIA.message("A03", given="BABY", discharge="20"))
    house.hears(GIULIA.message("A31", discharge="20"))
    house.works()
    assert house.steps() == {"comune": ["register ACCEPTED"]}
    assert house.last("comune").endpoint == "015146"


DEAD = {"discharge": "20"}
NO_DEATH = {"discharge": '""'}


@pytest.mark.parametrize("told", [DEAD, {"stillborn": True}])
def test_who_dies_after_the_registration_is_not_reported_dead(
    house: House, told: dict[str, object]
) -> None:
    """The act of birth stays as it is: nothing goes to the Comune by itself, neither now nor with
    the next update; a person is asked, as for what the others have.
    """
    born(house)
    house.hears(GIULIA.message("A03", **told))
    house.works()
    assert house.steps()["comune"] == ["register ACCEPTED", "amend HELD DEATH"]
    house.hears(GIULIA.message("A08", weight=3260))
    house.works()
    assert house.steps()["comune"][2:] == ["amend HELD DEATH"]
    assert house.office.got("comune") == ["register"]
    assert house.steps()["assistito"] == ["register ACCEPTED", "cancel HELD CONFIRM"]


def test_a_death_after_the_declaration_leaves_the_act_as_it_is(house: House) -> None:
    """A person said so: what the hospital corrects then goes by itself, and says born alive."""
    born(house)
    house.hears(GIULIA.message("A03", **DEAD))
    house.do(lambda unit: house.desk.withdraw(unit, house.last("comune").id, PERSON))
    house.works()
    assert house.steps()["comune"][-1] == "amend WITHDRAWN UNCHANGED"
    house.hears(replace(GIULIA, died=True).message("A08", weight=3260))
    house.works()
    assert house.office.got("comune") == ["register", "amend"]
    assert b"<vitalita>NATO_VIVO<" in house.office.last("comune")
    assert b"dataMorte" not in house.office.last("comune")
    assert house.last("comune").endpoint == "015209"
    assert house.steps()["assistito"] == ["register ACCEPTED", "cancel HELD CONFIRM"]


def test_what_was_corrected_while_a_person_was_asked_goes(house: House) -> None:
    """The held amendment told of the death and of the weight: without the death, the weight."""
    born(house)
    house.hears(GIULIA.message("A03", **DEAD))
    house.hears(GIULIA.message("A08", weight=3260))
    house.do(lambda unit: house.desk.withdraw(unit, house.last("comune").id, PERSON))
    house.works()
    assert house.office.got("comune") == ["register", "amend"]
    assert b"<vitalita>NATO_VIVO<" in house.office.last("comune")
    assert b"<pesoGrammi>3260<" in house.office.last("comune")


@pytest.mark.parametrize("told", [DEAD, {"stillborn": True}])
def test_a_death_before_the_declaration_that_comes_late_a_person_confirms(
    house: House, told: dict[str, object]
) -> None:
    """Then the Comune that registered the child hears it, and what is corrected later; it was
    told of a living child, so PID-30 alone does not mean born dead.
    """
    born(house)
    house.hears(GIULIA.message("A03", **told))
    house.do(lambda unit: house.desk.confirm(unit, house.last("comune").id, PERSON))
    house.works()
    assert house.office.got("comune") == ["register", "amend"]
    assert b"MORTO_PRIMA_DELLA_DICHIARAZIONE" in house.office.last("comune")
    assert house.last("comune").endpoint == "015209"


def test_a_death_while_the_comune_answers_waits_for_a_person(house: House) -> None:
    """What it may have is of a living child; once it has it, a person is asked."""
    house.office.says["comune"] = [Taken("T1")]
    house.hears(GIULIA.message("A01"))
    house.works(1)
    house.hears(GIULIA.message("A03", **DEAD))
    assert house.steps()["comune"] == ["register TAKEN", "register WAITING PREDECESSOR"]
    called_back(house, house.rows("comune")[0], "P1")
    assert house.steps()["comune"] == ["register ACCEPTED", "amend HELD DEATH"]


def test_a_child_who_is_dead_there_already_asks_nobody(house: House) -> None:
    """The registration of the living one was refused, that of the dead one stands: what is
    corrected then goes by itself.
    """
    house.office.says["comune"] = [Taken("T1")]
    house.hears(GIULIA.message("A01"))
    house.works(1)
    house.hears(GIULIA.message("A03", **DEAD))
    alive, refusal = house.rows("comune")[0].id, Rejected((Fault("COM002"),))
    house.do(lambda unit: house.aftermath.called_back(unit, unit.submission(alive), refusal))
    house.works()
    assert house.steps()["comune"] == ["register REPLACED NEW_MESSAGE", "register ACCEPTED"]
    house.hears(replace(GIULIA, died=True).message("A08", weight=3260))
    house.works()
    assert house.steps()["comune"][-1] == "amend ACCEPTED"


def test_a_late_wish_forgets_no_word_about_a_death(house: House) -> None:
    """It names nobody: what takes her name out of the Comune's act goes by itself."""
    born(house, CHIARA)
    house.hears(CHIARA.message("A03", **DEAD))
    house.do(lambda unit: house.desk.withdraw(unit, house.last("comune").id, PERSON))
    house.hears(replace(CHIARA, unnamed=True).message("A08"))
    assert house.context().choice == {"morte": "dopo"}
    assert "DEATH" not in house.steps()["comune"][-1]


def test_a_death_that_is_taken_back_asks_nobody(house: House) -> None:
    """A discharge code written by mistake: what the Comune has is true, and nothing is left."""
    born(house)
    house.hears(GIULIA.message("A03", **DEAD))
    house.hears(GIULIA.message("A08", **NO_DEATH))
    house.works()
    assert house.steps()["comune"][1:] == [
        "amend REPLACED NEW_MESSAGE",
        "amend WITHDRAWN UNCHANGED",
    ]
    house.hears(GIULIA.message("A03", **DEAD))
    assert house.steps()["comune"][-1] == "amend HELD DEATH"


def test_a_death_that_a_person_decided_and_the_hospital_took_back_is_asked_anew(
    house: House,
) -> None:
    """What was said of the first death says nothing of a second one."""
    born(house)
    house.hears(GIULIA.message("A03", **DEAD))
    house.do(lambda unit: house.desk.withdraw(unit, house.last("comune").id, PERSON))
    house.hears(GIULIA.message("A08", **NO_DEATH))
    house.hears(GIULIA.message("A03", **DEAD))
    assert house.steps()["comune"][-1] == "amend HELD DEATH"


def test_a_stillborn_child_is_corrected_like_any_other(house: House) -> None:
    """The Comune was told of it as it is: the correction goes by itself."""
    still = replace(GIULIA, given="", stillborn=True)
    born(house, still)
    house.hears(still.message("A08", weight=2260))
    house.works()
    assert house.steps() == {"comune": ["register ACCEPTED", "amend ACCEPTED"]}


@pytest.mark.parametrize(
    ("child", "then", "last"),
    [
        (GIULIA, {"discharge": "20"}, "amend HELD DEATH"),
        (replace(GIULIA, given="", stillborn=True), {"weight": 2260}, "amend ACCEPTED"),
    ],
)
def test_a_case_of_an_earlier_release_says_who_was_alive(
    house: House, child: Child, then: dict[str, object], last: str
) -> None:
    """Its dossier does, where its context does not."""
    born(house, child)
    case = house.case()
    before = replace(house.context(), life="").encode()
    house.do(lambda unit: unit.save_case(case.id, case.version, context=before))
    house.hears(child.message("A08", **then))
    house.works()
    assert house.steps()["comune"][-1] == last


def test_an_unnamed_mothers_child_may_die(house: House) -> None:
    """A discharge code names nobody: it is kept, and the Comune is told."""
    unnamed = replace(CHIARA, unnamed=True)
    house.hears(unnamed.message("A01"))
    house.hears(unnamed.message("A03", **DEAD))
    house.works()
    assert b"MORTO_PRIMA_DELLA_DICHIARAZIONE" in house.office.last("comune")


def test_a_message_waits_behind_what_is_in_doubt(house: House) -> None:
    """While nobody knows whether the first arrived, the correction stands behind it."""
    house.office.says["comune"] = [Unknown("lost")]
    house.hears(GIULIA.message("A01"))
    house.works(1)
    house.hears(GIULIA.message("A08", weight=3260))
    assert house.steps()["comune"] == ["register IN_DOUBT", "register WAITING PREDECESSOR"]
    house.works()
    assert house.office.got("comune") == ["register", "register", "amend"]


@pytest.mark.parametrize("outcome", [Unknown("lost"), Unavailable("REFUSED")])
def test_what_never_arrived_is_not_sent_when_something_newer_waits(
    tmp_path: Path, outcome: Outcome
) -> None:
    """The correction came while the document was on its way; it turns out that it never arrived:
    the correction registers, and the old content is sent no more.
    """
    nothing = tuple(replace(each, idempotence=Idempotence.NEITHER) for each in OFFICES)
    with House(tmp_path, offices=nothing) as house:

        def corrected(letter: Letter) -> None:
            house.office.before_answer = lambda _: None
            house.hears(GIULIA.message("A08", weight=3260))

        house.office.before_answer = corrected
        house.office.says["comune"] = [outcome]
        house.hears(GIULIA.message("A01"))
        house.works()
        if isinstance(outcome, Unknown):
            held = house.rows("comune")[0].id
            house.do(
                lambda unit: house.desk.resolve(
                    unit, held, received=False, receipt="", person=PERSON
                )
            )
        house.works()
        assert house.steps()["comune"] == ["register REPLACED NEW_MESSAGE", "register ACCEPTED"]
        assert b"<pesoGrammi>3260<" in house.office.last("comune")


@pytest.mark.parametrize(
    ("says", "asked"),
    [
        ([Choice(({"codiceFiscale": CODICE_FISCALE},))], 2),
        ([Rejected((Fault("EAA30"),), {"codiceFiscale": CODICE_FISCALE})] * 2, 3),
    ],
)
def test_a_correction_that_crosses_a_question_back_is_what_is_asked_next(
    house: House, says: list[Outcome], asked: int
) -> None:
    """While Agenzia delle Entrate answered with candidates, or that the child has a code, the
    hospital corrected: the correction is asked, and nothing waits for ever.
    """

    def corrected(letter: Letter) -> None:
        if letter.operation == "codice_fiscale/register":
            house.office.before_answer = lambda _: None
            house.hears(GIULIA.message("A08", weight=3260))

    house.office.before_answer = corrected
    house.office.says["codice_fiscale"] = list(says)
    born(house)
    assert house.office.got("codice_fiscale") == ["register"] * asked
    assert house.status("codice_fiscale") is Status.ACCEPTED
    assert house.status("assistito") is Status.ACCEPTED


def test_after_her_wish_nothing_goes_to_her_comune(tmp_path: Path) -> None:
    """The registration at the Comune of her residence was in doubt; it has not got it: the Comune
    of birth registers, the others hear nothing.
    """
    nothing = tuple(replace(each, idempotence=Idempotence.NEITHER) for each in OFFICES)
    with House(tmp_path, offices=nothing) as house:
        house.office.says = {step: [Unknown("lost")] for step in ("comune", "codice_fiscale")}
        born(house, GIULIA)
        house.hears(replace(GIULIA, unnamed=True).message("A08"))
        for step in ("comune", "codice_fiscale"):
            (held,) = (row for row in house.rows(step) if row.status is Status.HELD)
            house.do(
                lambda unit, held=held.id: house.desk.resolve(
                    unit, held, received=False, receipt="", person=PERSON
                )
            )
        house.works()
        assert house.office.got("comune") == ["register", "register"]
        assert house.last("comune").endpoint == "015146"
        assert house.office.got("codice_fiscale") == ["register"]


def test_a_deferred_document_is_made_again(house: House) -> None:
    """What surely never arrived is replaced by what the hospital says now."""
    house.office.says["comune"] = [Unavailable("REFUSED")]
    house.hears(GIULIA.message("A01"))
    house.works(1)
    house.hears(GIULIA.message("A08", weight=3260))
    assert house.steps()["comune"] == ["register REPLACED NEW_MESSAGE", "register READY"]


# ---------------------------------------------------------------- the wish not to be named


def marks(child: Child) -> list[bytes]:
    """What identifies a mother."""
    mother = child.mother
    words = (mother.surname, mother.given, mother.street, mother.codice_fiscale)
    return [word.encode() for word in words]


def stored(house: House, case: CaseRow) -> list[bytes]:
    """Every byte of a case that can still be read."""

    def read(unit: Unit) -> list[bytes | None]:
        found = [unit.case(case.id).dossier, unit.case(case.id).context]
        found += [unit.message_body(each.id) for each in unit.messages(case.id)]
        for row in unit.submissions(case_id=case.id):
            found.append(unit.document(row.id))
            for look in (unit.inputs, unit.facts, unit.faults):
                found.append(json.dumps(look(row.id)).encode())
            for each in unit.attempts(row.id):
                found += [unit.envelope(each.id), unit.answer(each.id)]
        return found

    return [each for each in house.do(read) if each]


def test_an_unnamed_mother_is_stored_nowhere(house: House) -> None:
    """Said with the birth: one document, for the Comune of birth, without her."""
    born(house, replace(CHIARA, unnamed=True))
    assert house.steps() == {"comune": ["register ACCEPTED"]}
    assert house.last("comune").endpoint == "015146"
    told = stored(house, house.case())
    assert len(told) >= 5
    assert not [mark for mark in marks(CHIARA) if any(mark in each for each in told)]


def test_a_late_wish_destroys_what_named_her(house: House) -> None:
    """The old key goes: bodies, documents and envelopes of before cannot be read any more."""
    born(house, CHIARA)
    case = house.case()
    assert any(marks(CHIARA)[0] in each for each in stored(house, case))
    before = house.look(lambda view: view.messages(case.id))[0]
    first = house.rows("comune")[0]
    house.hears(replace(CHIARA, unnamed=True).message("A08"))
    told = stored(house, case)
    assert not [mark for mark in marks(CHIARA) if any(mark in each for each in told)]
    assert house.look(lambda view: view.message_body(before.id)) is None
    assert house.look(lambda view: view.document(first.id)) is None
    assert b"S02" in (house.case().dossier or b"")


def test_a_late_wish_amends_what_was_sent(house: House) -> None:
    """The Comune gets an amendment without her; what the others have, a person annuls."""
    born(house, CHIARA)
    house.hears(replace(CHIARA, unnamed=True).message("A08"))
    house.works()
    assert house.steps()["comune"] == ["register ACCEPTED", "amend ACCEPTED"]
    assert not [mark for mark in marks(CHIARA) if mark in house.office.last("comune")]
    for step in ("codice_fiscale", "assistito"):
        assert house.steps()[step] == ["register ACCEPTED", "cancel HELD CONFIRM"]


@pytest.mark.parametrize("lost", [Unknown("lost"), Unavailable("RESET", received=True)])
def test_what_named_her_and_may_have_arrived_is_a_persons(house: House, lost: Outcome) -> None:
    """What was sent cannot be sent again, and another Body under its id would be no double."""
    house.office.says["comune"] = [lost]
    house.hears(CHIARA.message("A01"))
    house.works(1)
    house.hears(replace(CHIARA, unnamed=True).message("A08"))
    house.works()
    assert house.steps()["comune"] == ["register HELD DOUBT", "register WAITING PREDECESSOR"]
    assert house.office.got("comune") == ["register"]
    first = house.rows("comune")[0].id
    house.do(
        lambda unit: house.desk.resolve(unit, first, received=True, receipt="P7", person=PERSON)
    )
    house.works()
    assert house.office.got("comune") == ["register", "amend"]
    assert b"P7" in house.office.last("comune")
    assert not [mark for mark in marks(CHIARA) if mark in house.office.last("comune")]


def test_the_wish_holds_when_a_message_forgets_it(house: House) -> None:
    """A later message with her name and without the mark is stored without her."""
    born(house, replace(CHIARA, unnamed=True))
    house.hears(CHIARA.message("A08", weight=3333))
    told = stored(house, house.case())
    assert any(b"3333" in each for each in told)
    assert not [mark for mark in marks(CHIARA) if any(mark in each for each in told)]


def test_a_message_that_forgets_the_wish_opens_nothing(house: House) -> None:
    """Neither the tax agency nor the ASL hears of the child, and the Comune gets the news."""
    born(house, replace(CHIARA, unnamed=True))
    house.hears(CHIARA.message("A08", weight=3333))
    house.works()
    assert house.steps() == {"comune": ["register ACCEPTED", "amend ACCEPTED"]}
    assert b"<pesoGrammi>3333<" in house.office.last("comune")


def unnamed(house: House) -> None:
    """The operator's word."""
    case = house.case().id
    house.do(lambda unit: house.desk.unname(unit, case, PERSON))


def test_an_operator_says_that_she_is_not_named(house: House) -> None:
    """As if a message had said it: nothing of hers can be read, what was sent is amended."""
    born(house, CHIARA)
    case = house.case()
    assert "codice_fiscale" in house.context().facts
    unnamed(house)
    house.works()
    assert not [m for m in marks(CHIARA) if any(m in each for each in stored(house, case))]
    assert house.steps()["comune"] == ["register ACCEPTED", "amend ACCEPTED"]
    assert not [mark for mark in marks(CHIARA) if mark in house.office.last("comune")]
    assert CODICE_FISCALE.encode() not in house.office.last("comune")
    assert house.steps()["codice_fiscale"] == ["register ACCEPTED", "cancel HELD CONFIRM"]
    unnamed(house)
    assert house.steps()["codice_fiscale"] == ["register ACCEPTED", "cancel HELD CONFIRM"]


def test_the_operators_word_holds_when_messages_go_on(house: House) -> None:
    """The next message names her and knows of no wish."""
    born(house, CHIARA)
    case = house.case()
    unnamed(house)
    house.hears(CHIARA.message("A08", weight=3333))
    house.works()
    assert not [m for m in marks(CHIARA) if any(m in each for each in stored(house, case))]
    assert len(house.rows("codice_fiscale")) == 2


def test_an_answer_of_before_the_wish_tells_nothing_any_more(house: House) -> None:
    """The codice fiscale that was asked for with her surname comes when she is unnamed."""
    house.office.says["codice_fiscale"] = [Taken("T/1")]
    born(house, CHIARA)
    unnamed(house)
    row = house.rows("codice_fiscale")[0]
    late = Accepted("AE/1", {"codiceFiscale": CODICE_FISCALE})
    house.do(lambda unit: house.aftermath.called_back(unit, unit.submission(row.id), late))
    assert house.context().facts.get("codice_fiscale") is None


HERS = marks(CHIARA)[0].decode()


@pytest.mark.parametrize(
    "answer", [Choice(({"cognome": HERS},)), Rejected((Fault("EAA11", HERS),)), Taken("T/1")]
)
def test_an_answer_that_crosses_the_wish_leaves_nothing_of_her(
    house: House, answer: Outcome
) -> None:
    """What was sent named her, so the answer may: its code is kept, persons and bytes are not."""

    def wished(letter: Letter) -> None:
        house.office.body = b"<answer/>"
        if letter.operation == "codice_fiscale/register":
            house.office.body = f"<cognome>{HERS}</cognome>".encode()
            house.hears(replace(CHIARA, unnamed=True).message("A08"))

    house.office.before_answer = wished
    house.office.says["codice_fiscale"] = [answer]
    born(house, CHIARA)
    told = stored(house, house.case())
    assert not [mark for mark in marks(CHIARA) if any(mark in each for each in told)]
    row = house.rows("codice_fiscale")[0]
    (attempt,) = house.look(lambda view: view.attempts(row.id))
    assert attempt.outcome == type(answer).__name__


def test_a_retry_that_the_wish_overtook_is_not_signed_again(house: House) -> None:
    """It was claimed with the document that names her; it stays here, and a person asks."""
    house.office.says["comune"] = [Unavailable("RESET", received=True)]
    house.hears(CHIARA.message("A01"))
    claimed = None
    while not (claimed and claimed.row.step == "comune" and claimed.row.attempts):
        if claimed:
            run(house.delivery.work(claimed))
        claimed = house.do(house._claim)
    assert claimed.document
    house.hears(replace(CHIARA, unnamed=True).message("A08"))
    assert run(house.delivery.work(claimed)) is None
    house.works()
    assert house.office.got("comune") == ["register"]
    assert house.steps()["comune"] == ["register HELD DOUBT", "register WAITING PREDECESSOR"]


# ---------------------------------------------------------------- late declarations


def declared_late(child: Child, *more: str) -> bytes:
    """Born long ago, declared sixteen days later, as ZNA-5 says."""
    return child.message("A01") + "|".join(["ZNA|||||20260317", *more]).encode() + b"\r"


def test_a_late_declaration_waits_for_its_reasons(house: House) -> None:
    """The Comune's document says what it waits for; the others go; the reasons let it go."""
    house.hears(declared_late(GIULIA))
    house.works()
    assert house.steps()["comune"] == ["register WAITING LATE"]
    assert house.steps()["codice_fiscale"] == ["register ACCEPTED"]
    why = {"ragioniRitardo": "Madre ricoverata"}
    case = house.case().id
    house.do(lambda unit: house.desk.choose(unit, case, why, PERSON))
    house.works()
    assert house.steps()["comune"] == ["register ACCEPTED"]
    assert b"Madre ricoverata" in house.office.last("comune")
    assert b">2026-03-17<" in house.office.last("comune")


def test_the_hospital_may_say_why(house: House) -> None:
    """Then nobody is asked."""
    house.hears(declared_late(GIULIA, "Madre ricoverata altrove"))
    house.works()
    assert house.steps()["comune"] == ["register ACCEPTED"]
    assert b"Madre ricoverata altrove" in house.office.last("comune")


def watched(house: House, child: Child) -> Child:
    """A birth of twenty days ago that the gateway has had since the day after."""
    now = datetime.now(UTC)
    old = replace(child, given="BABY", born=now.replace(tzinfo=None) - timedelta(days=20))
    house.hears(old.message("A01"))
    opened = f"{now - timedelta(days=19):%Y-%m-%dT%H:%M:%S.%fZ}"
    with closing(sqlite3.connect(house.url.removeprefix("sqlite:///"))) as database:
        database.execute("UPDATE cases SET opened_at = ?", (opened,))
        database.commit()
    return old


def test_a_declaration_that_was_waited_for_too_long_is_late(house: House) -> None:
    """Nobody says when it was made: the gateway had the birth in time, and no declaration."""
    house.hears(watched(house, GIULIA).message("A08", given="GIULIA"))
    assert house.steps()["comune"] == ["register WAITING LATE"]


def test_an_unnamed_mother_is_asked_for_no_reasons(house: House) -> None:
    """Who is not named declares nothing herself."""
    watched(house, CHIARA)
    unnamed(house)
    assert house.steps() == {"comune": ["register READY"]}


# ---------------------------------------------------------------- cancellations and merges


def test_a_cancellation_before_sending_withdraws(house: House) -> None:
    """Nobody heard of the birth, so nobody is asked."""
    house.hears(GIULIA.message("A01"))
    house.hears(GIULIA.message("A11"))
    house.works()
    assert house.case().state == "CANCELLED"
    assert {words[-1] for words in house.steps().values()} == {"register WITHDRAWN CANCELLED"}
    assert house.office.letters == []


def test_a_cancellation_after_sending_waits_for_a_person(house: House) -> None:
    """What was registered is annulled when a person says why; then it is no longer a fact."""
    born(house)
    house.hears(GIULIA.message("A11"))
    house.works()
    assert house.steps()["comune"] == ["register ACCEPTED", "cancel HELD CONFIRM"]
    assert house.office.got("comune") == ["register"]
    house.do(lambda unit: house.desk.confirm(unit, house.last("comune").id, PERSON))
    house.works()
    assert house.office.got("comune") == ["register", "cancel"]
    assert PERSON.reason.upper().encode() in house.office.last("comune").upper()
    assert "comune" not in house.context().facts
    assert house.steps()["riscontro"] == ["register ACCEPTED"]


def test_a_cancellation_waits_behind_an_answer(house: House) -> None:
    """What the Comune may have is cancelled only when it is known that it has it."""
    house.office.says["comune"] = [Taken("T1")]
    house.hears(GIULIA.message("A01"))
    house.works(1)
    house.hears(GIULIA.message("A11"))
    assert house.steps()["comune"] == ["register TAKEN", "cancel WAITING PREDECESSOR"]
    row = house.rows("comune")[0]
    house.do(lambda unit: house.aftermath.called_back(unit, row, Accepted("P1")))
    assert house.steps()["comune"] == ["register ACCEPTED", "cancel HELD CONFIRM"]


def test_an_update_after_the_cancellation_is_not_used(house: House) -> None:
    """It is acknowledged and kept, and a finding says that it changed nothing."""
    house.hears(GIULIA.message("A01"))
    house.hears(GIULIA.message("A11"))
    assert house.hears(GIULIA.message("A08", weight=1)) == "AA"
    assert [each.code for each in house.context().findings] == ["AFTER_CANCELLATION"]
    assert {words[-1] for words in house.steps().values()} == {"register WITHDRAWN CANCELLED"}


def test_an_admission_after_the_cancellation_is_another_case(house: House) -> None:
    """The same identifier admitted again is a new birth notice."""
    house.hears(GIULIA.message("A01"))
    house.hears(GIULIA.message("A11"))
    house.hears(GIULIA.message("A01", weight=3111))
    cases = house.look(lambda view: view.cases())
    assert sorted(case.state for case in cases) == ["CANCELLED", "DECLARED"]


# ---------------------------------------------------------------- which office, and whether


def test_a_test_message_never_reaches_production(house: House) -> None:
    """MSH-11 = T: every step for a production partner is withdrawn before it is made."""
    house.hears(GIULIA.message("A01", processing="T"))
    house.works()
    assert house.steps()["comune"] == ["register WITHDRAWN NOT_PRODUCTION"]
    assert house.office.letters == []


def test_a_test_message_reaches_a_test_partner(tmp_path: Path) -> None:
    """Where no partner is in production, the whole journey can be tried."""
    offices = tuple(replace(each, production=False) for each in OFFICES)
    with House(tmp_path, offices=offices) as house:
        born(house, replace(GIULIA, processing="T"))
        assert house.status("riscontro") is Status.ACCEPTED


def test_a_test_message_never_finds_a_case_of_production(house: House) -> None:
    """The same identifier with MSH-11 = T is another case."""
    house.hears(GIULIA.message("A01"))
    production = house.case().id
    before = house.steps()
    house.hears(GIULIA.message("A11", processing="T"))
    assert house.case("DECLARED").id == production
    assert house.steps(production) == before


def test_a_comune_that_is_not_in_the_directory_is_a_finding(tmp_path: Path) -> None:
    """Nothing is sent to another one instead; it goes once the directory has it."""
    without = tuple(each for each in OFFICES if each.code != "015209")
    with House(tmp_path, offices=without) as house:
        born(house)
        assert house.steps()["comune"] == ["register INVALID NOT_IN_DIRECTORY"]
        assert house.office.got("comune") == []
        assert house.steps()["codice_fiscale"] == ["register ACCEPTED"]


def test_a_birth_without_a_place_has_no_route(tmp_path: Path) -> None:
    """Where no message and no setting tells a comune, the step says so."""
    nowhere = SENDER.model_copy(update={"facts": None})
    with House(tmp_path, sender=nowhere) as house:
        house.hears(GIULIA.message("A01").replace(b"015146", b"").replace(b"015209", b""))
        assert house.steps()["comune"] == ["register INVALID NO_ROUTE"]


def test_a_sender_without_a_return_feed_does_without(tmp_path: Path) -> None:
    """The optional step is not wanted, and nothing waits for it."""
    without = tuple(each for each in OFFICES if each.partner != "ospedale")
    with House(tmp_path, offices=without) as house:
        born(house)
        assert "riscontro" not in house.steps()


def test_a_stillborn_child_is_told_only_to_the_comune(house: House) -> None:
    """Never to Agenzia delle Entrate, the ASL or a paediatrician; it needs no name."""
    born(house, replace(GIULIA, given="", stillborn=True))
    assert house.steps() == {"comune": ["register ACCEPTED"]}
    assert house.last("comune").endpoint == "015146"


def test_a_comune_that_gets_the_code_itself_is_not_overtaken(tmp_path: Path) -> None:
    """The codice fiscale is never asked for twice: the steps wait for the Comune's answer."""
    offices = (
        *OFFICES[:1],
        replace(OFFICES[1], assigns_codice_fiscale=True),
        *OFFICES[2:],
    )
    with House(tmp_path, offices=offices) as house:
        house.office.says["comune"] = [Accepted("P1", {"codiceFiscale": CODICE_FISCALE})]
        born(house)
        assert "codice_fiscale" not in house.steps()
        assert house.steps()["assistito"] == ["register ACCEPTED"]
        assert CODICE_FISCALE.encode() in house.office.last("riscontro")


def embargoed(folder: Path, hold: str) -> Flow:
    """The shipped flow, with an embargo on the document for the Comune."""
    text = (ROOT / "mappings" / "nascita.flow.yaml").read_text(encoding="utf-8")
    step = "    when: exists(newborn_id)\n"
    assert step in text
    return flow_of(text.replace(step, f"{step}    hold: {hold}\n", 1), folder)


def test_an_embargo_holds_a_document(tmp_path: Path) -> None:
    """Until its end it waits and says why; the others go."""
    with House(tmp_path, flow=embargoed(tmp_path, "10 days")) as house:
        born(house)
        row = house.last("comune")
        assert (row.status, row.reason) == (Status.WAITING, "EMBARGO")
        assert row.due_at is not None
        assert (row.due_at - house.case().opened_at).days == 10
        assert house.steps()["riscontro"] == ["register ACCEPTED"]


def test_an_embargo_ends_by_the_clock(tmp_path: Path) -> None:
    """Nobody has to do anything: when it ends, the document goes."""
    with House(tmp_path, flow=embargoed(tmp_path, "1 ms")) as house:
        house.hears(GIULIA.message("A01"))
        assert house.steps()["comune"] == ["register WAITING EMBARGO"]
        house.works()
        assert house.steps()["comune"] == ["register ACCEPTED"]


def test_an_embargo_whose_end_crosses_an_answer_is_not_forgotten(tmp_path: Path) -> None:
    """The clock rang and, before that was heard, an answer let the document go: it goes."""
    with House(tmp_path, flow=embargoed(tmp_path, "1 ms")) as house:
        house.hears(GIULIA.message("A01"))
        waiting = (Status.WAITING,)

        def take(unit: Unit) -> Claimed:
            (row,) = unit.claim("n1", limit=1, lease=timedelta(minutes=1), statuses=waiting)
            return house.delivery.claimed(unit, row)

        rung = house.do(take)
        house.do(
            lambda unit: house.casebook.went_on(unit, house.casebook.load(unit, rung.case.row.id))
        )
        run(house.delivery.work(rung))
        house.works()
        assert house.steps()["comune"] == ["register ACCEPTED"]


# ---------------------------------------------------------------- what the casebook is asked for


def test_a_case_whose_key_is_destroyed_cannot_be_worked_on(house: House) -> None:
    """The wish of a person to be forgotten holds for every verb."""
    house.hears(GIULIA.message("A01"))
    case = house.case()
    house.do(lambda unit: unit.destroy_key(case.id))
    with pytest.raises(NotFound, match="destroyed"):
        house.do(lambda unit: house.casebook.load(unit, case.id))


def test_findings_are_of_the_dossier_as_it_is(house: House) -> None:
    """What a later message mends is no finding any more; the texts hold no names."""
    orphan = GIULIA.message("A01").replace(b"MTH^Mother", b"OTH^Other")
    house.hears(orphan)
    codes = [each.code for each in house.context().findings]
    assert "NO_MOTHER" in codes
    assert b"BIANCHI" not in b"".join(each.text.encode() for each in house.context().findings)
    house.hears(GIULIA.message("A08"))
    assert "NO_MOTHER" not in [each.code for each in house.context().findings]


def test_facts_that_are_known_already_change_nothing(house: House) -> None:
    """A repeated callback opens no amendment anywhere."""
    born(house)
    before = house.steps()
    known = house.context().facts["codice_fiscale"]

    def again(unit: Unit) -> None:
        case = house.casebook.load(unit, house.case().id)
        house.casebook.learned(unit, case, "codice_fiscale", known)

    house.do(again)
    assert house.steps() == before


def test_another_codice_fiscale_amends_what_was_made_with_the_old_one(house: House) -> None:
    """The enrolment and the hospital's record follow the code that counts."""
    born(house)

    def corrected(unit: Unit) -> None:
        case = house.casebook.load(unit, house.case().id)
        facts = {"codiceFiscale": "RSSGLI26C41F20RQ"}
        house.casebook.learned(unit, case, "codice_fiscale", facts)

    house.do(corrected)
    house.works()
    assert house.office.got("assistito") == ["register", "amend"]
    assert b"RSSGLI26C41F20RQ" in house.office.last("riscontro")


def test_the_newest_word_is_the_cases_own_message(house: House) -> None:
    """The dossier keeps the weight that a later message leaves out."""
    house.hears(GIULIA.message("A01"))
    without = b"\r".join(
        line for line in GIULIA.message("A08").split(b"\r") if not line.startswith(b"OBX")
    )
    house.hears(without)
    dossier: Message = Dossier.decode(house.case().dossier or b"").message
    assert dossier.get("OBX-5") == "3250"


def test_a_case_nobody_wrote_in_is_empty() -> None:
    """No context is an empty context."""
    assert Context.decode(b"") == Context()


def test_offices_of_a_place_are_found_by_what_they_serve(tmp_path: Path) -> None:
    """An ASL by its province; without one that serves the place, the step says so."""
    without = (*(each for each in OFFICES if each.partner != "asl"), entry("asl", "999"))
    with House(tmp_path, offices=without) as house:
        born(house)
        assert house.rows("assistito")[0].reason == "NOT_IN_DIRECTORY"
        assert {row.kind for row in house.rows()} == {Kind.REGISTER}

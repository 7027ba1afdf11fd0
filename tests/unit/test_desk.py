"""What a person may do, when not, and that both the person and the reason become evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.desk import LEFT_TO_THE_ASL, Desk, Person
from gateway.destination import Letter
from gateway.errors import LifecycleError, NotFound, NotPossible
from gateway.journal import SubmissionRow, Unit
from gateway.lifecycle import Kind, Status
from gateway.outcomes import Accepted, Choice, Fault, Rejected, Taken, Unavailable, Unknown
from gateway.partners import Idempotence
from gateway.retry import Backoff
from tests.births import CODICE_FISCALE, GIULIA, OFFICES, PERSON, House

Verb = Callable[[Desk, Unit, str], SubmissionRow]

NO = Rejected((Fault("COM003", "late"),))
TIRED = Backoff(first=timedelta(0), ceiling=timedelta(0), max_attempts=1)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Partners that promise nothing: every doubt is a person's; one attempt and no more."""
    nothing = tuple(replace(each, idempotence=Idempotence.NEITHER) for each in OFFICES)
    with House(tmp_path, offices=nothing, backoff=TIRED) as made:
        yield made


def born(house: House, *says: object, step: str = "comune") -> SubmissionRow:
    """A birth whose documents are delivered; gives the newest submission of the step."""
    house.office.says[step] = list(says)  # type: ignore[arg-type]  # outcomes
    house.hears(GIULIA.message("A01"))
    house.works()
    return house.last(step)


def decides(house: House, verb: Verb, row: SubmissionRow) -> SubmissionRow:
    """A verb of a person on a submission."""
    return house.do(lambda unit: verb(house.desk, unit, row.id))


def replayed(desk: Desk, unit: Unit, which: str) -> SubmissionRow:
    """Replay."""
    return desk.replay(unit, which, PERSON)


def reprocessed(desk: Desk, unit: Unit, which: str) -> SubmissionRow:
    """Reprocess."""
    return desk.reprocess(unit, which, PERSON)


def withdrawn(desk: Desk, unit: Unit, which: str) -> SubmissionRow:
    """Withdraw."""
    return desk.withdraw(unit, which, PERSON)


def confirmed(desk: Desk, unit: Unit, which: str) -> SubmissionRow:
    """Confirm."""
    return desk.confirm(unit, which, PERSON)


def received(desk: Desk, unit: Unit, which: str) -> SubmissionRow:
    """The partner has it."""
    return desk.resolve(unit, which, received=True, receipt="P9", person=PERSON)


def not_received(desk: Desk, unit: Unit, which: str) -> SubmissionRow:
    """The partner has not got it."""
    return desk.resolve(unit, which, received=False, receipt="", person=PERSON)


def first_candidate(desk: Desk, unit: Unit, which: str) -> SubmissionRow:
    """The first of the persons found."""
    return desk.choose_candidate(unit, which, 1, PERSON)


VERBS: list[Verb] = [
    *(replayed, reprocessed, withdrawn, confirmed, received, not_received, first_candidate)
]


def evidence(house: House, what: str) -> list[dict[str, object]]:
    """The notes of every entry of this name."""
    entries = house.look(lambda view: view.evidence(limit=1000))
    return [dict(each.note) for each in entries if each.what == what]


# ---------------------------------------------------------------- declare and choose


def test_a_declaration_at_the_desk_opens_the_steps(house: House) -> None:
    """The signed document is in the operator's hands: the birth is declared, by this person."""
    house.hears(GIULIA.message("A01", given="BABY"))
    case = house.case()
    house.do(lambda unit: house.desk.declare(unit, case.id, PERSON))
    assert house.case().state == "DECLARED"
    assert house.case().declared_at is not None
    assert house.context().declared_by == PERSON.name
    assert house.steps()["comune"] == ["register READY"]
    (note,) = evidence(house, "case.declared")
    assert note == {"person": PERSON.name, "reason": PERSON.reason}


def test_a_second_declaration_opens_nothing_again(house: House) -> None:
    """What is on its way stays on its way."""
    house.hears(GIULIA.message("A01", given="BABY"))
    for _ in range(2):
        house.do(lambda unit: house.desk.declare(unit, house.case().id, PERSON))
    assert house.steps()["comune"] == ["register READY"]


def test_a_choice_before_the_enrolment_waits_with_it(house: House) -> None:
    """The family may choose at once; the ASL hears it when the child is enrolled."""
    house.hears(GIULIA.message("A01"))
    choice = {"pediatra": LEFT_TO_THE_ASL}
    house.do(lambda unit: house.desk.choose(unit, house.case().id, choice, PERSON))
    assert house.steps()["pediatra"] == ["register WAITING NEEDS"]
    house.works()
    assert house.steps()["pediatra"] == ["register ACCEPTED"]
    assert b"assegnazioneUfficio>1<" in house.office.last("pediatra").replace(b" ", b"")
    (note,) = evidence(house, "case.chosen")
    assert note["chosen"] == ["pediatra"]


@pytest.mark.parametrize("verb", ["declare", "choose"])
def test_a_cancelled_birth_is_not_declared(house: House, verb: str) -> None:
    """What was cancelled or merged takes nothing more."""
    house.hears(GIULIA.message("A01", given="BABY"))
    house.hears(GIULIA.message("A11"))
    case = house.case().id

    def decide(unit: Unit) -> None:
        if verb == "declare":
            house.desk.declare(unit, case, PERSON)
        else:
            house.desk.choose(unit, case, {"pediatra": "PLS001"}, PERSON)

    with pytest.raises(LifecycleError, match="CANCELLED"):
        house.do(decide)
    assert house.steps() == {}


# ---------------------------------------------------------------- confirm


def test_a_confirmed_cancellation_tells_its_reason(house: House) -> None:
    """The administration hears why; the case stays cancelled and forgets what was annulled."""
    born(house)
    house.hears(GIULIA.message("A11"))
    for step in ("comune", "codice_fiscale", "assistito"):
        row = house.last(step)
        assert (row.kind, row.status) == (Kind.CANCEL, Status.HELD)
        decides(house, confirmed, row)
    house.works()
    assert house.case().state == "CANCELLED"
    assert house.office.got("comune") == ["register", "cancel"]
    assert PERSON.reason.encode() in house.office.last("comune")
    assert set(house.context().facts) == {"riscontro"}


def test_a_doubt_is_not_confirmed_but_resolved(house: House) -> None:
    """Whatever may have arrived is not sent again by a confirmation."""
    row = born(house, Unknown("lost"))
    assert (row.status, row.reason) == (Status.HELD, "EXHAUSTED")
    with pytest.raises(NotPossible, match="no confirmation"):
        decides(house, confirmed, row)


# ---------------------------------------------------------------- resolve


def test_a_doubt_ends_with_the_partners_protocol(house: House) -> None:
    """The partner has it: accepted under its number, and what comes later amends it."""
    row = born(house, Unknown("lost"))
    became = decides(house, received, row)
    assert (became.status, became.receipt) == (Status.ACCEPTED, "P9")
    assert house.context().facts["comune"] == {"protocollo": "P9"}
    (note,) = evidence(house, "submission.resolved")
    assert note == {"person": PERSON.name, "reason": PERSON.reason, "told": []}


def with_code(house: House, row: SubmissionRow, code: str) -> SubmissionRow:
    """The partner has it, and told this codice fiscale."""

    def resolve(unit: Unit) -> SubmissionRow:
        return house.desk.resolve(
            unit, row.id, received=True, receipt="AE/9", person=PERSON, code=code
        )

    return house.do(resolve)


@pytest.mark.parametrize("code", [CODICE_FISCALE, "rssgli26c41 f205v", "90000000001"])
def test_a_code_told_by_telephone_lets_the_case_go_on(house: House, code: str) -> None:
    """Agenzia delle Entrate told it to a person: the ASL enrols the child with it, and nobody
    reads it in the evidence.
    """
    row = born(house, Unknown("lost"), step="codice_fiscale")
    assert house.steps()["assistito"] == ["register WAITING NEEDS"]
    assert with_code(house, row, code).status is Status.ACCEPTED
    house.works()
    plain = "".join(code.split()).upper()
    facts = house.context().facts["codice_fiscale"]
    assert facts["codiceFiscale"] == plain
    assert facts["provvisorio"] == str(len(plain) == 11).lower()
    assert house.status("assistito") is Status.ACCEPTED
    assert plain.encode() in house.office.last("assistito")
    (note,) = evidence(house, "submission.resolved")
    assert note["told"] == ["codiceFiscale", "provvisorio"]
    assert plain not in str(house.look(lambda view: view.evidence(limit=1000)))


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("", "--cf"),
        ("RSSGLI26C41F205X", "check letter"),
        ("ROSSI GIULIA", "form"),
        ("RSSGLI26C42F205A", "another day of birth"),
    ],
)
def test_a_code_that_cannot_be_the_childs_ends_no_doubt(house: House, code: str, why: str) -> None:
    """Missing, misheard, or of somebody else: the doubt stays, and the text repeats no value."""
    row = born(house, Unknown("lost"), step="codice_fiscale")
    with pytest.raises(NotPossible, match=why) as caught:
        with_code(house, row, code)
    assert not code or code not in str(caught.value)
    assert house.status("codice_fiscale") is Status.HELD
    assert "codice_fiscale" not in house.context().facts


def test_a_code_is_told_only_where_one_is_given(house: House) -> None:
    """A Comune that does not get the code itself cannot have told it."""
    row = born(house, Unknown("lost"))
    with pytest.raises(NotPossible, match="gives no codice fiscale"):
        with_code(house, row, CODICE_FISCALE)


def test_a_comune_that_gets_the_code_itself_may_tell_it(tmp_path: Path) -> None:
    """Its word by telephone is that of its answer; without the code its act may still bring it."""
    assigning = tuple(
        replace(each, idempotence=Idempotence.NEITHER, assigns_codice_fiscale=True)
        if each.partner == "comune"
        else each
        for each in OFFICES
    )
    with House(tmp_path, offices=assigning, backoff=TIRED) as house:
        row = born(house, Unknown("lost"))
        assert with_code(house, row, CODICE_FISCALE).status is Status.ACCEPTED
        house.works()
        assert house.status("assistito") is Status.ACCEPTED


def test_no_code_is_asked_for_where_the_case_is_over(house: House) -> None:
    """The birth was cancelled meanwhile: that the request arrived is all that must be known."""
    row = born(house, Unknown("lost"), step="codice_fiscale")
    house.hears(GIULIA.message("A11"))
    assert decides(house, received, row).status is Status.ACCEPTED
    assert house.last("codice_fiscale").kind is Kind.CANCEL


def test_a_doubt_ends_with_sending_again(house: House) -> None:
    """The partner has not got it: it goes again, and surely was not received."""
    row = born(house, Unknown("lost"))
    became = decides(house, not_received, row)
    assert (became.status, became.maybe_received) == (Status.READY, False)
    house.works()
    assert house.status("comune") is Status.ACCEPTED
    assert house.office.got("comune") == ["register", "register"]


def test_a_resolved_cancellation_annuls(house: House) -> None:
    """The partner did annul: what it had given is no fact any more."""
    born(house)
    house.hears(GIULIA.message("A11"))
    house.office.says["comune"] = [Unknown("lost")]
    decides(house, confirmed, house.last("comune"))
    house.works()
    row = house.last("comune")
    assert (row.kind, row.status) == (Kind.CANCEL, Status.HELD)
    assert decides(house, received, row).status is Status.ACCEPTED
    assert "comune" not in house.context().facts


def test_what_is_taken_can_be_resolved(house: House) -> None:
    """A partner on the telephone may be faster than its callback."""
    row = born(house, Taken("T1"))
    assert row.status in (Status.TAKEN, Status.HELD)
    assert decides(house, received, row).status is Status.ACCEPTED


def test_there_is_no_doubt_about_what_was_never_sent(house: House) -> None:
    """A document without an attempt has nothing to resolve."""
    house.hears(GIULIA.message("A01"))
    with pytest.raises(NotPossible, match="never sent"):
        decides(house, received, house.last("comune"))


def test_a_receipt_is_needed_for_what_was_received(house: House) -> None:
    """'They have it' without a protocol number proves nothing."""
    row = born(house, Unknown("lost"))
    with pytest.raises(NotPossible, match="protocol number"):
        house.do(
            lambda unit: house.desk.resolve(unit, row.id, received=True, receipt="", person=PERSON)
        )


# ---------------------------------------------------------------- candidates


def test_a_chosen_candidate_makes_another_submission(house: House) -> None:
    """Asked again as validation of the chosen person's code, under an operation id of its own."""
    persons = ({"codiceFiscale": "RSSGLI26C41F20RQ"}, {"codiceFiscale": CODICE_FISCALE})
    row = born(house, Choice(persons), step="codice_fiscale")
    became = house.do(lambda unit: house.desk.choose_candidate(unit, row.id, 2, PERSON))
    assert became.status is Status.READY
    assert became.operation_id != row.operation_id
    house.works()
    assert house.rows("codice_fiscale")[0].status is Status.REPLACED
    assert house.status("codice_fiscale") is Status.ACCEPTED
    assert CODICE_FISCALE.encode() in house.office.last("codice_fiscale")
    assert house.office.got("codice_fiscale") == ["register", "register"]


@pytest.mark.parametrize("number", [0, 3])
def test_a_candidate_must_be_one_of_those_found(house: House, number: int) -> None:
    """A number that the partner did not give is no person."""
    persons = ({"codiceFiscale": "A"}, {"codiceFiscale": "B"})
    row = born(house, Choice(persons), step="codice_fiscale")
    with pytest.raises(NotPossible, match="no candidate"):
        house.do(lambda unit: house.desk.choose_candidate(unit, row.id, number, PERSON))


def test_candidates_are_not_confirmed(house: House) -> None:
    """A confirmation would send the same question again."""
    row = born(house, Choice(({"codiceFiscale": "A"},)), step="codice_fiscale")
    with pytest.raises(NotPossible, match="candidates"):
        decides(house, confirmed, row)


# ---------------------------------------------------------------- replay, reprocess, withdraw


def test_a_replay_sends_the_same_content(house: House) -> None:
    """What used up its attempts goes again: the same bytes, the same operation id."""
    row = born(house, Unavailable("REFUSED"))
    assert row.status is Status.DEAD
    assert decides(house, replayed, row).status is Status.READY
    house.works()
    sent = [each for each in house.office.letters if each.operation.startswith("comune/")]
    assert len(sent) == 2
    assert len({(each.envelope, each.operation_id) for each in sent}) == 1


def test_a_reprocess_translates_again(house: House) -> None:
    """A rejected document is made again with today's mapping, as another submission."""
    row = born(house, NO)
    assert row.status is Status.REJECTED
    became = decides(house, reprocessed, row)
    assert (became.status, became.seq) == (Status.READY, 2)
    house.works()
    ids = {each.operation_id for each in house.office.letters if "comune/" in each.operation}
    assert len(ids) == 2
    assert house.steps()["comune"] == [
        "register REPLACED REPROCESS",
        "register ACCEPTED",
    ]


def test_what_something_newer_followed_is_not_reprocessed(house: House) -> None:
    """The hospital corrected while the Comune refused, and the correction registered the birth:
    the refused one made again would register it twice.
    """

    def corrected(letter: Letter) -> None:
        house.office.before_answer = lambda _: None
        house.hears(GIULIA.message("A08", weight=3260))

    house.office.before_answer = corrected
    born(house, NO)
    first, second = house.rows("comune")
    assert (first.status, second.status) == (Status.REPLACED, Status.ACCEPTED)
    with pytest.raises(NotPossible, match="is newer"):
        decides(house, reprocessed, first)
    house.works()
    assert house.office.got("comune") == ["register", "register"]


def test_a_refused_cancellation_is_made_again(house: House) -> None:
    """The birth was taken back and the Comune refused to hear it: the case is not at its end."""
    born(house)
    house.hears(GIULIA.message("A11"))
    held = house.last("comune")
    house.office.says["comune/cancel"] = [NO]
    house.do(lambda unit: house.desk.confirm(unit, held.id, PERSON))
    house.works()
    assert house.status("comune") is Status.REJECTED
    decides(house, reprocessed, house.last("comune"))
    house.works()
    assert house.status("comune") is Status.ACCEPTED
    assert house.office.got("comune") == ["register", "cancel", "cancel"]


def test_a_reprocess_finds_the_office_that_was_missing(tmp_path: Path) -> None:
    """An INVALID for want of an office goes once the directory has it."""
    without = tuple(each for each in OFFICES if each.code != "015209")
    with House(tmp_path, offices=without) as before:
        before.hears(GIULIA.message("A01"))
        row = before.last("comune")
        assert (row.status, row.reason) == (Status.INVALID, "NOT_IN_DIRECTORY")
    with House(tmp_path) as after:
        assert decides(after, reprocessed, row).endpoint == "015209"
        after.works()
        assert after.status("comune") is Status.ACCEPTED


def test_what_may_have_arrived_is_not_reprocessed(house: House) -> None:
    """A second document would register the child twice: first the doubt."""
    row = born(house, Unavailable("RESET", received=True))
    assert (row.status, row.maybe_received) == (Status.DEAD, True)
    with pytest.raises(NotPossible, match="resolve the doubt"):
        decides(house, reprocessed, row)
    with pytest.raises(NotPossible, match="resolve the doubt"):
        decides(house, withdrawn, row)
    assert decides(house, received, row).status is Status.ACCEPTED


def test_a_withdrawn_document_is_gone(house: House) -> None:
    """It need not go any more; what the hospital says later registers as if it had not been."""
    row = born(house, Unavailable("REFUSED"))
    assert decides(house, withdrawn, row).status is Status.WITHDRAWN
    house.hears(GIULIA.message("A08", weight=3260))
    assert house.steps()["comune"] == ["register WITHDRAWN WITHDRAW", "register READY"]


# ---------------------------------------------------------------- what no verb may do


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_accepted_is_not_decided_again(house: House, verb: Verb) -> None:
    """No verb of a person changes what stands at the partner."""
    row = born(house, Accepted("P1"))
    with pytest.raises((NotPossible, LifecycleError)):
        decides(house, verb, row)
    assert house.status("comune") is Status.ACCEPTED
    assert not evidence(house, "submission.replayed")


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_not_there_is_not_decided(house: House, verb: Verb) -> None:
    """A submission that nobody made is told as such."""
    with pytest.raises(NotFound):
        house.do(lambda unit: verb(house.desk, unit, "0" * 32))


@pytest.mark.parametrize("person", [Person("", "why"), Person("m.rossi", " ")])
def test_a_person_and_a_reason_are_needed(house: House, person: Person) -> None:
    """Nothing is decided by nobody, or for nothing; and nothing of it is kept."""
    row = born(house, Unavailable("REFUSED"))
    with pytest.raises(NotPossible, match="person and a reason"):
        house.do(lambda unit: house.desk.replay(unit, row.id, person))
    assert house.status("comune") is Status.DEAD


def test_what_a_person_decided_is_evidence(house: House) -> None:
    """Who and why stand in the chain, beside the submission and its case."""
    row = born(house, Unavailable("REFUSED"))
    decides(house, replayed, row)
    entries = house.look(lambda view: view.evidence(subject=row.id, limit=100))
    (told,) = [each for each in entries if each.what == "submission.replayed"]
    assert told.note == {"person": PERSON.name, "reason": PERSON.reason}
    assert set(told.subjects) == {row.id, row.case_id}

"""What an outcome does to a submission and its case: answers, callbacks, doubts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.agenzia_entrate import destination as agenzia_entrate
from gateway.destination import Letter
from gateway.journal import SubmissionRow, Unit
from gateway.lifecycle import Event, Status
from gateway.outcomes import (
    Accepted,
    Choice,
    Fault,
    NotFound,
    Outcome,
    Rejected,
    Taken,
    Unavailable,
    Unknown,
)
from gateway.partners import Entry, Idempotence
from gateway.retry import Backoff
from tests.births import CODICE_FISCALE, GIULIA, OFFICES, PERSON, House

NO = Rejected((Fault("COM002", "already registered"),))
KNOWN = agenzia_entrate.outcome(
    {"esito": "RESPINTA", "errori": "EAA30", "codiceFiscale": CODICE_FISCALE}
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node that tries again at once."""
    with House(tmp_path) as made:
        yield made


def promising(idempotence: Idempotence) -> tuple[Entry, ...]:
    """Offices that all promise this."""
    return tuple(replace(each, idempotence=idempotence) for each in OFFICES)


def told(house: House, *outcomes: Outcome | NotFound, step: str = "comune") -> SubmissionRow:
    """A birth is delivered as often as there are outcomes; gives the first of the step."""
    house.office.says[step] = list(outcomes)
    house.hears(GIULIA.message("A01"))
    house.works()
    return house.rows(step)[0]


def on_the_wire(
    house: House,
    work: Callable[[Unit, SubmissionRow], object],
    reply: Outcome | NotFound = Taken("T1"),  # noqa: B008  # a frozen value
) -> None:
    """Do this, once, while a document for the Comune is on the wire; then comes the reply."""
    office = house.office

    def meanwhile(letter: Letter) -> None:
        if letter.operation.startswith("comune/"):
            office.before_answer = lambda _: None
            row = house.last("comune")
            assert row.status is Status.SUBMITTING
            house.do(lambda unit: work(unit, row))

    office.before_answer = meanwhile
    office.says["comune"] = [reply]
    house.hears(GIULIA.message("A01"))
    house.works()


def taken(house: House) -> SubmissionRow:
    """A document that the Comune has taken."""
    row = told(house, Taken("T1"))
    assert row.status is Status.TAKEN
    return row


def called(house: House, outcome: Outcome | NotFound, row: SubmissionRow | None = None) -> str:
    """The Comune calls back about its newest document; what that did."""
    about = row or house.last("comune")

    def apply(unit: Unit) -> str:
        return house.aftermath.called_back(unit, unit.submission(about.id), outcome)

    return house.do(apply)


# ---------------------------------------------------------------- answers


def test_an_acceptance_keeps_receipt_and_facts(house: House) -> None:
    """The protocol number stands in the submission, and with the facts in the case."""
    row = told(house, Accepted("P1", {"attoNumero": "117"}))
    assert (row.status, row.receipt, row.due_at) == (Status.ACCEPTED, "P1", None)
    assert house.context().facts["comune"] == {"protocollo": "P1", "attoNumero": "117"}


def test_what_is_taken_keeps_its_ticket_and_a_deadline(tmp_path: Path) -> None:
    """The partner answers later: it is asked again, and not for ever."""
    patient = Backoff(ceiling=timedelta(minutes=30), max_age=timedelta(days=9))
    with House(tmp_path, backoff=patient) as house:
        row = told(house, Taken("T1"))
        assert (row.status, row.ticket, row.maybe_received) == (Status.TAKEN, "T1", True)
        assert row.due_at is not None
        assert row.deadline_at is not None
        assert timedelta(minutes=29) < row.due_at - row.created_at < timedelta(minutes=31)
        assert row.deadline_at - row.created_at > timedelta(days=8)


def test_a_rejection_keeps_the_codes(house: House) -> None:
    """Why the partner said no is kept, under the case's key, and nothing is sent again."""
    row = told(house, NO)
    assert row.status is Status.REJECTED
    faults = house.look(lambda view: view.faults(row.id))
    assert faults == [{"code": "COM002", "text": "already registered"}]
    assert house.office.got("comune") == ["register"]


def test_a_known_child_is_asked_for_as_validation(house: House) -> None:
    """EAA30: ask again as type 3 with the code that the Agenzia told, as another submission."""
    first = told(house, KNOWN, step="codice_fiscale")
    assert first.status is Status.REPLACED
    second = house.last("codice_fiscale")
    assert (second.status, second.seq) == (Status.ACCEPTED, 2)
    assert second.operation_id != first.operation_id
    document = house.office.last("codice_fiscale")
    assert b"<tipoRichiesta>3</tipoRichiesta>" in document.replace(b"ns0:", b"")
    assert CODICE_FISCALE.encode() in document


def test_a_validation_that_is_refused_is_not_asked_again(house: House) -> None:
    """Twice the same no is a person's."""
    told(house, KNOWN, KNOWN, step="codice_fiscale")
    assert house.steps()["codice_fiscale"] == [
        "register REPLACED REPROCESS",
        "register REJECTED",
    ]
    assert len(house.office.got("codice_fiscale")) == 2


def test_what_it_had_to_wait_for_is_no_reason_of_a_refusal(house: House) -> None:
    """Who looks at what was refused sees the partner's faults, not a connection of before."""
    row = told(house, Unavailable("REFUSED"), NO)
    assert (row.status, row.attempts, row.reason) == (Status.REJECTED, 2, None)


def test_a_rejection_lets_the_one_behind_register(house: House) -> None:
    """What waited behind it goes as a registration: nothing stands at the Comune."""
    row = taken(house)
    house.hears(GIULIA.message("A08", weight=3260))
    called(house, NO, row)
    assert house.steps()["comune"] == ["register REPLACED NEW_MESSAGE", "register READY"]


def test_several_persons_wait_for_a_choice(house: House) -> None:
    """Who the child is, no default decides."""
    persons = ({"codiceFiscale": "A"}, {"codiceFiscale": "B"})
    row = told(house, Choice(persons), step="codice_fiscale")
    assert (row.status, row.reason, row.due_at) == (Status.HELD, "CANDIDATES", None)
    assert house.look(lambda view: view.facts(row.id)) == {"1": persons[0], "2": persons[1]}


def test_unavailable_is_tried_again(house: House) -> None:
    """The same document, the same operation id, until the partner is back."""
    row = told(house, Unavailable("REFUSED"), Unavailable("REFUSED"))
    assert (row.status, row.attempts) == (Status.ACCEPTED, 3)
    documents = {each.envelope for each in house.office.letters if "comune/" in each.operation}
    ids = {each.operation_id for each in house.office.letters if "comune/" in each.operation}
    assert (len(documents), len(ids)) == (1, 1)
    assert row.reason is None


def test_a_wanted_pause_is_respected_up_to_the_ceiling(tmp_path: Path) -> None:
    """Retry-After counts, but no partner can make the gateway wait for a year."""
    with House(tmp_path, backoff=Backoff(ceiling=timedelta(minutes=10))) as house:
        row = told(house, Unavailable("BUSY", timedelta(days=365)))
        assert row.status is Status.DEFERRED
        assert row.due_at is not None
        left = row.due_at - datetime.now(UTC)
        assert timedelta(minutes=9) < left <= timedelta(minutes=10)


def test_what_may_have_arrived_stays_so(house: House) -> None:
    """An attempt that surely failed does not take back that an earlier one may have arrived."""
    house.office.says["comune"] = [Unavailable("RESET", received=True), Unavailable("REFUSED")]
    house.hears(GIULIA.message("A01"))
    house.works(1)
    assert house.last("comune").maybe_received
    assert house.status("comune") is Status.DEFERRED
    house.works()
    assert house.rows("comune")[0].attempts == 3
    assert house.rows("comune")[0].maybe_received


def test_attempts_are_used_up(tmp_path: Path) -> None:
    """After the last attempt it is DEAD, and waits for a person."""
    tired = Backoff(first=timedelta(0), ceiling=timedelta(0), max_attempts=2)
    with House(tmp_path, backoff=tired) as house:
        row = told(house, *[Unavailable("REFUSED")] * 3)
        assert (row.status, row.attempts) == (Status.DEAD, 2)


def test_age_is_used_up(tmp_path: Path) -> None:
    """The direzione sanitaria has ten days: a document is not tried for ever."""
    old = Backoff(first=timedelta(0), ceiling=timedelta(0), max_age=timedelta(0))
    with House(tmp_path, backoff=old) as house:
        assert told(house, Unavailable("REFUSED")).status is Status.DEAD


# ---------------------------------------------------------------- doubts


def test_a_doubt_at_an_idempotent_partner_is_sent_again(house: House) -> None:
    """The same operation id gets the same answer: no effect is doubled."""
    row = told(house, Unknown("lost"))
    assert (row.status, row.attempts) == (Status.ACCEPTED, 2)
    assert house.office.got("comune") == ["register", "register"]


def test_a_doubt_is_asked_when_the_original_has_expired(tmp_path: Path) -> None:
    """Asking earlier proves nothing: the original may still be accepted."""
    with House(tmp_path, offices=promising(Idempotence.CAN_BE_ASKED)) as house:
        row = told(house, Unknown("lost"))
        assert (row.status, row.maybe_received) == (Status.IN_DOUBT, True)
        assert row.due_at is not None
        assert row.due_at >= datetime.now(UTC) + timedelta(minutes=4)
        assert house.office.got("comune") == ["register"]


@pytest.mark.parametrize(
    ("answer", "actions"),
    [
        (Accepted("P1"), ["register", "query"]),
        (NotFound(), ["register", "query", "register"]),
        (Unavailable("BUSY"), ["register", "query", "query"]),
        (Unknown("lost"), ["register", "query", "query"]),
    ],
)
def test_a_partner_that_can_be_asked_is_asked(
    tmp_path: Path, answer: Outcome | NotFound, actions: list[str]
) -> None:
    """It has it: accepted. It does not: sent. It cannot say: asked again, nothing is sent."""
    with House(tmp_path, offices=promising(Idempotence.CAN_BE_ASKED)) as house:
        house.office.life = timedelta(milliseconds=100)
        house.office.says = {"comune": [Unknown("lost")], "comune/query": [answer]}
        house.hears(GIULIA.message("A01"))
        while house.status("comune") is not Status.ACCEPTED:
            house.works(1)
        assert house.office.got("comune") == actions


def test_a_doubt_is_asked_about_no_earlier_for_a_second_loss(house: House) -> None:
    """Its original may be accepted still, whatever else was lost meanwhile."""
    entry, later = OFFICES[0], datetime.now(UTC) + timedelta(hours=1)

    def twice(unit: Unit, row: SubmissionRow) -> None:
        doubt = house.aftermath.doubted(unit, row, Event.LEASE_LOST, entry)
        status = Status.IN_DOUBT
        doubt = unit.move(doubt, expect=status, to=status, due_at=later)
        assert house.aftermath.doubted(unit, doubt, Event.ANSWER_LOST, entry).due_at == later

    on_the_wire(house, twice)


def test_a_doubt_at_any_other_partner_is_a_persons(tmp_path: Path) -> None:
    """Where a double is neither recognised nor can be asked for, the gateway does not guess."""
    with House(tmp_path, offices=promising(Idempotence.NEITHER)) as house:
        row = told(house, Unknown("lost"))
        assert (row.status, row.reason, row.due_at) == (Status.HELD, "DOUBT", None)
        assert house.office.got("comune") == ["register"]


def test_a_doubt_at_an_office_that_is_gone_is_a_persons(house: House) -> None:
    """An office that left the directory promises nothing."""
    held: list[SubmissionRow] = []

    def lost(unit: Unit, row: SubmissionRow) -> None:
        held.append(house.aftermath.doubted(unit, row, Event.LEASE_LOST, None))

    on_the_wire(house, lost)
    assert held[0].status is Status.HELD
    assert house.status("comune") is Status.HELD


@pytest.mark.parametrize(
    ("reply", "status"), [(Accepted("P1"), Status.ACCEPTED), (NO, Status.REJECTED)]
)
def test_an_answer_after_the_doubt_was_held_still_counts(
    house: House, reply: Outcome, status: Status
) -> None:
    """A lease that was lost while the partner thought takes nothing from what it said."""

    def lost(unit: Unit, row: SubmissionRow) -> None:
        house.aftermath.doubted(unit, row, Event.LEASE_LOST, None)

    on_the_wire(house, lost, reply)
    row = house.last("comune")
    assert row.status is status
    (attempt,) = house.look(lambda view: view.attempts(row.id))
    assert attempt.ended_at is not None


def test_a_doubt_does_not_last_for_ever(tmp_path: Path) -> None:
    """A doubt that outlives all attempts is a person's, and never DEAD: it may have arrived."""
    tired = Backoff(first=timedelta(0), ceiling=timedelta(0), max_attempts=2)
    with House(tmp_path, backoff=tired) as house:
        row = told(house, *[Unknown("lost")] * 3)
        assert (row.status, row.reason) == (Status.HELD, "EXHAUSTED")
        assert row.maybe_received


def test_a_question_that_nobody_answers_ends_with_a_person(tmp_path: Path) -> None:
    """The doubt of an old submission at a partner that is down is held."""
    old = Backoff(first=timedelta(0), ceiling=timedelta(0), max_age=timedelta(seconds=1))
    with House(tmp_path, offices=promising(Idempotence.CAN_BE_ASKED), backoff=old) as house:
        house.office.life = timedelta(milliseconds=50)
        house.office.says = {
            "comune": [Unknown("lost")],
            "comune/query": [Unavailable("BUSY")] * 100_000,
        }
        house.hears(GIULIA.message("A01"))
        while house.status("comune") in (Status.READY, Status.IN_DOUBT):
            house.works(1)
        row = house.last("comune")
        assert (row.status, row.reason) == (Status.HELD, "EXHAUSTED")


def test_what_nobody_knows_while_it_is_on_the_wire_is_a_doubt(house: House) -> None:
    """'Not found' as the answer to a delivery says nothing about what was delivered."""
    row = told(house, NotFound(), Accepted("P1"))
    assert house.office.got("comune") == ["register", "register"]
    assert (row.status, row.maybe_received) == (Status.ACCEPTED, True)


def test_a_lost_lease_is_a_doubt(house: House) -> None:
    """What a node was sending when it died is settled like a lost answer."""
    doubts: list[Status] = []

    def died(unit: Unit, row: SubmissionRow) -> None:
        assert house.delivery.recover(unit, [row]) == 1
        doubts.append(unit.submission(row.id).status)

    on_the_wire(house, died)
    assert doubts == [Status.IN_DOUBT]
    # The reply came after all, and counts.
    assert house.status("comune") is Status.TAKEN


# ---------------------------------------------------------------- callbacks


def test_a_callback_tells_the_outcome(house: House) -> None:
    """What was taken is accepted when the partner says so, and the case learns the act."""
    taken(house)
    assert called(house, Accepted("P1", {"attoNumero": "117"})) == "applied"
    assert house.status("comune") is Status.ACCEPTED
    assert house.context().facts["comune"]["attoNumero"] == "117"


def test_a_callback_may_come_before_the_reply(house: House) -> None:
    """The reply that comes after it changes nothing."""
    done: list[str] = []

    def early(unit: Unit, row: SubmissionRow) -> None:
        done.append(house.aftermath.called_back(unit, row, Accepted("P1")))

    on_the_wire(house, early)
    assert done == ["applied"]
    row = house.last("comune")
    assert (row.status, row.receipt) == (Status.ACCEPTED, "P1")


def test_a_callback_may_come_again(house: House) -> None:
    """A repeated one is applied and changes nothing; one with the act adds it."""
    taken(house)
    called(house, Accepted("P1"))
    before = house.steps()
    assert called(house, Accepted("P1")) == "applied"
    assert called(house, Accepted("P1", {"attoNumero": "117"})) == "applied"
    assert house.steps()["comune"] == before["comune"]
    assert house.context().facts["comune"]["attoNumero"] == "117"


def test_a_callback_may_refuse(house: House) -> None:
    """A no that comes later is a no."""
    row = taken(house)
    assert called(house, NO) == "applied"
    assert house.status("comune") is Status.REJECTED
    assert house.look(lambda view: view.faults(row.id)) is not None


def test_a_callback_that_contradicts_is_a_persons(house: House) -> None:
    """Accepted, then refused: which of the partner's words counts, a person asks."""
    taken(house)
    called(house, Accepted("P1"))
    called(house, NO)
    assert house.status("comune") is Status.HELD


def test_a_callback_that_accepts_what_was_refused_is_a_persons(house: House) -> None:
    """The case learns nothing before a person has asked."""
    taken(house)
    called(house, NO)
    called(house, Accepted("P1"))
    assert house.status("comune") is Status.HELD
    assert "comune" not in house.context().facts


def test_a_callback_for_what_was_never_sent_is_stray(house: House) -> None:
    """It is kept and changes nothing."""
    house.hears(GIULIA.message("A01"))
    assert called(house, Accepted("P1")) == "stray"
    assert house.status("comune") is Status.READY


def test_a_callback_without_an_outcome_changes_nothing(house: House) -> None:
    """'Taken' or 'unknown' in a callback is no outcome."""
    taken(house)
    assert called(house, Taken("T2")) == "no outcome"
    assert house.status("comune") is Status.TAKEN


def test_a_late_callback_for_a_withdrawn_document_is_kept(house: House) -> None:
    """A document that was given up says so still; its late answer moves nothing."""
    row = told(house, NO)
    house.do(lambda unit: unit.move(row.id, expect=Status.REJECTED, to=Status.WITHDRAWN))
    assert called(house, Accepted("P1"), row) == "applied"
    assert house.rows("comune")[0].status is Status.WITHDRAWN
    assert "comune" not in house.context().facts


# ---------------------------------------------------------------- what is taken and never answered


def test_a_deadline_that_passes_is_a_persons(tmp_path: Path) -> None:
    """A partner that took it and never answered, and cannot be asked, leaves it to a person."""
    old = Backoff(first=timedelta(0), ceiling=timedelta(0), max_age=timedelta(milliseconds=1))
    with House(tmp_path, backoff=old) as house:
        row = told(house, Taken("T1"))
        assert (row.status, row.reason) == (Status.HELD, "DEADLINE")


def test_what_is_taken_is_asked_for(tmp_path: Path) -> None:
    """Where the partner can be asked, the outcome is fetched."""
    with House(tmp_path, offices=promising(Idempotence.CAN_BE_ASKED)) as house:
        house.office.says = {"comune": [Taken("T1")], "comune/query": [Taken("T1"), Accepted("P")]}
        house.hears(GIULIA.message("A01"))
        house.works()
        assert house.office.got("comune") == ["register", "query", "query"]
        assert house.last("comune").receipt == "P"


UNSETTLED = (Taken("T2"), Unknown("HTTP 500"), Unavailable("BUSY"))
"""Answers to a question that tell nothing of the outcome."""


@pytest.mark.parametrize("answer", UNSETTLED)
def test_what_is_taken_is_asked_for_without_haste(tmp_path: Path, answer: Outcome) -> None:
    """A question that settles nothing, however it ended, is asked again after the longest pause,
    and no later than the deadline.
    """
    slow = Backoff(first=timedelta(0), ceiling=timedelta(minutes=30), max_age=timedelta(hours=1))
    with House(tmp_path, offices=promising(Idempotence.CAN_BE_ASKED), backoff=slow) as house:
        row = taken(house)
        house.office.says["comune/query"] = [answer] * 100
        for deadline, pause in ((row.deadline_at, 30), (row.created_at + timedelta(minutes=9), 9)):
            change(house, Status.TAKEN, due_at=row.created_at, deadline_at=deadline)
            house.works()
            asked = house.last("comune")
            assert asked.status is Status.TAKEN
            assert asked.due_at is not None
            left = asked.due_at - row.created_at
            assert timedelta(minutes=pause) <= left < timedelta(minutes=pause + 1)
        assert house.office.got("comune") == ["register", "query", "query"]


@pytest.mark.parametrize("answer", UNSETTLED)
def test_what_is_taken_is_not_asked_for_after_its_deadline(tmp_path: Path, answer: Outcome) -> None:
    """Asked a last time when it has passed: if that settles nothing, it is a person's."""
    with House(tmp_path, offices=promising(Idempotence.CAN_BE_ASKED)) as house:
        house.office.says = {"comune": [Taken("T1")], "comune/query": [answer, answer]}
        house.hears(GIULIA.message("A01"))
        house.works(1)
        row = house.last("comune")
        assert row.status is Status.TAKEN
        change(house, Status.TAKEN, deadline_at=row.created_at)
        house.works()
        row = house.last("comune")
        assert (row.status, row.reason, row.due_at) == (Status.HELD, "DEADLINE", None)
        assert row.maybe_received
        assert house.office.got("comune") == ["register", "query"]


def test_what_is_taken_again_has_a_deadline_of_its_own(house: House) -> None:
    """A person said 'not received' after the first one passed; it was sent again, and taken."""
    row = taken(house)
    change(house, Status.HELD, deadline_at=row.created_at)
    house.do(
        lambda unit: house.desk.resolve(unit, row.id, received=False, receipt="", person=PERSON)
    )
    house.office.says["comune"] = [Taken("T2")]
    house.works(1)
    again = house.last("comune")
    assert (again.status, again.ticket) == (Status.TAKEN, "T2")
    assert again.deadline_at is not None
    assert again.deadline_at - again.created_at > timedelta(days=8)


def change(house: House, to: Status, **changes: datetime | None) -> None:
    """The Comune's document, as it would be after a while."""
    row = house.last("comune")
    house.do(lambda unit: unit.move(row.id, expect=row.status, to=to, **changes))  # type: ignore[arg-type]  # times


def test_a_partner_that_says_when_is_not_asked_before(tmp_path: Path) -> None:
    """A doubt and a refusal to serve both wait as wished, but never beyond our longest pause."""
    with House(tmp_path, backoff=Backoff(ceiling=timedelta(minutes=30))) as house:
        for wanted, waits in ((timedelta(minutes=10), 10), (timedelta(days=9), 30)):
            for outcome in (
                Unknown("HTTP 503", retry_after=wanted),
                Unavailable("BUSY", retry_after=wanted),
            ):
                child = replace(GIULIA, identifier=f"{waits}{type(outcome).__name__[:4]}")
                house.office.says["comune"] = [outcome]
                house.hears(child.message("A01"))
                house.works()
                row = house.last("comune")
                assert row.due_at is not None
                left = row.due_at - row.updated_at
                assert timedelta(minutes=waits, seconds=-5) < left <= timedelta(minutes=waits)

"""The second corridor: what is committed before it is sent, and what every attempt shares.

Real journal, real mappings; only the administrations are played. What an answer does to a case
is told in `test_aftermath`, whole births in `test_casebook`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from gateway.destination import Claimed, Letter
from gateway.errors import JournalError, SigningError
from gateway.journal import SubmissionRow, Unit
from gateway.lifecycle import Event, Status, after
from gateway.outcomes import (
    Accepted,
    Fault,
    NotFound,
    Outcome,
    Rejected,
    Taken,
    Unavailable,
    Unknown,
)
from gateway.partners import Idempotence
from tests.births import CODICE_FISCALE, GIULIA, OFFICES, PERSON, House, run
from tests.journal_rows import until

SENDING = (Status.READY, Status.DEFERRED, Status.IN_DOUBT, Status.TAKEN, Status.WAITING)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node that tries again at once."""
    with House(tmp_path) as made:
        yield made


def claim(house: House, step: str = "comune") -> Claimed:
    """Everything due is claimed; gives the one of a step."""

    def taken(unit: Unit) -> list[Claimed]:
        rows = unit.claim("n1", limit=9, lease=timedelta(minutes=1), statuses=SENDING)
        return [house.delivery.claimed(unit, row) for row in rows]

    return next(each for each in house.do(taken) if each.row.step == step)


def born(house: House, **changes: object) -> Claimed:
    """A birth, and its Comune's submission in this node's hands."""
    house.hears(replace(GIULIA, **changes).message("A01"))
    return claim(house)


def on_disk(house: House, statement: str) -> list[tuple[object, ...]]:
    """What another process would read: only what is committed."""
    path = house.url.removeprefix("sqlite:///")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        rows = connection.execute(statement).fetchall()
    connection.close()
    return rows


# ---------------------------------------------------------------- before it is sent


def test_the_exact_bytes_are_committed_before_they_are_sent(house: House) -> None:
    """At the moment of sending, another process reads SUBMITTING and these very bytes."""
    seen: list[bool] = []

    def look(letter: Letter) -> None:
        if not letter.operation.startswith("comune/"):
            return
        row = house.last("comune")
        (attempt,) = house.look(lambda view: view.attempts(row.id))
        envelope = house.look(lambda view: view.envelope(attempt.id))
        committed = on_disk(house, f"SELECT status FROM submissions WHERE id = '{row.id}'")
        seen.append(
            committed == [("SUBMITTING",)]
            and envelope == letter.envelope
            and (attempt.message_id, attempt.url) == (letter.message_id, letter.url)
            and attempt.ended_at is None
        )

    house.office.before_answer = look
    house.hears(GIULIA.message("A01"))
    house.works()
    assert seen == [True]


def test_what_cannot_be_committed_is_not_sent(house: House) -> None:
    """Evidence that cannot be written stops the sending, not the other way round."""
    claimed = born(house)
    with sqlite3.connect(house.url.removeprefix("sqlite:///")) as connection:
        connection.execute("DROP TABLE attempts")
    connection.close()
    with pytest.raises(JournalError):
        run(house.delivery.work(claimed))
    assert house.office.letters == []
    assert house.status("comune") is Status.READY


def test_what_cannot_be_stored_is_not_acknowledged(house: House) -> None:
    """The other corridor alike: AR, so that the hospital keeps the message, and no case."""
    with sqlite3.connect(house.url.removeprefix("sqlite:///")) as connection:
        connection.execute("DROP TABLE evidence")
    connection.close()
    assert house.hears(GIULIA.message("A01")) == "AR"
    assert house.look(lambda view: view.cases()) == []


def test_a_timestamp_that_aged_in_our_own_queue_is_not_sent(house: House) -> None:
    """Its age is looked at just before the POST; the next attempt has a fresh one."""
    house.office.life = timedelta(seconds=-1)
    claimed = born(house)
    wrap = house.office.wrap
    ids = count()
    house.office.wrap = lambda *words: replace(wrap(*words), message_id=f"urn:{next(ids)}")  # type: ignore[method-assign]  # as many ids as letters that were written
    run(house.delivery.work(claimed))
    assert house.office.letters == []
    row = house.last("comune")
    assert (row.status, row.reason) == (Status.DEFERRED, "EXPIRED_BEFORE_SENDING")
    assert not row.maybe_received
    house.office.life = timedelta(minutes=5)
    house.works()
    assert house.office.got("comune") == ["register"]
    assert house.status("comune") is Status.ACCEPTED


def test_a_document_that_cannot_be_signed_loses_nothing(house: House) -> None:
    """The error goes up to whoever stops the channel; the submission is as it was."""

    def keyless(*_: object) -> Letter:
        raise SigningError("the key is missing")

    claimed = born(house)
    house.office.wrap = keyless  # type: ignore[method-assign]  # this office has lost its key
    with pytest.raises(SigningError):
        run(house.delivery.work(claimed))
    row = house.last("comune")
    assert (row.status, row.attempts) == (Status.READY, 0)


# ---------------------------------------------------------------- attempts


@pytest.mark.parametrize("times", [1, 3])
def test_every_attempt_is_the_same_document(house: House, times: int) -> None:
    """The same operation id and Body, so that a double is recognised; its own MessageID, so that
    it is no replay.
    """
    house.office.says["comune"] = [Unknown("lost")] * times
    house.hears(GIULIA.message("A01"))
    house.works()
    letters = [each for each in house.office.letters if each.operation == "comune/register"]
    assert len(letters) == times + 1
    assert len({each.operation_id for each in letters}) == 1
    assert len({each.envelope for each in letters}) == 1
    assert len({each.message_id for each in letters}) == times + 1


def test_an_attempt_sends_what_the_first_one_said(house: House) -> None:
    """Between two attempts of what may have arrived, a new message changes not a byte of it: what
    is new goes behind it, as a correction.
    """
    house.office.says["comune"] = [Unknown("lost")]
    run(house.delivery.work(born(house)))
    assert house.status("comune") is Status.IN_DOUBT
    house.hears(GIULIA.message("A08", weight=3111))
    assert house.steps()["comune"] == ["register IN_DOUBT", "register WAITING PREDECESSOR"]
    house.works()
    letters = [each for each in house.office.letters if each.operation.startswith("comune/")]
    assert [each.operation for each in letters] == ["comune/register"] * 2 + ["comune/amend"]
    assert letters[0].envelope == letters[1].envelope
    assert b"3111" in letters[2].envelope


def test_attempts_are_kept_with_their_answers(house: House) -> None:
    """Each try with its outcome and the exact bytes that came back."""
    house.office.says["comune"] = [Unknown("lost")]
    house.hears(GIULIA.message("A01"))
    house.works()
    row = house.last("comune")
    attempts = house.look(lambda view: view.attempts(row.id))
    assert [(each.number, each.outcome) for each in attempts] == [(1, "Unknown"), (2, "Accepted")]
    assert house.look(lambda view: view.answer(attempts[1].id)) == b"<answer/>"


def test_when_it_went_is_kept_and_what_never_went_has_no_time(house: House) -> None:
    """An attempt without connection was not sent; the next, answered or not, was."""
    house.office.says["comune"] = [Unavailable("no connection"), Accepted("P1")]
    house.hears(GIULIA.message("A01"))
    house.works()
    row = house.last("comune")
    never, went = house.look(lambda view: view.attempts(row.id))
    assert never.sent_at is None
    assert went.sent_at is not None
    assert went.created_at <= went.sent_at


# ---------------------------------------------------------------- what changed meanwhile


def test_a_choice_made_again_meanwhile_is_what_goes(house: House) -> None:
    """Claimed with the first choice: it is not sent; the next look sends the family's last word."""
    house.hears(GIULIA.message("A01"))
    house.works()
    case_id = house.case().id
    house.do(lambda unit: house.desk.choose(unit, case_id, {"pediatra": "PLS001"}, PERSON))
    claimed = claim(house, "pediatra")
    house.do(lambda unit: house.desk.choose(unit, case_id, {"pediatra": "PLS002"}, PERSON))
    assert run(house.delivery.work(claimed)) is None
    assert house.office.got("pediatra") == []
    house.works()
    assert house.office.got("pediatra") == ["register"]
    assert b"PLS002" in house.office.last("pediatra")


def test_a_fact_that_changed_meanwhile_is_what_goes(house: House) -> None:
    """Claimed with one codice fiscale, and another is told: the enrolment names the other."""
    house.office.says["codice_fiscale"] = [Taken("T1")]
    house.hears(GIULIA.message("A01"))
    house.works()
    learned(house, CODICE_FISCALE)
    claimed = claim(house, "assistito")
    learned(house, "RSSGLI26C41F20RQ")
    assert run(house.delivery.work(claimed)) is None
    assert house.office.got("assistito") == []
    house.works()
    assert b"RSSGLI26C41F20RQ" in house.office.last("assistito")


def learned(house: House, code: str) -> None:
    """Agenzia delle Entrate tells another codice fiscale, by callback."""
    row = house.last("codice_fiscale")

    def tell(unit: Unit) -> None:
        case = house.casebook.load(unit, row.case_id)
        house.casebook.learned(unit, case, "codice_fiscale", {"codiceFiscale": code})

    house.do(tell)


def test_an_amendment_is_not_found_needless_by_facts_of_before(house: House) -> None:
    """Nothing new when it was claimed, a new codice fiscale meanwhile: it goes, and names that."""
    house.hears(GIULIA.message("A01"))
    house.works()
    house.hears(GIULIA.message("A08", weight=3111))
    claimed = claim(house, "assistito")
    learned(house, "RSSGLI26C41F20RQ")
    run(house.delivery.work(claimed))
    assert house.status("assistito") is Status.READY
    house.works()
    assert house.office.got("assistito") == ["register", "amend"]
    assert b"RSSGLI26C41F20RQ" in house.office.last("assistito")


def test_a_new_code_reaches_the_paediatrician_although_an_answer_was_lost(tmp_path: Path) -> None:
    """The ASL took the new code and its answer was lost; a person says so, and no fact of it."""
    offices = tuple(replace(each, idempotence=Idempotence.NEITHER) for each in OFFICES)
    with House(tmp_path, offices=offices) as house:
        house.hears(GIULIA.message("A01"))
        house.works()
        case_id = house.case().id
        house.do(lambda unit: house.desk.choose(unit, case_id, {"pediatra": "PLS001"}, PERSON))
        house.works()
        house.office.says["assistito"] = [Unknown("lost")]
        learned(house, "RSSGLI26C41F20RQ")
        house.works()
        held = house.last("assistito").id
        house.do(
            lambda unit: house.desk.resolve(unit, held, received=True, receipt="P9", person=PERSON)
        )
        house.works()
        assert house.office.got("pediatra") == ["register", "amend"]
        assert b"RSSGLI26C41F20RQ" in house.office.last("pediatra")


def test_a_document_is_not_found_impossible_by_facts_of_before(house: House) -> None:
    """What cannot be written with the fact of before is made with the one that came meanwhile."""
    house.office.says["codice_fiscale"] = [Taken("T1")]
    house.hears(GIULIA.message("A01"))
    house.works()
    learned(house, "NO CODE AT ALL")
    claimed = claim(house, "assistito")
    learned(house, CODICE_FISCALE)
    run(house.delivery.work(claimed))
    assert house.status("assistito") is Status.READY
    house.works()
    assert CODICE_FISCALE.encode() in house.office.last("assistito")


def test_what_a_message_replaced_meanwhile_is_not_sent(house: House) -> None:
    """Claimed, then the hospital corrects: the old content never leaves."""
    claimed = born(house)
    house.hears(GIULIA.message("A08", weight=3111))
    assert run(house.delivery.work(claimed)) is None
    house.works()
    assert house.office.got("comune") == ["register"]
    assert b"3111" in house.office.last("comune")


def test_what_a_person_withdrew_meanwhile_is_not_sent(house: House) -> None:
    """The claim does not stand above the desk."""
    claimed = born(house)
    house.do(lambda unit: house.desk.withdraw(unit, claimed.row.id, PERSON))
    assert run(house.delivery.work(claimed)) is None
    assert house.office.got("comune") == []
    assert house.status("comune") is Status.WITHDRAWN


def test_a_claim_that_another_node_took_over_sends_nothing(house: House) -> None:
    """The fence of the claim is named in every change: who lost it does no harm."""
    claimed = born(house)

    def taken_over(unit: Unit) -> None:
        unit.release(claimed.row.id, fence=claimed.row.fence, due_at=unit.now)
        unit.claim("n2", limit=9, lease=timedelta(minutes=1), statuses=SENDING)

    house.do(taken_over)
    assert run(house.delivery.work(claimed)) is None
    assert house.office.got("comune") == []


@pytest.mark.parametrize(
    ("late", "status"),
    [
        (Accepted("P1"), Status.ACCEPTED),
        (Rejected((Fault("COM002"),)), Status.REJECTED),
        (Unknown("lost"), Status.IN_DOUBT),
    ],
)
def test_an_answer_after_the_lease_was_lost_still_counts(
    house: House, late: Outcome, status: Status
) -> None:
    """It was taken for lost, and its doubt is not settled yet: what the partner says is heard."""

    def lose(letter: Letter) -> None:
        row = house.last("comune")
        house.do(lambda unit: house.delivery.recover(unit, [row]))

    claimed = born(house)
    house.office.says["comune"] = [late]
    house.office.before_answer = lose
    run(house.delivery.work(claimed))
    assert house.status("comune") is status


def test_an_answer_after_the_doubt_was_settled_counts_like_a_callback(house: House) -> None:
    """A person said 'not received', and the answer came after all: it is accepted, not sent."""

    def settle(letter: Letter) -> None:
        row = house.last("comune")
        house.do(lambda unit: house.delivery.recover(unit, [row]))
        house.do(
            lambda unit: house.desk.resolve(unit, row.id, received=False, receipt="", person=PERSON)
        )
        house.office.before_answer = lambda _: None

    claimed = born(house)
    house.office.before_answer = settle
    run(house.delivery.work(claimed))
    assert house.status("comune") is Status.ACCEPTED
    house.works()
    assert house.office.got("comune") == ["register"]


def test_an_answer_is_recorded_when_the_journal_is_back(tmp_path: Path) -> None:
    """The database restarts while a partner that promises nothing answers: the answer is not
    forgotten, and no person is asked what it was.
    """
    nothing = tuple(replace(each, idempotence=Idempotence.NEITHER) for each in OFFICES)
    with House(tmp_path, offices=nothing) as house:

        def away(letter: Letter) -> None:
            execute(house, "ALTER TABLE evidence RENAME TO evidence_away")
            back = "ALTER TABLE evidence_away RENAME TO evidence"
            Timer(0.3, execute, (house, back)).start()

        claimed = born(house)
        house.office.before_answer = away
        run(house.delivery.work(claimed))
        row = house.last("comune")
        (attempt,) = house.look(lambda view: view.attempts(row.id))
        assert (row.status, attempt.outcome) == (Status.ACCEPTED, "Accepted")


def test_an_answer_recorded_by_a_commit_that_seemed_to_fail_counts_once(house: House) -> None:
    """Done a second time, the recording finds the attempt ended and changes nothing."""
    claimed = born(house)
    submit, recordings = house.journal.submit, []

    def twice(work: Any, patience: float, endure: float = 0.0) -> Any:
        if endure:
            recordings.append(submit(work, patience).result(30))
        return submit(work, patience, endure)

    house.journal.submit = twice  # type: ignore[method-assign]  # a commit that happened, and failed
    run(house.delivery.work(claimed))
    assert len(recordings) == 1
    entries = house.look(lambda view: view.evidence(subject=claimed.row.id))
    ended = [each for each in entries if each.note.get("to") == "ACCEPTED"]
    assert (house.status("comune"), len(ended)) == (Status.ACCEPTED, 1)


def execute(house: House, statement: str) -> None:
    """What an administrator does to the database, from elsewhere."""
    with sqlite3.connect(house.url.removeprefix("sqlite:///"), timeout=10) as connection:
        connection.execute(statement)
    connection.close()


def test_what_was_on_the_wire_at_the_start_is_in_doubt(house: House) -> None:
    """A new life settles first what the old one left, and sends it only where that is safe."""
    claimed = born(house)

    def died(unit: Unit) -> None:
        sent = after(claimed.row.status, Event.SUBMIT)
        unit.move(claimed.row.id, expect=claimed.row.status, fence=claimed.row.fence, to=sent)

    house.do(died)
    found = house.do(lambda unit: house.delivery.recover(unit, unit.reclaim_node("n1")))
    row = house.last("comune")
    assert (found, row.status, row.maybe_received) == (1, Status.IN_DOUBT, True)


# ---------------------------------------------------------------- what cannot be sent


def test_what_cannot_be_translated_says_every_reason(house: House) -> None:
    """INVALID with all that is wrong, and never a value."""
    wrong = GIULIA.message("A01").replace(b"||202603011030|F", b"||20269999|Q")
    assert house.hears(wrong) == "AA"
    house.works()
    row = house.last("comune")
    faults = house.look(lambda view: view.faults(row.id)) or []
    assert row.status is Status.INVALID
    assert len(faults) >= 2
    assert not [each for each in faults if "20269999" in each["text"]]
    assert house.office.got("comune") == []


UNSETTLED = (Status.SUBMITTING, Status.IN_DOUBT)


def abandoned(folder: Path, *said: Outcome) -> SubmissionRow:
    """The Comune said this, then it left the directory, and the next look finds that out."""
    with House(folder) as before:
        before.office.says["comune"] = list(said)
        before.hears(GIULIA.message("A01"))
        while before.last("comune").attempts < len(said) or before.status("comune") in UNSETTLED:
            before.works(1)
    with House(folder, offices=tuple(e for e in OFFICES if e.partner != "comune")) as without:
        without.works()
        assert without.office.got("comune") == []
        return without.last("comune")


@pytest.mark.parametrize("said", [(), (Unavailable("REFUSED"),)])
def test_an_office_that_left_the_directory_gets_nothing(
    tmp_path: Path, said: tuple[Outcome, ...]
) -> None:
    """It was there when the document was made, perhaps tried in vain; nobody else gets it instead
    until a person makes it again, for today's office.
    """
    row = abandoned(tmp_path, *said)
    assert (row.status, row.reason) == (Status.INVALID, "NOT_IN_DIRECTORY")
    with House(tmp_path) as house:
        house.do(lambda unit: house.desk.reprocess(unit, row.id, PERSON))
        house.works()
        assert house.steps()["comune"] == ["register REPLACED REPROCESS", "register ACCEPTED"]


@pytest.mark.parametrize("said", [Unavailable("RESET", received=True), Unknown("lost")])
@pytest.mark.parametrize("received", [True, False])
def test_what_an_office_may_have_that_left_the_directory_is_a_persons(
    tmp_path: Path, said: Outcome, *, received: bool
) -> None:
    """DEFERRED or READY again, it may be there: who asks the office ends it, with its number or by
    making it again for today's.
    """
    row = abandoned(tmp_path, said)
    assert (row.status, row.reason) == (Status.HELD, "NOT_IN_DIRECTORY")
    with House(tmp_path, offices=tuple(e for e in OFFICES if e.partner != "comune")) as without:
        without.do(
            lambda unit: without.desk.resolve(
                unit, row.id, received=received, receipt="P1", person=PERSON
            )
        )
        without.works()
        end = Status.ACCEPTED if received else Status.INVALID
        assert without.status("comune") is end
    with House(tmp_path) as house:
        if not received:
            house.do(lambda unit: house.desk.reprocess(unit, row.id, PERSON))
        house.works()
        assert house.status("comune") is Status.ACCEPTED


def test_an_amendment_that_says_nothing_new_is_not_sent(house: House) -> None:
    """Compared when its turn comes, with what stands then."""
    house.office.says["comune"] = [Taken("T1")]
    house.hears(GIULIA.message("A01"))
    house.works(1)
    house.hears(GIULIA.message("A08", bed="9"))
    row = house.rows("comune")[0]
    house.do(lambda unit: house.aftermath.called_back(unit, row, Accepted("P1")))
    house.works()
    assert house.steps()["comune"] == ["register ACCEPTED", "amend WITHDRAWN UNCHANGED"]
    assert house.office.got("comune") == ["register"]


# ---------------------------------------------------------------- doubts that are asked about


def asking(folder: Path) -> House:
    """Offices that tell whether they have an operation id."""
    offices = tuple(replace(each, idempotence=Idempotence.CAN_BE_ASKED) for each in OFFICES)
    return House(folder, offices=offices)


def test_a_doubt_is_asked_about_no_earlier_for_what_its_own_node_says_late(tmp_path: Path) -> None:
    """Its lease was lost, then its call fails: the question waits for Expires all the same."""
    with asking(tmp_path) as house:
        claimed = born(house)

        def lost(letter: Letter) -> None:
            house.do(lambda unit: house.delivery.recover(unit, [unit.submission(claimed.row.id)]))

        house.office.before_answer = lost
        house.office.says["comune"] = [Unavailable("no connection")]
        run(house.delivery.work(claimed))
        row = house.last("comune")
        (attempt,) = house.look(lambda view: view.attempts(row.id))
        assert (row.status, attempt.outcome) == (Status.IN_DOUBT, "Unavailable")
        assert row.due_at >= attempt.expires_at


def test_a_question_names_the_document_and_is_no_attempt(tmp_path: Path) -> None:
    """It carries the operation id that is in doubt, and counts as no try to deliver."""
    with asking(tmp_path) as house:
        house.office.life = timedelta(milliseconds=200)
        house.office.says["comune"] = [Unknown("lost")]
        run(house.delivery.work(born(house)))
        house.office.says["comune/query"] = [Accepted("P7")]
        while house.status("comune") is Status.IN_DOUBT:
            house.works(1)
        row = house.last("comune")
        assert (row.status, row.receipt, row.attempts) == (Status.ACCEPTED, "P7", 1)
        assert row.operation_id.encode() in house.office.last("comune")
        told = house.look(lambda view: view.evidence(subject=row.id))
        assert "submission.asked" in [each.what for each in told]


def test_not_found_sends_the_same_document_again(tmp_path: Path) -> None:
    """The partner surely has not got it: the same operation id, the same Body."""
    with asking(tmp_path) as house:
        house.office.life = timedelta(milliseconds=200)
        house.office.says = {"comune": [Unknown("lost")], "comune/query": [NotFound()]}
        house.hears(GIULIA.message("A01"))
        while house.status("comune") is not Status.ACCEPTED:
            house.works(1)
        first, last = (each for each in house.office.letters if each.operation == "comune/register")
        assert (first.operation_id, first.envelope) == (last.operation_id, last.envelope)


def test_a_callback_while_the_partner_is_asked_counts(tmp_path: Path) -> None:
    """What it says of itself is not undone by the older answer to our question."""
    with asking(tmp_path) as house:
        house.office.life = timedelta(milliseconds=200)
        house.office.says["comune"] = [Unknown("lost")]
        run(house.delivery.work(born(house)))

        def call(letter: Letter) -> None:
            if letter.operation == "comune/query":
                row = house.last("comune")
                house.do(lambda unit: house.aftermath.called_back(unit, row, Accepted("P9")))

        house.office.before_answer = call
        house.office.says["comune/query"] = [NotFound()]
        while house.status("comune") is Status.IN_DOUBT:
            house.works(1)
        house.works()
        assert house.last("comune").receipt == "P9"
        assert house.office.got("comune") == ["register", "query"]


# ---------------------------------------------------------------- a node that slept too long


class Died(Exception):
    """A node ended while its document was on the wire."""


def due(house: House, node: str) -> Claimed:
    """The Comune's submission in a node's hands, as soon as it is due."""
    found: list[Claimed] = []

    def look(unit: Unit) -> list[Claimed]:
        rows = unit.claim(node, limit=9, lease=timedelta(minutes=1), statuses=SENDING)
        return [house.delivery.claimed(unit, row) for row in rows if row.step == "comune"]

    until(lambda: found.extend(house.do(look)) or found)
    return found[0]


def sleeps(house: House, wakes_to: Outcome | NotFound, *n2: Outcome | NotFound | None) -> None:
    """What is sent next is answered only when its node, n1, has lost its lease, and n2 has done
    what was due and has heard this (None: nothing yet, it is on the wire).
    """

    def slept(letter: Letter) -> None:
        house.office.life = timedelta(minutes=5)
        house.do(lambda unit: house.delivery.recover(unit, unit.reclaim_node("n1")))
        for heard in n2:
            house.office.before_answer = on_the_wire if heard is None else lambda _: None
            house.office.says["comune"] = [heard] if heard else []
            with suppress(Died):
                run(house.delivery.work(due(house, "n2")))
        house.office.before_answer = lambda _: None
        house.office.says["comune"] = [wakes_to]

    house.office.before_answer = slept


def on_the_wire(letter: Letter) -> None:
    """It was sent, and no answer came so far."""
    raise Died


@pytest.mark.parametrize("late", [NotFound(), Unknown("lost"), Unavailable("BUSY")])
def test_an_answer_about_a_doubt_settles_no_later_one(
    tmp_path: Path, late: Outcome | NotFound
) -> None:
    """The node that asked slept; another was told 'not found', sent again and lost the answer: of
    this doubt the old answer says nothing, nor is it asked about before the new one expires.
    """
    with asking(tmp_path) as house:
        house.office.life = timedelta(milliseconds=200)
        house.office.says["comune"] = [Unknown("lost")]
        run(house.delivery.work(born(house)))
        asks = due(house, "n1")
        sleeps(house, late, NotFound(), Unknown("lost"))
        run(house.delivery.work(asks))
        row = house.last("comune")
        expires_at = house.look(lambda view: view.attempts(row.id))[1].expires_at
        assert (row.status, row.attempts, row.maybe_received) == (Status.IN_DOUBT, 2, True)
        assert row.due_at >= expires_at
        assert house.office.got("comune") == ["register", "query", "query", "register"]


@pytest.mark.parametrize(
    ("late", "status"),
    [
        (Unavailable("no connection"), Status.SUBMITTING),
        (Unknown("lost"), Status.SUBMITTING),
        (Taken("T1"), Status.SUBMITTING),
        (Accepted("P1"), Status.ACCEPTED),
        (Rejected((Fault("COM002"),)), Status.SUBMITTING),
    ],
)
def test_what_befell_an_attempt_is_not_said_of_the_next(
    tmp_path: Path, late: Outcome, status: Status
) -> None:
    """The first attempt's node slept while another sent it again: what was done is done, but what
    was refused or never went the first time does not take the second off the wire.
    """
    with asking(tmp_path) as house:
        house.office.life = timedelta(milliseconds=200)
        claimed = born(house)
        sleeps(house, late, NotFound(), None)
        run(house.delivery.work(claimed))
        row = house.last("comune")
        first, second = house.look(lambda view: view.attempts(row.id))
        assert (row.status, row.attempts) == (status, 2)
        assert (first.outcome, second.ended_at) == (type(late).__name__, None)


# ---------------------------------------------------------------- order


def test_a_step_goes_in_order_and_steps_side_by_side(house: House) -> None:
    """What comes later never overtakes what is not settled; other steps do not wait for it."""
    house.office.says["comune"] = [Taken("T1")]
    house.hears(GIULIA.message("A01"))
    house.works()
    house.hears(GIULIA.message("A08", weight=3111))
    house.works()
    assert house.office.got("comune") == ["register"]
    assert house.steps()["comune"][1] == "register WAITING PREDECESSOR"
    assert house.steps()["assistito"][0] == "register ACCEPTED"
    row = house.rows("comune")[0]
    house.do(lambda unit: house.aftermath.called_back(unit, row, Accepted("P1")))
    house.works()
    assert house.office.got("comune") == ["register", "amend"]

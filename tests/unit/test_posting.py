"""A submission that goes by certified mail, in a real journal; the test plays the provider."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import pytest

from adapters.simulation.pec_provider import PecProvider
from gateway.errors import LifecycleError, NotPossible, VerificationError
from gateway.hindsight import Hindsight
from gateway.journal import SubmissionRow
from gateway.lifecycle import Event, Status, after
from gateway.mailbox import Mailbox
from gateway.outcomes import Accepted, Unavailable, Unknown
from gateway.partners import Idempotence, Pec
from gateway.pec.receipt import read_receipt
from gateway.posting import Posted, Posting
from gateway.retry import Backoff
from tests.births import GIULIA, OFFICES, PERSON, House

OFFICE = "protocollo@pec.comune.example"
ONCE = Backoff(first=timedelta(0), ceiling=timedelta(0), max_attempts=1)
DOWN = Unavailable("OUTAGE")
BOX = Mailbox.model_construct(
    address="nati@pec.ospedale.example", receipt=timedelta(hours=24), timeout=timedelta(minutes=1)
)


def house_of(folder: Path, *, by_itself: bool, **more: object) -> House:
    """A house whose Comuni have certified mail."""
    pec = Pec(OFFICE, by_itself)
    offices = tuple(
        replace(each, pec=pec, **more) if each.partner == "comune" else each for each in OFFICES
    )
    return House(folder, offices=offices, backoff=ONCE)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Mail by a person's order; one attempt is all there is."""
    with house_of(tmp_path, by_itself=False) as made:
        yield made


def dead(house: House, outcome: object = DOWN) -> SubmissionRow:
    """A registration that the Comune's service did not take."""
    house.office.says["comune"] = [outcome]  # type: ignore[list-item]  # an outcome
    house.hears(GIULIA.message("A01"))
    house.works()
    return house.last("comune")


def posting(house: House, receipt: timedelta = timedelta(hours=24)) -> Posting:
    """The node's."""
    box = BOX.model_copy(update={"receipt": receipt})
    return Posting("n1", house.casebook, box, Backoff(first=timedelta(0)), lambda: 0.0)


def posted(house: House, **more: timedelta) -> tuple[Posting, Posted]:
    """Ordered, claimed, and its bytes committed."""
    row = dead(house)
    house.do(lambda unit: house.desk.mail(unit, row.id, PERSON))
    post = posting(house, **more)
    (claimed,) = house.do(lambda unit: post.claim(unit, timedelta(minutes=1)))
    made = house.do(lambda unit: post.commit(claimed, unit))
    assert made is not None
    return post, made


def hears(house: House, post: Posting, made: Posted, kind: str, error: str = "nessuno") -> bool:
    """A receipt arrives."""
    mail = message_from_bytes(made.mail.content)
    raw = PecProvider(Path()).receipt(mail, kind, error, OFFICE)
    about = made.mail.message_id
    told = read_receipt(raw)
    return house.do(lambda unit: post.heard(made.submission_id, about, told, raw, unit))


def test_a_person_orders_what_surely_never_arrived(house: House) -> None:
    """The order is evidence; the mail holds the last signed bytes and is in the journal first."""
    _, made = posted(house)
    row = house.last("comune")
    assert (row.status, row.attempts, row.maybe_received) == (Status.MAILING, 2, True)
    first, second = house.look(lambda view: view.attempts(row.id))
    assert second.url == f"mailto:{OFFICE}"
    assert house.look(lambda view: view.envelope(second.id)) == made.mail.content
    signed = house.look(lambda view: view.envelope(first.id))
    parts = message_from_bytes(made.mail.content).walk()
    assert [p.get_payload(decode=True) for p in parts if p.get_filename()] == [signed]
    entries = house.look(lambda view: view.evidence(subject=row.id))
    assert any(e.what == "submission.mailed" and e.note["person"] == PERSON.name for e in entries)


@pytest.mark.parametrize("promise", list(Idempotence))
def test_a_doubt_is_never_mailed(tmp_path: Path, promise: Idempotence) -> None:
    """Whatever the office promises: by nobody's order, and not by itself."""
    with house_of(tmp_path, by_itself=True, idempotence=promise) as house:
        row = dead(house, Unavailable("HTTP_503", received=True))
        assert (row.status, row.maybe_received) == (Status.DEAD, True)
        with pytest.raises(NotPossible, match="doubt"):
            house.do(lambda unit: house.desk.mail(unit, row.id, PERSON))


def test_a_lost_answer_is_not_mailed_either(tmp_path: Path) -> None:
    """It is in doubt, and a person's."""
    with house_of(tmp_path, by_itself=True) as house:
        assert dead(house, Unknown("LOST")).status is Status.HELD


def test_by_itself_where_the_directory_says_so(tmp_path: Path) -> None:
    """In the commit in which the last attempt ended."""
    with house_of(tmp_path, by_itself=True) as house:
        row = dead(house)
        assert (row.status, row.due_at is None) == (Status.TO_MAIL, False)


def test_off_by_default(tmp_path: Path) -> None:
    """An office without an address is not mailed, not even by order."""
    with House(tmp_path, backoff=ONCE) as house:
        row = dead(house)
        assert row.status is Status.DEAD
        with pytest.raises(NotPossible, match=r"no pec: in partners\.yaml"):
            house.do(lambda unit: house.desk.mail(unit, row.id, PERSON))


@pytest.mark.parametrize(
    ("kind", "error", "status", "reason", "received", "alarm"),
    [
        ("accettazione", "nessuno", Status.MAILED, None, True, False),
        ("avvenuta-consegna", "nessuno", Status.TAKEN, "PEC_DELIVERED", True, False),
        ("errore-consegna", "no-dest", Status.DEAD, "PEC_RETURNED", False, True),
        ("errore-consegna", "altro", Status.HELD, "PEC_UNDELIVERED", True, True),
        ("non-accettazione", "altro", Status.DEAD, "PEC_RETURNED", False, True),
        ("preavviso-errore-consegna", "altro", Status.MAILING, None, True, True),
    ],
)
def test_what_a_receipt_does(
    house: House,
    kind: str,
    error: str,
    status: Status,
    reason: str | None,
    received: bool,
    alarm: bool,
) -> None:
    """Each kind once, with its bytes kept under the case's key."""
    post, made = posted(house)
    assert hears(house, post, made, kind, error) is alarm
    row = house.last("comune")
    assert (row.status, row.reason, row.maybe_received) == (status, reason, received)
    entries = house.look(lambda view: view.evidence(subject=row.id))
    assert [e.note["outcome"] for e in entries if e.what == "callback.applied"] == [kind]


def test_the_same_receipt_again_changes_nothing(house: House) -> None:
    """Another node read it too: no second entry in the evidence."""
    post, made = posted(house)
    mail = message_from_bytes(made.mail.content)
    raw = PecProvider(Path()).receipt(mail, "accettazione", "nessuno", OFFICE)
    told, about = read_receipt(raw), made.mail.message_id
    for _ in range(2):
        house.do(lambda unit: post.heard(made.submission_id, about, told, raw, unit))
    entries = house.look(lambda view: view.evidence(subject=made.submission_id))
    assert sum(e.what == "callback.applied" for e in entries) == 1


def test_a_receipt_of_another_office_or_mail_is_refused(house: House) -> None:
    """It is not kept, and moves nothing."""
    post, made = posted(house)
    mail = message_from_bytes(made.mail.content)
    raw = PecProvider(Path()).receipt(mail, "avvenuta-consegna", "nessuno", "altri@pec.example")
    told, about = read_receipt(raw), made.mail.message_id
    with pytest.raises(VerificationError):
        house.do(lambda unit: post.heard(made.submission_id, about, told, raw, unit))
    with pytest.raises(VerificationError):
        house.do(lambda unit: post.heard(made.submission_id, "<other@x>", told, raw, unit))
    assert house.status("comune") is Status.MAILING


def test_without_a_receipt_in_time_a_person_is_asked_and_a_late_one_counts(house: House) -> None:
    """HELD, perhaps received; then the receipt of delivery settles it."""
    post, made = posted(house, receipt=timedelta(0))
    assert house.do(lambda unit: post.give_up(made.submission_id, unit))
    row = house.last("comune")
    assert (row.status, row.reason, row.maybe_received) == (Status.HELD, "PEC_SILENT", True)
    hears(house, post, made, "avvenuta-consegna")
    assert house.status("comune") is Status.TAKEN


def test_nothing_is_given_up_before_its_time(house: House) -> None:
    """24 hours are the provider's."""
    post, made = posted(house)
    assert not house.do(lambda unit: post.give_up(made.submission_id, unit))


def test_what_was_surely_not_given_goes_again_as_another_mail(house: House) -> None:
    """Its id is another; and it may be replaced meanwhile, for nobody has it."""
    post, made = posted(house)
    house.do(lambda unit: post.later(unit, made, "MailLater"))
    row = house.last("comune")
    assert (row.status, row.maybe_received) == (Status.TO_MAIL, False)
    (claimed,) = house.do(lambda unit: post.claim(unit, timedelta(minutes=1)))
    again = house.do(lambda unit: post.commit(claimed, unit))
    assert again is not None
    assert again.mail.message_id != made.mail.message_id


def test_a_mail_on_its_way_is_never_made_again(house: House) -> None:
    """Neither claimed nor sent by the wire; a new message waits behind it."""
    post, _ = posted(house)
    assert house.do(lambda unit: post.claim(unit, timedelta(minutes=1))) == []
    assert house.works() == 0
    for event in (Event.SUBMIT, Event.REPLAY, Event.MAIL, Event.REPLACE):
        with pytest.raises(LifecycleError):
            after(Status.MAILING, event)
    house.hears(replace(GIULIA, given="MARTA").message("A08"))
    assert [row.status for row in house.rows("comune")] == [Status.MAILING, Status.WAITING]


@pytest.mark.parametrize("never", ["later", "refused"])
def test_what_never_arrived_gives_way_to_what_waits_behind_it(house: House, never: str) -> None:
    """A newer document waited for the mail: it goes over the wire, and the mail no more."""
    post, made = posted(house)
    house.hears(replace(GIULIA, given="MARTA").message("A08"))
    house.do(lambda unit: getattr(post, never)(unit, made, "MailLater"))
    house.works()
    assert [row.status for row in house.rows("comune")] == [Status.REPLACED, Status.ACCEPTED]
    assert b"MARTA" in house.office.last("comune")
    assert house.do(lambda unit: post.claim(unit, timedelta(minutes=1))) == []


def test_an_answer_that_comes_meanwhile_counts_and_the_mail_ends_quietly(house: House) -> None:
    """The office's callback was first: what the mail's server says changes nothing."""
    post, made = posted(house)
    row = house.last("comune")
    house.do(lambda unit: house.aftermath.called_back(unit, row, Accepted("2026/117")))
    house.do(lambda unit: post.taken(unit, made, "MailTaken"))
    assert house.status("comune") is Status.ACCEPTED


def test_a_restored_journal_mails_nothing_by_itself(house: House) -> None:
    """It may have gone since the back-up: a person asks first."""
    row = dead(house)
    house.do(lambda unit: house.desk.mail(unit, row.id, PERSON))
    house.do(lambda unit: Hindsight(house.casebook, house.aftermath).recall(unit))
    row = house.last("comune")
    assert (row.status, row.reason, row.maybe_received) == (Status.HELD, "RESTORED", True)


def test_an_address_that_is_gone_from_the_directory_ends_the_mail(house: House) -> None:
    """DEAD again, surely not received."""
    row = dead(house)
    house.do(lambda unit: house.desk.mail(unit, row.id, PERSON))
    house.casebook.directory = replace(house.directory, entries=OFFICES)
    post = posting(house)
    (claimed,) = house.do(lambda unit: post.claim(unit, timedelta(minutes=1)))
    assert house.do(lambda unit: post.commit(claimed, unit)) is None
    row = house.last("comune")
    assert (row.status, row.reason, row.maybe_received) == (Status.DEAD, "PEC_EXHAUSTED", False)


def test_the_clock_of_a_delivered_mail_ends_with_a_person(house: House) -> None:
    """TAKEN has its deadline anew, and nobody asks the office before."""
    post, made = posted(house)
    hears(house, post, made, "avvenuta-consegna")
    row = house.last("comune")
    assert row.deadline_at == row.due_at
    assert row.deadline_at is not None
    assert row.deadline_at - datetime.now(UTC) > timedelta(days=8)

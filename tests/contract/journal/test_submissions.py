"""Submissions, attempts and callbacks on both databases: fenced moves, exact bytes, no double."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.errors import Fenced, JournalError, NotFound
from gateway.journal import AttemptRow, CaseRow, Journal, Keyring, SubmissionRow, Unit
from gateway.journal.verification import verify
from gateway.lifecycle import Kind, Status
from tests.journal_rows import DOCUMENT, ENVELOPE, case, ready, sending


def test_a_submission_goes_from_status_to_status(journal: Journal) -> None:
    """Each move tells what it expects, keeps what it is given, and gives the row back."""
    case_id = journal.run(lambda unit: case(unit)).id
    made = journal.run(lambda unit: ready(unit, case_id, pins={"a.yaml": "1f"}, operation_id="op"))
    moved = journal.run(
        lambda unit: unit.move(
            made.id,
            expect=Status.READY,
            to=Status.SUBMITTING,
            document=DOCUMENT,
            inputs={"flow": {"kind": "register"}},
            body_digest="b",
            attempts=1,
            maybe_received=True,
            deadline_at=unit.now + timedelta(days=9),
        )
    )
    assert (moved.status, moved.attempts, moved.maybe_received) == (Status.SUBMITTING, 1, True)
    assert (moved.seq, moved.version, moved.pins) == (1, 2, {"a.yaml": "1f"})
    assert moved.deadline_at == moved.updated_at + timedelta(days=9)
    with journal.view() as view:
        assert view.submission(made.id) == view.by_operation("op") == moved
        assert view.document(made.id) == DOCUMENT
        assert view.inputs(made.id) == {"flow": {"kind": "register"}}
        assert (view.facts(made.id), view.faults(made.id)) == (None, None)
        assert view.counts_by_status() == {Status.SUBMITTING: 1}


def test_a_move_from_a_status_that_is_no_more_is_fenced(journal: Journal) -> None:
    """Somebody else was first; nothing changes."""
    case_id = journal.run(lambda unit: case(unit)).id
    made = journal.run(lambda unit: ready(unit, case_id))
    journal.run(lambda unit: unit.move(made.id, expect=Status.READY, to=Status.REPLACED))
    with pytest.raises(Fenced):
        journal.run(lambda unit: unit.move(made.id, expect=Status.READY, to=Status.SUBMITTING))
    with journal.view() as view:
        assert view.submission(made.id).status is Status.REPLACED


def test_a_row_that_is_no_longer_as_it_was_read_is_read_again(
    journal: Journal, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """A move by a row of before adds to what came meanwhile; the evidence has what is there."""
    case_id = journal.run(lambda unit: case(unit)).id
    read = journal.run(lambda unit: ready(unit, case_id))
    journal.run(lambda unit: unit.move(read.id, expect=Status.READY, to=Status.READY, receipt="P"))
    moved = journal.run(lambda unit: unit.move(read, expect=Status.READY, to=Status.SUBMITTING))
    assert (moved.receipt, moved.version) == ("P", 3)
    with pytest.raises(Fenced):
        journal.run(lambda unit: unit.move(read, expect=Status.READY, to=Status.REPLACED))
    journal.checkpoint()
    assert verify(journal_url, keyring.public_key, side_file) == []


def test_what_a_change_gives_is_what_is_stored(journal: Journal) -> None:
    """Rows are computed, not asked back: of a case, a submission, an attempt, and of a claim."""
    case_id, submission_id, attempt_id = journal.run(sending)

    def work(unit: Unit) -> tuple[CaseRow, SubmissionRow, AttemptRow]:
        opened = unit.case(case_id)
        saved = unit.save_case(case_id, opened.version, context=b"{}", declared_at=unit.now)
        moved = unit.move(
            submission_id,
            expect=Status.SUBMITTING,
            to=Status.DEFERRED,
            maybe_received=True,
            facts={"a": "b"},
            due_at=unit.now,
            pins={"x": "1"},
        )
        (attempt,) = unit.attempts(submission_id)
        return saved, moved, unit.end_attempt(attempt, "Unavailable", answer=b"<no/>")

    saved, moved, ended = journal.run(work)
    with journal.view() as view:
        assert saved == view.case(case_id)
        assert saved.stored == view.case(case_id).stored
        assert moved.stored == view.submission(submission_id).stored
        assert ended.stored == view.attempts(submission_id)[0].stored
        assert view.answer(attempt_id) == b"<no/>"
    (claimed,) = journal.run(lambda unit: unit.claim("n1", limit=1, lease=timedelta(hours=1)))
    with journal.view() as view:
        assert claimed.stored == view.submission(submission_id).stored


def test_a_unit_sees_its_own_submissions(journal: Journal) -> None:
    """A case's submissions are read once a unit: what it adds, moves or gives back is in them."""
    case_id = journal.run(lambda unit: case(unit)).id

    def work(unit: Unit) -> list[list[Status]]:
        seen = [unit.submissions(case_id)]
        first = ready(unit, case_id)
        seen.append(unit.submissions(case_id))
        unit.move(first.id, expect=Status.READY, to=Status.REPLACED)
        ready(unit, case_id)
        ready(unit, case_id, step="asl")
        seen += [unit.submissions(case_id), unit.submissions(case_id, status=Status.REPLACED)]
        seen += [unit.submissions(case_id, "asl"), unit.submissions(case_id, limit=1)]
        unit.claim("n1", limit=1, lease=timedelta(hours=1))
        assert [row.fence for row in unit.submissions(case_id)] == [0, 1, 0]
        return [[row.status for row in rows] for rows in seen]

    made, replaced = Status.READY, Status.REPLACED
    expected = [[], [made], [replaced, made, made], [replaced], [made], [replaced]]
    assert journal.run(work) == expected


def test_a_waiting_submission_may_become_another_kind(journal: Journal) -> None:
    """When its turn comes it is known what it is: amend, with a predecessor."""
    case_id = journal.run(lambda unit: case(unit)).id
    made = journal.run(lambda unit: ready(unit, case_id))
    turned = journal.run(
        lambda unit: unit.move(
            made.id,
            expect=Status.READY,
            to=Status.HELD,
            kind=Kind.AMEND,
            predecessor="p",
            endpoint="e",
            reason="CONFIRM",
        )
    )
    assert (turned.kind, turned.predecessor, turned.endpoint) == (Kind.AMEND, "p", "e")


def test_submissions_of_a_step_are_numbered(journal: Journal) -> None:
    """In the order they are made, each step for itself."""
    case_id = journal.run(lambda unit: case(unit)).id
    steps = ["comune", "codice_fiscale", "comune"]
    rows = [journal.run(lambda unit, s=step: ready(unit, case_id, s)) for step in steps]
    assert [row.seq for row in rows] == [1, 1, 2]
    with journal.view() as view:
        assert view.submissions(case_id) == rows
        assert view.submissions(step="comune", status=Status.READY) == [rows[0], rows[2]]
        assert view.by_operation("none") is None


def test_one_operation_id_is_one_submission(journal: Journal) -> None:
    """The database refuses a second one with the same operation id."""
    case_id = journal.run(lambda unit: case(unit)).id
    journal.run(lambda unit: ready(unit, case_id, operation_id="op"))
    with pytest.raises(JournalError):
        journal.run(lambda unit: ready(unit, case_id, operation_id="op"))


def test_unknown_rows_are_named(journal: Journal) -> None:
    """NotFound for every kind of row."""
    with journal.view() as view:
        for read in (view.submission, view.document, view.facts, view.envelope, view.answer):
            with pytest.raises(NotFound):
                read("none")
        for read in (view.callback, view.callback_body):
            with pytest.raises(NotFound):
                read("none")
    with pytest.raises(NotFound):
        journal.run(lambda unit: unit.add_attempt("none", 1, "m", b"", "u"))


def test_the_exact_bytes_of_an_attempt_come_back(journal: Journal) -> None:
    """What may have been sent, and what was answered."""
    _, submission_id, attempt_id = journal.run(sending)
    went = datetime(2026, 3, 6, 9, 30, tzinfo=UTC)
    ended = journal.run(
        lambda unit: unit.end_attempt(
            attempt_id, "ACCEPTED", answer=b"<ok/>", note="200", sent_at=went
        )
    )
    assert (ended.outcome, ended.note, ended.number) == ("ACCEPTED", "200", 1)
    assert ended.sent_at == went
    assert ended.ended_at is not None
    with journal.view() as view:
        assert view.attempts(submission_id) == [ended]
        assert (view.envelope(attempt_id), view.answer(attempt_id)) == (ENVELOPE, b"<ok/>")


def test_an_attempt_ends_once(journal: Journal) -> None:
    """A second end is Fenced: the outcome that was told first stands."""
    _, submission_id, attempt_id = journal.run(sending)
    journal.run(lambda unit: unit.end_attempt(attempt_id, "LOST"))
    with pytest.raises(Fenced):
        journal.run(lambda unit: unit.end_attempt(attempt_id, "ACCEPTED"))
    with journal.view() as view:
        assert [row.outcome for row in view.attempts(submission_id)] == ["LOST"]


def test_a_callback_is_kept_once_and_applied_once(journal: Journal) -> None:
    """Repeated it is recognised; applied twice it is Fenced; its body can be read throughout."""
    _, submission_id, _ = journal.run(sending)
    row, repeated = journal.run(lambda unit: unit.add_callback("comune", "m1", "op", b"<esito/>"))
    again, repeated_again = journal.run(lambda unit: unit.add_callback("comune", "m1", "op", b"?"))
    other, _ = journal.run(lambda unit: unit.add_callback("asl", "m1", "op", b"asl"))
    assert (repeated, repeated_again, again) == (False, True, row)
    with journal.view() as view:
        assert view.pending_callbacks() == [row, other]
        assert view.callback_body(row.id) == b"<esito/>"
    applied = journal.run(lambda unit: unit.apply_callback(row.id, submission_id, "ACCEPTED"))
    journal.run(lambda unit: unit.apply_callback(other.id, None, "UNKNOWN_OPERATION"))
    assert applied.applied_at is not None
    with journal.view() as view:
        assert view.pending_callbacks() == []
        assert view.callback(row.id) == applied
        assert view.callback_body(row.id) == b"<esito/>"
        assert view.callback_body(other.id) == b"asl"
    with pytest.raises(Fenced):
        journal.run(lambda unit: unit.apply_callback(row.id, submission_id, "REJECTED"))
    with pytest.raises(NotFound):
        journal.run(lambda unit: unit.apply_callback(row.id, "none", "REJECTED"))


def test_destroying_a_case_key_reaches_its_callbacks(journal: Journal) -> None:
    """Once matched, a callback is under the key of the case; later ones leave no body at all."""
    case_id, submission_id, _ = journal.run(sending)
    row, _ = journal.run(lambda unit: unit.add_callback("comune", "m1", "op", b"<esito/>"))
    late, _ = journal.run(lambda unit: unit.add_callback("comune", "m2", "op", b"<esito/>"))
    journal.run(lambda unit: unit.apply_callback(row.id, submission_id, "ACCEPTED"))
    journal.run(lambda unit: unit.destroy_key(case_id))
    journal.run(lambda unit: unit.apply_callback(late.id, submission_id, "REPEATED"))
    with journal.view() as view:
        assert view.callback_body(row.id) is None
        assert view.callback_body(late.id) is None

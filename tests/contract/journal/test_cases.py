"""Cases on both databases: one open case a key, versions, and keys that can be destroyed."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from gateway.errors import Fenced, JournalError, NotFound
from gateway.journal import Journal, Keyring, Unit
from gateway.journal.tables import cases
from gateway.lifecycle import Kind, Status
from tests.journal_rows import (
    BODY,
    CONTEXT,
    DOCUMENT,
    DOSSIER,
    ENVELOPE,
    case,
    message,
    ready,
    sending,
)


def test_a_case_is_found_by_its_key_and_opens(journal: Journal) -> None:
    """The keyed digest finds it; dossier and context come back as they were given."""
    made = journal.run(lambda unit: case(unit))
    with journal.view() as view:
        found = view.find_case("his", view.index("his", "P1"))
        assert found == made
        assert (found.dossier, found.context, found.version) == (DOSSIER, CONTEXT, 1)
        assert view.find_case("his", view.index("his", "P2")) is None
        assert view.find_case("other", view.index("his", "P1")) is None


def test_two_open_cases_of_one_key_cannot_be(journal: Journal) -> None:
    """The database itself refuses the second."""
    journal.run(lambda unit: case(unit))
    with pytest.raises(JournalError):
        journal.run(lambda unit: case(unit))


@pytest.mark.parametrize("state", ["CANCELLED", "MERGED"])
def test_a_closed_case_may_be_followed_by_a_new_one(journal: Journal, state: str) -> None:
    """The newest that was not merged away is found."""
    first = journal.run(lambda unit: case(unit))
    journal.run(lambda unit: unit.save_case(first.id, 1, state=state))
    with journal.view() as view:
        found = view.find_case("his", first.key_digest)
    assert (found is None) == (state == "MERGED")
    second = journal.run(lambda unit: case(unit))
    with journal.view() as view:
        assert view.find_case("his", first.key_digest) == second
        assert [row.id for row in view.cases()] == [second.id, first.id]
        assert [row.id for row in view.cases(state, sender="his")] == [first.id]
        assert view.case_counts() == {"OPEN": 1, state: 1}


def test_cases_at_work_are_the_undeclared_and_those_that_owe(journal: Journal) -> None:
    """By id, page by page; what is done, cancelled or merged is not among them."""

    def made(unit: Unit) -> list[str]:
        opened = [case(unit, f"P{number}") for number in range(5)]
        for each, state in zip(
            opened[1:], ("DECLARED", "DECLARED", "CANCELLED", "MERGED"), strict=True
        ):
            ready(unit, each.id)
            unit.save_case(each.id, 1, state=state)
        return [each.id for each in opened]

    undeclared, owing, done, *_ = journal.run(made)
    with journal.view() as view:
        (row,) = view.submissions(done)
    journal.run(lambda unit: unit.move(row.id, expect=Status.READY, to=Status.WITHDRAWN))
    assert at_work(journal) == sorted([undeclared, owing])
    first, second = sorted([undeclared, owing])
    with journal.view() as view:
        assert [each.id for each in view.cases_at_work("comune", limit=1)] == [first]
        assert [each.id for each in view.cases_at_work("comune", after=first)] == [second]


ANYWHERE = {"partner": "comune", "endpoint": "015146"}


def at_work(journal: Journal) -> list[str]:
    with journal.view() as view:
        return [each.id for each in view.cases_at_work("comune")]


@pytest.mark.parametrize(
    ("step", "kind", "statuses"),
    [
        ("pediatra", Kind.REGISTER, []),
        ("comune", Kind.AMEND, []),
        ("comune", Kind.REGISTER, [Status.SUBMITTING, Status.TAKEN]),
    ],
)
def test_only_the_declaration_is_owed(
    journal: Journal, step: str, kind: Kind, statuses: list[Status]
) -> None:
    """Not what another administration waits for, nor a correction, nor what the Comune has."""

    def made(unit: Unit) -> None:
        opened = case(unit)
        unit.save_case(opened.id, 1, state="DECLARED")
        row = unit.add_submission(opened.id, step, kind, Status.READY, **ANYWHERE)
        for status in statuses:
            row = unit.move(row.id, expect=row.status, to=status)

    journal.run(made)
    assert at_work(journal) == []


def test_of_two_writers_one_is_told(journal: Journal) -> None:
    """A case saved at an old version is Fenced and stays as the first writer left it."""
    made = journal.run(lambda unit: case(unit))
    saved = journal.run(
        lambda unit: unit.save_case(made.id, 1, context=b"first", declared_at=unit.now)
    )
    assert (saved.version, saved.context, saved.dossier) == (2, b"first", DOSSIER)
    assert saved.declared_at is not None
    with pytest.raises(Fenced):
        journal.run(lambda unit: unit.save_case(made.id, 1, context=b"second"))
    with journal.view() as view:
        assert view.case(made.id) == saved


def test_an_unknown_case_is_named(journal: Journal) -> None:
    """NotFound for reads, and for whoever wants to add to it."""
    with journal.view() as view:
        with pytest.raises(NotFound):
            view.case("none")
        with pytest.raises(NotFound):
            view.case_digest("none", b"")
    with pytest.raises(NotFound):
        journal.run(lambda unit: message(unit, case_id="none"))


def test_a_case_is_locked_only_where_others_write(journal: Journal, journal_url: str) -> None:
    """PostgreSQL asks for it, and misses one that is not there; SQLite asks nothing."""
    if journal_url.startswith("sqlite"):
        journal.run(lambda unit: unit.lock_case("none"))
    else:
        with pytest.raises(NotFound):
            journal.run(lambda unit: unit.lock_case("none"))


def test_destroying_the_key_makes_everything_of_the_case_unreadable(journal: Journal) -> None:
    """Dossier, messages, documents and envelopes are gone; rows and evidence stay."""
    case_id, submission_id, attempt_id = journal.run(sending)
    with journal.view() as view:
        assert view.case_digest(case_id, b"x") != view.case_digest(case_id, b"y")
    journal.run(lambda unit: unit.destroy_key(case_id))
    with journal.view() as view:
        gone = view.case(case_id)
        assert (gone.readable, gone.dossier, gone.context) == (False, None, None)
        assert [view.message_body(row.id) for row in view.messages(case_id)] == [None]
        assert view.document(submission_id) is None
        assert view.envelope(attempt_id) is None
        assert view.case_digest(case_id, b"x") is None
    with pytest.raises(JournalError, match="destroyed"):
        journal.run(lambda unit: message(unit, "2", case_id=case_id))


def test_a_destroyed_key_does_not_stay_open_in_memory(journal: Journal, keyring: Keyring) -> None:
    """What a unit had opened of it is let go once the destruction is committed."""
    case_id, _, _ = journal.run(sending)
    with journal.view() as view:
        wrapped = view._connection.execute(select(cases.c.wrapped_key)).scalar_one()
        opened = keyring.case_key(case_id, bytes(wrapped))
    journal.run(lambda unit: unit.destroy_key(case_id))
    assert keyring.case_key(case_id, bytes(wrapped)) is not opened


def test_a_new_key_keeps_only_what_is_given(journal: Journal) -> None:
    """The redacted dossier can be read; what was under the old key cannot."""
    case_id, submission_id, attempt_id = journal.run(sending)

    def redact(unit):
        unit.rekey(case_id, dossier=b"redacted", context=b"{}")
        return message(unit, "2", raw=b"later", case_id=case_id)

    later = journal.run(redact)
    with journal.view() as view:
        left = view.case(case_id)
        assert (left.readable, left.dossier, left.context) == (True, b"redacted", b"{}")
        assert view.document(submission_id) is None
        assert view.envelope(attempt_id) is None
        bodies = [view.message_body(row.id) for row in view.messages(case_id)]
        assert bodies == [None, b"later"]
        assert view.message_body(later) == b"later"


def test_no_byte_of_a_person_is_in_the_database_as_it_is(journal: Journal, tmp_path) -> None:
    """Bodies, dossiers, documents, envelopes, facts and reasons are ciphertext in every file."""
    from gateway.lifecycle import Status

    case_id, submission_id, attempt_id = journal.run(sending)
    journal.run(
        lambda unit: [
            unit.end_attempt(attempt_id, "ACCEPTED", answer=b"<r>RISPOSTA-MARCATA</r>"),
            unit.move(
                submission_id,
                expect=Status.SUBMITTING,
                to=Status.ACCEPTED,
                facts={"codiceFiscale": "FATTO-MARCATO"},
                inputs={"a": "INGRESSO-MARCATO"},
                faults=[{"text": "ERRORE-MARCATO"}],
            ),
            unit.add_callback("comune", "m1", "o1", b"RICHIAMO-MARCATO"),
            unit.add_reject(sender="his", body=BODY),
        ]
    )
    if journal._store.sqlite:
        files = [path for path in (tmp_path / "journal").iterdir() if path.is_file()]
        everything = b"".join(path.read_bytes() for path in files)
    else:
        with journal._store.reading() as connection:
            names = ["messages", "cases", "submissions", "attempts", "inbox", "evidence", "rejects"]
            rows = [connection.exec_driver_sql(f"SELECT * FROM {n}").all() for n in names]
            everything = repr(rows).encode()
    assert everything
    assert b"MARCAT" not in everything
    for secret in (DOSSIER, CONTEXT, DOCUMENT, ENVELOPE):
        assert secret not in everything
    with journal.view() as view:
        assert "MARCAT" not in repr([view.case(case_id), view.submission(submission_id)])
        assert view.facts(submission_id) == {"codiceFiscale": "FATTO-MARCATO"}


def test_ciphertexts_cannot_be_put_elsewhere(journal: Journal) -> None:
    """A body moved to another row of the same case does not open; it is named."""
    from sqlalchemy import text

    def write(unit):
        opened = case(unit)
        return [message(unit, str(n), raw=b"%d" % n, case_id=opened.id) for n in range(2)]

    first, second = journal.run(write)
    swap = text(
        "UPDATE messages SET body = (SELECT body FROM messages WHERE id = :a) WHERE id = :b"
    )
    journal.run(lambda unit: unit._connection.execute(swap, {"a": first, "b": second}) and None)
    with journal.view() as view, pytest.raises(JournalError, match=f"body of {second}"):
        view.message_body(second)

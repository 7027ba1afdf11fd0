"""What retention lets go, what it never touches, and that the evidence still verifies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

from gateway.journal import Journal, Keyring, Unit
from gateway.journal.findings import Fault
from gateway.journal.inspection import check
from gateway.journal.retention import COLUMNS, Rule
from gateway.journal.strays import KEPT
from gateway.journal.vacuum import vacuum
from gateway.journal.verification import examine
from gateway.keeping import Retention
from gateway.lifecycle import Status
from gateway.upkeep import due, purge
from tests.contract.journal.tampering import behind
from tests.journal_rows import message, sending
from tests.postgres import Cluster

LATER = datetime(2100, 1, 1, tzinfo=UTC)


def ended(unit: Unit) -> tuple[str, str, str]:
    """A declared case whose only document was accepted: ids of case, submission, attempt."""
    case, submission, attempt = sending(unit)
    unit.end_attempt(attempt, "ACCEPTED", answer=b"<ok/>")
    unit.move(submission, expect=Status.SUBMITTING, to=Status.ACCEPTED, facts={"cf": "X"})
    unit.save_case(case, 1, state="DECLARED")
    return case, submission, attempt


def findings(journal_url: str, keyring: Keyring, side_file: Path) -> list[Fault]:
    """What verification says."""
    return [f.fault for f in examine(journal_url, keyring.public_key, side_file).findings]


def test_what_has_ended_is_purged_and_the_evidence_says_so(
    journal: Journal, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """Bodies and documents go, digests and evidence stay, verification counts what went."""
    case, submission, attempt = journal.run(ended)
    body = journal.run(lambda unit: unit.messages(case)[0].id)
    assert journal.run(lambda unit: unit.purge(case, Rule.BODIES, LATER)) == 1
    with journal.view() as view:
        assert view.message_body(body) is None
        assert view.document(submission) is not None
    assert journal.run(lambda unit: unit.purge(case, Rule.DOCUMENTS, LATER)) == 3
    with journal.view() as view:
        assert (view.document(submission), view.envelope(attempt)) == (None, None)
        assert view.facts(submission) == {"cf": "X"}
        assert view.evidence(subject=case)[-1].what == "retention.purged"
    report = examine(journal_url, keyring.public_key, side_file)
    assert (report.findings, report.purged) == ((), 4)
    assert check(journal_url, keyring, side_file) == []


def test_a_case_past_its_term_can_be_read_by_nobody(
    journal: Journal, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """Its key is destroyed, its ciphertexts are emptied, its evidence verifies."""
    case, submission, _ = journal.run(ended)
    assert journal.run(lambda unit: unit.purge(case, Rule.CASES, LATER)) == 5
    with journal.view() as view:
        assert not view.case(case).readable
        assert view.facts(submission) is None
        assert view.ended_cases(Rule.CASES, LATER) == []
        assert view.ended_cases(Rule.BODIES, LATER) == []
    assert findings(journal_url, keyring, side_file) == []


def test_what_has_not_ended_is_never_purged(tmp_path: Path, keyring: Keyring) -> None:
    """A document that is open, refused, dead or in doubt keeps its whole case."""
    at_end = {Status.ACCEPTED, Status.REPLACED, Status.WITHDRAWN}
    with Journal.open(f"sqlite:///{tmp_path}/i.db", node="n1", keyring=keyring) as journal:
        case, submission, _ = journal.run(ended)
        now = Status.ACCEPTED
        for status in set(Status) - at_end:
            journal.run(lambda unit, e=now, t=status: unit.move(submission, expect=e, to=t))
            now = status
            with journal.view() as view:
                assert not [r for r in COLUMNS if view.ended_cases(r, LATER)], status
            for rule in COLUMNS:
                assert journal.run(lambda unit, r=rule: unit.purge(case, r, LATER)) == 0


def test_a_case_is_kept_for_its_whole_period(journal: Journal) -> None:
    """Counted from the last thing that happened to it; what comes later is purged in its turn."""
    case, _, _ = journal.run(ended)
    now = datetime.now(UTC)
    policy = Retention(bodies=timedelta(days=90))
    assert purge(journal, policy, now)[Rule.BODIES] == 0
    assert due(journal, policy, now + timedelta(days=91), 10) == {"bodies": 1}
    assert purge(journal, policy, now + timedelta(days=91))[Rule.BODIES] == 1
    assert purge(journal, policy, now + timedelta(days=91))[Rule.BODIES] == 0
    late = journal.run(lambda unit: message(unit, "late", raw=b"MSH|late", case_id=case))
    journal.run(lambda unit: unit.save_case(case, unit.case(case).version, context=b"{}"))
    assert purge(journal, policy, datetime.now(UTC) + timedelta(days=91))[Rule.BODIES] == 1
    with journal.view() as view:
        assert view.message_body(late) is None


def test_refused_bytes_go_after_their_period(
    journal: Journal, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """The rows are deleted; that they came stays in the evidence."""
    journal.run(lambda unit: unit.add_reject(sender="his", body=b"nonsense"))
    policy = Retention(rejects=timedelta(days=1))
    assert purge(journal, policy, datetime.now(UTC) + timedelta(days=2))[Rule.REJECTS] == 1
    with journal.view() as view:
        assert view.rejects() == []
    assert findings(journal_url, keyring, side_file) == []


def stray(unit: Unit, number: int, body: bytes = b"<esito/>") -> str:
    """A callback that was looked at and is of no case: its id."""
    row, _ = unit.add_callback("comune/015209", f"m{number}", "of-nobody", body)
    return unit.apply_callback(row.id, None, "unknown operation").id


def test_callbacks_of_no_case_go_with_the_refused_bytes(
    journal: Journal, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """No case's end or key reaches them; the row stays, and verification counts what went."""
    _, submission, _ = journal.run(ended)
    gone = journal.run(lambda unit: stray(unit, 1))
    other, _ = journal.run(lambda unit: unit.add_callback("comune/015209", "m2", "op", b"ours"))
    journal.run(lambda unit: unit.apply_callback(other.id, submission, "applied"))
    waits, _ = journal.run(lambda unit: unit.add_callback("comune/015209", "m3", "op", b"new"))
    policy, now = Retention(rejects=timedelta(days=1)), datetime.now(UTC)
    assert purge(journal, policy, now)[Rule.REJECTS] == 0
    later = now + timedelta(days=2)
    assert due(journal, policy, later, 10) == {"rejects": 1}
    assert purge(journal, policy, later)[Rule.REJECTS] == 1
    assert due(journal, policy, later, 10) == {"rejects": 0}
    with journal.view() as view:
        assert view.callback_body(gone) is None
        assert (view.callback_body(other.id), view.callback_body(waits.id)) == (b"ours", b"new")
        assert view.callback(gone).outcome == "unknown operation"
    report = examine(journal_url, keyring.public_key, side_file)
    assert (report.findings, report.purged) == ((), 1)
    assert check(journal_url, keyring, side_file) == []
    behind(journal_url, "UPDATE inbox SET body = NULL WHERE id = ?", other.id)
    assert findings(journal_url, keyring, side_file) == [Fault.BODY_EDITED]


def test_an_office_cannot_make_us_keep_more_than_a_thousand_callbacks(
    journal: Journal, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """Of what is of no case the newest thousand keep their bodies, with no rule at all."""
    made = journal.run(lambda unit: [stray(unit, number) for number in range(KEPT + 120)])
    assert purge(journal, Retention(), datetime.now(UTC)) == {Rule.REJECTS: 120}
    with journal.view() as view:
        assert [view.callback_body(each) for each in made[:120]] == [None] * 120
        assert all(view.callback_body(each) for each in made[120:])
    assert purge(journal, Retention(), datetime.now(UTC)) == {}
    assert findings(journal_url, keyring, side_file) == []


def test_a_birth_that_waits_for_a_person_is_no_refused_message(
    journal: Journal, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """It is kept whole, whatever is refused meanwhile; undecided, it goes with the cases."""
    body, later = b"MSH|" + b"Z" * 100_000, datetime.now(UTC) + timedelta(days=2)
    decided, waits = journal.run(
        lambda unit: [unit.set_aside(sender="his", body=body, note="WHY") for _ in range(2)]
    )
    refused = journal.run(lambda unit: unit.add_reject(sender="his", body=b"nonsense"))
    journal.run(lambda unit: unit.end_aside(decided))
    journal.run(lambda unit: unit.end_aside(refused))
    with journal.view() as view:
        assert [row.id for row in view.asides()] == [waits]
        assert [row.id for row in view.rejects()] == [refused]
        assert view.reject_body(waits) == body
    assert purge(journal, Retention(rejects=timedelta(days=1)), later)[Rule.REJECTS] == 1
    policy = Retention(cases=timedelta(days=1))
    assert due(journal, policy, later, 10) == purge(journal, policy, later) == {Rule.CASES: 1}
    with journal.view() as view:
        assert view.asides() == []
    assert findings(journal_url, keyring, side_file) == []


def test_a_body_that_no_purge_tells_of_was_stolen(
    journal: Journal, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """Emptying a column behind the journal's back is found, purges elsewhere or not."""
    case, _, _ = journal.run(ended)
    journal.run(lambda unit: unit.purge(case, Rule.BODIES, LATER))
    behind(journal_url, "UPDATE submissions SET document = NULL")
    assert findings(journal_url, keyring, side_file) == [Fault.BODY_EDITED]


def test_purged_bytes_are_gone_from_the_files(
    journal: Journal,
    journal_url: str,
    request: pytest.FixtureRequest,
) -> None:
    """After purge and vacuum no file of the database holds the ciphertext any more."""
    case, _, _ = journal.run(ended)
    raw = bytes(range(256)) * 40
    journal.run(lambda unit: message(unit, "big", raw=raw, case_id=case))
    ciphers = [bytes(row[0]) for row in behind(journal_url, "SELECT body FROM messages")]
    assert len(ciphers) == 2
    if make_url(journal_url).get_backend_name() == "sqlite":
        folder = Path(str(make_url(journal_url).database)).parent
    else:
        cluster: Cluster = request.getfixturevalue("postgres_cluster")
        cluster.execute("CHECKPOINT")
        folder = cluster.folder / "db" / "base"
    held = [cipher for cipher in ciphers if _held(folder, cipher)]
    assert held
    journal.run(lambda unit: unit.purge(case, Rule.BODIES, LATER))
    journal.close()
    vacuum(journal_url, full=True, tell=lambda done, in_all: None)
    assert not [cipher for cipher in ciphers if _held(folder, cipher)]


def _held(folder: Path, cipher: bytes) -> bool:
    """Whether any file has some part of it: a long one is spread over pages."""
    part = cipher[40:72]
    return any(part in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_vacuum_gives_pages_back_while_others_write(tmp_path: Path, keyring: Keyring) -> None:
    """The file of a journal in use shrinks without a full vacuum, and the writer goes on."""
    file = tmp_path / "i.db"
    with Journal.open(f"sqlite:///{file}", node="n1", keyring=keyring) as journal:
        case, _, _ = journal.run(ended)
        for number in range(40):
            raw = bytes([number]) * 60_000
            journal.run(lambda unit, n=number, r=raw: message(unit, str(n), raw=r, case_id=case))
        journal.run(lambda unit: unit.purge(case, Rule.BODIES, LATER))
        before = file.stat().st_size
        vacuum(f"sqlite:///{file}", full=False, tell=lambda done, in_all: None)
        assert file.stat().st_size < before / 2
        journal.run(lambda unit: message(unit, "goes-on"))


# ---------------------------------------------------------------- check


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE submissions SET status = 'READY', due_at = NULL", Fault.NO_EXIT),
        ("UPDATE submissions SET status = 'LOST'", Fault.NO_EXIT),
        ("UPDATE messages SET case_id = 'nobody'", Fault.ORPHAN),
        ("UPDATE cases SET wrapped_key = dossier", Fault.DOES_NOT_OPEN),
        ("UPDATE attempts SET answer = envelope", Fault.DOES_NOT_OPEN),
    ],
)
def test_check_names_what_nobody_could_live_on(
    journal: Journal,
    journal_url: str,
    keyring: Keyring,
    side_file: Path,
    statement: str,
    fault: Fault,
) -> None:
    """Beside what the evidence tells: stuck states, orphans, keys and ciphertexts that are shut."""
    journal.run(ended)
    assert check(journal_url, keyring, side_file) == []
    behind(journal_url, statement)
    assert fault in {finding.fault for finding in check(journal_url, keyring, side_file)}

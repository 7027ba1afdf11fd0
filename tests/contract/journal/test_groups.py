"""Group commit on both databases: together on the disk, apart in failure."""

from __future__ import annotations

import sqlite3
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from gateway.errors import Fenced, JournalError
from gateway.journal import Journal, Keyring, Unit
from gateway.journal.store import Store
from gateway.journal.verification import verify
from gateway.journal.writer import LATE, Writer
from tests.journal_rows import Held, case, message, ready
from tests.postgres import Cluster


def counted(journal: Journal) -> tuple[dict[str, int], list[str]]:
    """Messages by verdict, and what the evidence tells."""
    with journal.view() as view:
        return view.message_counts(), [entry.what for entry in view.evidence()]


def write_then_fail(unit):
    """A unit that writes a case, a message and evidence, and then thinks better of it."""
    opened = case(unit, "failing")
    message(unit, "failing", case_id=opened.id)
    unit.record("never")
    raise Fenced("thought better of it")


def message_then_fail(unit):
    """A unit that only stores a message, and fails."""
    message(unit, "failing")
    raise KeyError("a mistake")


def test_a_unit_that_fails_leaves_nothing_and_harms_nobody(journal: Journal) -> None:
    """Its rows and its evidence are gone, its own error is told, its neighbours are stored."""
    with Held(journal):
        futures: list[Future[object]] = [
            journal.submit(lambda unit: message(unit, "1")),
            journal.submit(write_then_fail),
            journal.submit(lambda unit: message(unit, "2", case_id=case(unit).id)),
            journal.submit(message_then_fail),
            journal.submit(lambda unit: message(unit, "3")),
        ]
    assert isinstance(futures[1].exception(), Fenced)
    assert isinstance(futures[3].exception(), KeyError)
    assert all(futures[place].result() for place in (0, 2, 4))
    told = ["message.accepted", "case.opened", "message.accepted", "message.accepted"]
    assert counted(journal) == ({"ACCEPTED": 3}, told)


def test_a_database_error_costs_only_its_unit(journal: Journal) -> None:
    """A second open case of one key is refused; what stands beside it in the group stays."""
    with Held(journal):
        first = journal.submit(lambda unit: case(unit))
        second = journal.submit(lambda unit: case(unit))
        third = journal.submit(lambda unit: message(unit))
    assert first.result()
    assert isinstance(second.exception(), JournalError)
    assert third.result()
    assert counted(journal)[1] == ["case.opened", "message.accepted"]


def test_whatever_fails_after_a_commit_harms_nobody(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group is stored and told, health says what failed, and the next commit tries it again."""
    scrubbed: list[bool] = []

    def scrub(self: Store, connection: Connection) -> None:
        scrubbed.append(True)
        if len(scrubbed) == 1:
            raise sqlite3.OperationalError("disk I/O error")

    def wants(unit: Unit) -> str:
        unit._transaction.scrub_wanted = True
        return "stored"

    monkeypatch.setattr(Store, "scrub", scrub)
    assert journal.submit(wants).result(20) == "stored"
    assert journal.submit(lambda unit: message(unit)).result(20)
    journal.run(lambda unit: message(unit, "2"))
    assert (len(scrubbed), journal.healthy) == (2, True)


def test_the_text_of_an_error_has_no_value_in_it(journal: Journal) -> None:
    """Neither ours nor the database's own, whose parameters are personal data."""
    journal.run(lambda unit: case(unit))
    error = journal.submit(lambda unit: case(unit)).exception()
    assert isinstance(error, JournalError)
    told = "".join(traceback.format_exception(error))
    assert "IntegrityError" in told or "UniqueViolation" in told
    assert "MARCAT" not in told
    assert "parameters hidden" in told


def test_the_future_resolves_only_when_others_can_see_it(journal: Journal) -> None:
    """Whoever is told 'stored' finds it stored, through another connection."""
    seen: list[dict[str, int]] = []
    told = threading.Event()

    def look(_: object) -> None:
        with journal.view() as view:
            seen.append(view.message_counts())
        told.set()

    journal.submit(lambda unit: [message(unit), time.sleep(0.1)]).add_done_callback(look)
    assert told.wait(20)
    assert seen == [{"ACCEPTED": 1}]


def test_a_commit_that_fails_is_told_to_the_whole_group(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, journal_url: str, keyring: Keyring
) -> None:
    """Nobody of the group was stored, and the next group goes on from the head in the database."""
    journal.run(lambda unit: message(unit, "before"))

    def fails(self, transaction):
        monkeypatch.undo()
        raise OperationalError("COMMIT", {}, Exception("disk full"))

    with Held(journal):
        futures = [journal.submit(lambda unit, n=n: message(unit, str(n))) for n in range(3)]
        monkeypatch.setattr(Writer, "_begin", _then_failing(monkeypatch, fails))
    for future in futures:
        error = future.exception()
        assert isinstance(error, JournalError)
        assert "disk full" not in str(error)
    journal.run(lambda unit: message(unit, "after"))
    assert counted(journal)[0] == {"ACCEPTED": 2}
    assert journal.healthy
    journal.checkpoint()
    assert verify(journal_url, keyring.public_key) == []


def _then_failing(monkeypatch: pytest.MonkeyPatch, fails):
    """The commit of the group that begins now fails, and only that one."""
    begin = Writer._begin

    def begins(self):
        monkeypatch.setattr(Writer, "_begin", begin)
        monkeypatch.setattr(Writer, "_commit", fails)
        return begin(self)

    return begins


def test_a_unit_nobody_waits_for_any_more_is_not_run(journal: Journal) -> None:
    """A future that was cancelled while it waited writes nothing."""
    with Held(journal):
        future = journal.submit(lambda unit: message(unit))
        assert future.cancel()
    assert counted(journal)[0] == {}


def test_a_full_queue_refuses_at_once(journal_url: str, keyring: Keyring) -> None:
    """Bounded, so that a slow disk is felt by who sends and not by the memory."""
    with Journal.open(journal_url, node="n1", keyring=keyring, queue_limit=2) as journal:
        with Held(journal):
            futures = [journal.submit(lambda unit, n=n: message(unit, str(n))) for n in range(3)]
            with pytest.raises(JournalError, match="full"):
                futures[2].result(0)
        assert all(future.result() for future in futures[:2])


def test_a_group_takes_no_more_than_its_limit(journal_url: str, keyring: Keyring) -> None:
    """What is beyond it goes with the next commit; all of it goes."""
    with Journal.open(journal_url, node="n1", keyring=keyring, group_limit=2) as journal:
        with Held(journal):
            futures = [
                journal.submit(lambda unit, n=n: [message(unit, str(n)), unit.now][1])
                for n in range(5)
            ]
        assert len({future.result() for future in futures}) >= 2


def when(unit: Unit) -> datetime:
    """The moment of its group: one object for all units of it."""
    return unit.now


def in_company(journal: Journal) -> None:
    """Two units in one group, after which the writer expects company."""
    with Held(journal):
        both = [journal.submit(when) for _ in range(2)]
    assert both[0].result(20) is both[1].result(20)


def test_who_is_patient_shares_the_commit_of_who_is_not(journal: Journal) -> None:
    """While there is company, one commit serves both, at the time of the less patient."""
    in_company(journal)
    patient = journal.submit(when, patience=60)
    with pytest.raises(TimeoutError):
        patient.result(0.1)
    hasty = journal.submit(when)
    assert patient.result(20) is hasty.result(20)


def test_patience_ends(journal: Journal) -> None:
    """What waits for company that does not come is written all the same."""
    in_company(journal)
    assert journal.submit(when, patience=0.05).result(20)


def test_who_is_alone_waits_for_nobody(journal: Journal) -> None:
    """A patient unit after a group of one is written at once."""
    journal.run(when)
    assert journal.submit(when, patience=60).result(5)  # before the heartbeat


def test_what_comes_while_the_host_is_busy_shares_the_commit(
    tmp_path: Path, keyring: Keyring
) -> None:
    """The units of a group are taken when they can run, not when the group was begun."""
    late: list[Future[datetime]] = []
    with Journal.open(f"sqlite:///{tmp_path}/late.db", node="n1", keyring=keyring) as journal:

        def busy(work: Callable[[], None]) -> None:
            if not late:
                late.append(journal.submit(when))
            work()

        journal.hosted_by(busy)
        assert journal.submit(when).result(20) is late[0].result(20)


def test_what_comes_while_the_process_is_stopped_did_not_come_before(
    tmp_path: Path, keyring: Keyring
) -> None:
    """A unit's clock is that of its taking, however long ago its group was begun."""
    with Journal.open(f"sqlite:///{tmp_path}/late.db", node="n1", keyring=keyring) as journal:
        asked: list[datetime] = []

        def stopped(work: Callable[[], None]) -> None:
            time.sleep(2 * LATE)
            asked.append(datetime.now(UTC))
            work()

        journal.hosted_by(stopped)
        assert journal.submit(when).result(20) > asked[0] - timedelta(seconds=LATE)


def test_closing_writes_what_waits_and_refuses_what_comes(
    journal_url: str, keyring: Keyring
) -> None:
    """Nothing that was taken is dropped; what comes later is told so."""
    journal = Journal.open(journal_url, node="n1", keyring=keyring)
    future = journal.submit(lambda unit: [time.sleep(0.1), message(unit)])
    waiting = [journal.submit(lambda unit, n=n: message(unit, f"w{n}")) for n in range(4)]
    journal.close()
    assert future.result(0)
    assert all(each.result(0) for each in waiting)
    with pytest.raises(JournalError, match="closed"):
        journal.run(lambda unit: unit.now)
    assert journal.health().error == "the journal is closed"
    assert not journal.healthy


def test_two_processes_of_one_node_extend_one_chain(
    journal: Journal, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """A verb of the command line that writes reads the head inside its own transaction."""
    with Journal.open(journal_url, node="n1", keyring=keyring, side_file=side_file) as verb:
        places = [journal, verb]

        def write(place: int) -> None:
            for number in range(20):
                places[place].run(lambda unit, n=number: message(unit, f"{place}-{n}"))

        threads = [threading.Thread(target=write, args=(place,)) for place in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counted(journal)[0] == {"ACCEPTED": 40}
    assert verify(journal_url, keyring.public_key, side_file) == []


def test_a_view_is_a_snapshot(journal: Journal) -> None:
    """What is committed while one looks does not change what one sees; and one cannot write."""
    with journal.view() as view:
        assert view.message_counts() == {}
        journal.run(lambda unit: message(unit))
        assert view.message_counts() == {}
        with pytest.raises(JournalError):
            _write_through(journal)


def _write_through(journal: Journal) -> None:
    with journal.view() as view:
        view._connection.exec_driver_sql("DELETE FROM messages")


def test_the_same_message_at_two_nodes_at_once_is_stored_once(
    postgres_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    """Only the unit that comes second fails; its group, with what else is in it, is stored."""
    opened = [
        Journal.open(postgres_url, node=node, keyring=keyring, side_file=tmp_path / node)
        for node in ("n1", "n2")
    ]
    first, second = opened
    free, entered = threading.Event(), threading.Event()
    try:
        with Held(first):
            double = first.submit(lambda unit: message(unit, "double"))
            other = first.submit(lambda unit: message(unit, "other"))
            slow = first.submit(lambda unit: [entered.set(), free.wait(20)])
        assert entered.wait(20)
        assert second.run(lambda unit: message(unit, "double"))
        free.set()
        slow.result()
        assert isinstance(double.exception(), JournalError)
        assert other.result()
        assert counted(first)[0] == {"ACCEPTED": 2}
        assert len(counted(first)[1]) == 2
    finally:
        for journal in opened:
            journal.close()
    assert verify(postgres_url, keyring.public_key) == []


def test_a_database_that_restarts_is_found_again(
    postgres_url: str, postgres_cluster: Cluster, keyring: Keyring
) -> None:
    """A connection that ended while nothing was asked costs nobody a unit of work."""
    with Journal.open(postgres_url, node="n1", keyring=keyring) as journal:
        journal.run(lambda unit: message(unit, "1"))
        postgres_cluster.restart()
        journal.run(lambda unit: message(unit, "2"))
        assert counted(journal)[0] == {"ACCEPTED": 2}
    assert verify(postgres_url, keyring.public_key) == []


def test_a_read_that_fails_on_postgresql_costs_the_group(
    postgres_url: str, keyring: Keyring
) -> None:
    """PostgreSQL gives a transaction up at the first error outside a savepoint; all are told."""
    with Journal.open(postgres_url, node="n1", keyring=keyring) as journal:
        with Held(journal):
            stored = journal.submit(lambda unit: message(unit))
            broken = journal.submit(
                lambda unit: unit._connection.exec_driver_sql("SELECT 1/0").scalar()
            )
        assert isinstance(stored.exception(), JournalError)
        assert isinstance(broken.exception(), JournalError)
        assert journal.run(lambda unit: ready(unit, case(unit).id)).seq == 1

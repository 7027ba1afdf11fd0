"""Work that waits for a full or slow disk: in its order, once, and not after it was given up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import JournalError
from gateway.journal import Journal, Keyring, Unit
from gateway.journal.writer import AFTER_FAILURE
from gateway.patience import Patience
from tests.births import now, run
from tests.journal_rows import BODY, Held, message, until


@pytest.fixture
def small(tmp_path: Path, keyring: Keyring) -> Iterator[Journal]:
    """A SQLite journal with a queue of eight."""
    url = f"sqlite:///{tmp_path}/i.db"
    with Journal.open(url, node="n1", keyring=keyring, queue_limit=8) as journal:
        yield journal


def no_room(journal: Journal) -> None:
    """Until the writer connects anew, its database may not have another page (SQLITE_FULL)."""
    driver = journal._writer._connection.connection.driver_connection
    driver.execute("PRAGMA max_page_count=1").fetchall()


def large(control_id: str) -> Callable[[Unit], str]:
    """A unit that needs pages of its own."""
    return lambda unit: message(unit, control_id, acknowledgment=BODY * 999)


def stored(journal: Journal) -> list[str]:
    """The control ids, in the order in which they were kept."""
    with journal.view() as view:
        return [row.control_id for row in reversed(view.recent_messages())]


def test_patient_work_is_done_when_there_is_room_again(small: Journal) -> None:
    """What a full disk stopped is tried again in its old order and kept once; others are told."""
    with Held(small):
        no_room(small)
        patient = [small.submit(large(str(n)), endure=9) for n in range(3)]
        hasty = small.submit(large("hasty"))
    with pytest.raises(JournalError, match="SQLITE_FULL"):
        hasty.result(9)
    assert small.behind
    last = small.submit(large("last"))
    for future in (*patient, last):
        future.result(9)
    assert stored(small) == ["0", "1", "2", "last"]
    assert not small.behind


def test_patience_ends(small: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work whose time is up before the next try is told at once; nothing of it is kept."""
    with Held(small):
        no_room(small)
        future = small.submit(large("1"), endure=AFTER_FAILURE / 2)
    with pytest.raises(JournalError, match="SQLITE_FULL"):
        future.result(9)
    assert stored(small) == []


def test_what_is_given_up_while_the_disk_hangs_is_never_kept(small: Journal) -> None:
    """A disk that does not come back: the work is taken back, and stays so when it does."""
    given_up: list[JournalError] = []
    timer: list[threading.Timer] = []

    class Soon:
        def __init__(self, seconds: float, call: Callable[[], object]) -> None:
            assert seconds == 5
            timer.append(threading.Timer(0.05, call))
            timer[0].start()

        active = cancel = lambda self: None

    patience = Patience(small, now, Soon, timedelta(seconds=5))
    with Held(small):
        with pytest.raises(JournalError, match="does not keep up") as told:
            run(patience.store(large("1")))
        given_up.append(told.value)
    timer[0].join()
    small.run(lambda unit: None)
    assert stored(small) == []


class Idle:
    """A reminder that never comes."""

    def __init__(self, seconds: float, call: Callable[[], object]) -> None:
        self.cancelled = False

    def active(self) -> bool:
        return not self.cancelled

    def cancel(self) -> None:
        self.cancelled = True


def test_a_message_outlives_a_short_failure_of_the_disk(small: Journal) -> None:
    """Who stores with patience hears nothing of it."""
    patience = Patience(small, now, Idle, timedelta(seconds=9))
    with ThreadPoolExecutor(1) as pool:
        with Held(small):
            no_room(small)
            storing = pool.submit(lambda: run(patience.store(large("1"))))
            until(lambda: small.health().queue == 1)
        assert storing.result(9)
    assert stored(small) == ["1"]


def test_work_that_has_begun_is_waited_for(small: Journal) -> None:
    """It may be stored: only its end says whether it is, however long that takes."""
    began, go = threading.Event(), threading.Event()

    class Never:
        def __init__(self, seconds: float, call: Callable[[], object]) -> None:
            self.give_up = call

        def active(self) -> bool:
            return True

        def cancel(self) -> None:
            assert self.give_up() is False  # too late: it is done

    def slowly(unit: Unit) -> str:
        began.set()
        assert go.wait(9)
        return large("1")(unit)

    def waits(future: Future[str]) -> object:
        assert began.wait(9)
        assert not future.cancel()
        go.set()
        return now(future)

    assert run(Patience(small, waits, Never, timedelta(seconds=5)).store(slowly))
    assert stored(small) == ["1"]


def test_a_queue_half_full_is_behind_and_a_full_one_refuses(small: Journal) -> None:
    """First the reading slows, then what comes is told no; what was taken is kept."""
    with Held(small):
        taken = [small.submit(large(str(n))) for n in range(3)]
        assert not small.behind
        taken += [small.submit(large(str(n))) for n in range(3, 8)]
        assert small.behind
        with pytest.raises(JournalError, match="queue is full"):
            small.run(large("9"))
    for future in taken:
        future.result(9)
    until(lambda: not small.behind)
    assert stored(small) == [str(n) for n in range(8)]


def test_work_that_waits_long_shows_that_the_disk_is_slow(
    small: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has failed, and yet the reading slows."""
    monkeypatch.setattr("gateway.journal.journal.SLOW", 0.02)
    with Held(small):
        small.submit(large("1"))
        until(lambda: small.behind)
    until(lambda: not small.behind)

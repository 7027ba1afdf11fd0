"""Two real PostgreSQL servers: what was told as kept is on both, whatever befalls one of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import JournalError
from gateway.journal import Journal, Keyring, Unit
from gateway.journal.store import Store
from tests.journal_rows import BODY, message, until
from tests.pair import Pair, pair

WITHIN = 15.0
"""Seconds after a promotion in which the feed must go on."""


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    """One pair for all; the last test ends with the standby promoted."""
    with pair() as made:
        made.primary.execute("CREATE DATABASE icaro")
        yield made


def opened(servers: Pair, keyring: Keyring, folder: Path, **more: object) -> Journal:
    """A node's journal, with both hosts in its URL."""
    url = servers.url("icaro", **more)  # type: ignore[arg-type]  # `first`
    return Journal.open(url, node="n1", keyring=keyring, side_file=folder / "checkpoints")


def take(unit: Unit, name: str) -> None:
    """As the intake does: what is there already is not stored again."""
    if unit.find_duplicate("his", name, unit.digest(BODY)) is None:
        message(unit, name)


def insist(journal: Journal, name: str, seconds: float) -> float:
    """As a hospital does: send until it is taken; after how many seconds that was."""
    began = time.monotonic()
    while True:
        try:
            journal.run(lambda unit: take(unit, name))
        except JournalError:
            assert time.monotonic() - began < seconds, "the feed does not go on"
        else:
            return time.monotonic() - began


def stored(journal: Journal) -> set[str]:
    """The control ids that the journal has."""
    with journal.view() as view:
        return {row.control_id for row in view.recent_messages(limit=10_000)}


def test_a_standby_that_is_not_waited_for_is_told(servers: Pair) -> None:
    """Named in synchronous_standby_names and synchronous_commit less than its disk: no promise."""
    place = Store(servers.url("icaro"))
    with place.writing() as connection:
        for level in ("local", "remote_write"):
            connection.exec_driver_sql(f"SET synchronous_commit = {level}")
            assert str(place.durability(connection)).startswith(f"synchronous_commit is {level}")
        connection.exec_driver_sql("SET synchronous_commit = on")
        assert place.durability(connection) is None
    place.close()


def test_a_commit_that_gave_up_its_standby_counts_for_nothing(
    servers: Pair, keyring: Keyring, tmp_path: Path
) -> None:
    """PostgreSQL says COMMIT beside a warning: whoever waits is told no, and again if it asks."""
    with opened(servers, keyring, tmp_path) as journal:
        insist(journal, "before", 10)
        servers.standby.stop()
        for _ in range(2):
            waiting = journal.submit(lambda unit: take(unit, "alone"))
            until(lambda: cancel(servers))
            with pytest.raises(JournalError, match="01000"):
                waiting.result(10)
        servers.standby.go()
        insist(journal, "alone", 10)
        assert stored(journal) == {"before", "alone"}


def cancel(servers: Pair) -> bool:
    """Let whoever waits for the standby wait no longer; whether there was one."""
    found = servers.primary.ask(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    )
    return found is True


def test_an_old_primary_is_left_and_never_gone_back_to(
    servers: Pair, keyring: Keyring, tmp_path: Path
) -> None:
    """A node goes on at the promoted standby; the old primary, up again, is refused by all."""
    with opened(servers, keyring, tmp_path) as journal:
        insist(journal, "before", 10)
        servers.primary.stop()
        servers.promote()
        assert insist(journal, "after", WITHIN) < WITHIN
        servers.primary.go()
        assert servers.primary.ask("SELECT pg_is_in_recovery()") is False
        insist(journal, "still", 1)
        assert stored(journal) >= {"before", "after", "still"}
    with opened(servers, keyring, tmp_path / "other") as fresh:
        assert "after" in stored(fresh)
        insist(fresh, "fresh", 1)

"""Whether the journal can be written, told before anybody has to find out."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import JournalError
from gateway.journal import Journal, Keyring
from gateway.journal.writer import Writer
from tests.journal_rows import Held, message, until


def test_a_journal_that_cannot_be_written_says_so_and_recovers(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unhealthy while it fails, with the reason; healthy again by itself, without traffic."""
    monkeypatch.setattr("gateway.journal.writer.AFTER_FAILURE", 0.02)

    def refuses(self):
        raise OSError("no space left")

    with monkeypatch.context() as broken:
        broken.setattr(Writer, "_begin", refuses)
        with pytest.raises(JournalError, match="OSError"):
            journal.run(lambda unit: message(unit))
        health = journal.health()
        assert not journal.healthy
        assert not health.healthy
        assert health.error is not None
        assert "OSError" in health.error
    until(lambda: journal.healthy)
    assert journal.health().error is None


def test_health_tells_what_waits(journal: Journal) -> None:
    """Queue length and ages, while the writer is busy."""
    with Held(journal):
        future = journal.submit(lambda unit: message(unit))
        health = journal.health()
        assert health.queue == 1
        assert health.oldest_waiting is not None
        assert health.oldest_waiting >= 0
    future.result()
    health = journal.health()
    assert (health.queue, health.oldest_waiting, health.healthy) == (0, None, True)
    assert health.commit_age is not None
    assert health.checkpoint_age is not None


def test_a_heartbeat_proves_the_journal_while_nothing_comes(
    journal_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node's row tells when it last wrote, and it writes without being asked."""
    monkeypatch.setattr("gateway.journal.writer.HEARTBEAT", 0.02)
    with Journal.open(journal_url, node="n1", keyring=keyring) as journal:
        journal.run(lambda unit: unit.start_node("0.1"))

        def seen():
            with journal.view() as view:
                (node,) = view.nodes()
            return node

        started = seen()
        assert (started.name, started.version) == ("n1", "0.1")
        until(lambda: seen().seen_at > started.seen_at)


def test_a_connection_that_stopped_being_durable_is_noticed(
    tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing comes the settings are read back; the connection is opened anew."""
    monkeypatch.setattr("gateway.journal.writer.HEARTBEAT", 0.02)
    monkeypatch.setattr("gateway.journal.writer.AFTER_FAILURE", 0.02)
    with Journal.open(f"sqlite:///{tmp_path}/i.db", node="n1", keyring=keyring) as journal:
        driver = journal._writer._connection.connection.driver_connection
        errors: list[str | None] = []
        driver.execute("PRAGMA synchronous=OFF")
        until(lambda: errors.append(journal.health().error) or errors[-1])
        assert errors[-1] == "a commit might be lost: synchronous is 0, not 2 (FULL)"
        until(lambda: journal.healthy)

"""What every read shares."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.errors import JournalError
from gateway.journal import Journal, Keyring


def test_a_read_that_the_database_refuses_is_a_journal_error(
    journal_url: str, tmp_path: Path
) -> None:
    """Also that of the duplicate filter, which asks the driver itself; in a unit and in a view."""
    keyring = Keyring.create(tmp_path / "keys" / "master.key")
    with Journal.open(journal_url, node="n1", keyring=keyring) as journal:
        journal.run(lambda unit: unit._connection.execute(text("DROP TABLE messages")) and None)
        with pytest.raises(JournalError):
            journal.run(lambda unit: unit.control_id_seen("his", "1"))
        with pytest.raises(JournalError), journal.view() as view:
            view.find_duplicate("his", "1", "digest")


def test_the_duplicate_filter_is_found_by_its_index(tmp_path: Path) -> None:
    """Among millions of messages too: SQLite uses the partial index of what was accepted."""
    from gateway.journal.messages import _ANY_ACCEPTED_BEFORE

    keyring = Keyring.create(tmp_path / "keys" / "master.key")
    url = f"sqlite:///{tmp_path}/i.db"
    asking = _ANY_ACCEPTED_BEFORE.on("sqlite")
    question = f"EXPLAIN QUERY PLAN {asking.text}"
    with Journal.open(url, node="n1", keyring=keyring) as journal, journal.view() as view:
        asked = asking.bound({**asking.constants, "sender": "his", "control_id": "1"})
        plan = view._connection.exec_driver_sql(question, asked).all()
    assert "INDEX messages_no_duplicates (sender=? AND control_id=?)" in str(plan)

"""Statements that the driver runs itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import bindparam, func, literal, select
from sqlalchemy.exc import IntegrityError, OperationalError

from gateway.errors import JournalError
from gateway.journal.migrate import upgrade
from gateway.journal.prepared import Driver, Prepared
from gateway.journal.store import Store
from gateway.journal.tables import messages, nodes
from gateway.journal.transaction import _INSERT_MESSAGES
from gateway.journal.writing import whole

_ADD_NODE = Prepared(nodes.insert(), ["name", "started_at", "seen_at", "version"])
_FLAGS = Prepared(select(messages.c.id, messages.c.accepted, messages.c.flagged))
_NAMED = Prepared(select(nodes.c.name).where(nodes.c.name == bindparam("name")))
_COUNT = Prepared(select(func.count()).select_from(nodes))
_BEHIND = Prepared(
    select(nodes.c.name).where(nodes.c.name > bindparam("name"), nodes.c.version == literal("1"))
)
ROW = {"name": "MARCATO", "started_at": "", "seen_at": "", "version": "1"}


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    """The driver of an empty journal, inside a transaction."""
    store = Store(f"sqlite:///{tmp_path}/i.db")
    store.create_file()
    with store.writing() as connection, connection.begin():
        upgrade(connection)
        yield Driver(connection)
    store.close()


def test_values_and_constants_reach_the_database(driver: Driver) -> None:
    """With none, one or several names, and with those that the statement brings itself."""
    assert driver.run(_ADD_NODE, ROW) == 1
    assert driver.run_each(_ADD_NODE, [{**ROW, "name": name} for name in "ab"]) == 2
    assert driver.row(_COUNT) == (3,)
    assert driver.row(_NAMED, {"name": "a"}) == ("a",)
    assert driver.row(_NAMED, {"name": "c"}) is None
    assert driver.rows(_BEHIND, {"name": "MARCATO"}) == [("a",), ("b",)]


def test_a_value_that_is_missing_is_no_empty_one(driver: Driver) -> None:
    """A name forgotten is a mistake; nothing is asked in its place."""
    with pytest.raises(KeyError):
        driver.rows(_NAMED, {})


def test_a_boolean_is_a_boolean(driver: Driver) -> None:
    """Digests tell `true` from 1, and SQLite does not."""
    row = dict.fromkeys(whole("messages", {}), "") | {"size": 0, "case_id": None}
    row |= {"id": "1", "accepted": True, "flagged": False}
    driver.run_each(_INSERT_MESSAGES, [row])
    assert driver.rows(_FLAGS) == [("1", True, False)]
    assert all(type(flag) is bool for flag in driver.rows(_FLAGS)[0][1:])


def test_an_error_comes_as_from_sqlalchemy_and_shows_no_value(driver: Driver) -> None:
    """By class, with the driver's own beside it, whichever way the statement was run."""
    driver.run(_ADD_NODE, ROW)
    for ask in (lambda: driver.run(_ADD_NODE, ROW), lambda: driver.run_each(_ADD_NODE, [ROW])):
        with pytest.raises(IntegrityError) as told:
            ask()
        assert "MARCATO" not in str(told.value)
        assert told.value.__cause__ is told.value.orig
    driver.command("DROP TABLE nodes")
    with pytest.raises(OperationalError):
        driver.rows(_COUNT)
    with pytest.raises(OperationalError):
        driver.command("ROLLBACK TO SAVEPOINT nowhere")


def test_a_statement_is_written_for_both_databases() -> None:
    """By place for SQLite, by name for PostgreSQL; made once each."""
    assert _NAMED.on("sqlite").bound({"name": "a", "other": 1}) == ("a",)
    assert _NAMED.on("postgresql").bound({"name": "a"}) == {"name": "a"}
    assert "%(name)s" in _NAMED.on("postgresql").text
    assert _NAMED.on("sqlite") is _NAMED.on("sqlite")


def test_a_row_with_a_column_that_there_is_not_is_refused() -> None:
    """What cannot be kept is not dropped in silence."""
    assert whole("cases", {"id": "1"})["dossier"] is None
    with pytest.raises(JournalError, match="dosier"):
        whole("cases", {"id": "1", "dosier": b""})

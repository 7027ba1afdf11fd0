"""Migrations: the tables they make are the tables the code knows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from gateway.errors import JournalError
from gateway.journal import Journal, Keyring, look, migrate
from gateway.journal.store import Store
from gateway.journal.tables import metadata
from gateway.journal.verification import verify
from gateway.lifecycle import Status
from tests.journal_rows import sending


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """New keys."""
    return Keyring.create(tmp_path / "keys" / "master.key")


def test_the_migrations_make_the_tables_of_the_code(journal_url: str, keyring: Keyring) -> None:
    """Every table, column, index and constraint, on both databases."""
    Journal.open(journal_url, node="n1", keyring=keyring).close()
    store = Store(journal_url)
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert migrate.revision(connection) == migrate.HEAD
    store.close()


def test_the_head_that_the_code_needs_is_the_newest_revision() -> None:
    """HEAD is written down so that alembic need not be imported at every start."""
    folder = Path(migrate.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == migrate.HEAD


def test_a_journal_is_not_migrated_unless_allowed(tmp_path: Path, keyring: Keyring) -> None:
    """A deployment that migrates by hand is told which revision is needed."""
    url = f"sqlite:///{tmp_path}/i.db"
    with pytest.raises(JournalError, match=f"revision None, this version needs {migrate.HEAD}"):
        Journal.open(url, node="n1", keyring=keyring, migrate=False)
    Journal.open(url, node="n1", keyring=keyring).close()
    Journal.open(url, node="n1", keyring=keyring, migrate=False).close()


def newer(url: str, *statements: str) -> None:
    """What a later version's migration leaves."""
    store = Store(url)
    with store.writing() as connection, connection.begin():
        for statement in (*statements, "UPDATE alembic_version SET version_num = '9999'"):
            connection.execute(text(statement))
    store.close()


def test_a_node_works_beside_a_newer_one(journal_url: str, keyring: Keyring) -> None:
    """A later migration that only added is no reason to stop: nodes are upgraded one by one."""
    Journal.open(journal_url, node="n1", keyring=keyring).close()
    newer(
        journal_url,
        "ALTER TABLE submissions ADD COLUMN colour TEXT",
        "ALTER TABLE messages ADD COLUMN weight INTEGER DEFAULT 7 NOT NULL",
        "CREATE TABLE later (id TEXT PRIMARY KEY)",
        "CREATE INDEX later_index ON cases (updated_at)",
    )
    with Journal.open(journal_url, node="n1", keyring=keyring) as journal:
        case_id, submission_id, _ = journal.run(sending)
        journal.run(
            lambda unit: unit.move(submission_id, expect=Status.SUBMITTING, to=Status.IN_DOUBT)
        )
        with journal.view() as view:
            assert view.case(case_id).state == "OPEN"
            assert len(view.messages(case_id)) == 1
    assert verify(journal_url, keyring.public_key) == []


def test_a_journal_that_was_contracted_is_left_alone(journal_url: str, keyring: Keyring) -> None:
    """An old program must not write where a later version took away what it needs."""
    Journal.open(journal_url, node="n1", keyring=keyring).close()
    newer(journal_url, "INSERT INTO contracted VALUES ('9998')")
    with pytest.raises(JournalError, match="9998 took away"):
        Journal.open(journal_url, node="n1", keyring=keyring)


def test_a_migration_that_stopped_halfway_leaves_nothing(
    tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables and revision are made in one transaction."""
    from gateway.journal import journal as module

    url = f"sqlite:///{tmp_path}/i.db"

    def stops(*arguments: object, **options: object) -> None:
        migrate.upgrade(*arguments, **options)
        raise JournalError("stopped")

    with monkeypatch.context() as broken:
        broken.setattr(module, "upgrade", stops)
        with pytest.raises(JournalError, match="stopped"):
            Journal.open(url, node="n1", keyring=keyring)
    store = Store(url)
    with store.reading() as connection:
        assert migrate.revision(connection) is None
    store.close()
    Journal.open(url, node="n1", keyring=keyring).close()


def test_nodes_that_start_at_once_on_nothing(
    postgres_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    """One makes the tables, the others wait for it; all of them work."""

    def start(name: str) -> None:
        side = tmp_path / name
        Journal.open(postgres_url, node=name, keyring=keyring, side_file=side).close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(start, ("n1", "n2", "n3")))
    with look(postgres_url) as view:
        assert [node.name for node in view.nodes()] == ["n1", "n2", "n3"]

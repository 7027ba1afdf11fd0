"""Migrations: the tables they make are the tables the code knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from gateway.errors import JournalError
from gateway.journal import Journal, Keyring, migrate
from gateway.journal.store import Store
from gateway.journal.tables import metadata


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
    with pytest.raises(JournalError, match="revision None, this version needs 0003"):
        Journal.open(url, node="n1", keyring=keyring, migrate=False)
    Journal.open(url, node="n1", keyring=keyring).close()
    Journal.open(url, node="n1", keyring=keyring, migrate=False).close()


def test_a_journal_of_a_newer_version_is_left_alone(tmp_path: Path, keyring: Keyring) -> None:
    """An old program must not write into tables it does not know."""
    url = f"sqlite:///{tmp_path}/i.db"
    Journal.open(url, node="n1", keyring=keyring).close()
    store = Store(url)
    with store.writing() as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(JournalError, match="newer"):
        Journal.open(url, node="n1", keyring=keyring)


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

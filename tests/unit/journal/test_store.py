"""Where the journal lies: files for us alone, settings that keep a commit."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError, JournalError
from gateway.journal import Journal, Keyring, look, store
from gateway.journal.store import Store
from tests.journal_rows import message
from tests.postgres import Cluster


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """New keys."""
    return Keyring.create(tmp_path / "keys" / "master.key")


def test_the_files_are_for_us_alone(tmp_path: Path, keyring: Keyring) -> None:
    """Folder 0700; database, write-ahead log and checkpoints 0600, also if they were open."""
    folder = tmp_path / "journal"
    url = f"sqlite:///{folder}/icaro.db"
    for _ in range(2):
        with Journal.open(url, node="n1", keyring=keyring) as journal:
            journal.run(lambda unit: unit.record("x"))
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        assert set(modes.values()) == {0o600}
        assert {"icaro.db", "icaro.db-wal", "icaro.db.checkpoints"} <= modes.keys()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "icaro.db").chmod(0o644)


def test_a_commit_stays_in_sqlite(tmp_path: Path, keyring: Keyring) -> None:
    """WAL, synchronous FULL and foreign keys, read back from the writer's own connection."""
    with Journal.open(f"sqlite:///{tmp_path}/i.db", node="n1", keyring=keyring) as journal:

        def settings(unit):
            shown = unit._connection.exec_driver_sql
            names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
            return [shown(f"PRAGMA {name}").scalar() for name in names]

        assert journal.run(settings) == ["wal", 2, 1, 1]
        assert journal.healthy


def test_a_new_file_has_pages_that_fit_a_document(tmp_path: Path, keyring: Keyring) -> None:
    """Of 8 KiB; a file of before keeps its own and is written as well."""
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("PRAGMA page_size=4096")
        old.execute("CREATE TABLE something (here)")
    old.close()
    for name, size in (("new.db", 8192), ("old.db", 4096)):
        with Journal.open(f"sqlite:///{tmp_path / name}", node="n1", keyring=keyring) as journal:
            journal.run(lambda unit: unit.record("x"))
            with journal.view() as view:
                assert view._connection.exec_driver_sql("PRAGMA page_size").scalar() == size


@pytest.mark.parametrize("level", ["OFF", "NORMAL"])
def test_a_journal_whose_commits_might_be_lost_does_not_open(
    tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    """Whoever sets synchronous lower is told, before the first message is acknowledged."""
    pragmas = tuple(each.replace("FULL", level) for each in store.PRAGMAS)
    monkeypatch.setattr(store, "PRAGMAS", pragmas)
    with pytest.raises(JournalError, match="synchronous"):
        Journal.open(f"sqlite:///{tmp_path}/i.db", node="n1", keyring=keyring)


def test_a_journal_that_is_no_wal_is_not_durable(tmp_path: Path) -> None:
    """Checked on the connection, whatever was asked for."""
    place = Store(f"sqlite:///{tmp_path}/i.db")
    place.create_file()
    with place.writing() as connection:
        assert place.durability(connection) is None
        connection.rollback()
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA journal_mode=DELETE").fetchall()
        assert place.durability(connection) == "journal_mode is delete, not wal"
    place.close()


def test_a_postgresql_that_may_lose_commits_is_told(postgres_url: str) -> None:
    """synchronous_commit off is no promise."""
    place = Store(postgres_url)
    with place.writing() as connection:
        assert place.durability(connection) is None
        connection.exec_driver_sql("SET synchronous_commit = off")
        assert place.durability(connection) == "synchronous_commit is off"
    place.close()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "no url", "", "sqlite+aiosqlite://"]
)
def test_only_a_sqlite_file_or_a_postgresql_database_is_a_journal(url: str) -> None:
    """Anything else is a mistake of the configuration, told at once."""
    with pytest.raises(ConfigurationError, match=r"journal\.url"):
        Store(url)


def test_postgresql_is_reached_by_psycopg_whatever_the_scheme() -> None:
    """`postgresql://` is what people write."""
    assert Store("postgresql://u@h/d").url.drivername == "postgresql+psycopg"


def test_a_place_that_cannot_be_written_is_a_journal_error(
    tmp_path: Path, keyring: Keyring
) -> None:
    """A file where the folder should be; no database at the address."""
    (tmp_path / "file").touch()
    urls = [f"sqlite:///{tmp_path}/file/i.db", "postgresql://u@127.0.0.1:1/d"]
    for url in urls:
        with pytest.raises(JournalError):
            Journal.open(url, node="n1", keyring=keyring)


def test_a_file_that_is_no_database_is_a_journal_error(tmp_path: Path, keyring: Keyring) -> None:
    """And it is left as it was."""
    place = tmp_path / "i.db"
    place.write_bytes(b"not a database " * 100)
    with pytest.raises(JournalError):
        Journal.open(f"sqlite:///{place}", node="n1", keyring=keyring)
    assert place.read_bytes() == b"not a database " * 100


def test_another_master_key_is_told_at_once(tmp_path: Path, keyring: Keyring) -> None:
    """Before it writes what the right one could not read."""
    from tests.journal_rows import case

    url = f"sqlite:///{tmp_path}/i.db"
    with Journal.open(url, node="n1", keyring=keyring) as journal:
        journal.run(lambda unit: case(unit))
    other = Keyring.create(tmp_path / "other" / "master.key")
    with pytest.raises(JournalError, match="another master key"):
        Journal.open(url, node="n1", keyring=other)


def test_looking_needs_no_writer_and_no_key(tmp_path: Path, keyring: Keyring) -> None:
    """Verbs that only read take a snapshot; what is encrypted needs the keyring."""
    url = f"sqlite:///{tmp_path}/i.db"
    with pytest.raises(JournalError, match="no journal"), look(url):
        pass
    assert not (tmp_path / "i.db").exists()
    with Journal.open(url, node="n1", keyring=keyring) as journal:
        journal.run(lambda unit: message(unit))
    with look(url) as view:
        assert view.message_counts() == {"ACCEPTED": 1}
        with pytest.raises(JournalError, match="without its master key"):
            view.digest(b"x")


def test_destroying_a_key_leaves_no_older_page_in_the_log(tmp_path: Path, keyring: Keyring) -> None:
    """The wrapped key is in no file of the journal afterwards, not even the write-ahead log."""
    from tests.journal_rows import case

    place = tmp_path / "journal" / "i.db"
    with Journal.open(f"sqlite:///{place}", node="n1", keyring=keyring) as journal:
        made = journal.run(lambda unit: case(unit))
        with sqlite3.connect(place) as raw:
            ((wrapped,),) = raw.execute("SELECT wrapped_key FROM cases").fetchall()
        raw.close()

        def everything() -> bytes:
            return b"".join(path.read_bytes() for path in place.parent.iterdir())

        assert wrapped in everything()
        journal.run(lambda unit: unit.destroy_key(made.id))
        assert wrapped not in everything()


def test_a_restarted_postgresql_is_found_by_readers(
    postgres_url: str, postgres_cluster: Cluster, keyring: Keyring
) -> None:
    """A connection that died in the pool is replaced before it is used."""
    with Journal.open(postgres_url, node="n1", keyring=keyring) as journal:
        with journal.view() as view:
            assert view.message_counts() == {}
        postgres_cluster.restart()
        with journal.view() as view:
            assert view.message_counts() == {}

"""A back-up: one moment of a journal in use, as a SQLite file in a signed archive.

SQLite is copied page by page by its own online back-up, PostgreSQL table by table, both out of one
read snapshot: writers never wait. Whichever it came from, it can be restored into either. Case
keys are locked a second time by the key ring, which is never in a back-up.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import JournalError
from gateway.journal import container
from gateway.journal.checkpoints import CheckpointReads
from gateway.journal.encryption import Keyring
from gateway.journal.migrate import HEAD, revision, upgrade
from gateway.journal.ring import Ring, locked, name_of
from gateway.journal.store import Store
from gateway.journal.tables import cases, evidence, metadata
from gateway.journal.transaction import as_journal_error

FORM = "icaro journal back-up 1"
MEMBER = "journal.db"
PAGES = 256
"""Copied between two looks at the time."""
BATCH = 500

Tell = Callable[[int, int], None]
"""Told now and then: done, in all. May wait, to leave the disk to others."""

_KEYS = select(cases.c.id, cases.c.wrapped_key).where(cases.c.wrapped_key.is_not(None))
_PUT_KEY = update(cases).where(cases.c.id == bindparam("case")).values(wrapped_key=bindparam("key"))


def back_up(url: str, to: Path, keyring: Keyring, ring: Ring, tell: Tell) -> dict[str, Any]:
    """Write `to`; gives its manifest. Raises JournalError, ArchiveError; may run beside writers."""
    source = Store(url)
    if source.file is not None and not source.file.exists():
        raise JournalError(f"no journal at {source.file.name}")
    with TemporaryDirectory(prefix=".icaro-back-up-", dir=to.parent) as folder, _closing(source):
        copy = Path(folder) / MEMBER
        with source.reading() as connection:
            at = str(connection.execute(source.clock()).scalar_one())
            present = revision(connection)
            if present != HEAD:
                raise JournalError(f"the journal is at revision {present}, not {HEAD}")
            _copy(source, connection, copy, tell)
        told = {"form": FORM, "made_at": at, "revision": HEAD, "key_id": keyring.checkpoint_key_id}
        told |= _seal(copy, ring)
        return container.write(to, {MEMBER: copy}, told, keyring.sign_checkpoint)


@contextmanager
def _closing(store: Store) -> Iterator[None]:
    """A store that is closed whatever happens; what the database said becomes ours."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise as_journal_error(error) from error
    finally:
        store.close()


def _copy(source: Store, connection: Connection, copy: Path, tell: Tell) -> None:
    if not source.sqlite:
        with staged(copy) as target, target.begin():
            upgrade(target)
            copy_tables(connection, target, tell)
        return
    driver: Any = connection.connection.driver_connection
    into = sqlite3.connect(copy)
    try:
        # The snapshot is held, so writers do not make the copy begin again.
        driver.backup(into, pages=PAGES, progress=lambda _, left, all_: tell(all_ - left, all_))
    finally:
        into.close()


@contextmanager
def staged(copy: Path) -> Iterator[Connection]:
    """A connection to a SQLite file of our own; one file again at the end."""
    store = Store(f"sqlite:///{copy}")
    with _closing(store), store.writing() as connection:
        yield connection


def copy_tables(source: Connection, target: Connection, tell: Tell) -> None:
    """Every row of every table, parents first."""
    in_all = sum(counted(source).values())
    done = 0
    for table in metadata.sorted_tables:
        rows = source.execute(select(table).execution_options(yield_per=BATCH))
        for batch in rows.partitions():
            target.execute(insert(table), [dict(row._mapping) for row in batch])
            done += len(batch)
            tell(done, in_all)


def counted(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    return {table.name: _rows(connection, table) for table in metadata.sorted_tables}


def _rows(connection: Connection, table: Table) -> int:
    number: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return number


def _seal(copy: Path, ring: Ring) -> dict[str, Any]:
    """Lock every case key a second time; gives what the manifest says of the copy."""
    with staged(copy) as connection, connection.begin():
        keys = [(row.id, bytes(row.wrapped_key)) for row in connection.execute(_KEYS)]
        known = ring.add(name_of(*each) for each in keys)
        put_keys(
            connection, {case: locked(known[name_of(case, key)], case, key) for case, key in keys}
        )
        reads = CheckpointReads(connection, None)
        signed = [checkpoint.id for checkpoint in reads.checkpoints()]
        last = select(func.max(evidence.c.at))
        return {
            "rows": counted(connection),
            "heads": reads.evidence_heads(),
            "checkpoints": {"count": len(signed), "last": signed[-1] if signed else None},
            "last_entry_at": connection.execute(last).scalar_one(),
        }


def put_keys(connection: Connection, keys: dict[str, bytes | None] | dict[str, bytes]) -> None:
    """Store these as the keys of their cases."""
    if keys:
        each = [{"case": case, "key": key} for case, key in keys.items()]
        connection.execute(_PUT_KEY, each)

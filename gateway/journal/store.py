"""Where the journal lies: a SQLite file or a PostgreSQL database, opened so that a commit stays.

SQLite: WAL, synchronous FULL, foreign keys, file 0600. PostgreSQL: psycopg 3. `durability` reads
the settings back from the database, because a commit that may be lost is no commit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Select, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from gateway.errors import ConfigurationError
from gateway.journal.prepared import Driver
from gateway.journal.transaction import as_journal_error

BUSY_SECONDS = 30
"""How long a writer waits for another process's write."""

PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
    "PRAGMA cache_size=-16000",
    "PRAGMA temp_store=MEMORY",
)
PAGES = "PRAGMA page_size=8192"
"""A document or an envelope fits in a page: a commit writes 40 % fewer than of the usual 4 KiB."""
_FULL, _EXTRA = 2, 3


class Store:
    """Opens connections for one writer and many readers."""

    def __init__(self, url: str) -> None:
        self.url = _known(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.file = Path(str(self.url.database)) if self.sqlite else None
        self._writers = self._pool(poolclass=NullPool)
        self._readers = self._pool(pool_pre_ping=not self.sqlite, pool_size=5, max_overflow=20)
        if self.sqlite:
            _dress_sqlite(self._writers, "BEGIN IMMEDIATE", PRAGMAS)
            _dress_sqlite(self._readers, "BEGIN", (*PRAGMAS, "PRAGMA query_only=ON"))
        else:
            event.listen(self._writers, "connect", _bound_waits)
            self._readers = self._readers.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    def create_file(self) -> None:
        """Make the SQLite file 0600 in a folder 0700; an existing file is closed to others."""
        if self.file is None:
            return
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.file, os.O_RDWR | os.O_CREAT, 0o600))
        if self.file.stat().st_mode & 0o077:
            self.file.chmod(0o600)

    def writing(self) -> Connection:
        """A connection for the one writer; each transaction begins as a write."""
        return self._writers.connect()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only snapshot; database errors become JournalError."""
        try:
            # Begun at once: the driver alone would ask outside a transaction, see each time anew.
            with self._readers.connect() as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            raise as_journal_error(error) from error

    def close(self) -> None:
        """Close the connections that wait in the pool."""
        self._writers.dispose()
        self._readers.dispose()

    def clock(self) -> Select[Any]:
        """The database's own UTC time, as a stamp."""
        if self.sqlite:
            return select(func.strftime("%Y-%m-%dT%H:%M:%f000Z", "now"))
        utc = func.timezone("UTC", func.clock_timestamp())
        return select(func.to_char(utc, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))

    def durability(self, connection: Connection) -> str | None:
        """Why a commit on this connection might be lost; None if it stays."""
        if not self.sqlite:
            settings = {name: _shown(connection, f"SHOW {name}") for name in _MUST_NOT_BE_OFF}
            off = sorted(name for name, value in settings.items() if value == "off")
            return f"{', '.join(off)} is off" if off else None
        mode = _shown(connection, "PRAGMA journal_mode")
        level = _shown(connection, "PRAGMA synchronous")
        if mode != "wal":
            return f"journal_mode is {mode}, not wal"
        return None if level in (_FULL, _EXTRA) else f"synchronous is {level}, not {_FULL} (FULL)"

    def scrub(self, connection: Connection) -> None:
        """Outside a transaction: leave no older page behind in SQLite's write-ahead log."""
        if self.sqlite:
            driver = connection.connection.driver_connection
            if driver is not None:
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _pool(self, **options: Any) -> Engine:
        arguments: dict[str, Any] = {"connect_timeout": 10}
        if self.sqlite:
            arguments = {"timeout": BUSY_SECONDS, "check_same_thread": False}
        # Parameters are personal data: no exception may show them.
        return create_engine(self.url, hide_parameters=True, connect_args=arguments, **options)


_MUST_NOT_BE_OFF = ("fsync", "synchronous_commit", "full_page_writes")


def _known(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ConfigurationError(["journal.url is not a database URL"]) from error
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite")
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    raise ConfigurationError(["journal.url must name a SQLite file or a PostgreSQL database"])


def _dress_sqlite(pool: Engine, begin: str, pragmas: tuple[str, ...]) -> None:
    """Take BEGIN away from the driver, which would begin late; set the pragmas."""

    def connected(driver: Any, _record: object) -> None:
        driver.isolation_level = None
        if driver.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            driver.execute(PAGES)  # of a new file; one that is there keeps its own
            driver.execute("PRAGMA auto_vacuum=INCREMENTAL")
            driver.execute("PRAGMA journal_mode=WAL").fetchall()
        for pragma in pragmas:
            driver.execute(pragma).fetchall()

    def begun(connection: Connection) -> None:
        Driver(connection).command(begin)

    event.listen(pool, "connect", connected)
    event.listen(pool, "begin", begun)


def _bound_waits(driver: Any, _record: object) -> None:
    """No unit waits for another node's row longer than SQLite would for a file."""
    with driver.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
    driver.commit()


def _shown(connection: Connection, question: str) -> Any:
    return connection.exec_driver_sql(question).scalar()

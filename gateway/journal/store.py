"""Where the journal lies: a SQLite file or a PostgreSQL database, opened so that a commit stays.

SQLite: WAL, synchronous FULL, foreign keys, file 0600. PostgreSQL: psycopg 3, one server or several
(`servers`). `durability` reads the settings back, and `commit` hears the server's warnings, because
a commit that may be lost is no commit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from select import POLLIN, poll
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, Select, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DisconnectionError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from gateway.errors import ConfigurationError, JournalError
from gateway.journal.prepared import Driver
from gateway.journal.servers import ANSWER_SECONDS, PARAMETERS, Servers
from gateway.journal.transaction import as_journal_error
from gateway.journal.watch import Rounds, Watch

BUSY_SECONDS = 30
"""How long a writer waits for another process's write of a SQLite file."""

COMMIT_SECONDS = 6.0
"""What a PostgreSQL has for one group, COMMIT and its standby's answer included. Then the group
counts as not committed: a server that is frozen, or waits for a standby that is gone, says no."""

SESSION = (
    "SET lock_timeout = '3s'",
    "SET idle_in_transaction_session_timeout = '10s'",
)
"""Of a writer: it waits less for another node's row than for a commit; and what a frozen node has
locked is free again after ten seconds, when the server ends its session."""

LOOK_ROUND = 5.0
"""Seconds between two looks at all servers, where there are several."""

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
        self.watch = Watch()
        self._servers = Servers(self.watch.within)
        self._rounds = Rounds("journal-servers", LOOK_ROUND, self._servers.look_round)
        self._warnings: list[str] = []
        self._writers = self._pool(poolclass=NullPool)
        self._readers = self._pool(pool_size=5, max_overflow=20)
        if self.sqlite:
            _dress_sqlite(self._writers, "BEGIN IMMEDIATE", PRAGMAS)
            _dress_sqlite(self._readers, "BEGIN", (*PRAGMAS, "PRAGMA query_only=ON"))
        else:
            self._dress_postgresql()
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
    def listening(self) -> Iterator[Any]:
        """A connection of psycopg's own to the primary; closed at the end."""
        line = self._writers.raw_connection()
        try:
            yield line.driver_connection
        finally:
            line.invalidate()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only snapshot; database errors become JournalError."""
        try:
            # Begun at once: the driver alone would ask outside a transaction, see each time anew.
            with self._readers.connect() as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            raise as_journal_error(error) from error

    def watch_servers(self) -> None:
        """From now on hear of a promotion while connected, where the URL names several hosts."""
        if not self.sqlite:
            self._rounds.start()

    def outdated(self, connection: Connection) -> bool:
        """Whether another server was promoted since this connection was made."""
        return bool(connection.info.get("timeline", 0) < self._servers.timeline)

    def hung_up(self, connection: Connection) -> bool:
        """Whether the server ended this connection while nobody asked it anything."""
        if self.sqlite:
            return False
        driver: Any = connection.connection.driver_connection
        # What comes unasked is the end; a setting that changed comes too, and costs a connection.
        asked = poll()
        asked.register(driver.pgconn.socket, POLLIN)
        return bool(asked.poll(0))

    @contextmanager
    def bounded(self, connection: Connection) -> Iterator[None]:
        """A group's transaction: cut off when a PostgreSQL takes longer than COMMIT_SECONDS."""
        if self.sqlite:
            yield
            return
        with self.watch.within(COMMIT_SECONDS, connection.connection.driver_connection):
            yield

    def commit(self, connection: Connection) -> None:
        """COMMIT; JournalError if the server has a doubt of it.

        PostgreSQL says COMMIT, beside a warning in any language, also where the wait for the
        standby was cancelled (01000): then it is on one machine alone, and lost with it.
        """
        self._warnings.clear()
        connection.commit()
        if self._warnings:
            raise JournalError(f"the commit came with a warning ({', '.join(self._warnings)})")

    def close(self) -> None:
        """Close the connections that wait in the pool."""
        self._rounds.stop()
        self.watch.stop()
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
            return f"{', '.join(off)} is off" if off else _half_waiting(connection)
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
        arguments = {name: each for name, each in PARAMETERS.items() if name not in self.url.query}
        if self.sqlite:
            arguments = {"timeout": BUSY_SECONDS, "check_same_thread": False}
        # Parameters are personal data: no exception may show them.
        return create_engine(self.url, hide_parameters=True, connect_args=arguments, **options)

    def _dress_postgresql(self) -> None:
        """Choose among the servers, bound every wait, hear warnings, ask before reading."""
        servers, watch = self._servers, self.watch

        def dialling(all_asked: bool) -> Callable[..., Any]:
            def dial(dialect: Any, record: Any, _: Any, parameters: dict[str, Any]) -> Any:
                made, timeline = servers.connect(dialect.connect, parameters, all_asked=all_asked)
                record.info["timeline"] = timeline
                return made

            return dial

        def connected(driver: Any, _record: object) -> None:
            driver.add_notice_handler(self._noticed)
            for setting in SESSION:
                driver.execute(setting)
            driver.commit()

        def borrowed(driver: Any, record: Any, _: object) -> None:
            try:
                with watch.within(ANSWER_SECONDS, driver):
                    driver.execute("SELECT 1")
                    driver.rollback()
            except psycopg.Error as error:
                raise DisconnectionError from error
            if record.info.get("timeline", 0) < servers.timeline:
                raise DisconnectionError

        event.listen(self._writers, "do_connect", dialling(all_asked=True))
        event.listen(self._readers, "do_connect", dialling(all_asked=False))
        event.listen(self._writers, "connect", connected)
        event.listen(self._readers, "checkout", borrowed)

    def _noticed(self, told: Any) -> None:
        if told.severity_nonlocalized == "WARNING":
            self._warnings.append(str(told.sqlstate))


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


def _half_waiting(connection: Connection) -> str | None:
    """A standby that is named and not waited for until it has written to its disk."""
    if not _shown(connection, "SHOW synchronous_standby_names"):
        return None
    level = _shown(connection, "SHOW synchronous_commit")
    if level in ("on", "remote_apply"):
        return None
    return f"synchronous_commit is {level}, and synchronous_standby_names is set"


def _shown(connection: Connection, question: str) -> Any:
    return connection.exec_driver_sql(question).scalar()

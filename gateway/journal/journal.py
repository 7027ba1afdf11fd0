"""The journal as the corridors see it: submit work, look, close. Knows no Twisted and no HL7.

`submit` may be called from any thread; the work runs in the writer's thread, together with others,
and must not wait for anything. `view` reads a snapshot in the caller's own thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import JournalError
from gateway.journal.bell import Bell
from gateway.journal.encryption import Keyring
from gateway.journal.limits import Limits
from gateway.journal.migrate import upgrade
from gateway.journal.store import Store
from gateway.journal.tables import cases, nodes
from gateway.journal.transaction import as_journal_error
from gateway.journal.unit import Unit, View
from gateway.journal.writer import LINGER, Host, Writer

T = TypeVar("T")

NEWEST_KEY = (
    select(cases.c.id, cases.c.wrapped_key)
    .where(cases.c.wrapped_key.is_not(None))
    .order_by(cases.c.id.desc())
    .limit(1)
)
"""By id, which begins with the time of opening: every verb that opens the journal asks it."""

SLOW = 1.0
"""Seconds in a row after which a unit of work shows that the disk does not keep up."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the journal can be written, and how old things are, in seconds."""

    healthy: bool
    error: str | None
    queue: int
    oldest_waiting: float | None
    commit_age: float | None
    checkpoint_age: float | None


class Journal:
    """One node's way to the journal."""

    def __init__(self, store: Store, writer: Writer, keyring: Keyring) -> None:
        self._store = store
        self._writer = writer
        self._keyring = keyring
        self._bell: Bell | None = None

    @classmethod
    def open(
        cls,
        url: str,
        *,
        node: str,
        keyring: Keyring,
        migrate: bool = True,
        group_limit: int = 256,
        queue_limit: int = 10_000,
        checkpoint_every: timedelta = timedelta(minutes=1),
        checkpoint_entries: int = 1000,
        side_file: Path | None = None,
    ) -> Self:
        """Open or make the journal at `url`, and start its writer.

        `side_file`: where checkpoints are written a second time; for SQLite without it,
        `<file>.checkpoints`. Raises JournalError if it cannot be written, or ConfigurationError.
        """
        store = Store(url)
        limits = Limits(group_limit, queue_limit, checkpoint_every, checkpoint_entries)
        try:
            store.create_file()
            with store.writing() as connection, connection.begin():
                _prepare(store, connection, node, keyring, migrate)
        except (SQLAlchemyError, OSError) as error:
            store.close()
            raise as_journal_error(error) from error
        except JournalError:
            store.close()
            raise
        writer = Writer(store, keyring, node, limits, side_file or side_file_of(store))
        writer.start()
        store.watch_servers()
        journal = cls(store, writer, keyring)
        journal._prove()
        return journal

    def submit(
        self, work: Callable[[Unit], T], patience: float = LINGER, endure: float = 0.0
    ) -> Future[T]:
        """Queue `work`; the future resolves, in the writer's thread, only after COMMIT.

        `patience`: for so many seconds it may wait, if there is company, to share one commit.
        `endure`: for so many it is tried again if a commit fails; only for work that may be done
        twice, because a commit that failed may have happened.
        """
        return self._writer.submit(work, patience, endure)

    def hosted_by(self, host: Host) -> None:
        """Let `host` run the units, so that two threads of Python need not share one interpreter.

        Only on SQLite, where a unit computes and does not wait; BEGIN and COMMIT, which wait, stay
        in the writer's thread. After this, `close` must not be called in the thread of the host.
        """
        if self._store.sqlite:
            self._writer.host = host

    def listen(self, node: str, heard: Callable[[], None]) -> None:
        """From now on tell the other nodes of work, and call `heard` (in a thread) when they do.

        Only on PostgreSQL: a SQLite file has one node.
        """
        if not self._store.sqlite and self._bell is None:
            self._bell = Bell(self._store.listening, self._store.watch, node, heard)
            self._bell.start()
            self._writer.ring = self._bell.ring

    def run(self, work: Callable[[Unit], T]) -> T:
        """Submit and wait: for verbs of the command line, not for the reactor's thread."""
        return self._writer.submit(work).result()

    @contextmanager
    def view(self) -> Iterator[View]:
        """A read-only snapshot, in any thread; database errors become JournalError."""
        with self._store.reading() as connection:
            yield View(connection, self._keyring)

    def checkpoint(self) -> None:
        """Sign the heads of all chains now."""
        self.run(lambda unit: unit.checkpoint())

    @property
    def healthy(self) -> bool:
        """Whether the last thing the writer did, at most a heartbeat ago, was a commit."""
        return self._writer.alive and self._writer.error is None

    @property
    def behind(self) -> bool:
        """Whether it cannot keep up: the last write failed, or too much or too old work waits."""
        writer = self._writer
        if writer.error is not None or writer.crowded:
            return True
        oldest = writer.oldest
        return oldest is not None and time.monotonic() - oldest > SLOW

    def health(self) -> Health:
        """For `/health` and the metrics; asks the writer's state, not the database."""
        now, writer = time.monotonic(), self._writer

        def age(since: float | None) -> float | None:
            return None if since is None else now - since

        error = None if writer.error is None else str(writer.error)
        return Health(
            self.healthy,
            error if writer.alive else "the journal is closed",
            writer.waiting,
            age(writer.oldest),
            age(writer.committed),
            age(writer.signed),
        )

    def close(self) -> None:
        """Write what waits, sign the heads, close."""
        self._writer.close()
        if self._bell is not None:
            self._bell.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prove(self) -> None:
        try:
            self.run(lambda unit: unit.now)
        except JournalError:
            self.close()
            raise


@contextmanager
def look(url: str, keyring: Keyring | None = None) -> Iterator[View]:
    """A snapshot without a writer, for verbs that only read; encrypted columns need the keyring."""
    store = Store(url)
    if store.file is not None and not store.file.exists():
        raise JournalError(f"no journal at {store.file.name}: the first icaro run makes it")
    try:
        with store.reading() as connection:
            yield View(connection, keyring)
    finally:
        store.close()


def side_file_of(store: Store) -> Path | None:
    """Where a SQLite journal writes its checkpoints a second time, unless told."""
    return None if store.file is None else Path(f"{store.file}.checkpoints")


def _prepare(
    store: Store, connection: Connection, node: str, keyring: Keyring, migrate: bool
) -> None:
    """Tables, this node's row, and the proof that the master key is the right one."""
    upgrade(connection, allowed=migrate)
    at = connection.execute(store.clock()).scalar_one()
    if connection.execute(select(nodes.c.name).where(nodes.c.name == node)).first() is None:
        row = {"name": node, "started_at": at, "seen_at": at, "version": ""}
        connection.execute(insert(nodes), row)
    case = connection.execute(NEWEST_KEY).first()
    if case is not None:
        keyring.case_key(case[0], bytes(case[1]))

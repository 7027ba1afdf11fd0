"""One group's transaction: what many units of work write, kept apart.

Most units only store a message and its evidence; these rows wait in memory and are inserted
together at the end. A unit that writes anything else gets a savepoint at its first write; or none,
where a unit hardly ever fails after it wrote, and the group is then performed again with them. A
failed unit leaves nothing behind, not even evidence; a lost transaction fails the whole group.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gateway.errors import JournalError
from gateway.journal.encryption import Keyring
from gateway.journal.prepared import Driver, Prepared, of_whole_rows
from gateway.journal.stored import moment, quoted
from gateway.journal.tables import evidence, messages

Values = dict[str, Any]
"""One row as it is stored, by column."""


class Entry(NamedTuple):
    """An evidence entry before it has its place in the chain; three JSON texts inside."""

    what: str
    subjects: str
    digests: str
    note: str


class Head(NamedTuple):
    """The last entry of a chain."""

    seq: int
    digest: str


class Entangled(Exception):
    """A unit failed after it wrote, and no savepoint keeps its writes from those of others."""


class Order:
    """One unit of work that waits, and what came of it."""

    __slots__ = (
        "begun",
        "entries",
        "error",
        "future",
        "passing",
        "result",
        "since",
        "tries",
        "until",
        "work",
    )

    def __init__(self, work: Callable[[Any], Any], since: float, endure: float = 0.0) -> None:
        self.work = work
        self.since = since
        self.until = since + endure
        self.begun = False
        self.future: Future[Any] = Future()
        self.result: Any = None
        self.error: BaseException | None = None
        self.entries: list[Entry] = []
        self.tries = 1
        self.passing = False
        """Its error came of another node's unit at the same moment: tried again, it may pass."""

    def begin(self) -> bool:
        """Make ready to be performed, perhaps not for the first time; False: nobody waits."""
        self.result, self.error, self.entries, self.passing = None, None, [], False
        self.begun = self.begun or self.future.set_running_or_notify_cancel()
        return self.begun

    def resolve(self) -> None:
        """Tell who waits: the result, or the unit's own error."""
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)

    def fail(self, error: JournalError) -> None:
        """Tell who waits that nothing of this unit was kept."""
        if not self.future.done():
            self.future.set_exception(error)


def chain_digest(
    node: str, seq: int, at: str, what: str, subjects: str, digests: str, note: str, previous: str
) -> str:
    """SHA-256 (hex) over the canonical JSON array of an entry's columns as they are stored."""
    ours, *told = map(quoted, (node, at, what, subjects, digests, note, previous))
    text = f"[{ours},{seq},{','.join(told)}]"
    return hashlib.sha256(text.encode()).hexdigest()


class Transaction:
    """BEGIN has happened; `stamp` is the database's clock, read `read_at` (monotonic seconds)."""

    def __init__(
        self, connection: Connection, keyring: Keyring, node: str, stamp: str, head: Head
    ) -> None:
        self.connection = connection
        self.driver = Driver(connection)
        self.keyring = keyring
        self.node = node
        self.head = head
        self.read_clock(stamp)
        self.locks = connection.dialect.name != "sqlite"
        self._insert_new = _INSERT_NEW_MESSAGES[connection.dialect.name]
        self.checkpoint_wanted = False
        self.scrub_wanted = False
        self.rings = False
        """Something may go that might not before: the other nodes are told after the commit."""
        self.apart = True
        """Whether each unit that writes has a savepoint."""
        self._wrote = False
        """The unit that is performed now."""
        self._waiting: list[tuple[Order, Values]] = []
        self._waiting_by_key: dict[tuple[str, str], list[Values]] = {}

    def read_clock(self, stamp: str) -> None:
        """It is `stamp` now: for all units that are performed after this."""
        self.stamp = stamp
        self.now: datetime = moment(stamp)
        self.read_at = time.monotonic()

    def perform(self, order: Order, unit: Any) -> None:
        """Run one unit; its error becomes the order's. Raises only if all is lost, or Entangled."""
        try:
            order.result = order.work(unit)
            if self._wrote:
                self.insert_messages(unit.own_messages)
                if self.apart:
                    self.driver.command("RELEASE SAVEPOINT work")
        except BaseException as error:
            if _of_the_disk(error):
                raise  # nothing of the group can stay; who is patient is performed again
            self._undo(error)
            order.error = as_journal_error(error)
            order.passing = self.locks and _state(error) in _PASSING
            return
        self._wrote, wrote = False, self._wrote
        order.entries = unit.entries
        if not wrote:
            self._keep(order, unit.own_messages)

    def open_savepoint(self) -> None:
        """Called before a unit's first direct write; a second call does nothing."""
        if not self._wrote:
            self.insert_waiting()
            if self.apart:
                self.driver.command("SAVEPOINT work")
            self._wrote = True

    def waiting(self, sender: str, control_id: str) -> Sequence[Values]:
        """Messages of this group that are in memory only."""
        return self._waiting_by_key.get((sender, control_id), ())

    def insert_waiting(self) -> None:
        """Insert the messages in memory; of one that another node stored first, the unit fails."""
        waiting, self._waiting = self._waiting, []
        self._waiting_by_key = {}
        if not waiting:
            return
        rows = [values for _, values in waiting]
        if self.driver.run_each(self._insert_new, rows) == len(rows):
            return
        ids = [values["id"] for values in rows]
        found = self.connection.execute(select(messages.c.id).where(messages.c.id.in_(ids)))
        stored = set(found.scalars())
        for order, values in waiting:
            if values["id"] not in stored:
                order.error = JournalError("another node stored the same message first")
                order.passing = True

    def insert_messages(self, rows: list[Values]) -> None:
        """Insert messages at once, inside whatever savepoint is open."""
        if rows:
            self.driver.run_each(_INSERT_MESSAGES, rows)

    def settle(self, orders: Iterable[Order]) -> None:
        """Insert what waits, then the evidence of every unit that succeeded, chained."""
        self.insert_waiting()
        entries = [e for order in orders if order.error is None for e in order.entries]
        rows = [self._chained(entry) for entry in entries]
        if rows:
            self.driver.run_each(_INSERT_EVIDENCE, rows)

    def _keep(self, order: Order, own: list[Values]) -> None:
        for values in own:
            self._waiting.append((order, values))
            key = (values["sender"], values["control_id"])
            self._waiting_by_key.setdefault(key, []).append(values)

    def _chained(self, entry: Entry) -> Values:
        seq, previous = self.head.seq + 1, self.head.digest
        digest = chain_digest(self.node, seq, self.stamp, *entry, previous)
        self.head = Head(seq, digest)
        values = (self.node, seq, self.stamp, *entry, previous, digest)
        return dict(zip(_OF_EVIDENCE, values, strict=True))

    def _undo(self, error: BaseException) -> None:
        if self._wrote and not self.apart:
            raise Entangled from error
        if self._wrote:
            self._wrote = False
            self.driver.command("ROLLBACK TO SAVEPOINT work")
            self.driver.command("RELEASE SAVEPOINT work")
        elif isinstance(error, DBAPIError):
            # Without a savepoint PostgreSQL has given up the whole transaction.
            raise error


_OF_EVIDENCE = tuple(evidence.c.keys())
_INSERT_MESSAGES = of_whole_rows(insert(messages))
_INSERT_EVIDENCE = of_whole_rows(insert(evidence))
_INSERT_NEW_MESSAGES: Mapping[str, Prepared] = {
    "sqlite": of_whole_rows(sqlite.insert(messages).on_conflict_do_nothing()),
    "postgresql": of_whole_rows(postgresql.insert(messages).on_conflict_do_nothing()),
}


def _of_the_disk(error: BaseException) -> bool:
    """Whether the database could not write: no fault of the unit that happened to meet it."""
    cause = getattr(error, "orig", None)
    name = str(getattr(cause, "sqlite_errorname", None) or "")
    state = str(getattr(cause, "sqlstate", None) or "")
    return name.startswith(("SQLITE_FULL", "SQLITE_IOERR")) or state.startswith("53")


_PASSING = ("40001", "40P01", "55P03", "23505")
"""Serialisation, deadlock, a lock not got in time, a row that another node made first."""


def _state(error: BaseException) -> str | None:
    """The SQLSTATE behind an error, if a database's error is."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, DBAPIError):
        cause = cause.__cause__
    return None if cause is None else getattr(cause.orig, "sqlstate", None)


def as_journal_error(error: BaseException) -> BaseException:
    """A database's or disk's error as ours; any other as it is."""
    return named(error) if isinstance(error, SQLAlchemyError | OSError) else error


def named(error: BaseException) -> JournalError:
    """An error by its class and SQLSTATE, never with a value; the cause is chained."""
    cause = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    told = JournalError(f"{type(cause).__name__}{f' ({state})' if state else ''}")
    told.__cause__ = error
    return told

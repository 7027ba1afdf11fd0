"""The one thread that writes: takes all that waits, commits once, then tells each.

A future resolves only after COMMIT of its group. After a failed commit the whole group is told
(or, who is patient, performed again in its old order), the connection is opened anew and the
chain's head is read from the database again. While nothing comes, a heartbeat every few seconds
proves that the journal can still be written.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import fields
from math import inf
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, bindparam, insert, select, update

from gateway.errors import JournalError
from gateway.journal import checkpoints
from gateway.journal.encryption import Keyring
from gateway.journal.evidence import LAST_ENTRY, EvidenceReads
from gateway.journal.limits import Limits
from gateway.journal.prepared import Driver, Prepared
from gateway.journal.store import Store
from gateway.journal.tables import checkpoints as checkpoints_table
from gateway.journal.tables import nodes
from gateway.journal.transaction import Entangled, Head, Order, Transaction, named
from gateway.journal.unit import Unit

T = TypeVar("T")

HEARTBEAT = 10.0
"""Seconds of silence after which the writer proves that it can write."""
SEEN_EVERY = 5.0
"""Seconds after which a busy writer says that its node lives."""
TRIES = 4
"""How often a unit is tried that another node's unit came in the way of."""
AFTER_FAILURE = 1.0
"""Seconds until it tries again while it cannot."""

LINGER = 0.002
"""Seconds for which a unit waits for company, where the group before had some: who waits for
an answer waits no longer. Others say themselves how patient they are."""

LATE = 0.1
"""Seconds after which the clock is read again before the units: what came while the process was
stopped did not come before."""

GENESIS = Head(0, "")
"""What the first entry of a chain names as previous."""

_LOCK_NODE = select(nodes.c.name).where(nodes.c.name == bindparam("node")).with_for_update()
_SEEN = update(nodes).where(nodes.c.name == bindparam("node")).values(seen_at=bindparam("at"))


Host = Callable[[Callable[[], None]], None]
"""Runs a group's units and returns when they are done, in this thread or in another."""


def _at_once(work: Callable[[], None]) -> None:
    work()


class Writer:
    """Owns the writing connection; nobody else touches it."""

    def __init__(
        self, store: Store, keyring: Keyring, node: str, limits: Limits, side_file: Path | None
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._node = node
        self._limits = limits
        self._side_file = side_file
        self._clock = store.clock()
        self._head = Prepared(LAST_ENTRY.add_columns(self._clock.scalar_subquery()))
        self._orders: deque[Order] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._due = inf
        self._rest = 0.0
        self.host: Host = _at_once
        self.ring: Callable[[], None] = lambda: None
        self._company = 0
        self._connection: Connection | None = None
        self._unsigned = 0
        self._seen_at = 0.0
        self._scrub_due = False
        self._checkpoint: checkpoints.Checkpoint | None = None
        self.error: JournalError | None = None
        self.committed: float | None = None
        self.signed: float | None = None
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def submit(
        self, work: Callable[[Unit], T], patience: float = LINGER, endure: float = 0.0
    ) -> Future[T]:
        """Queue a unit of work; a full or closed journal refuses at once.

        `patience`: for so many seconds it may wait for company, if there is any. `endure`: for so
        many it is performed again, in its old place, if its group's commit failed.
        """
        order = Order(work, time.monotonic(), endure)
        with self._wake:
            if self._closing:
                order.fail(JournalError("the journal is closed"))
            elif len(self._orders) >= self._limits.queue:
                order.fail(JournalError("the journal's queue is full"))
            else:
                self._orders.append(order)
                due = order.since + patience if self._company > 1 else order.since
                self._expect(max(due, self._rest))
        return order.future

    def close(self) -> None:
        """Write what waits, sign the heads, stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """How many units wait."""
        return len(self._orders)

    @property
    def crowded(self) -> bool:
        """Whether the queue is half full."""
        return len(self._orders) * 2 >= self._limits.queue

    @property
    def oldest(self) -> float | None:
        """Since when (monotonic seconds) the oldest of them waits."""
        try:
            return self._orders[0].since
        except IndexError:
            return None

    def _run(self) -> None:
        while self._waited():
            self._write()
        if self._unsigned:
            self._orders.append(Order(lambda unit: unit.checkpoint(), time.monotonic()))
            self._write()
        self._disconnect()

    def _expect(self, due: float) -> None:
        """The next group begins at `due` (monotonic seconds) at the latest."""
        if due < self._due:
            self._due = due
            self._wake.notify()

    def _waited(self) -> bool:
        """Until a group is due, or a heartbeat; False to stop."""
        beat = time.monotonic() + (AFTER_FAILURE if self.error else HEARTBEAT)
        with self._wake:
            while not self._closing and (left := min(self._due, beat) - time.monotonic()) > 0:
                self._wake.wait(left)
            return bool(self._orders) or not self._closing

    def _take(self) -> list[Order]:
        """All that waits, up to the limit; none for a heartbeat."""
        with self._wake:
            # Who came together before comes together again: one commit for all, not one each.
            self._company = many = min(len(self._orders), self._limits.group)
            group = [self._orders.popleft() for _ in range(many)]
            self._due = self._orders[0].since if self._orders else inf
        return [order for order in group if order.begin()]

    def _write(self) -> None:
        orders: list[Order] = []
        try:
            with self._store.bounded(self._connect()):
                transaction = self._performed(orders)
                self._commit(transaction)
        except BaseException as error:
            self._lost(error, orders or self._take())
            return
        self._committed(transaction)
        if transaction.rings:
            self.ring()
        self._tell(orders)

    def _tell(self, orders: list[Order]) -> None:
        """Who waits hears the outcome; what another node came in the way of is tried again."""
        again = [order for order in orders if order.passing and order.tries < TRIES]
        for order in orders:
            if order not in again:
                order.resolve()
        with self._wake:
            for order in reversed(again):
                order.tries += 1
                self._orders.appendleft(order)
                self._expect(order.since)

    def _performed(self, orders: list[Order]) -> Transaction:
        """A transaction in which the units of a group have written. In SQLite, where nobody else
        writes, they hardly ever fail: savepoints are only set when one did.
        """
        transaction = self._begin()
        transaction.apart = not self._store.sqlite
        try:
            self.host(lambda: self._perform(transaction, orders))
        except Entangled:
            transaction.connection.rollback()
            again = self._begin()
            for order in orders:
                order.begin()
            self.host(lambda: self._perform(again, orders))
            return again
        return transaction

    def _perform(self, transaction: Transaction, orders: list[Order]) -> None:
        # Taken only now: what came while the host was busy shares the commit.
        orders += self._take()
        if time.monotonic() - transaction.read_at > LATE:
            transaction.read_clock(transaction.connection.execute(self._clock).scalar_one())
        for order in orders:
            transaction.perform(order, Unit(transaction))
        self._settle(transaction, orders)

    def _begin(self) -> Transaction:
        """BEGIN, then the clock and the head of our chain, from the database itself."""
        connection = self._connection
        assert connection is not None  # `_write` connected
        connection.begin()
        if not self._store.sqlite:
            # Another process of this node name must not extend the chain at the same time. And a
            # lock writes: so every COMMIT, of a duplicate's unit too, waits for the standby, and
            # with it for all that came before, also where that wait was cancelled.
            connection.execute(_LOCK_NODE, {"node": self._node})
        last = Driver(connection).row(self._head, {"node": self._node})
        if last is None:
            at, head = connection.execute(self._clock).scalar_one(), GENESIS
        else:
            at, head = last[2], Head(last[0], last[1])
        return Transaction(connection, self._keyring, self._node, at, head)

    def _settle(self, transaction: Transaction, orders: list[Order]) -> None:
        before = transaction.head.seq
        transaction.settle(orders)
        self._unsigned += transaction.head.seq - before
        connection = transaction.connection
        if not orders:
            self._still_durable(connection)
        if not orders or time.monotonic() - self._seen_at > SEEN_EVERY:
            self._seen_at = time.monotonic()
            connection.execute(_SEEN, {"node": self._node, "at": transaction.stamp})
        if transaction.checkpoint_wanted or self._checkpoint_due():
            heads = EvidenceReads(connection, None).evidence_heads()
            self._checkpoint = made = checkpoints.make(self._keyring, transaction.stamp, heads)
            values = {each.name: getattr(made, each.name) for each in fields(made)}
            connection.execute(insert(checkpoints_table), values)

    def _checkpoint_due(self) -> bool:
        """The first entry is signed at once, so that no chain is ever without a checkpoint."""
        if not self._unsigned or self._unsigned >= self._limits.checkpoint_entries:
            return bool(self._unsigned)
        age = None if self.signed is None else time.monotonic() - self.signed
        return age is None or age >= self._limits.checkpoint_every.total_seconds()

    def _commit(self, transaction: Transaction) -> None:
        self._store.commit(transaction.connection)

    def _committed(self, transaction: Transaction) -> None:
        """What may only happen once the group stays. None of it can undo the group."""
        self.committed, self.error = time.monotonic(), None
        self._scrub_due |= transaction.scrub_wanted
        try:
            if self._checkpoint is not None:
                self._witness(self._checkpoint)
            if self._scrub_due:
                self._keyring.forget()
                self._store.scrub(transaction.connection)
                self._scrub_due = False
        except Exception as error:  # the driver's own too: who waits for the group is told
            self.error = JournalError(f"after the commit: {type(error).__name__}")

    def _witness(self, checkpoint: checkpoints.Checkpoint) -> None:
        self._checkpoint, self._unsigned, self.signed = None, 0, time.monotonic()
        # Only after COMMIT: the file must never have seen what the tables never had.
        if self._side_file is not None:
            checkpoints.append(self._side_file, checkpoint)

    def _lost(self, error: BaseException, orders: list[Order]) -> None:
        ours = error if isinstance(error, JournalError) else named(error)
        self.error, self._checkpoint = ours, None
        self._disconnect()
        again = time.monotonic() + AFTER_FAILURE
        patient = [] if self._closing else [each for each in orders if each.until > again]
        for order in orders:
            if order not in patient:
                order.fail(ours)
        self._put_back(patient, again)

    def _put_back(self, orders: list[Order], again: float) -> None:
        """Those who came first stay first, and nobody is tried before `again`."""
        with self._wake:
            self._rest = again if orders else 0.0
            self._orders.extendleft(reversed(orders))
            if orders:
                self._due = again

    def _connect(self) -> Connection:
        if self._connection is not None and not self._still_there(self._connection):
            self._disconnect()
        if self._connection is None:
            connection = self._store.writing()
            try:
                self._still_durable(connection)
                connection.rollback()
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _still_there(self, connection: Connection) -> bool:
        """False where the server hung up while nothing was asked, or another was promoted."""
        return not (self._store.outdated(connection) or self._store.hung_up(connection))

    def _still_durable(self, connection: Connection) -> None:
        fault = self._store.durability(connection)
        if fault is not None:
            raise JournalError(f"a commit might be lost: {fault}")

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()

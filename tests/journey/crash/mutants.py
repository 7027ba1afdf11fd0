"""Gateways that break a promise, so that it is seen that the matrix notices.

Each is put over the gateway's own code before it runs, in its own process only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from gateway.destination import Claimed, Letter
from gateway.journal.transaction import Order, Transaction
from gateway.journal.writer import Writer
from gateway.partners import Entry
from gateway.preparation import Preparation
from gateway.translation import Document

WINDOW = 0.3
"""Seconds in which what was told too early goes out before the commit."""


def acknowledges_before_the_commit() -> None:
    """The hospital reads AA while its message is in memory only."""
    _tells_early("message.accepted")


def sends_before_the_commit() -> None:
    """The document is on the wire while its bytes are in memory only."""
    _tells_early("attempt.added")


def asks_under_a_new_operation_id() -> None:
    """What may have arrived is sent again as if it were another document."""
    letter = Preparation.letter

    def another(self: Preparation, document: Document, claimed: Claimed, entry: Entry) -> Letter:
        if claimed.row.attempts and isinstance(document, bytes):
            document = document.replace(claimed.row.operation_id.encode(), str(uuid4()).encode())
        return letter(self, document, claimed, entry)

    Preparation.letter = another  # type: ignore[method-assign]  # broken on purpose


def _tells_early(what: str) -> None:
    """Units with such an entry are told that they are kept before they are."""
    settle, commit, resolve = Transaction.settle, Writer._commit, Order.resolve
    early: list[Order] = []

    def settled(self: Transaction, orders: Sequence[Order]) -> None:
        settle(self, orders)
        early[:] = [each for each in orders if any(entry.what == what for entry in each.entries)]

    def committed(self: Writer, transaction: Transaction) -> None:
        for order in early:
            order.resolve()
        if early:
            time.sleep(WINDOW)  # the fault itself: the commit comes too late
        commit(self, transaction)

    def resolved(self: Any) -> None:
        if not self.future.done():
            resolve(self)

    Transaction.settle = settled  # type: ignore[assignment, method-assign]  # broken on purpose
    Writer._commit = committed  # type: ignore[method-assign]  # broken on purpose
    Order.resolve = resolved  # type: ignore[method-assign]  # broken on purpose


MUTANTS: Mapping[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        acknowledges_before_the_commit,
        sends_before_the_commit,
        asks_under_a_new_operation_id,
    )
}

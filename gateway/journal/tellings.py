"""Application acknowledgments on their way to a hospital (enhanced mode): kept until they are told.

Stored in the commit of the message they answer. Of one sender they leave in order; the row goes
when its hospital has it, and the evidence says so. What can never be told stays, for a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, insert, select, update

from gateway.journal.prepared import Prepared, of_whole_rows
from gateway.journal.reading import Reading
from gateway.journal.stored import moment, new_id, stamp, storable
from gateway.journal.tables import tellings
from gateway.journal.transaction import Values
from gateway.journal.writing import Writing

WAITING, REFUSED = "WAITING", "REFUSED"
MOST = 50
"""Rows of a sender looked at in one round."""

_COLUMNS = (
    *(tellings.c.id, tellings.c.sender, tellings.c.control_id, tellings.c.payload),
    *(tellings.c.created_at, tellings.c.due_at, tellings.c.tries),
)
_NEW = of_whole_rows(insert(tellings))
_NEXT_SENDER = select(func.min(tellings.c.sender)).where(
    tellings.c.state == bindparam("state"), tellings.c.sender > bindparam("after")
)
_OF_SENDER = (
    select(*_COLUMNS)
    .where(tellings.c.state == bindparam("state"), tellings.c.sender == bindparam("sender"))
    .order_by(tellings.c.id)
    .limit(MOST)
)
_AS_READ = (tellings.c.id == bindparam("key"), tellings.c.due_at == bindparam("old_due"))
_TAKE = Prepared(update(tellings).where(*_AS_READ), ["due_at", "tries", "claimed_by"])
_DROP = Prepared(delete(tellings).where(tellings.c.id == bindparam("key")))
_AGAIN = Prepared(
    update(tellings).where(tellings.c.id == bindparam("key")), ["due_at", "claimed_by"]
)
_RECOVER = Prepared(
    update(tellings).where(tellings.c.claimed_by == bindparam("node")), ["due_at", "claimed_by"]
)
_GIVE_UP = Prepared(update(tellings).where(tellings.c.id == bindparam("key")), ["state"])


@dataclass(frozen=True, slots=True)
class Telling:
    """`payload` is the acknowledgment; `control_id` is that of the message it answers."""

    id: str
    sender: str
    control_id: str
    payload: bytes = field(repr=False)
    created_at: datetime
    due_at: datetime
    tries: int


class TellingReads(Reading):
    """Look at what waits."""

    def tellings(self, state: str = WAITING) -> list[Telling]:
        """The oldest of every sender; the oldest first."""
        return sorted(
            (each for sender in self._senders(state) for each in self._of(sender, state)),
            key=lambda each: each.id,
        )

    def has_tellings(self) -> bool:
        """Whether anything waits."""
        return next(self._senders(WAITING), None) is not None

    def _senders(self, state: str) -> Iterator[str]:
        """Found one by one, each by the index, however much waits for any of them."""
        after = ""
        while (found := self._row(_NEXT_SENDER, {"state": state, "after": after})[0]) is not None:
            yield (after := found)

    def _of(self, sender: str, state: str) -> list[Telling]:
        return [
            Telling(row[0], row[1], row[2], bytes(row[3]), moment(row[4]), moment(row[5]), row[6])
            for row in self._rows(_OF_SENDER, {"state": state, "sender": sender})
        ]


class TellingWrites(TellingReads, Writing):
    """Keep them, take them, let them go."""

    def add_telling(self, sender: str, control_id: str, payload: bytes) -> str:
        """Keep an application acknowledgment for `sender`; gives its id."""
        telling_id, at = new_id(), self._transaction.stamp
        self._transaction.open_savepoint()
        row: Values = {"id": telling_id, "sender": sender, "control_id": storable(control_id)}
        row |= {"payload": payload, "state": WAITING, "created_at": at, "due_at": at, "tries": 0}
        row["claimed_by"] = None
        self._driver.run(_NEW, row)
        return telling_id

    def take_tellings(self, lease: timedelta, most: int) -> list[Telling]:
        """Of every sender the oldest that are due, up to `most`; ours for the time of the lease.

        Behind one that is not due yet, nothing of its sender is taken: their order holds.
        """
        taken: list[Telling] = []
        held: dict[str, int] = {}
        until = stamp(self.now + lease)
        for row in self.tellings():
            if held.get(row.sender, 0) >= most:
                continue
            if row.due_at > self.now or not self._take_telling(row, until):
                held[row.sender] = most
                continue
            held[row.sender] = held.get(row.sender, 0) + 1
            taken.append(row)
        return taken

    def _take_telling(self, row: Telling, until: str) -> bool:
        self._transaction.open_savepoint()
        mine = {"claimed_by": self._transaction.node}
        values = {"key": row.id, "old_due": stamp(row.due_at)}
        return (
            self._driver.run(_TAKE, {**values, "due_at": until, "tries": row.tries + 1, **mine})
            == 1
        )

    def recover_tellings(self) -> None:
        """This node begins: what its earlier life had taken is due now."""
        self._transaction.open_savepoint()
        node, now = self._transaction.node, self._transaction.stamp
        self._driver.run(_RECOVER, {"node": node, "due_at": now, "claimed_by": None})

    def told(self, ids: Sequence[str]) -> None:
        """Their hospital has them."""
        self._transaction.open_savepoint()
        for each in ids:
            self._driver.run(_DROP, {"key": each})
        self.record("acknowledgment.told", subjects=ids)

    def tell_again(self, ids: Sequence[str], wait: timedelta) -> None:
        """Not before so long."""
        self._transaction.open_savepoint()
        due = stamp(self.now + wait)
        for each in ids:
            self._driver.run(_AGAIN, {"key": each, "due_at": due, "claimed_by": None})

    def give_telling_up(self, telling_id: str) -> None:
        """It cannot be told: it stays for a person, and those behind it go on."""
        self._transaction.open_savepoint()
        self._driver.run(_GIVE_UP, {"key": telling_id, "state": REFUSED})
        self.record("acknowledgment.given_up", subjects=[telling_id])

"""Births that are kept for a person: whole, until a person admits or dismisses them.

The hospital had its AA and will not send them again, so nothing of what drops refused bytes is for
them: neither their number, nor their size, nor `retention.rejects`. One that nobody ever decided
goes with `retention.cases`. Their ids tell them from refused bytes, whose table they share: what
stands behind a body of megabytes is slow to ask for.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, func, select

from gateway.journal.reading import Reading
from gateway.journal.rejects import ASIDE, RejectWrites
from gateway.journal.rows import REJECT, RejectRow
from gateway.journal.stored import new_id, stamp
from gateway.journal.tables import rejects

_KEPT = rejects.c.id >= ASIDE
_OLD = (_KEPT, rejects.c.at <= bindparam("before"))
_HOW_MANY_OLD = select(func.count()).select_from(rejects).where(*_OLD)
_DROP_OLD = delete(rejects).where(*_OLD)
_DROP_ONE = delete(rejects).where(_KEPT, rejects.c.id == bindparam("aside_id"))


class AsideReads(Reading):
    """Look at births that wait for a person."""

    def asides(self, *, limit: int = 100) -> list[RejectRow]:
        """The newest first; `reject` and `reject_body` give one of them."""
        query = select(*REJECT).where(_KEPT).order_by(rejects.c.id.desc()).limit(limit)
        return [RejectRow.of(row) for row in self._rows(query)]

    def old_asides(self, before: datetime) -> int:
        """How many came before that, and nobody decided."""
        return int(self._row(_HOW_MANY_OLD, {"before": stamp(before)})[0])


class AsideWrites(AsideReads, RejectWrites):
    """Keep them, let them go."""

    def set_aside(self, *, sender: str, body: bytes, note: str) -> str:
        """Keep a birth whole; `note` says why. Gives its id."""
        return self._keep_bytes(ASIDE + new_id(), sender=sender, body=body, note=note)

    def end_aside(self, aside_id: str) -> None:
        """A person decided: its bytes go. Who and why is the caller's to record."""
        self._transaction.open_savepoint()
        self._connection.execute(_DROP_ONE, {"aside_id": aside_id})
        self._transaction.scrub_wanted = True

    def purge_asides(self, before: datetime) -> int:
        """Drop those that nobody decided since; that they came stays in the evidence."""
        if not self.old_asides(before):
            return 0
        self._transaction.open_savepoint()
        done = self._connection.execute(_DROP_OLD, {"before": stamp(before)})
        self._transaction.scrub_wanted = True
        self.record("retention.purged", note={"rule": "cases", "asides": done.rowcount})
        return int(done.rowcount)

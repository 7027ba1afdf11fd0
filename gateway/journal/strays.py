"""Callbacks that were looked at and belong to no submission of ours: the operation is unknown, or
the office may not speak of it.

They are under the unmatched key, out of every case's reach, so they are kept as refused payloads
are: the newest thousand, and no longer than the rule for those. A body goes, its row stays.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import and_, bindparam, select, update

from gateway.journal.reading import Reading
from gateway.journal.stored import PURGED, stamp
from gateway.journal.tables import inbox
from gateway.journal.writing import Writing

KEPT = 1000
"""How many keep their bodies: an office cannot make us keep more."""

_STRAY = and_(
    inbox.c.submission_id.is_(None), inbox.c.applied_at.is_not(None), inbox.c.body.is_not(None)
)
_NEWEST_FIRST = (
    select(inbox.c.id, inbox.c.received_at)
    .where(_STRAY)
    .order_by(inbox.c.received_at.desc(), inbox.c.id.desc())
)
_EMPTY = update(inbox).where(inbox.c.id == bindparam("stray")).values(body=None)


class StrayReads(Reading):
    """Look at strays."""

    def strays_to_forget(self, before: datetime | None) -> list[str]:
        """Ids of those whose bodies are too many, or came before then; looks through the inbox."""
        bound = "" if before is None else stamp(before)
        found = enumerate(self._rows(_NEWEST_FIRST))
        return [stray for place, (stray, at) in found if place >= KEPT or at <= bound]


class StrayWrites(StrayReads, Writing):
    """Let strays go."""

    def forget_strays(self, ids: Collection[str]) -> int:
        """Empty the bodies of those that are strays; gives how many."""
        query = select(inbox.c.id, inbox.c.body_seal).where(_STRAY, inbox.c.id.in_(ids))
        found = self._rows(query)
        if not found:
            return 0
        self._transaction.open_savepoint()
        self._connection.execute(_EMPTY, [{"stray": stray} for stray, _ in found])
        self._transaction.scrub_wanted = True
        self.record(
            "retention.purged",
            digests={f"{inbox.name}/{stray}.body": f"{PURGED}{seal}" for stray, seal in found},
            note={"rule": "rejects", "columns": len(found)},
        )
        return len(found)

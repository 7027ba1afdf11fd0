"""What is kept for a while and is no evidence: refused bytes, and MessageIDs already seen.

The last 1 000 refused payloads stay, encrypted, so that the HIS team can be shown what they sent;
that they came, and their keyed digest, is in the evidence for good. Births that were set aside for
a person stand in the same table and are no part of that: see `asides`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select

from gateway.errors import NotFound
from gateway.journal.reading import Reading
from gateway.journal.rows import REJECT, RejectRow
from gateway.journal.stored import new_id, seal_of, stamp, storable
from gateway.journal.tables import rejects, replay
from gateway.journal.writing import Writing

KEPT = 1000
"""How many refused payloads are kept."""

LARGEST = 64 * 1024
"""Bytes kept of each."""

ASIDE = "kept-"
"""Begins the id of a birth that is kept for a person. Other ids, hexadecimal, sort before it."""

REFUSED = rejects.c.id < ASIDE
"""A row of refused bytes."""

_OLDEST_KEPT = (
    select(rejects.c.id).where(REFUSED).order_by(rejects.c.id.desc()).limit(1).offset(KEPT - 1)
)
_DROP_OLDER = delete(rejects).where(rejects.c.id < bindparam("oldest"))
_SEEN = select(replay.c.until).where(replay.c.message_id == bindparam("message_id"))
_DROP_EXPIRED = delete(replay).where(replay.c.until < bindparam("now"))


class RejectReads(Reading):
    """Look at refused bytes."""

    def rejects(self, *, limit: int = 100) -> list[RejectRow]:
        """The newest refused payloads first."""
        query = select(*REJECT).where(REFUSED).order_by(rejects.c.id.desc()).limit(limit)
        return [RejectRow.of(row) for row in self._rows(query)]

    def reject(self, reject_id: str) -> RejectRow:
        """One of them, or a birth that is kept; raises NotFound."""
        found = self._row(select(*REJECT).where(rejects.c.id == reject_id))
        if found is None:
            raise NotFound(f"no refused message {reject_id}")
        return RejectRow.of(found)

    def reject_body(self, reject_id: str) -> bytes | None:
        """What was kept of the refused bytes; raises NotFound."""
        found = self._row(select(rejects.c.body).where(rejects.c.id == reject_id))
        if found is None:
            raise NotFound(f"no refused message {reject_id}")
        return self._unseal(None, ("rejects", "body", reject_id), found[0])


class RejectWrites(RejectReads, Writing):
    """Keep refused bytes, remember MessageIDs."""

    def add_reject(self, *, sender: str, body: bytes, note: str = "") -> str:
        """Keep the first 64 KiB of what was refused; `note` is a code. Gives its id."""
        reject_id = self._keep_bytes(new_id(), sender=sender, body=body, note=note, most=LARGEST)
        oldest = self._row(_OLDEST_KEPT)
        if oldest is not None:
            self._connection.execute(_DROP_OLDER, {"oldest": oldest[0]})
        return reject_id

    def _keep_bytes(
        self, row_id: str, *, sender: str, body: bytes, note: str, most: int | None = None
    ) -> str:
        """A row and its evidence; of the body the first `most` bytes, if not all."""
        digest = self._keyring.index(body)
        cipher = self._keyring.unmatched.seal("rejects", "body", row_id, body[:most])
        self._transaction.open_savepoint()
        self._connection.execute(
            insert(rejects),
            {
                "id": row_id,
                "at": self._transaction.stamp,
                "sender": storable(sender),
                "digest": digest,
                "body": cipher,
                "body_seal": seal_of(cipher),
                "note": note,
            },
        )
        self.record(
            "reject.kept", subjects=[row_id], digests={"payload": digest}, note={"code": note}
        )
        return row_id

    def seen(self, message_id: str, until: datetime) -> bool:
        """Whether this MessageID came before; if not, it is remembered until then."""
        self._transaction.open_savepoint()
        self._connection.execute(_DROP_EXPIRED, {"now": self._transaction.stamp})
        key = storable(message_id)
        if self._row(_SEEN, {"message_id": key}) is not None:
            return True
        self._connection.execute(insert(replay), {"message_id": key, "until": stamp(until)})
        return False

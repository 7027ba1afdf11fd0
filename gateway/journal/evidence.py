"""The evidence, read back. It is written by `Writing.record` and chained by the transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, select

from gateway.journal.reading import Reading
from gateway.journal.rows import EvidenceRow
from gateway.journal.tables import evidence, nodes

LAST_ENTRY = (
    select(evidence.c.seq, evidence.c.digest)
    .where(evidence.c.node == bindparam("node"))
    .order_by(evidence.c.seq.desc())
    .limit(1)
)
_NODES = select(nodes.c.name).order_by(nodes.c.name)


class EvidenceReads(Reading):
    """Look at the chains."""

    def evidence(
        self, *, subject: str | None = None, node: str | None = None, limit: int = 100
    ) -> list[EvidenceRow]:
        """The newest entries, in the order written; `subject` is an id they tell about."""
        query: Select[Any] = select(evidence)
        if subject is not None:
            query = query.where(evidence.c.subjects.contains(f'"{subject}"', autoescape=True))
        if node is not None:
            query = query.where(evidence.c.node == node)
        newest = query.order_by(evidence.c.at.desc(), evidence.c.node, evidence.c.seq.desc())
        return [EvidenceRow.of(row) for row in reversed(self._rows(newest.limit(limit)))]

    def evidence_heads(self) -> dict[str, tuple[int, str]]:
        """The last sequence number and digest of every node's chain."""
        heads = {}
        for (node,) in self._rows(_NODES):
            last = self._row(LAST_ENTRY, {"node": node})
            if last is not None:
                heads[str(node)] = (int(last[0]), str(last[1]))
        return heads

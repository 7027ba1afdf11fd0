"""The processes that share a journal: when each was last there, and which are drained.

A drained node claims nothing more and ends what it has. It stays drained over a restart, until it
is resumed; both are evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select, update

from gateway.errors import NotFound
from gateway.journal.reading import Reading
from gateway.journal.stored import moment, optional_moment
from gateway.journal.tables import nodes, submissions
from gateway.journal.writing import Writing

_CLAIMS = (
    select(func.count())
    .select_from(submissions)
    .where(submissions.c.claimed_by == nodes.c.name)
    .scalar_subquery()
)
_NODES = select(
    nodes.c.name,
    nodes.c.started_at,
    nodes.c.seen_at,
    nodes.c.version,
    nodes.c.drained_at,
    _CLAIMS,
).order_by(nodes.c.name)
_DRAINED_AT = select(nodes.c.drained_at).where(nodes.c.name == bindparam("node"))


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node: when it last started and wrote, its version, since when it is drained, its claims."""

    name: str
    started_at: datetime
    seen_at: datetime
    version: str
    drained_at: datetime | None
    claims: int


class NodeReads(Reading):
    """Look at the nodes."""

    def nodes(self) -> list[NodeRow]:
        """All nodes by name."""
        return [
            NodeRow(row[0], moment(row[1]), moment(row[2]), row[3], optional_moment(row[4]), row[5])
            for row in self._rows(_NODES)
        ]

    def drained_at(self, name: str) -> datetime | None:
        """Since when a node takes no new claims; None if it does."""
        found = self._row(_DRAINED_AT, {"node": name})
        return optional_moment(found[0]) if found else None


class NodeWrites(NodeReads, Writing):
    """Say that this node runs."""

    def start_node(self, version: str) -> None:
        """The long-running process of this node begins (verbs of the command line do not)."""
        at = self._transaction.stamp
        self._transaction.open_savepoint()
        self._connection.execute(
            update(nodes)
            .where(nodes.c.name == bindparam("node"))
            .values(started_at=at, seen_at=at, version=version),
            {"node": self._transaction.node},
        )
        self.record("node.started", note={"version": version})

    def drain_node(self, name: str, *, person: str, reason: str) -> None:
        """It takes no new claims from the next on; raises NotFound."""
        self._drained(name, self._transaction.stamp)
        self.record("node.drained", note={"node": name, "person": person, "reason": reason})

    def resume_node(self, name: str, *, person: str, reason: str) -> None:
        """It takes claims again; raises NotFound."""
        self._drained(name, None)
        self.record("node.resumed", note={"node": name, "person": person, "reason": reason})

    def _drained(self, name: str, at: str | None) -> None:
        self._transaction.open_savepoint()
        done = self._connection.execute(
            update(nodes).where(nodes.c.name == name).values(drained_at=at)
        )
        if done.rowcount != 1:
            raise NotFound(f"no node {name}")

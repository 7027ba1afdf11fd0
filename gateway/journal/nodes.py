"""The processes that share a journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update

from gateway.journal.reading import Reading
from gateway.journal.stored import moment
from gateway.journal.tables import nodes
from gateway.journal.writing import Writing


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node: when it last started, when it last wrote, which version it runs."""

    name: str
    started_at: datetime
    seen_at: datetime
    version: str


class NodeReads(Reading):
    """Look at the nodes."""

    def nodes(self) -> list[NodeRow]:
        """All nodes by name."""
        query = select(nodes.c.name, nodes.c.started_at, nodes.c.seen_at, nodes.c.version)
        rows = self._rows(query.order_by(nodes.c.name))
        return [NodeRow(row[0], moment(row[1]), moment(row[2]), row[3]) for row in rows]


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

"""`icaro node`: the processes that share a journal, and taking one out of work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from gateway.cli.config import FILE
from gateway.cli.console import AS_JSON, BY, NODE, REASON, looking, printer, table, told
from gateway.config import load
from gateway.ground import open_journal
from gateway.journal import NodeRow, Unit

SILENT = timedelta(minutes=1)
"""A node writes every ten seconds, also when nothing comes."""


@click.group("node")
def node_group() -> None:
    """The nodes that share the journal: list them, take one out of work, put it back."""


@node_group.command("list")
@FILE
@AS_JSON
def list_nodes(path: Path, as_json: bool) -> None:
    """Every node: whether it works, is drained or silent, its version and its claims.

    \b
      icaro node list -c /etc/icaro/icaro.yaml
    """
    with looking(path) as view:
        rows = [_told(row) for row in view.nodes() if row.name != NODE]
    if as_json:
        told(rows)
        return
    headings = ("node", "state", "claims", "version", "started", "last seen", "drained since")
    cells = ((row[name] for name in _COLUMNS) for row in rows)
    printer().print(table(f"{len(rows)} nodes", headings, cells))


@node_group.command()
@click.argument("name", metavar="NODE")
@FILE
@BY
@REASON
def drain(name: str, path: Path, by: str, reason: str) -> None:
    """Take a node out of work: no new claims, what it has it ends, and its /health turns red.

    It goes on acknowledging what still reaches it. `icaro node list` shows when it has no claims
    left; then it can be stopped. It stays drained, also over a restart, until `icaro node resume`.

    \b
      icaro node drain icaro-2 --by m.rossi --reason "new kernel" -c /etc/icaro/icaro.yaml
    """
    _do(path, lambda unit: unit.drain_node(name, person=by, reason=reason))
    click.echo(f"{name} takes no new work")


@node_group.command()
@click.argument("name", metavar="NODE")
@FILE
@BY
@REASON
def resume(name: str, path: Path, by: str, reason: str) -> None:
    """Let a drained node work again.

    \b
      icaro node resume icaro-2 --by m.rossi --reason "kernel is in" -c /etc/icaro/icaro.yaml
    """
    _do(path, lambda unit: unit.resume_node(name, person=by, reason=reason))
    click.echo(f"{name} works again")


_COLUMNS = ("node", "state", "claims", "version", "started_at", "seen_at", "drained_at")


def _do(path: Path, work: Callable[[Unit], None]) -> None:
    with open_journal(load(path), node=NODE) as journal:
        journal.run(work)


def _told(row: NodeRow) -> dict[str, Any]:
    return {
        "node": row.name,
        "state": _state(row),
        "claims": row.claims,
        "version": row.version,
        "started_at": row.started_at,
        "seen_at": row.seen_at,
        "drained_at": row.drained_at,
    }


def _state(row: NodeRow) -> str:
    if datetime.now(UTC) - row.seen_at > SILENT:
        return "silent"
    return "drained" if row.drained_at else "works"

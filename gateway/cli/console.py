"""What the operator's verbs share: look at the journal, act at the desk, say it in a table.

Reads take a snapshot; writes take the writer's own path under a node name of their own, so that
their evidence has its chain. Both may run while the gateway runs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.config import load
from gateway.desk import Desk
from gateway.errors import NotFound
from gateway.ground import Ground, open_journal
from gateway.journal import CaseRow, Keyring, SubmissionRow, Unit, View, look

T = TypeVar("T")

NODE = "console"
"""Whose chain keeps what persons did: one chain a node, and the gateway has its own."""

SHORT = 16
"""Digits of an id that a table shows: the moment it was made, to the nanosecond."""

EVERYTHING = 2**31

AS_JSON = click.option("--json", "as_json", is_flag=True, help="For a program to read.")


def at_a_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


def _needed(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    """Evidence names a person and a reason: asked for at a terminal, else a usage error."""
    if value is not None and value.strip():
        return value.strip()
    if value is None and at_a_terminal():
        answer: str = click.prompt(str(param.metavar).lower()).strip()
        return answer
    raise click.MissingParameter("it becomes evidence.", ctx=ctx, param=param)


BY = click.option(
    "--by", "by", metavar="PERSON", callback=_needed, help="Who decides. Becomes evidence."
)
REASON = click.option(
    "--reason", "reason", metavar="REASON", callback=_needed, help="Why. Becomes evidence."
)


@contextmanager
def looking(path: Path) -> Iterator[View]:
    """The journal of a deployment as it is now. Raises JournalError, ConfigurationError."""
    settings = load(path).journal
    keyring = Keyring.load(settings.master_key, checkpoint_key=settings.checkpoint_key)
    with look(settings.url, keyring) as view:
        yield view


def act(path: Path, work: Callable[[Desk, Unit], T]) -> T:
    """One verb of a person as one journal unit; the running gateway finds what became READY."""
    configuration = load(path)
    ground = Ground.of(configuration)
    with open_journal(configuration, node=NODE) as journal:
        return journal.run(lambda unit: work(Desk(ground.casebook), unit))


def the_case(view: View, beginning: str) -> CaseRow:
    """The one case whose id begins so. Raises NotFound."""
    try:
        return view.case(beginning)
    except NotFound:
        rows = view.cases(limit=EVERYTHING)
        return _only("case", beginning, {row.id: row for row in rows})


def the_submission(view: View, beginning: str) -> SubmissionRow:
    """The one submission whose id begins so. Raises NotFound."""
    try:
        return view.submission(beginning)
    except NotFound:
        rows = view.submissions(limit=EVERYTHING)
        return _only("submission", beginning, {row.id: row for row in rows})


def _only(what: str, beginning: str, rows: dict[str, T]) -> T:
    found = [row_id for row_id in rows if beginning and row_id.startswith(beginning)]
    if len(found) == 1:
        return rows[found[0]]
    if not found:
        raise NotFound(f"no {what} {beginning}")
    some = ", ".join(sorted(found)[:5])
    raise NotFound(f"{len(found)} {what}s begin with {beginning}: {some}")


def printer() -> Console:
    """Standard output, wide enough for a table when it is no terminal."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=160)


def table(title: str, headings: Iterable[str], rows: Iterable[Iterable[object]]) -> Table:
    """A table of plain texts."""
    drawn = Table(title=title, title_justify="left", pad_edge=False)
    for heading in headings:
        drawn.add_column(heading, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(plain(cell)) for cell in row))
    return drawn


def plain(value: object) -> str:
    """A value as a cell: what peers and persons wrote sends no control character to a terminal."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}Z"
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in str(value))


def told(tree: object) -> None:
    """A tree of values as JSON on standard output."""
    click.echo(json.dumps(tree, ensure_ascii=False, indent=2, default=_as_text))


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)

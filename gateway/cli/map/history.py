"""`icaro map history` and `rollback`: which mappings were in use, and going back to them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from gateway.cli.config import FILE
from gateway.cli.console import (
    AS_JSON,
    BY,
    NODE,
    REASON,
    SHORT,
    looking,
    printer,
    table,
    told,
)
from gateway.config import load
from gateway.errors import NotFound
from gateway.ground import open_journal
from gateway.journal import EditionRow, Judgement, Unit, View
from gateway.snapshot import Snapshot

_DIGEST = 12
"""Characters of a digest that a table shows."""

_ALL = 2**31


@click.command()
@FILE
@click.option("--limit", default=20, show_default=True, help="How many, the newest first.")
@AS_JSON
def history(path: Path, limit: int, as_json: bool) -> None:
    """Which mappings were in use since when, which were refused and why.

    The gateway watches its folder of mappings: what passes lint, its own tests and a run over the
    last births is swapped in; what does not is refused, and the one of before stays in use.

    \b
      icaro map history
      icaro map history --json | jq '.[0].reasons'
    """
    with looking(path) as view:
        rows = view.editions(limit=limit)
        adopted = view.editions(verdict=Judgement.ADOPTED, limit=_ALL)
        changes = [_changed(adopted, row) for row in rows]
    if as_json:
        told([{**_as_fields(row), "changed": at} for row, at in zip(rows, changes, strict=True)])
        return
    headings = ("edition", "when", "verdict", "digest", "by", "changed", "reasons")
    cells = [_cells(row, at) for row, at in zip(rows, changes, strict=True)]
    printer().print(table("Editions of the mappings", headings, cells))


def _changed(adopted: Sequence[EditionRow], row: EditionRow) -> list[str]:
    """The files in which an edition differs from the one adopted before it, newest first."""
    then = next((each.files for each in adopted if each.id < row.id), {})
    paths = row.files.keys() | then.keys()
    return sorted(each for each in paths if row.files.get(each) != then.get(each))


def _as_fields(row: EditionRow) -> dict[str, Any]:
    return {
        "edition": row.id,
        "at": row.at,
        "node": row.node,
        "verdict": row.verdict,
        "digest": row.digest,
        "by": row.by,
        "reasons": list(row.reasons),
    }


def _cells(row: EditionRow, changed: Sequence[str]) -> tuple[object, ...]:
    files = "\n".join(changed) if len(changed) < len(row.files) else f"{len(changed)} files"
    reasons = "\n".join(row.reasons)
    return row.id[:SHORT], row.at, row.verdict, row.digest[:_DIGEST], row.by, files, reasons


@click.command()
@FILE
@click.argument("edition", required=False)
@BY
@REASON
def rollback(path: Path, edition: str | None, by: str, reason: str) -> None:
    """Put the mappings back as they were in EDITION.

    By default it is the one in use, where the folder was changed and refused, else the one in use
    before. Changes the files of the folder; what they hold now is kept in the journal first. The
    running gateway sees the change and takes the edition up as it does any other, but without
    comparing it with what followed. Other nodes have folders of their own.

    \b
      icaro map rollback --by m.rossi --reason "the ASL refuses the new codes"
    """
    configuration = load(path)
    now = Snapshot.read(configuration.mappings)
    with open_journal(configuration, node=NODE) as journal:
        with journal.view() as view:
            row = _the_edition(view, edition) if edition else _last_good(view, now)
            wanted = Snapshot.of(view.edition_files(row))
        journal.run(lambda unit: _record(unit, now, row, by, reason))
        changed = wanted.put_back(configuration.mappings)
    for name in changed:
        click.echo(name)
    click.echo(f"{len(changed)} files put back to edition {row.id[:SHORT]}", err=True)


def _record(unit: Unit, now: Snapshot, row: EditionRow, by: str, reason: str) -> None:
    reasons = [reason, f"rollback to {row.id}"]
    unit.judge_edition(
        Judgement.REPLACED, digest=now.digest, files=now.files, by=by, reasons=reasons
    )


def _last_good(view: View, now: Snapshot) -> EditionRow:
    """The newest edition in use that is not what the folder holds `now`."""
    for row in view.editions(verdict=Judgement.ADOPTED, limit=_ALL):
        if row.digest != now.digest:
            return row
    raise NotFound("no edition of the mappings was in use before")


def _the_edition(view: View, beginning: str) -> EditionRow:
    """The one adopted or set aside whose id or digest begins so."""
    rows = view.editions(limit=_ALL)
    found = [
        row for row in rows if row.id.startswith(beginning) or row.digest.startswith(beginning)
    ]
    if not found:
        raise NotFound(f"no edition {beginning}")
    if len({row.digest for row in found}) > 1:
        raise NotFound(f"{len(found)} editions begin with {beginning}: say more of it")
    return found[0]

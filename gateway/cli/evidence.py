"""`icaro evidence`: whether the journal is what was written, and what it tells.

An auditor needs no deployment: the database, the checkpoints' public key, and the file of
checkpoints if it lies elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from gateway.config import load
from gateway.journal import EvidenceRow, load_public_key, look
from gateway.journal.findings import Report
from gateway.journal.verification import Progress as Tell
from gateway.journal.verification import examine

PATH = click.Path(exists=True, dir_okay=False, path_type=Path)
CONFIG = click.option(
    "-c",
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    default="icaro.yaml",
    show_default=True,
    help="The deployment's icaro.yaml.",
)
JOURNAL = click.option("--journal", "url", help="Database URL, instead of the deployment's.")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the journal lies, and what verifies it."""

    url: str
    key: Path | None
    side_file: Path | None


@click.group("evidence")
def evidence_group() -> None:
    """Verify and show the evidence."""


@evidence_group.command()
@CONFIG
@JOURNAL
@click.option("--public-key", type=PATH, help="Verifies the checkpoints (PEM).")
@click.option("--checkpoints", type=PATH, help="The file of checkpoints, if it lies elsewhere.")
@click.option("--json", "as_json", is_flag=True, help="For a program.")
def verify(
    config: Path, url: str | None, public_key: Path | None, checkpoints: Path | None, as_json: bool
) -> None:
    """Find and name every edited or deleted row, body, entry or tail; exit code 1 if there is any.

    May run while the gateway runs.

    \b
      icaro evidence verify -c /etc/icaro/icaro.yaml
      icaro evidence verify --journal sqlite:///icaro.db --public-key checkpoint.pub
    """
    place = _place(config, url, public_key, checkpoints)
    if place.key is None:
        raise click.UsageError("--journal needs --public-key")
    with _progress(quiet=as_json) as tell:
        report = examine(place.url, load_public_key(place.key), place.side_file, tell)
    click.echo(json.dumps(_plain(report), indent=2) if as_json else _told(report))
    if report.findings:
        raise click.exceptions.Exit(1)


@evidence_group.command()
@CONFIG
@JOURNAL
@click.option("--subject", help="Only what tells of this case, submission, attempt or message.")
@click.option("--node", help="Only this node's chain.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for a program.")
def show(
    config: Path, url: str | None, subject: str | None, node: str | None, limit: int, as_json: bool
) -> None:
    """Show the newest entries, the last one last.

    \b
      icaro evidence show --subject 18f2c0…
    """
    with look(_place(config, url, None, None).url) as view:
        entries = view.evidence(subject=subject, node=node, limit=limit)
    for entry in entries:
        click.echo(_json_line(entry) if as_json else _line(entry))


def _place(
    config: Path, url: str | None, public_key: Path | None, checkpoints: Path | None
) -> Place:
    if url is not None:
        return Place(url, public_key, checkpoints)
    journal = load(config).journal
    key, side_file = public_key or journal.checkpoint_key, checkpoints or journal.checkpoints_file
    return Place(journal.url, key, side_file)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Tell]:
    console = Console(stderr=True)
    columns = (TextColumn("evidence"), BarColumn(), MofNCompleteColumn())
    shown = not quiet and console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task("evidence", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _told(report: Report) -> str:
    lines = [str(finding) for finding in report.findings]
    counted = (
        f"{report.entries} entries, {report.rows} rows, {report.checkpoints} checkpoints; "
        f"{report.unsigned} entries since the last checkpoint"
        f"{f'; {report.purged} columns purged' if report.purged else ''}"
    )
    verdict = f"{len(lines)} findings" if lines else "good: nothing was changed"
    return "\n".join([*lines, f"{verdict} ({counted})"])


def _plain(report: Report) -> dict[str, object]:
    findings = [
        {"fault": str(each.fault), "place": each.place, "text": each.text}
        for each in report.findings
    ]
    return {
        "good": not findings,
        "findings": findings,
        "entries": report.entries,
        "rows": report.rows,
        "checkpoints": report.checkpoints,
        "unsigned": report.unsigned,
        "purged": report.purged,
    }


def _line(entry: EvidenceRow) -> str:
    note = " ".join(f"{name}={_safe(value)}" for name, value in sorted(entry.note.items()))
    words = [
        f"{entry.at:%Y-%m-%dT%H:%M:%S.%fZ}",
        f"{entry.node}#{entry.seq}",
        entry.what,
        *entry.subjects,
        note,
    ]
    return "  ".join(word for word in words if word)


def _safe(value: object) -> str:
    """A reason is what a person typed: no control character of it reaches the terminal."""
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)


def _json_line(entry: EvidenceRow) -> str:
    return json.dumps(
        {
            "node": entry.node,
            "seq": entry.seq,
            "at": f"{entry.at:%Y-%m-%dT%H:%M:%S.%fZ}",
            "what": entry.what,
            "subjects": entry.subjects,
            "digests": entry.digests,
            "note": entry.note,
            "previous": entry.previous,
            "digest": entry.digest,
        }
    )

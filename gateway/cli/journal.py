"""`icaro journal`: back-ups, their restore, whether the journal is sound, and letting go.

All but restore may run while the gateway runs. What they write is evidence of the node `console`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from gateway.aftermath import Aftermath
from gateway.cli.config import FILE
from gateway.cli.console import AS_JSON, EVERYTHING, NODE, told
from gateway.config import load
from gateway.ground import Ground, keyring_of, open_journal
from gateway.hindsight import Hindsight
from gateway.journal.backup import Tell, back_up
from gateway.journal.inspection import check as examine_all
from gateway.journal.restore import restore as put_back
from gateway.journal.ring import Ring
from gateway.journal.vacuum import vacuum as give_back
from gateway.retry import Backoff
from gateway.soap.profile import MODI
from gateway.upkeep import due, keep_ring
from gateway.upkeep import purge as let_go

NEW = click.Path(dir_okay=False, path_type=Path)
THERE = click.Path(exists=True, dir_okay=False, path_type=Path)
BREATH = 0.005
"""Seconds between two pieces of a copy, so that writers find the disk free."""


@click.group("journal")
def journal_group() -> None:
    """Back the journal up, restore it, check it, purge it, give its free space back."""


@journal_group.command()
@click.argument("file", type=NEW)
@FILE
@click.option("--full-speed", is_flag=True, help="Leave no breath to the gateway's own writes.")
def backup(file: Path, path: Path, full_speed: bool) -> None:
    """Write a signed back-up of the journal to FILE, while the gateway runs.

    FILE can be restored into SQLite or PostgreSQL. It is nothing without the master key and the
    key ring (journal.key_ring), which must not be kept beside it.

    \b
      icaro journal backup copies/2026-11-22.icaro
    """
    configuration = load(path)
    keyring = keyring_of(configuration)
    ring = Ring(configuration.journal.ring_file, keyring)
    with open_journal(configuration, node=NODE) as journal:
        keep_ring(journal, ring)
        with _progress("back-up", 0 if full_speed else BREATH) as tell:
            made = back_up(configuration.journal.url, file.resolve(), keyring, ring, tell)
        digest = made["members"]["journal.db"]["sha256"]
        rows = sum(made["rows"].values())
        journal.run(
            lambda unit: unit.record(
                "journal.backed_up", digests={"journal.db": digest}, note={"rows": rows}
            )
        )
    click.echo(f"{file}: {rows} rows as of {made['made_at']}, SHA-256 of the journal {digest}")


@journal_group.command()
@click.argument("file", type=THERE)
@FILE
def restore(file: Path, path: Path) -> None:
    """Restore FILE into the deployment's journal, which must be empty. The gateway must not run.

    Signature and evidence are verified first. What was on the wire is in doubt afterwards, what may
    have been sent since is held for a person where the partner cannot tell a repetition, and every
    case that was not at its end is told in the evidence.

    \b
      icaro journal restore copies/2026-11-21.icaro
    """
    configuration = load(path)
    keyring, settings = keyring_of(configuration), configuration.journal
    ground = Ground.of(configuration)
    backoff = Backoff(**configuration.delivery.retry.model_dump())
    aftermath = Aftermath(
        ground.casebook, backoff, random.random, timedelta(seconds=MODI.tolerance)
    )
    with _progress("restore", 0) as tell:
        made = put_back(
            file.resolve(),
            settings.url,
            keyring,
            Ring(settings.ring_file, keyring),
            Hindsight(ground.casebook, aftermath).recall,
            tell,
            settings.checkpoints_file,
        )
    click.echo(f"restored as of {made.made_at}: {sum(made.rows.values())} rows")
    for name, count in {"destroyed since": made.destroyed, **made.settled}.items():
        click.echo(f"  {name}: {count}")
    for node, count in made.lost.items():
        click.echo(f"  lost: {count} entries of {node} that were signed after the back-up")
    if made.set_aside:
        click.echo(f"  the file of checkpoints of before: {made.set_aside}")


@journal_group.command()
@FILE
def check(path: Path) -> None:
    """Name all that is wrong with the journal; exit code 1 if anything is.

    The database file, the evidence, every ciphertext, every parent, every state's way out.

    \b
      icaro journal check
    """
    configuration = load(path)
    settings = configuration.journal
    with _progress("evidence", 0) as tell:
        keyring = keyring_of(configuration)
        found = examine_all(settings.url, keyring, settings.checkpoints_file, tell)
    for finding in found:
        click.echo(str(finding))
    click.echo(f"{len(found)} findings" if found else "good: the journal is sound")
    if found:
        raise click.exceptions.Exit(1)


@journal_group.command()
@FILE
@click.option("--dry-run", is_flag=True, help="Count only; change nothing.")
@AS_JSON
def purge(path: Path, dry_run: bool, as_json: bool) -> None:
    """Let go of what the configuration's `retention` lets go; the gateway does so by itself.

    Only of cases that have ended, of what was kept for a person or refused, and of callbacks of no
    case. The evidence stays and tells of it.

    \b
      icaro journal purge --dry-run
    """
    configuration = load(path)
    now = datetime.now(UTC)
    with open_journal(configuration, node=NODE) as journal:
        if dry_run:
            done = due(journal, configuration.retention, now, EVERYTHING)
        else:
            made = let_go(journal, configuration.retention, now)
            done = {str(rule): count for rule, count in made.items()}
            ring = Ring(configuration.journal.ring_file, keyring_of(configuration))
            done["keys of back-ups"] = keep_ring(journal, ring)
    if as_json:
        told(done)
        return
    for name, count in done.items():
        click.echo(f"{name}: {count}{' would be purged' if dry_run else ' purged'}")
    if not done:
        click.echo("icaro.yaml names no retention: nothing is ever purged")


@journal_group.command()
@FILE
@click.option("--full", is_flag=True, help="Write all anew. The gateway must not run.")
def vacuum(path: Path, full: bool) -> None:
    """Give the space of what was purged back to the disk.

    On PostgreSQL only --full removes the last bytes of it from the tables' files.

    \b
      icaro journal vacuum
    """
    with _progress("pages", 0) as tell:
        give_back(load(path).journal.url, full=full, tell=tell)
    click.echo("done")


@contextmanager
def _progress(what: str, breath: float) -> Iterator[Tell]:
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn())
    shown = console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task(what, total=None)

        def tell(done: int, in_all: int) -> None:
            bar.update(task, completed=done, total=in_all)
            time.sleep(breath)

        yield tell

"""`python -m tests.chaos`, which `make chaos` runs: one run, its seed, its figures, its verdict."""

from __future__ import annotations

import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from tests.chaos.database import database as pair
from tests.chaos.deployment import kinds
from tests.chaos.run import Ended, perform, prepared


@click.command()
@click.option("--minutes", type=float, default=15.0, show_default=True, help="How long.")
@click.option("--seed", "--replay", type=int, help="Of an earlier run; else by chance.")
@click.option("--nodes", type=click.IntRange(1, 9), default=1, show_default=True)
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite")
@click.option("--keep", is_flag=True, help="Keep the folder of a good run too.")
def main(minutes: float, seed: int | None, nodes: int, database: str, keep: bool) -> None:
    """Births while everything breaks; afterwards the proof that nothing was lost or doubled."""
    if nodes > 1 and database == "sqlite":
        raise click.UsageError("several nodes share a PostgreSQL: --database postgresql")
    # Whoever ends a run ends all that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    folder = Path(tempfile.mkdtemp(prefix="icaro-chaos-"))
    click.echo(f"seed {seed}, {minutes:g} minutes, {database}, {nodes} node(s), in {folder}")
    began = time.monotonic()
    with pair() if database == "postgresql" else nullcontext() as servers:
        journal: dict[str, Any] = (
            {"journal": servers.url, "servers": servers.ports} if servers else {}
        )
        stage = prepared(folder / "stage", idempotence=kinds(seed), nodes=nodes, **journal)
        ended = perform(
            stage,
            seed,
            minutes * 60,
            lambda text: click.echo(f"{time.monotonic() - began:6.1f} s  {text}"),
            servers,
        )
        if ended.broken and servers:
            servers.keep(folder)
    show(ended)
    if ended.broken:
        again = f"--replay {seed} --minutes {minutes:g} --nodes {nodes} --database {database}"
        click.echo(f"seed {seed}; what is left: {folder}")
        click.secho(f"FAILED; again with: python -m tests.chaos {again}", fg="red")
        raise SystemExit(1)
    if not keep:
        shutil.rmtree(folder)


def show(ended: Ended) -> None:
    """The figures, the faults, and every broken promise."""
    for what, number in ended.figures.items():
        click.echo(f"{what:<34} {number}")
    for kind, number in sorted(ended.faults.items()):
        click.echo(f"  {kind:<32} {number}")
    for each in ended.broken:
        click.secho(f"broken: {each}", fg="red")


if __name__ == "__main__":
    main()

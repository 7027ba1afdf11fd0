"""`icaro demo`: a whole region on one machine, in a minute."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from gateway.demo.play import Play, Row, Say, as_json, marked
from gateway.demo.show import console, faults, table
from gateway.demo.stage import ADMINISTRATIONS, Stage
from gateway.demo.stories import MARKED_NAME, MARKED_STREET


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".demo"),
    show_default=True,
    help="Where everything is laid out; what an earlier demonstration left there is removed.",
)
@click.option("--json", "as_json_wanted", is_flag=True, help="The rows, for a program to read.")
@click.pass_context
def demo(context: click.Context, folder: Path, as_json_wanted: bool) -> None:
    """Watch births go end to end: HL7 over MLLP in, signed SOAP out, codice fiscale back.

    Lays out a deployment with keys of its own, starts three simulated administrations and the
    gateway, sends some twenty messages as a hospital does, and shows what became of each child.
    Exit code 1 if any child's story does not end as it must.

    \b
      icaro demo
      icaro demo --folder /tmp/births --json | jq '.[] | .name, .facts.codice_fiscale'
    """
    out = console()
    began = time.monotonic()

    def say(text: str) -> None:
        if not as_json_wanted:
            out.print(f"[dim]{time.monotonic() - began:5.1f} s[/dim]  {text}", soft_wrap=True)

    _must_be_ours(folder)
    stage = Stage(folder.resolve())
    with _running(stage, say):
        rows = _played(stage, say)
        say(stage.icaro("evidence", "verify", "-c", str(stage.folder / "icaro.yaml")).strip())
    left = marked(stage.folder, _marks())
    if as_json_wanted:
        click.echo(as_json(rows))
    else:
        out.print(table(rows))
        _where(stage, out)
    for fault in [*faults(rows), *(f"the unnamed mother is in {name}" for name in left)]:
        click.secho(fault, fg="red", err=True)
    context.exit(1 if left or faults(rows) else 0)


@contextmanager
def _running(stage: Stage, say: Say) -> Iterator[None]:
    say("laying out a deployment and its development certificates")
    stage.lay_out()
    try:
        for name in ADMINISTRATIONS:
            stage.start_administration(name)
        say("three administrations are running")
        stage.configure()
        stage.start_gateway()
        say("the gateway is running")
        yield
    finally:
        stage.close()


def _played(stage: Stage, say: Say) -> list[Row]:
    play = Play(stage, datetime.now(), say)  # a hospital writes local time
    try:
        play.births()
        play.choices()
        play.outage()
        play.changes()
        say("waiting for the last answers")
        return play.end()
    finally:
        play.close()


def _must_be_ours(folder: Path) -> None:
    """Never remove a folder that a demonstration did not make."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "simulators").exists():
        raise click.UsageError(f"{folder} holds something else; name another --folder")


def _marks() -> tuple[bytes, ...]:
    return tuple(mark.encode() for mark in (*MARKED_NAME, MARKED_STREET))


def _where(stage: Stage, out: Console) -> None:
    for what, name in (
        ("documents as the administrations got them", "simulators"),
        ("the journal, encrypted, with its evidence", "icaro.db"),
        ("what each process said", "logs"),
    ):
        out.print(f"{what}: {stage.folder / name}", soft_wrap=True)

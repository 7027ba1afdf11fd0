"""`icaro aside`: births of before the gateway's time, of which only a person can decide."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.admission import admit, dismiss
from gateway.cli.config import FILE
from gateway.cli.console import AS_JSON, BY, REASON, act, looking, printer, table, told
from gateway.desk import Person


@click.group("aside")
def aside_group() -> None:
    """Births that opened no case: who was born before the sender's births_since, or longer ago
    than its births_within. A person knows whether the administrations were told. Each is kept
    whole until it is admitted or dismissed (or `retention.cases` lets it go).
    """


@aside_group.command("list")
@FILE
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@AS_JSON
def list_aside(path: Path, limit: int, as_json: bool) -> None:
    """Those that wait for a person, the newest first.

    \b
      icaro aside list -c /etc/icaro/icaro.yaml
    """
    with looking(path) as view:
        rows = [{"id": r.id, "sender": r.sender, "at": r.at} for r in view.asides(limit=limit)]
    if as_json:
        told(rows)
        return
    cells = ((each["id"], each["sender"], each["at"]) for each in rows)
    printer().print(table(f"{len(rows)} births", ("id", "sender", "came"), cells))


@aside_group.command("show")
@click.argument("kept", metavar="ID")
@FILE
def show_aside(kept: str, path: Path) -> None:
    """The message as it came: a person's data, for the eyes of who decides.

    \b
      icaro aside show kept-18a5… -c /etc/icaro/icaro.yaml > birth.hl7
    """
    with looking(path) as view:
        click.echo(view.reject_body(kept) or b"", nl=False)


@aside_group.command("admit")
@click.argument("kept", metavar="ID")
@BY
@REASON
@FILE
def admit_aside(kept: str, by: str, reason: str, path: Path) -> None:
    """Open a case for it: nobody has told the administrations of this birth.

    \b
      icaro aside admit kept-18a5… --by m.rossi --reason 'not in the paper register'
    """
    who = Person(by, reason)
    case = act(path, lambda desk, unit: admit(desk.casebook, unit, kept, who))
    click.echo(f"case {case} is open")


@aside_group.command("dismiss")
@click.argument("kept", metavar="ID")
@BY
@REASON
@FILE
def dismiss_aside(kept: str, by: str, reason: str, path: Path) -> None:
    """Let it go: the administrations were told of this birth. Its bytes are destroyed.

    \b
      icaro aside dismiss kept-18a5… --by m.rossi --reason 'act 117/2026 of the paper register'
    """
    who = Person(by, reason)
    act(path, lambda _, unit: dismiss(unit, kept, who))
    click.echo(f"{kept} is gone")

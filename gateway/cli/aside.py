"""`icaro aside`: births of before the gateway's time, which only a person may let in."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.admission import admit, kept_births
from gateway.cli.config import FILE
from gateway.cli.console import AS_JSON, BY, REASON, act, looking, printer, table, told
from gateway.desk import Person


@click.group("aside")
def aside_group() -> None:
    """Births that opened no case: who was born before the sender's births_since, or longer ago
    than its births_within. A person knows whether the administrations were told.
    """


@aside_group.command("list")
@FILE
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@AS_JSON
def list_aside(path: Path, limit: int, as_json: bool) -> None:
    """The newest first; of the last thousand messages that are kept.

    \b
      icaro aside list -c /etc/icaro/icaro.yaml
    """
    with looking(path) as view:
        rows = [{"id": r.id, "sender": r.sender, "at": r.at} for r in kept_births(view, limit)]
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
      icaro aside show 18a5… -c /etc/icaro/icaro.yaml > birth.hl7
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
      icaro aside admit 18a5… --by m.rossi --reason 'not in the paper register'
    """
    who = Person(by, reason)
    case = act(path, lambda desk, unit: admit(desk.casebook, unit, kept, who))
    click.echo(f"case {case} is open")

"""`icaro partner`: the administrations, what waits for each, and what a person has paused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.cli.config import FILE
from gateway.cli.console import AS_JSON, BY, REASON, act, looking, plain, printer, table, told
from gateway.config import load
from gateway.desk import Person
from gateway.journal import PauseRow, Scope, View
from gateway.partners import Directory, Entry

_PARTNER = click.argument("partner", required=False)
_CODE = click.argument("code", required=False)
_STEP = click.option("--step", help="What this step sends, as codice_fiscale.")


@click.group("partner")
def partner_group() -> None:
    """Administrations: list them, pause one, let it go on.

    What is paused stays in the journal and goes when the pause ends. All nodes obey at once;
    what is on the wire already is answered. Who and why becomes evidence.
    """


@partner_group.command("list")
@FILE
@click.option("--paused", "only_paused", is_flag=True, help="Only what is paused.")
@AS_JSON
def list_partners(path: Path, only_paused: bool, as_json: bool) -> None:
    """Every entry of partners.yaml and hospital with a return feed: hours, pauses, what waits.

    \b
      icaro partner list -c /etc/icaro/icaro.yaml
      icaro partner list --paused --json | jq '.[].reason'
    """
    configuration = load(path)
    directory = Directory.load(configuration.partners).with_return_feeds(configuration.senders)
    with looking(path) as view:
        rows = _rows(view, directory, datetime.now(UTC))
    if only_paused:
        rows = [row for row in rows if row["paused"]]
    if as_json:
        told(rows)
        return
    headings = ("partner", "code", "name", "open", "waiting", "paused", "by", "reason")
    cells = ([row[heading] for heading in headings] for row in rows)
    printer().print(table(f"{len(rows)} partners", headings, cells))


@partner_group.command()
@_PARTNER
@_CODE
@_STEP
@BY
@REASON
@FILE
def pause(
    partner: str | None, code: str | None, step: str | None, by: str, reason: str, path: Path
) -> None:
    """Send nothing to a kind of PARTNER, to the one with CODE, or what a step sends.

    \b
      icaro partner pause comune 015146 --by m.rossi --reason 'they asked for it, ticket 81'
      icaro partner pause agenzia_entrate --by m.rossi --reason 'wrong answers since 9:00'
      icaro partner pause --step assistito --by m.rossi --reason 'table of paediatricians is old'
    """
    scope = _scope(partner, code, step)
    act(path, lambda desk, unit: desk.pause(unit, scope, Person(by, reason)))
    click.echo(f"{plain(scope)} is paused")


@partner_group.command()
@_PARTNER
@_CODE
@_STEP
@BY
@REASON
@FILE
def resume(
    partner: str | None, code: str | None, step: str | None, by: str, reason: str, path: Path
) -> None:
    """End the pause of exactly this; what waited goes within a second.

    \b
      icaro partner resume comune 015146 --by m.rossi --reason 'they are back'
    """
    scope = _scope(partner, code, step)
    act(path, lambda desk, unit: desk.resume(unit, scope, Person(by, reason)))
    click.echo(f"{plain(scope)} goes on")


def _scope(partner: str | None, code: str | None, step: str | None) -> Scope:
    if partner is None and step is None:
        raise click.UsageError("name a PARTNER, a PARTNER and its CODE, or a --step")
    return Scope(partner, code, step)


def _rows(view: View, directory: Directory, now: datetime) -> list[dict[str, Any]]:
    """One an entry, then one for each pause that covers no whole entry."""
    pauses, waiting = view.pauses(), view.waiting_by_endpoint()
    rows = [_row(entry, pauses, waiting, now) for entry in directory.entries]
    for each in pauses:
        if each.scope.step is not None:
            rows.append(_blank() | {"name": str(each.scope), **_told(each)})
    return rows


def _row(
    entry: Entry, pauses: list[PauseRow], waiting: dict[tuple[str, str], int], now: datetime
) -> dict[str, Any]:
    place = (entry.partner, entry.code)
    held = next((each for each in pauses if each.scope.covers(*place)), None)
    is_open = entry.opening.is_open(now)
    until = None if is_open else entry.opening.changes_at(now)
    return _blank() | {
        "partner": entry.partner,
        "code": entry.code,
        "name": entry.name,
        "open": "yes" if until is None else f"from {plain(until)}",
        "waiting": waiting.get(place, 0),
        **(_told(held) if held else {}),
    }


def _blank() -> dict[str, Any]:
    names = ("partner", "code", "name", "open", "waiting", "paused", "by", "reason")
    return dict.fromkeys(names)


def _told(pause: PauseRow) -> dict[str, Any]:
    return {"paused": pause.at, "by": pause.by, "reason": pause.reason}

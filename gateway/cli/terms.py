"""The clocks of births as the operator sees them: what is overdue, and why one came late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.cli.config import FILE
from gateway.cli.console import (
    AS_JSON,
    BY,
    REASON,
    SHORT,
    act,
    looking,
    printer,
    table,
    the_case,
    told,
)
from gateway.clocks import Owing, Running, Standing, owing, running, today
from gateway.config import load
from gateway.desk import Person
from gateway.flow.definition import Flow, load_flow
from gateway.journal import CaseRow

_LONGEST_REASON = 240
"""Characters that the Comune's schema takes."""


def flow_in(path: Path) -> Flow:
    """The flow of a deployment, with its calendar."""
    return load_flow(load(path).flow_file)


def terms_of(flow: Flow, row: CaseRow, *, owes: bool) -> list[dict[str, Any]]:
    """The terms of a case that run today."""
    found = running(flow, row, today(datetime.now(UTC)), owes=owes)
    return [_told(each) for each in found]


def terms_in_words(terms: Sequence[Mapping[str, Any]]) -> str:
    """One line a term."""
    return "\n".join(
        f"{each['name']} by {each['ends_on']}{_MARKS[each['standing']]}" for each in terms
    )


_MARKS = {"runs": "", "near": ": near", "passed": ": passed"}


@click.command()
@FILE
@click.option("--near", is_flag=True, help="Those too whose end is near (clock.warn of the flow).")
@AS_JSON
def overdue(path: Path, near: bool, as_json: bool) -> None:
    """Births with a term that has passed: not declared, or declared and not transmitted.

    \b
      icaro case overdue -c /etc/icaro/icaro.yaml
      icaro case overdue --near --json -c /etc/icaro/icaro.yaml
    """
    wanted = (Standing.PASSED, Standing.NEAR) if near else (Standing.PASSED,)
    with looking(path) as view:
        every = list(owing(view, flow_in(path), today(datetime.now(UTC))))
    found = [(each, each.of(*wanted)) for each in every if each.of(*wanted)]
    if as_json:
        told([_row(each, terms) for each, terms in found])
        return
    headings = ("case", "state", "sender", "opened", "terms")
    cells = (
        (
            each.row.id[:SHORT],
            each.row.state,
            each.row.sender,
            each.row.opened_at,
            terms_in_words([_told(term) for term in terms]),
        )
        for each, terms in found
    )
    printer().print(table(f"{len(found)} cases", headings, cells))


@click.command()
@click.argument("case_id", metavar="ID")
@click.option("--why", required=True, help="The reasons that the declarant gave, for the Comune.")
@BY
@REASON
@FILE
def late(case_id: str, why: str, by: str, reason: str, path: Path) -> None:
    """Say why a birth was declared late (DPR 396/2000 art. 31); what waited for it goes.

    \b
      icaro case late 18a5 --why 'madre in terapia intensiva' --by m.rossi --reason 'verbale 12'
    """
    text = why.strip()
    if not text or len(text) > _LONGEST_REASON:
        raise click.BadParameter(f"1 to {_LONGEST_REASON} characters", param_hint="--why")
    with looking(path) as view:
        found = the_case(view, case_id).id
    choice = {"ragioniRitardo": text}
    act(path, lambda desk, unit: desk.choose(unit, found, choice, Person(by, reason)))
    click.echo(f"{found}: the reasons of the delay are recorded")


def _told(term: Running) -> dict[str, Any]:
    return {
        "name": term.name,
        "ends_on": term.ends_on.isoformat(),
        "standing": str(term.standing),
        "passed": term.standing is Standing.PASSED,
    }


def _row(each: Owing, terms: Sequence[Running]) -> dict[str, Any]:
    return {
        "id": each.row.id,
        "state": each.row.state,
        "sender": each.row.sender,
        "opened_at": each.row.opened_at,
        "terms": [_told(term) for term in terms],
    }

"""`icaro case`: births as the operator sees them, and what only a person can say about one.

It masks nothing: who may read the deployment's master key may read its cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from gateway.cli.advice import advice
from gateway.cli.case_export import export, verify_export
from gateway.cli.config import FILE
from gateway.cli.console import (
    AS_JSON,
    BY,
    REASON,
    SHORT,
    act,
    looking,
    plain,
    printer,
    table,
    the_case,
    told,
)
from gateway.cli.terms import flow_in, late, overdue, terms_in_words, terms_of
from gateway.clocks import owes
from gateway.desk import LEFT_TO_THE_ASL, Person
from gateway.flow.context import Context
from gateway.flow.definition import Flow
from gateway.hl7.dossier import Dossier
from gateway.journal import CaseRow, SubmissionRow, View
from gateway.lifecycle import DONE

STATES = ("OPEN", "DECLARED", "CANCELLED", "MERGED")
_CHILD = {
    "cognome": "PID-5[1].1.1",
    "nome": "PID-5[1].2",
    "nascita": "PID-7",
    "sesso": "PID-8",
    "identificativo": "PID-3[1].1",
}


@click.group("case")
def case_group() -> None:
    """Births: list them, show one, say that it is declared, say what the family chose.

    An ID may be abbreviated to a beginning that no other has.
    """


case_group.add_command(export)
case_group.add_command(verify_export)


@case_group.command("list")
@FILE
@click.option("--state", type=click.Choice(STATES, case_sensitive=False), help="Only these.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@AS_JSON
def list_cases(path: Path, state: str | None, limit: int, as_json: bool) -> None:
    """The newest births first, with their terms and what is still open of each.

    \b
      icaro case list -c /etc/icaro/icaro.yaml --state declared
    """
    flow = flow_in(path)
    with looking(path) as view:
        rows = view.cases(state.upper() if state else None, limit=limit)
        cases = [_summary(row, view.submissions(case_id=row.id), flow) for row in rows]
    if as_json:
        told(cases)
        return
    headings = ("case", "state", "child", "sender", "opened", "terms", "still open")
    cells = (
        (
            each["id"][:SHORT],
            each["state"],
            f"{each['child'].get('cognome', '')} {each['child'].get('nome', '')}".strip(),
            each["sender"],
            each["opened_at"],
            terms_in_words(each["terms"]),
            "\n".join(f"{o['step']} {o['status']} {o['reason'] or ''}" for o in each["open"]),
        )
        for each in cases
    )
    printer().print(table(f"{len(cases)} cases", headings, cells))


@case_group.command()
@click.argument("case_id", metavar="ID")
@FILE
@AS_JSON
def show(case_id: str, path: Path, as_json: bool) -> None:
    """All that is known of a birth: steps, codice fiscale, protocols, findings, messages.

    \b
      icaro case show 18a5 -c /etc/icaro/icaro.yaml
    """
    flow = flow_in(path)
    with looking(path) as view:
        tree = _whole(view, the_case(view, case_id), flow)
    if as_json:
        told(tree)
    else:
        _show(tree)


@case_group.command()
@click.argument("case_id", metavar="ID")
@BY
@REASON
@FILE
def declare(case_id: str, by: str, reason: str, path: Path) -> None:
    """Say that the birth is declared: the declarant's signed document is in your hands.

    \b
      icaro case declare 18a5 --by m.rossi --reason 'signed declaration, register 12/2026'
    """
    with looking(path) as view:
        found = the_case(view, case_id).id
    act(path, lambda desk, unit: desk.declare(unit, found, Person(by, reason)))
    click.echo(f"{found} is declared")


@case_group.command()
@click.argument("case_id", metavar="ID")
@BY
@REASON
@FILE
def unname(case_id: str, by: str, reason: str, path: Path) -> None:
    """Say that the mother does not want to be named (DPR 396/2000 art. 30).

    What the journal holds of her can be read no more, and nothing of hers is stored any more. What
    was sent is amended or annulled; a person confirms each annulment.

    \b
      icaro case unname 18a5 --by m.rossi --reason 'her word at the bedside, witnessed'
    """
    with looking(path) as view:
        found = the_case(view, case_id).id
    act(path, lambda desk, unit: desk.unname(unit, found, Person(by, reason)))
    click.echo(f"{found}: the mother is not named")


@case_group.command()
@click.argument("case_id", metavar="ID")
@click.option(
    "--paediatrician",
    required=True,
    metavar=f"CODE|{LEFT_TO_THE_ASL}",
    help=f"The code of the one the family chose; {LEFT_TO_THE_ASL} leaves it to the ASL.",
)
@BY
@REASON
@FILE
def choose(case_id: str, paediatrician: str, by: str, reason: str, path: Path) -> None:
    """Say which paediatrician the family chose.

    \b
      icaro case choose 18a5 --paediatrician PLS001 --by m.rossi --reason 'form at the bedside'
      icaro case choose 18a5 --paediatrician UFFICIO --by m.rossi --reason 'no preference'
    """
    code = paediatrician.strip()
    if not code:
        raise click.BadParameter("is empty", param_hint="--paediatrician")
    chosen = LEFT_TO_THE_ASL if code.upper() == LEFT_TO_THE_ASL else code
    with looking(path) as view:
        found = the_case(view, case_id).id
    choice = {"pediatra": chosen}
    act(path, lambda desk, unit: desk.choose(unit, found, choice, Person(by, reason)))
    click.echo(f"{found}: the paediatrician is chosen")


case_group.add_command(overdue)
case_group.add_command(late)


def _summary(row: CaseRow, submissions: Iterable[SubmissionRow], flow: Flow) -> dict[str, Any]:
    submissions = list(submissions)
    left = [each for each in submissions if each.status not in DONE]
    child = _child(row)
    return {
        "id": row.id,
        "state": row.state,
        "child": child,
        "sender": row.sender,
        "opened_at": row.opened_at,
        "declared_at": row.declared_at,
        "readable": row.readable,
        "terms": terms_of(flow, row, owes=owes(flow, submissions)),
        "open": [
            {"id": o.id, "step": o.step, "status": str(o.status), "reason": o.reason} for o in left
        ],
    }


def _whole(view: View, row: CaseRow, flow: Flow) -> dict[str, Any]:
    context = Context.decode(row.context or b"")
    submissions = view.submissions(case_id=row.id)
    return _summary(row, submissions, flow) | {
        "profile": row.profile,
        "processing": row.processing,
        "declared_by": context.declared_by,
        "anonymous": context.anonymous,
        "choice": context.choice,
        "facts": context.facts,
        "findings": [{"code": f.code, "at": f.at, "text": f.text} for f in context.findings],
        "submissions": [_step(each) for each in submissions],
        "messages": [
            {
                "id": each.id,
                "received_at": each.received_at,
                "event": each.event,
                "control_id": each.control_id,
                "verdict": each.verdict,
            }
            for each in view.messages(row.id)
        ],
    }


def _step(row: SubmissionRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "step": row.step,
        "kind": str(row.kind),
        "status": str(row.status),
        "reason": row.reason,
        "office": f"{row.partner}/{row.endpoint}",
        "attempts": row.attempts,
        "due_at": row.due_at,
        "receipt": row.receipt,
        "advice": advice(row),
    }


def _child(row: CaseRow) -> dict[str, str]:
    """Name, birth, sex and number of the child as the dossier has them."""
    if not row.dossier:
        return {}
    message = Dossier.decode(row.dossier).message
    found = {name: message.get(at) for name, at in _CHILD.items()}
    return {name: value for name, value in found.items() if value}


def _show(tree: Mapping[str, Any]) -> None:
    out = printer()
    for name, value in _headlines(tree):
        out.print(f"{name:<16} {plain(value)}", markup=False, soft_wrap=True)
    headings = ("submission", "step", "what", "status", "reason", "office", "receipt", "advice")
    submissions = (
        (
            each["id"][:SHORT],
            each["step"],
            each["kind"],
            each["status"],
            each["reason"],
            each["office"],
            each["receipt"],
            each["advice"],
        )
        for each in tree["submissions"]
    )
    out.print(table("steps", headings, submissions))
    if tree["findings"]:
        found = ((each["code"], each["at"], each["text"]) for each in tree["findings"])
        out.print(table("findings", ("code", "at", "text"), found))
    came = (
        (each["received_at"], each["event"], each["control_id"], each["verdict"])
        for each in tree["messages"]
    )
    out.print(table("messages", ("received", "event", "control id", "verdict"), came))


def _headlines(tree: Mapping[str, Any]) -> Iterable[tuple[str, object]]:
    yield "case", tree["id"]
    yield "state", tree["state"] + ("" if tree["readable"] else "; its key is destroyed")
    yield "sender", f"{tree['sender']}, profile {tree['profile']}, MSH-11 {tree['processing']}"
    yield "opened", tree["opened_at"]
    if tree["declared_at"]:
        by = f" by {tree['declared_by']}" if tree["declared_by"] else ""
        yield "declared", f"{plain(tree['declared_at'])}{by}"
    else:
        yield "declared", "not yet: nothing is sent before"
    for line in terms_in_words(tree["terms"]).splitlines():
        yield "term", line
    if tree["anonymous"]:
        yield "mother", "does not want to be named"
    yield from tree["child"].items()
    yield from tree["choice"].items()
    for step, facts in tree["facts"].items():
        for name, value in facts.items():
            yield f"{step}.{name}", value

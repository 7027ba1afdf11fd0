"""`icaro submission`: documents on their way, and what only a person can decide about one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gateway.cli.advice import advice
from gateway.cli.config import FILE
from gateway.cli.console import (
    AS_JSON,
    BY,
    EVERYTHING,
    REASON,
    SHORT,
    act,
    looking,
    plain,
    printer,
    table,
    the_case,
    the_submission,
    told,
)
from gateway.desk import Desk, Person
from gateway.errors import NotFound
from gateway.journal import AttemptRow, SubmissionRow, Unit, View
from gateway.lifecycle import DONE, Status

_ID = click.argument("submission_id", metavar="ID")
_Verb = Callable[[Desk, Unit, str, Person], SubmissionRow]


@click.group("submission")
def submission_group() -> None:
    """Documents: list them, show one with its attempts, decide what only a person can.

    An ID may be abbreviated to a beginning that no other has. What a person decides becomes
    evidence, with the name and the reason.
    """


@submission_group.command("list")
@FILE
@click.option(
    "--status",
    type=click.Choice([str(status) for status in Status], case_sensitive=False),
    help="Only these, ended ones too.",
)
@click.option("--step", help="Only of this step, as codice_fiscale.")
@click.option("--case", "case_id", metavar="ID", help="All of one case, ended ones too.")
@AS_JSON
def list_submissions(
    path: Path, status: str | None, step: str | None, case_id: str | None, as_json: bool
) -> None:
    """What is still open, the oldest first, with why and what can be done.

    \b
      icaro submission list -c /etc/icaro/icaro.yaml --status held
      icaro submission list --step comune --json | jq '.[].reason'
    """
    wanted = Status(status.upper()) if status else None
    with looking(path) as view:
        found = the_case(view, case_id).id if case_id else None
        rows = _rows(view, found, step, wanted)
    if as_json:
        told([_plain(row) for row in rows])
        return
    headings = ("submission", "case", "step", "what", "status", "reason", "due", "tries", "advice")
    cells = (
        (
            row.id[:SHORT],
            row.case_id[:SHORT],
            row.step,
            row.kind,
            row.status,
            row.reason,
            row.due_at,
            row.attempts,
            advice(row),
        )
        for row in rows
    )
    printer().print(table(f"{len(rows)} submissions", headings, cells))


@submission_group.command()
@_ID
@FILE
@click.option("--document", is_flag=True, help="Only the document, as translated.")
@click.option("--envelope", type=int, metavar="N", help="Only the exact bytes of attempt N.")
@click.option("--answer", type=int, metavar="N", help="Only the exact bytes it was answered.")
@AS_JSON
def show(
    submission_id: str,
    path: Path,
    document: bool,
    envelope: int | None,
    answer: int | None,
    as_json: bool,
) -> None:
    """A document with its attempts, its faults, and the mapping it was made by.

    \b
      icaro submission show 18a5
      icaro submission show 18a5 --envelope 1 > sent.xml && icaro envelope verify sent.xml
    """
    if sum((document, envelope is not None, answer is not None, as_json)) > 1:
        raise click.UsageError("give one of --document, --envelope, --answer, --json")
    with looking(path) as view:
        row = the_submission(view, submission_id)
        if document:
            _write(view.document(row.id), f"document of {row.id}")
        elif envelope is not None:
            _write(view.envelope(_attempt(view, row, envelope).id), f"envelope {envelope}")
        elif answer is not None:
            _write(view.answer(_attempt(view, row, answer).id), f"answer {answer}")
        elif as_json:
            told(_whole(view, row))
        else:
            _show(_whole(view, row))


@submission_group.command()
@_ID
@BY
@REASON
@FILE
def replay(submission_id: str, by: str, reason: str, path: Path) -> None:
    """Send the same content again: for what used up its attempts (DEAD).

    \b
      icaro submission replay 18a5 --by m.rossi --reason 'the Comune is back, ticket 77'
    """
    _decide(submission_id, path, Person(by, reason), Desk.replay)


@submission_group.command()
@_ID
@BY
@REASON
@FILE
def mail(submission_id: str, by: str, reason: str, path: Path) -> None:
    """Send the signed document by certified mail (PEC): for what surely never arrived (DEAD).

    The office needs `pec:` in partners.yaml, the gateway in icaro.yaml.

    \b
      icaro submission mail 18a5 --by m.rossi --reason 'their service is down till Monday'
    """
    _decide(submission_id, path, Person(by, reason), Desk.mail)


@submission_group.command()
@_ID
@BY
@REASON
@FILE
def reprocess(submission_id: str, by: str, reason: str, path: Path) -> None:
    """Translate the dossier again with today's mapping, as a new submission.

    \b
      icaro submission reprocess 18a5 --by m.rossi --reason 'table of comuni mended'
    """
    _decide(submission_id, path, Person(by, reason), Desk.reprocess)


@submission_group.command()
@_ID
@BY
@REASON
@FILE
def withdraw(submission_id: str, by: str, reason: str, path: Path) -> None:
    """Say that it need not go any more.

    Of a death (HELD, DEATH): the child died after the declaration, and the act of birth stays.

    \b
      icaro submission withdraw 18a5 --by m.rossi --reason 'the Comune registered it at the counter'
    """
    _decide(submission_id, path, Person(by, reason), Desk.withdraw)


@submission_group.command()
@_ID
@BY
@REASON
@FILE
def confirm(submission_id: str, by: str, reason: str, path: Path) -> None:
    """Let go what is held: a cancellation, or an amendment at the office of before.

    Of a death (HELD, DEATH): the child died before the declaration, and the Comune is told.

    The reason of a cancellation is also told to the administration.

    \b
      icaro submission confirm 18a5 --by m.rossi --reason 'admitted under a wrong name'
    """
    _decide(submission_id, path, Person(by, reason), Desk.confirm)


@submission_group.command()
@_ID
@click.option("--received", metavar="RECEIPT", help="The partner has it, under this protocol.")
@click.option("--cf", "code", default="", metavar="CODE", help="And the codice fiscale it gave.")
@click.option("--not-received", is_flag=True, help="The partner says that it has not got it.")
@click.option(
    "--candidate", type=click.IntRange(1), metavar="N", help="The child is the partner's Nth."
)
@BY
@REASON
@FILE
def resolve(
    submission_id: str,
    received: str | None,
    code: str,
    not_received: bool,
    candidate: int | None,
    by: str,
    reason: str,
    path: Path,
) -> None:
    """End a doubt: you asked the partner. Or choose among the persons that it found.

    Of a request of a codice fiscale the partner tells the code too, and with the receipt alone
    nothing else of the case could go on: give both, when you have both.

    \b
      icaro submission resolve 18a5 --received 2026/117 --by m.rossi --reason 'call to the Comune'
      icaro submission resolve 7c02 --received AE/9 --cf RSSGLI26C41F205V --by m.rossi --reason call
      icaro submission resolve 18a5 --not-received --by m.rossi --reason 'call to the Comune'
      icaro submission resolve 18a5 --candidate 2 --by m.rossi --reason 'the place of birth agrees'
    """
    if sum((received is not None, not_received, candidate is not None)) != 1:
        raise click.UsageError("give one of --received RECEIPT, --not-received, --candidate N")
    if code and received is None:
        raise click.UsageError("--cf goes with --received RECEIPT")

    def verb(desk: Desk, unit: Unit, found: str, who: Person) -> SubmissionRow:
        if candidate is not None:
            return desk.choose_candidate(unit, found, candidate, who)
        receipt = (received or "").strip()
        had = not not_received
        return desk.resolve(unit, found, received=had, receipt=receipt, person=who, code=code)

    _decide(submission_id, path, Person(by, reason), verb)


def _decide(beginning: str, path: Path, who: Person, verb: _Verb) -> None:
    with looking(path) as view:
        found = the_submission(view, beginning).id
    became = act(path, lambda desk, unit: verb(desk, unit, found, who))
    another = "" if became.id == found else f", made of {found}"
    click.echo(f"{became.id} ({became.step}) is {became.status}{another}")


def _rows(
    view: View, case_id: str | None, step: str | None, status: Status | None
) -> list[SubmissionRow]:
    if status or case_id:
        return view.submissions(case_id, step, status, limit=EVERYTHING)
    left = [each for each in Status if each not in DONE]
    rows = [row for each in left for row in view.submissions(None, step, each, limit=EVERYTHING)]
    return sorted(rows, key=lambda row: (row.created_at, row.id))


def _attempt(view: View, row: SubmissionRow, number: int) -> AttemptRow:
    for attempt in view.attempts(row.id):
        if attempt.number == number:
            return attempt
    raise NotFound(f"submission {row.id} has no attempt {number}")


def _write(content: bytes | None, what: str) -> None:
    if content is None:
        raise NotFound(f"no {what}: there was none, or the case's key is destroyed")
    click.echo(content, nl=False)


def _plain(row: SubmissionRow) -> dict[str, Any]:
    names = (
        *("id", "case_id", "step", "seq", "kind", "status", "reason", "partner", "endpoint"),
        *("created_at", "updated_at", "due_at", "deadline_at", "attempts", "maybe_received"),
        *("operation_id", "predecessor", "ticket", "receipt"),
    )
    return {name: getattr(row, name) for name in names} | {"advice": advice(row)}


def _whole(view: View, row: SubmissionRow) -> dict[str, Any]:
    attempts = (
        *("number", "message_id", "created_at", "sent_at", "ended_at", "outcome", "note", "url"),
    )
    return _plain(row) | {
        "pins": dict(row.pins),
        "faults": view.faults(row.id) or [],
        "facts": view.facts(row.id) or {},
        "tries": [
            {name: getattr(each, name) for name in attempts} for each in view.attempts(row.id)
        ],
    }


def _show(tree: dict[str, Any]) -> None:
    out = printer()
    for name, value in tree.items():
        if name not in ("pins", "faults", "facts", "tries") and value not in (None, ""):
            out.print(f"{name:<16} {plain(value)}", markup=False, soft_wrap=True)
    if tree["faults"]:
        faults = ((each.get("code"), each.get("text")) for each in tree["faults"])
        out.print(table("faults", ("code", "text"), faults))
    if tree["facts"]:
        out.print(table("told by the partner", ("what", "value"), tree["facts"].items()))
    headings = ("no.", "made", "sent", "ended", "outcome", "note", "message id", "url")
    tries = (
        (
            *(each["number"], each["created_at"], each["sent_at"], each["ended_at"]),
            *(each["outcome"], each["note"], each["message_id"], each["url"]),
        )
        for each in tree["tries"]
    )
    out.print(table("attempts", headings, tries))
    if tree["pins"]:
        out.print(table("made by", ("file", "sha256"), tree["pins"].items()))

"""What the audience sees: progress, then one row a child and one column a step."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.demo.play import GONE, Row
from gateway.journal import SubmissionRow
from gateway.lifecycle import Kind, Status

STEPS = ("comune", "codice_fiscale", "assistito", "pediatra", "riscontro")
_SIGNS = {Kind.REGISTER: "", Kind.AMEND: "corrected ", Kind.CANCEL: "annulled "}


def table(rows: list[Row]) -> Table:
    """One row a child: codice fiscale and protocol numbers where there are any."""
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("child", "Comune", "codice fiscale", "ASL", "paediatrician", "back"):
        drawn.add_column(heading, overflow="fold")
    for row in rows:
        good = not row.faults
        name = Text(f"{'✓' if good else '✗'} {row.story.title}", style="green" if good else "red")
        drawn.add_row(name, *(_cell(row, step) for step in STEPS))
    return drawn


def faults(rows: list[Row]) -> list[str]:
    """Everything that is not as it must be."""
    return [f"{row.story.title}: {fault}" for row in rows for fault in row.faults]


def _cell(row: Row, step: str) -> str:
    own = [each for each in row.submissions if each.step == step and each.status not in GONE]
    told = row.facts.get(step, {})
    first = own[0].receipt if own else None
    value = told.get("codiceFiscale") or told.get("codiceAssistibile") or first
    if step == "pediatra":
        value = told.get("codicePediatra") or value
    if step == "riscontro":
        value = f"{len(own)} × A31" if own else None
    lines = [value] if value else []
    lines += [line for line in (_line(each) for each in own[1:]) if line and step != "riscontro"]
    open_ones = [each for each in own if each.status is not Status.ACCEPTED]
    lines += [str(each.status) for each in open_ones]
    return "\n".join(lines) or "–"


def _line(submission: SubmissionRow) -> str:
    return f"{_SIGNS[submission.kind]}{submission.receipt or ''}".strip()


def console() -> Console:
    """Standard output, wide enough for the table when it is no terminal."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=140)

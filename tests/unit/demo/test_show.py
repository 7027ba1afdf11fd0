"""What the audience of the demonstration sees, and what makes it fail."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gateway.demo.play import Row, _faults, as_json, marked
from gateway.demo.show import faults, table
from gateway.demo.stories import Ending, Story, stories
from gateway.lifecycle import Kind, Status

STORY: Story = stories(datetime(2026, 3, 6))["placeholder"]
DONE = {"comune": ("registraNascita",), "agenzia_entrate": (), "asl": ()}


class Submission:
    """What the table reads of a submission."""

    def __init__(self, step: str, kind: Kind, status: Status, receipt: str = "") -> None:
        self.step, self.kind, self.status, self.receipt = step, kind, status, receipt


def row(*submissions: Submission, told: tuple[str, ...] = (), **facts: dict[str, str]) -> Row:
    """A child's row. Its faults are `told`."""
    own: Any = submissions
    return Row("giulia", STORY, "DECLARED", facts, own, DONE, told)


def drawn(*rows: Row) -> str:
    """The table as text."""
    console = Console(width=160, color_system=None)
    with console.capture() as captured:
        console.print(table(list(rows)))
    return captured.get()


def test_a_cell_shows_what_the_administration_gave():
    """Codice fiscale and protocol number, and what happened after."""
    text = drawn(
        row(
            Submission("comune", Kind.REGISTER, Status.ACCEPTED, "C/1"),
            Submission("comune", Kind.AMEND, Status.ACCEPTED, "C/2"),
            Submission("codice_fiscale", Kind.REGISTER, Status.ACCEPTED, "AE/1"),
            Submission("pediatra", Kind.REGISTER, Status.ACCEPTED, "P/1"),
            Submission("riscontro", Kind.REGISTER, Status.ACCEPTED, "A1"),
            Submission("riscontro", Kind.AMEND, Status.ACCEPTED, "A2"),
            codice_fiscale={"codiceFiscale": "RSSGLI26C41F205V"},
            pediatra={"codicePediatra": "PLS001"},
        )
    )
    for part in ("✓ placeholder", "C/1", "corrected C/2", "RSSGLI26C41F205V", "PLS001", "2 × A31"):
        assert part in text
    assert "AE/1" not in text


def test_a_cell_shows_what_is_still_open():
    """What was replaced is not shown; what has not ended says where it stands."""
    text = drawn(
        row(
            Submission("comune", Kind.REGISTER, Status.REPLACED, "OLD"),
            Submission("comune", Kind.REGISTER, Status.IN_DOUBT),
            told=("comune is IN_DOUBT",),
        )
    )
    assert "✗ placeholder" in text
    assert "IN_DOUBT" in text
    assert "OLD" not in text


def test_every_fault_is_told_with_its_story():
    """The audience reads which child's story went wrong, and how."""
    assert faults([row(told=("a", "b")), row()]) == [f"{STORY.title}: a", f"{STORY.title}: b"]


@pytest.mark.parametrize(
    ("ending", "back", "wrong"),
    [
        (Ending(("registraNascita",), (), (), back=False), False, []),
        (
            Ending(("registraNascita",), (), (), back=False, state="CANCELLED"),
            False,
            ["the case is DECLARED, not CANCELLED"],
        ),
        (Ending((), (), (), back=False), False, ["comune did registraNascita"]),
        (
            Ending(("registraNascita",), ("attribuisciCodiceFiscale",), (), back=False),
            False,
            ["agenzia_entrate did nothing"],
        ),
        (
            Ending(("registraNascita",), (), ()),
            False,
            ["no codice fiscale came back"],
        ),
        (
            Ending(("registraNascita",), (), (), back=False),
            True,
            ["the codice fiscale came back"],
        ),
    ],
)
def test_a_story_ends_as_it_must_or_says_how_not(ending: Ending, back: bool, wrong: list[str]):
    """Nothing more than foreseen, nothing less, at each administration and at the hospital."""
    assert list(_faults(row(), ending, back)) == wrong


def test_what_has_not_ended_is_a_fault():
    """A document that is neither accepted nor made unnecessary fails the demonstration."""
    ending = Ending(("registraNascita",), (), (), back=False)
    told = row(
        Submission("comune", Kind.REGISTER, Status.ACCEPTED),
        Submission("asl", Kind.REGISTER, Status.WITHDRAWN),
        Submission("pediatra", Kind.REGISTER, Status.HELD),
    )
    assert list(_faults(told, ending, back=False)) == ["pediatra is HELD"]


def test_rows_for_programs():
    """The same as JSON: what was done, the facts, the faults."""
    (told,) = json.loads(as_json([row(told=("x",), comune={"protocollo": "C/1"})]))
    assert told["done"]["comune"] == ["registraNascita"]
    assert told["facts"] == {"comune": {"protocollo": "C/1"}}
    assert told["faults"] == ["x"]


def test_marks_are_found_wherever_they_lie(tmp_path: Path):
    """One byte string in any file below the folder is enough, and the file is named."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(b"xx MARK yy")
    (tmp_path / "clean.db").write_bytes(bytes(100))
    assert marked(tmp_path, (b"MARK", b"OTHER")) == ["logs/a.log"]

"""What the checker says of a run that left just one thing wrong, and of one that did not."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.demo.region import Due
from tests.chaos.checker import ON_ITS_WAY, Left, early_choices, named_after_wish, unsynced
from tests.chaos.deployment import HOLD
from tests.journey.theatre import Theatre

BORN = datetime(2026, 3, 6, 9, 0, tzinfo=UTC).timestamp()
DUE = Due("C1", "FIGLIA", "015146", erased=("MADREAAB",), wish="M2")


class _Stage:
    """The folder and the database of a run, which is all that the checker asks of a stage."""

    journal = "sqlite:///icaro.db"

    def __init__(self, folder: Path) -> None:
        self.folder = folder


def left(folder: Path, *book: dict[str, Any], fault: dict[str, Any] | None = None) -> Left:
    """A run with these lines in the hospital's book, on a single node."""
    family = {"what": "family", "messages": ["M1", "M2"], "dues": [DUE.plain()]}
    stage = cast(Theatre, _Stage(folder))
    return Left(stage, [family, *book], [fault] if fault else [], {})


def line(what: str, control_id: str, at: float) -> dict[str, Any]:
    """A line of the hospital's book."""
    return {"what": what, "control_id": control_id, "at": BORN + at}


def did(folder: Path, administration: str, operation: str, at: float, body: str) -> None:
    """An administration did this, so many seconds after the birth."""
    place = folder / "simulators" / administration
    (place / "documents").mkdir(parents=True)
    told = {
        "seq": 1,
        "at": datetime.fromtimestamp(BORN + at, UTC).isoformat(),
        "operation": operation,
        "idOperazione": "op-1",
        "messageId": "m-1",
        "protocollo": "r-1",
        "facts": {"nato": "FIGLIA"},
        "outcome": {},
    }
    (place / "effects.jsonl").write_text(json.dumps(told) + "\n", "utf-8")
    (place / "documents" / "000001.xml").write_text(body, "utf-8")


@pytest.mark.parametrize(("seconds", "faults"), [(HOLD - 0.5, 1), (HOLD + 0.5, 0)])
def test_a_choice_before_its_embargos_end(tmp_path: Path, seconds: float, faults: int) -> None:
    """Counted from the first message of the family that left the hospital."""
    did(tmp_path, "asl", "scegliPediatra", seconds, "<a/>")
    run = left(tmp_path, line("sent", "M1", 0.0), line("sent", "M2", 5.0))
    assert len(list(early_choices(run))) == faults


@pytest.mark.parametrize(
    ("seconds", "text", "faults"),
    [
        (ON_ITS_WAY + 1, "MADREAAB", 1),
        (ON_ITS_WAY + 1, "ALTRA", 0),
        (ON_ITS_WAY - 1, "MADREAAB", 0),
    ],
)
def test_a_document_that_names_her_after_her_wish(
    tmp_path: Path, seconds: float, text: str, faults: int
) -> None:
    """What was on its way when the wish was acknowledged may still arrive; nothing later may."""
    did(tmp_path, "comune", "rettificaNascita", seconds, f"<a><cognome>{text}</cognome></a>")
    run = left(tmp_path, line("acknowledged", "M1", -9.0), line("acknowledged", "M2", 0.0))
    assert len(list(named_after_wish(run))) == faults


FAULT = {"kind": "fsync error", "whole": True, "from": BORN, "to": BORN + 8}


@pytest.mark.parametrize(("seconds", "faults"), [(-1.0, 0), (0.5, 0), (3.0, 1), (9.0, 0)])
def test_an_acknowledgment_while_nothing_reaches_the_disk(
    tmp_path: Path, seconds: float, faults: int
) -> None:
    """Outside of the fault, and in the second in which it begins, an answer proves nothing."""
    run = left(tmp_path, line("acknowledged", "M1", seconds), fault=FAULT)
    assert len(list(unsynced(run))) == faults


@pytest.mark.parametrize(("received", "faults"), [(-2.0, 0), (2.0, 1)])
def test_of_a_pair_only_what_came_in_the_fault_counts(
    tmp_path: Path, received: float, faults: int
) -> None:
    """What was on the primary's disk before may have waited for the standby's word until then."""
    at = datetime.fromtimestamp(BORN + received, UTC).isoformat()
    with sqlite3.connect(tmp_path / "icaro.db") as database:
        database.execute("CREATE TABLE messages (control_id, received_at, accepted)")
        database.execute("INSERT INTO messages VALUES ('M1', ?, 1)", (at,))
    database.close()
    alone = left(tmp_path, line("acknowledged", "M1", 3.0), fault=FAULT)
    pair = Left(alone.stage, alone.book, alone.faults, {}, servers=(tmp_path / "primary",))
    assert len(list(unsynced(pair))) == faults

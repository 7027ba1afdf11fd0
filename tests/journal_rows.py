"""Units of work that tests write with: a message, a case, a submission on its way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from gateway.journal import CaseRow, Journal, SubmissionRow, Unit
from gateway.lifecycle import Kind, Status

BODY = b"MSH|^~\\&|HIS|H|ICARO|R|20261121||ADT^A01|7|P|2.5\rPID|||BIMBO-MARCATO\r"
DOSSIER = b"dossier: COGNOME-MARCATO"
CONTEXT = b'{"facts": "FATTO-MARCATO"}'
DOCUMENT = b"<nato>DOCUMENTO-MARCATO</nato>"
ENVELOPE = b"<Envelope>BUSTA-MARCATA</Envelope>"


def message(
    unit: Unit,
    control_id: str = "1",
    *,
    raw: bytes = BODY,
    case_id: str | None = None,
    **more: object,
) -> str:
    """Add a message; its body only if it has a case."""
    values: dict[str, object] = {
        "sender": "his",
        "control_id": control_id,
        "event": "ADT^A01",
        "processing": "P",
        "body": raw if case_id else None,
        "digest": unit.digest(raw),
        "size": len(raw),
        "verdict": "ACCEPTED",
        "acknowledgment": b"MSA|AA|1",
        "case_id": case_id,
    }
    return unit.add_message(**(values | more))


def case(unit: Unit, key: str = "P1", **more: str) -> CaseRow:
    """Open a case."""
    return unit.open_case(
        sender="his",
        key_digest=unit.index("his", key),
        profile="default",
        dossier=DOSSIER,
        context=CONTEXT,
        **more,
    )


def ready(unit: Unit, case_id: str, step: str = "comune", **more: object) -> SubmissionRow:
    """Add a submission that is due now."""
    values: dict[str, object] = {"partner": "comune", "endpoint": "015146", "due_at": unit.now}
    return unit.add_submission(case_id, step, Kind.REGISTER, Status.READY, **(values | more))


def sending(unit: Unit) -> tuple[str, str, str]:
    """A case with a message and a submission on the wire: ids of case, submission, attempt."""
    opened = case(unit)
    message(unit, case_id=opened.id)
    made = ready(unit, opened.id)
    moved = unit.move(made.id, expect=Status.READY, to=Status.SUBMITTING, document=DOCUMENT)
    attempt = unit.add_attempt(moved.id, 1, f"urn:uuid:{moved.id}", ENVELOPE, "https://comune")
    return opened.id, moved.id, attempt.id


class Held:
    """Keeps the writer busy, so that what is submitted meanwhile becomes one group."""

    def __init__(self, journal: Journal) -> None:
        self._free = threading.Event()
        entered = threading.Event()
        self._first = journal.submit(lambda unit: [entered.set(), self._free.wait(20)])
        assert entered.wait(20)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._free.set()
        self._first.result()


def until(true: Callable[[], object]) -> None:
    """Wait until it is true, ten seconds at most."""
    for _ in range(500):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it never came true")

"""What the journal costs: CPU and statements of each unit of work of a birth, on SQLite.

    python -m bench.journal [rounds]

All is counted: Python in the writer's thread, evidence, digests, encryption, SQL and commit. Each
figure is the best of several rounds, because a busy machine only ever makes it slower.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.journal import AttemptRow, Journal, Keyring, SubmissionRow, Unit
from gateway.lifecycle import Kind, Status

GROUPS = (1, 8, 64)
"""How many units share a commit."""
BIRTHS = 64
"""Births a round."""
BATCH = 8
"""Submissions a claim takes."""

_BODY, _DOSSIER, _CONTEXT = b"m" * 1200, b"d" * 1500, b'{"facts":{}}' + b" " * 400
_DOCUMENT, _ENVELOPE, _ANSWER = b"x" * 2500, b"e" * 7000, b"a" * 5000
_ACKNOWLEDGMENT = b"MSH|^~\\&|ICARO|ICARO|HIS|H|20261121||ACK^A01|1|P|2.5\rMSA|AA|1\r"
_INPUTS = {"sender": {"comune": "015146", "nome": "SANTA PROVA"}, "comune": {"protocollo": "P/1"}}
_FACTS = {"protocollo": "P/1", "codiceFiscale": "RSSGLI26S59F205Y"}
_STEPS = ("comune", "codice_fiscale", "assistito", "pediatra")
_MINUTE = timedelta(minutes=1)

Work = Callable[[Unit], Any]


class Bench:
    """A journal that writes groups of exactly the size asked for."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.statements = 0

    def count(self, statement: str) -> None:
        """SQLite tells every statement it runs; what a trigger or key does begins with `--`."""
        self.statements += not statement.startswith("--")

    def run(self, works: list[Work], group: int) -> list[Any]:
        """The results of all, `group` of them in a commit."""
        results: list[Any] = []
        for start in range(0, len(works), group):
            # While this thread holds the writer's condition, all of them wait together.
            with self._journal._writer._wake:
                futures: list[Future[Any]] = [
                    self._journal.submit(work) for work in works[start : start + group]
                ]
            results += [future.result() for future in futures]
        return results

    def trace(self, on: bool) -> None:
        """Count statements, or stop counting."""
        connection: Any = self._journal._writer._connection
        connection.connection.driver_connection.set_trace_callback(self.count if on else None)


@dataclass
class Costs:
    """Best microseconds of CPU, and statements, each for one unit of a kind."""

    micros: dict[str, float] = field(default_factory=dict)
    statements: dict[str, float] = field(default_factory=dict)

    def measured(self, bench: Bench, name: str, works: list[Work], group: int, per: int) -> Any:
        """Run the works; what it cost is shared by `per`."""
        before, began = bench.statements, time.process_time()
        results = bench.run(works, group)
        spent = (time.process_time() - began) * 1e6 / per
        self.micros[name] = min(spent, self.micros.get(name, spent))
        self.statements[name] = (bench.statements - before) / per
        return results


def intake(number: str) -> Work:
    """A birth arrives: duplicate check, case, message, dossier, four submissions."""

    def work(unit: Unit) -> None:
        raw = _BODY + number.encode()
        digest = unit.digest(raw)
        assert unit.find_duplicate("his", number, digest) is None
        key = unit.index("his", number)
        assert unit.find_case("his", key) is None
        case = unit.open_case(
            sender="his", key_digest=key, profile="default", dossier=b"", context=_CONTEXT
        )
        _message(unit, number, raw, digest, case.id)
        unit.save_case(case.id, case.version, dossier=_DOSSIER, context=_CONTEXT, state="DECLARED")
        unit.submissions(case.id)
        for step in _STEPS:
            ready = step != "pediatra"
            unit.add_submission(
                case.id,
                step,
                Kind.REGISTER,
                Status.READY if ready else Status.WAITING,
                partner=step,
                endpoint="015146",
                due_at=unit.now if ready else None,
                operation_id=f"{number}-{step}",
                reason=None if ready else "FACTS",
            )

    return work


def acknowledgment(number: str) -> Work:
    """A message of no case: all that stands between it and its acknowledgment."""

    def work(unit: Unit) -> None:
        raw = _BODY + number.encode()
        digest = unit.digest(raw)
        assert unit.find_duplicate("his", number, digest) is None
        _message(unit, number, raw, digest, None)

    return work


def _message(unit: Unit, number: str, raw: bytes, digest: str, case_id: str | None) -> None:
    unit.add_message(
        sender="his",
        control_id=number,
        event="A01",
        processing="P",
        body=raw if case_id else None,
        digest=digest,
        size=len(raw),
        verdict="ACCEPTED",
        acknowledgment=_ACKNOWLEDGMENT,
        case_id=case_id,
        flagged=unit.control_id_seen("his", number),
    )


def claim(unit: Unit) -> list[SubmissionRow]:
    """Take a batch, and read what its work needs."""
    rows = unit.claim("bench", limit=BATCH, lease=_MINUTE)
    for row in rows:
        unit.case(row.case_id)
    return rows


def submit(row: SubmissionRow) -> Work:
    """The exact bytes are kept before they are sent."""

    def work(unit: Unit) -> tuple[SubmissionRow, AttemptRow]:
        moved = unit.move(
            row,
            expect=row.status,
            fence=row.fence,
            to=Status.SUBMITTING,
            attempts=row.attempts + 1,
            document=_DOCUMENT,
            inputs=_INPUTS,
            pins={"comune/nascita.yaml": "0" * 64, "comune/tipi.xsd": "1" * 64},
            body_digest=unit.case_digest(row.case_id, _DOCUMENT),
            content_digest=unit.case_digest(row.case_id, _DOCUMENT),
        )
        name = f"urn:uuid:{row.operation_id}"
        expires = unit.now + _MINUTE
        return moved, unit.add_attempt(row.id, 1, name, _ENVELOPE, "https://comune/", expires)

    return work


def outcome(row: SubmissionRow, attempt: AttemptRow) -> Work:
    """An answer: the attempt ends, facts are learned, the case goes on, a step waits no more."""

    def work(unit: Unit) -> None:
        unit.case(row.case_id)
        current = next(each for each in unit.submissions(row.case_id) if each.id == row.id)
        unit.end_attempt(attempt, "Accepted", answer=_ANSWER)
        unit.move(
            row.id,
            expect=current.status,
            to=Status.ACCEPTED,
            facts=_FACTS,
            receipt="P/1",
            due_at=None,
        )
        case = unit.case(row.case_id)
        unit.save_case(case.id, case.version, context=_CONTEXT, state=case.state)
        waiting = [each for each in unit.submissions(case.id) if each.status is Status.WAITING]
        for each in waiting:
            unit.move(each.id, expect=Status.WAITING, to=Status.WAITING, reason="FACTS")

    return work


def life(bench: Bench, costs: Costs, group: int, prefix: str) -> None:
    """A round: births arrive, are claimed, sent and answered; then messages of no case."""
    names = [f"{prefix}{number}" for number in range(BIRTHS)]
    sent = BIRTHS * (len(_STEPS) - 1)
    costs.measured(bench, "intake, a birth", [intake(name) for name in names], group, BIRTHS)
    claims = costs.measured(bench, "claim", [claim] * (sent // BATCH), group, sent)
    rows = [row for batch in claims for row in batch]
    pairs = costs.measured(bench, "submit", [submit(row) for row in rows], group, sent)
    costs.measured(bench, "outcome", [outcome(*pair) for pair in pairs], group, sent)
    others = [acknowledgment(f"{name}-other") for name in names]
    costs.measured(bench, "acknowledgment", others, group, BIRTHS)


def measure(group: int, rounds: int) -> Costs:
    """Several rounds in a journal of their own; statements are counted apart from the time."""
    costs = Costs()
    with tempfile.TemporaryDirectory() as folder:
        keyring = Keyring.create(Path(folder) / "keys" / "master.key")
        url = f"sqlite:///{folder}/journal.db"
        with Journal.open(url, node="bench", keyring=keyring) as journal:
            bench = Bench(journal)
            for number in range(rounds):
                gc.collect()
                life(bench, costs, group, f"{number}-")
            bench.trace(on=True)
            life(bench, costs, group, "traced-")
    return costs


def main() -> None:
    """Print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    found = {group: measure(group, rounds) for group in GROUPS}
    print(f"{'microseconds of CPU (statements), in groups of':46}", *(f"{g:>14}" for g in GROUPS))
    for name in found[GROUPS[0]].micros:
        cells = [f"{c.micros[name]:6.0f} ({c.statements[name]:5.2f})" for c in found.values()]
        print(f"{name:46}", *cells)
    births = [
        c.micros["intake, a birth"] + 3 * sum(c.micros[n] for n in ("claim", "submit", "outcome"))
        for c in found.values()
    ]
    print(f"{'a birth with three documents':46}", *(f"{each:6.0f}        " for each in births))


if __name__ == "__main__":
    main()

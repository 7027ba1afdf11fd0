"""The person of a run: confirms what waits for a word, and ends doubts by asking who has it.

As a person does it: asks once the original can no longer be accepted, and gives name and reason.
What an administration refused of its own whim (`WHIMS`) is made again, and a candidate who was
somebody else after all is asked for anew; no other refusal is.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from gateway.config import load
from gateway.demo.families import REASONS
from gateway.desk import Desk, Person
from gateway.errors import GatewayError
from gateway.ground import Ground, open_journal
from gateway.journal import SubmissionRow, Unit, View
from gateway.lifecycle import Event, Status
from tests.chaos.deployment import Deployment
from tests.journey.theatre import journal

WHO = Person("m.rossi", "asked by telephone")
WHIMS = {"comune": "EC148", "agenzia_entrate": "EAA40", "asl": "ASL002"}
"""A code by which each refuses on a bad day, and which it has for nothing else."""
ANOTHERS = "AEE01"
"""By which the Agenzia refuses a candidate whose code another child was given meanwhile."""
LATER = timedelta(seconds=12)
"""After Expires: the clocks of nodes may be wrong by some of it, and the partner tolerates some."""


class Clerk:
    """Looks at the queue every second in a thread of its own. `resolved`: doubts ended."""

    def __init__(self, stage: Deployment, later: timedelta = LATER) -> None:
        self.stage = stage
        self._later = later
        self.resolved = 0
        self._configuration = load(stage.yaml(1))
        self._desk = Desk(Ground.of(self._configuration).casebook)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Go home."""
        self._stopped.set()
        if self._thread.ident:
            self._thread.join(60)

    def _run(self) -> None:
        while not self._stopped.wait(1.0):
            # The database may be down: the queue is still there at the next look.
            with suppress(GatewayError, OSError):
                self.look()

    def look(self) -> None:
        """Once through the queue, and through what the administrations still owe."""
        with journal(self.stage) as view:
            held = view.submissions(status=Status.HELD)
            late = [row for row in view.submissions(status=Status.WAITING) if row.reason == "LATE"]
            refused = [row for row in view.submissions(status=Status.REJECTED) if _whim(view, row)]
            past = {
                row.id: self._is_past(view.attempts(row.id)[-1].expires_at)
                for row in held
                if row.attempts
            }
        rows = [row for row in held if past.get(row.id) or not row.maybe_received]
        rows += late + refused
        if rows:
            with open_journal(self._configuration, node="console") as kept:
                for row in rows:
                    with suppress(GatewayError):
                        kept.run(lambda unit, row=row: self._decide(unit, row))

    def _decide(self, unit: Unit, row: SubmissionRow) -> None:
        if row.status is Status.WAITING:
            self._desk.choose(unit, row.case_id, {"ragioniRitardo": REASONS}, WHO)
        elif row.status is Status.REJECTED:
            self._desk.reprocess(unit, row.id, WHO)
        elif row.reason == "CANDIDATES":
            self._desk.choose_candidate(unit, row.id, 1, WHO)
        elif not row.maybe_received:
            self._desk.confirm(unit, row.id, WHO)
        else:
            self._ask(unit, row)

    def _ask(self, unit: Unit, row: SubmissionRow) -> None:
        effects = self.stage.effects(row.partner)
        found = [each for each in effects if each["idOperazione"] == row.operation_id]
        told = found[0]["outcome"] if found else {}
        receipt, code = told.get("protocollo", ""), told.get("codiceFiscale", "")
        # The code belongs to the answer of the Agenzia alone, and to no annulment.
        self._desk.resolve(
            unit, row.id, received=bool(found), receipt=receipt, person=WHO, code=code
        )
        self.resolved += 1

    def _is_past(self, expires_at: datetime | None) -> bool:
        return expires_at is None or datetime.now(UTC) > expires_at + self._later


def _whim(view: View, row: SubmissionRow) -> bool:
    codes = {str(fault.get("code")) for fault in view.faults(row.id) or []}
    chain = view.submissions(row.case_id, row.step)
    chosen = any((each.status, each.reason) == (Status.REPLACED, Event.REPLACE) for each in chain)
    return (chosen and ANOTHERS in codes) or WHIMS.get(row.partner) in codes

"""One birth's life, seen from outside: born, declared, registered, corrected.

The hospital sends again only what it read no acknowledgment of. The Comune answers later, the A31
with the codice fiscale comes back. What is played here is the same whatever dies meanwhile.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.demo.hospital import Feed, read
from gateway.demo.people import Child
from gateway.demo.stage import ADMINISTRATIONS
from gateway.hl7.message import Message
from tests.journey.crash.lanes import Lane, Rows
from tests.journey.theatre import newborn

WEIGHT = 3999
"""Grams, as corrected: the last state."""

PATIENCE = 30.0

STEPS = {"comune", "codice_fiscale", "assistito", "pediatra", "riscontro"}
DONE = {"ACCEPTED", "WITHDRAWN", "REPLACED"}
STOPPED = {"HELD", "REJECTED", "INVALID", "DEAD"}
"""Where a submission waits for a person: nothing in this life is a reason for it."""


class Hospital(Feed):
    """A line that counts how often it sent each control id, and hurries."""

    def __init__(self, lane: Lane) -> None:
        super().__init__(lane.stage.mllp, timeout=PATIENCE)
        self._lane = lane
        self.sent: Counter[str] = Counter()

    def tell(self, payload: bytes) -> None:
        """Send, and again until an acknowledgment is read, which must be AA."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                reply = read(self._exchange(payload))
                break
            except OSError:
                self.close()
                assert (lost := self._lane.lost()) is None, lost
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)  # the gateway is being born again
        assert reply is not None
        assert reply.code == "AA", reply

    def _exchange(self, payload: bytes) -> bytes:
        self._connected()  # while nobody listens, nothing is sent
        self.sent[Message.parse(payload).control_id] += 1
        return super()._exchange(payload)


@dataclass
class Life:
    """What is played on a lane, and what is known of it from outside the journal."""

    lane: Lane
    deaths: Sequence[str] = ()
    mutant: str = ""
    patience: float = PATIENCE
    child: Child = field(default_factory=newborn)
    sent: Counter[str] = field(default_factory=Counter)
    before: dict[str, int] = field(default_factory=dict)
    traces: list[Path] = field(default_factory=list)
    """Of each gateway that lived, the points it passed."""

    def effects(self, administration: str) -> list[dict[str, object]]:
        """What an administration did in this life."""
        return self.lane.stage.effects(administration)[self.before[administration] :]

    def play(self) -> None:
        """All of it, with its deaths; the gateway has ended when this returns, however it does."""
        lane = self.lane
        self.before = {name: len(lane.stage.effects(name)) for name in ADMINISTRATIONS}
        traces = lane.begin(list(self.deaths), self.mutant)
        self.traces = [Path(f"{traces}.{number + 1}") for number in range(len(self.deaths) + 1)]
        hospital = Hospital(lane)
        self.sent = hospital.sent
        try:
            hospital.tell(self.child.message("A01", given="BABY"))
            hospital.tell(self.child.message("A31"))
            self._until(_taken, "the Comune's outcome to be all that lacks")
            lane.stage.control("comune", "POST", "/callback-now", {})
            self._until(_registered, "the registration")
            hospital.tell(self.child.message("A08", weight=WEIGHT))
            self._until(_corrected, "the correction")
        finally:
            hospital.close()
            if lane.lost() is None:
                self._end()

    def _until(self, condition: Callable[[Rows], bool], what: str) -> None:
        end = time.monotonic() + self.patience
        while not condition(found := self.lane.rows()):
            assert (lost := self.lane.lost()) is None, lost
            assert not any(status in STOPPED for _, _, status in found), found
            if time.monotonic() > end:
                raise TimeoutError(f"waited for {what}: {sorted(found)}")
            time.sleep(0.03)  # looked at from outside: nobody tells

    def _end(self) -> None:
        """SIGTERM, until a life ends by it: a death may wait in the ending."""
        for _ in range(len(self.deaths) + 1):
            self.lane.nursery.end(self.lane.name)
            if self.lane.nursery.ends(self.lane.name)[-1]["code"] != -signal.SIGKILL:
                break


def _taken(found: Rows) -> bool:
    """The Comune's outcome lacks, or has come already: a repeated request may tell it."""
    steps = {step for step, _, _ in found}
    moving = {(step, status) for step, _, status in found if status not in DONE}
    return steps == STEPS and moving <= {("comune", "TAKEN")}


def _registered(found: Rows) -> bool:
    """Every step is done, and nothing is left to tell the hospital."""
    done = {step for step, kind, status in found if (kind, status) == ("register", "ACCEPTED")}
    return done == STEPS and {status for _, _, status in found} <= DONE


def _corrected(found: Rows) -> bool:
    """The correction is registered too."""
    return ("comune", "amend", "ACCEPTED") in found and _registered(found)

"""The gateway dies by `kill -9` at random moments, and nothing is lost, doubled or forgotten."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from gateway.demo.play import Play
from tests.journey.maternity import (
    CountedFeed,
    everything_is_done_once,
    something_was_under_way,
    storm,
)
from tests.journey.theatre import Theatre, prepare, running


class Show:
    """The demonstration's own feed, played in a thread of its own while the gateway dies."""

    def __init__(self, stage: Theatre) -> None:
        self.said: list[str] = []
        self.play = Play(stage, datetime.now(), self.said.append)
        self.sent: Counter[str] = Counter()
        self.play.feed = CountedFeed(stage.mllp, self.sent)
        self.failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.play.births()
            self.play.choices()
            self.play.outage()
            self.play.changes()
        except BaseException as error:  # whatever it is, the test must hear of it
            self.failed.append(error)

    def end(self) -> dict[str, tuple[str, ...]]:
        """Wait for the last story; what is not as it must be, by story."""
        self._thread.join(240)
        if self.failed:
            raise self.failed[0]
        assert not self._thread.is_alive(), self.said[-1:]
        return {row.name: row.faults for row in self.play.end() if row.faults}


@pytest.mark.journey
def test_ten_deaths_during_the_demonstrations_feed(tmp_path: Path, pki: Path):
    """Ten times dead at random moments, every child has its documents exactly once."""
    stage = prepare(tmp_path / "stage", pki, hospitals=3, patience=4.0)
    with running(stage, back=False):
        show = Show(stage)
        maternity = storm(stage, 10)
        faults = show.end()
        show.play.close()
        assert faults == {}
        everything_is_done_once(stage, maternity)
        something_was_under_way(stage, maternity.sent, show.sent)


@pytest.mark.journey
def test_deaths_on_postgresql(tmp_path: Path, pki: Path, new_database: Callable[[], str]):
    """The same promise where the journal is a server: dead connections leave nothing half done."""
    stage = prepare(tmp_path / "stage", pki, journal=new_database())
    with running(stage):
        maternity = storm(stage, 4)
        everything_is_done_once(stage, maternity)
        something_was_under_way(stage, maternity.sent)

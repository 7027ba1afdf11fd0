"""How well the node is: what makes /health red, and what the metrics say when asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from math import inf
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from gateway.courtesy import Courtesy
from gateway.errors import JournalError
from gateway.journal import Journal, Scope
from gateway.journal.journal import Health
from gateway.outcomes import Unknown
from gateway.telemetry import Log, Metrics
from gateway.vitals import Vitals
from tests.births import GIULIA, House, now, run

NOW = datetime.now(UTC)


@dataclass
class Node:
    """A house, and what its vitals are asked of."""

    house: House
    paused: bool = False
    left: dict[str, float] = field(default_factory=lambda: {"tls": 20.0, "sign": 9.0})
    journal: Any = None

    def __post_init__(self) -> None:
        self.journal = self.journal or self.house.journal
        entries = self.house.directory
        self.courtesy = Courtesy(
            Clock(),
            self.house.journal,
            entries,
            {},
            lambda: NOW,
            timedelta(minutes=30),
            Log(StringIO()),
            Metrics(),
        )
        self.gates = self.courtesy.gates

    def days_left(self) -> dict[str, float]:
        """As Connections.days_left."""
        return self.left

    def vitals(self) -> Vitals:
        """The node's own."""
        me: Any = self
        later = datetime.now(UTC) + timedelta(seconds=5)
        return Vitals(self.journal, me, me, self.courtesy, lambda: later, "n1", now)

    def asked(self) -> dict[str, str | None]:
        """What each check says."""
        return {name: run(check()) for name, check in self.vitals().checks().items()}  # type: ignore[arg-type]  # coroutines

    def exposition(self) -> str:
        """What /metrics says."""
        metrics = Metrics()
        self.vitals().tell(metrics)
        return metrics.exposition().decode()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node in good health."""
    with House(tmp_path) as house:
        yield Node(house)


class Broken:
    """A journal whose database is gone."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def view(self) -> Any:
        """Raises JournalError."""
        raise JournalError("the database is gone")

    def submit(self, work: Any) -> Any:
        """The future fails with JournalError."""
        return self._journal.submit(lambda _: self.view())

    def health(self) -> Health:
        """Cannot be written, and says why."""
        return Health(False, "the disk is full", 0, None, None, None)


def test_a_node_that_can_do_its_job_is_green(node: Node):
    """It stores, signs and reaches its queue."""
    assert node.asked() == {"store": None, "sign": None, "queue": None, "node": None}


def test_a_drained_node_is_red(node: Node):
    """So a balancer takes it out; green again once it is resumed."""
    who = {"person": "m.rossi", "reason": "new kernel"}
    node.house.do(lambda unit: unit.drain_node("n1", **who))
    assert str(node.asked()["node"]).startswith("drained since 2")
    node.house.do(lambda unit: unit.resume_node("n1", **who))
    assert node.asked()["node"] is None


def test_a_journal_that_cannot_be_written_is_red(node: Node):
    """The reason is the journal's own, and figures that need no journal are still told."""
    node.journal = Broken(node.house.journal)
    assert run(node.vitals().checks()["store"]()) == "the disk is full"  # type: ignore[arg-type]  # a coroutine
    with pytest.raises(JournalError):
        run(node.vitals().checks()["queue"]())  # type: ignore[arg-type]  # a coroutine
    text = node.exposition()
    assert "icaro_queue_oldest_seconds NaN" in text
    assert 'icaro_certificate_days_left{certificate="sign"} 9.0' in text
    assert "icaro_submissions{" not in text


def test_a_node_that_cannot_sign_is_red(node: Node):
    """A paused channel, or a certificate that has ended, by its name."""
    node.paused = True
    assert node.asked()["sign"] == "documents cannot be signed"
    node.paused, node.left = False, {"tls": 3.0, "sign": 0.0}
    assert node.asked()["sign"] == "expired: sign"


def test_documents_are_counted_where_they_stand(node: Node):
    """Every status has a figure, also those in which there is none."""
    node.house.hears(GIULIA.message("A01"))
    text = node.exposition()
    assert 'icaro_submissions{status="READY"} 2.0' in text
    assert 'icaro_submissions{status="HELD"} 0.0' in text


def test_work_that_is_not_done_gets_older(node: Node):
    """The oldest due document tells how long it waits; an empty queue is no age."""
    assert "icaro_queue_oldest_seconds 0.0" in node.exposition()
    node.house.hears(GIULIA.message("A01"))
    line = next(x for x in node.exposition().splitlines() if x.startswith("icaro_queue_oldest"))
    assert 4 < float(line.split()[1]) < 60


def test_open_circuits_and_old_evidence_are_told(node: Node):
    """An office that is not called for now is counted; so is the age of the last checkpoint."""
    endpoint = ("asl", "321")
    for _ in range(5):
        node.gates.room_at(NOW)
        node.gates.enter(endpoint, NOW)
        node.gates.leave(endpoint, NOW, Unknown("cut"))
    text = node.exposition()
    assert "icaro_circuits_open 1.0" in text
    assert "icaro_evidence_age_seconds " in text


def test_what_is_paused_is_counted_by_partner(node: Node):
    """Each pause in force; those of a step by themselves."""
    for scope in (Scope("comune", "015146"), Scope("comune"), Scope(step="assistito")):
        node.house.do(lambda unit, s=scope: unit.pause(s, by="m.rossi", reason="ticket 81"))
    node.courtesy.pausing.look()
    text = node.exposition()
    assert 'icaro_pauses{partner="comune"} 2.0' in text
    assert 'icaro_pauses{partner="step"} 1.0' in text


def test_documents_that_are_done_are_counted_seldom(node: Node, monkeypatch: pytest.MonkeyPatch):
    """They grow in number for ever: counting them may never become what the node does."""
    vitals, metrics = node.vitals(), Metrics()
    vitals.tell(metrics)
    node.house.hears(GIULIA.message("A01"))
    assert 'icaro_submissions{status="ACCEPTED"} 0.0' in metrics.exposition().decode()
    node.house.works()
    monkeypatch.setattr("gateway.vitals.monotonic", lambda: 0.0)
    assert 'icaro_submissions{status="ACCEPTED"} 0.0' in metrics.exposition().decode()
    assert 'icaro_submissions{status="READY"} 0.0' in metrics.exposition().decode()
    monkeypatch.setattr("gateway.vitals.monotonic", lambda: inf)
    assert 'icaro_submissions{status="ACCEPTED"} 4.0' in metrics.exposition().decode()

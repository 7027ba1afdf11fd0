"""What a node knows of the pauses: told when they change, and what stands in /health."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from gateway.errors import JournalError
from gateway.journal import PauseRow, Scope
from gateway.pausing import EVERY, Pausing
from tests.births import House

WHO = {"by": "m.rossi", "reason": "MARIO ROSSI telephoned"}


class Node:
    """A node that looks when the test's clock says so. `heard`: how many were in force."""

    def __init__(self, house: House) -> None:
        self.house, self.clock = house, Clock()
        self.heard: list[int] = []
        self.pausing = Pausing(self.clock, house.journal, self._changed)
        self.pausing.start()

    def _changed(self, pauses: Sequence[PauseRow]) -> None:
        self.heard.append(len(pauses))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with nothing paused."""
    with House(tmp_path) as house:
        yield Node(house)


def test_a_change_is_heard_within_a_second(node: Node) -> None:
    """Once when something is paused, once when it goes on, and never between."""
    row = node.house.do(lambda unit: unit.pause(Scope("comune"), **WHO))
    node.clock.pump([EVERY] * 2)
    assert node.heard == [1]
    node.house.do(lambda unit: unit.resume(row, **WHO))
    node.clock.pump([EVERY] * 2)
    assert node.heard == [1, 0]
    assert EVERY < 1


def test_what_covers_an_endpoint(node: Node) -> None:
    """All of its kind, or itself; a step leaves its echoes alone."""
    for scope in (Scope("comune", "015146"), Scope("asl"), Scope(step="codice_fiscale")):
        node.house.do(lambda unit, s=scope: unit.pause(s, **WHO))
    node.pausing.look()
    places = [("comune", "015146"), ("comune", "015209"), ("asl", "321"), ("agenzia_entrate", "AE")]
    assert [node.pausing.covers(place) for place in places] == [True, False, True, False]


def test_health_says_what_and_since_when_but_no_reason(node: Node) -> None:
    """A reason may name a person."""
    row = node.house.do(lambda unit: unit.pause(Scope("comune", "015146"), **WHO))
    node.pausing.look()
    assert node.pausing.health() == [{"what": "comune 015146", "since": row.at.isoformat()}]


def test_a_journal_that_cannot_be_read_changes_nothing(node: Node) -> None:
    """What was known stands until it can be read again."""
    node.house.do(lambda unit: unit.pause(Scope("comune"), **WHO))
    node.pausing.look()
    node.pausing._journal = Broken()  # type: ignore[assignment]  # a journal that is away
    node.pausing.look()
    assert (node.heard, node.pausing.by_partner()) == ([1], {"comune": 1.0})


class Broken:
    """A journal whose database is gone."""

    def view(self) -> None:
        """Raises JournalError."""
        raise JournalError("the database is gone")


def test_a_node_that_stops_looks_no_more(node: Node) -> None:
    """Stop is at once."""
    node.pausing.stop()
    node.house.do(lambda unit: unit.pause(Scope("comune"), **WHO))
    node.clock.pump([EVERY] * 4)
    assert node.heard == []

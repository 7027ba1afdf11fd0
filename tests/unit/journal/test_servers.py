"""Which server is the primary, by what servers say; real ones are in the contract tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from gateway.errors import JournalError
from gateway.journal.servers import Servers

NEW, OLD, FOLLOWS, DOWN = "00000002", "00000001", None, "down"


class Line:
    """What a server answers to the one question."""

    def __init__(self, system: str, timeline: str | None) -> None:
        self.answer = (system, timeline)
        self.closed = False

    def execute(self, _: str) -> Line:
        return self

    def fetchone(self) -> tuple[str, str | None]:
        return self.answer

    def rollback(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Landscape:
    """Servers by host; `lines` are the connections that were opened."""

    def __init__(self, **standing: str | None) -> None:
        self.standing: dict[str, str | None] = standing
        self.system = "7"
        self.lines: list[tuple[str, Line]] = []
        self.servers = Servers(_unbounded)

    def dial(self, **place: Any) -> Line:
        """psycopg's connect."""
        standing = self.standing[place["host"]]
        if standing == DOWN:
            raise psycopg.OperationalError("refused")
        self.lines.append((place["host"], Line(self.system, standing)))
        return self.lines[-1][1]

    def connect(self, *, all_asked: bool = True) -> str:
        """The host that was chosen."""
        hosts: Mapping[str, Any] = {"host": ",".join(self.standing), "port": "5432,5433"}
        made, _ = self.servers.connect(self.dial, hosts, all_asked=all_asked)
        still = [host for host, line in self.lines if not line.closed]
        assert made in [line for _, line in self.lines]
        assert len(still) == 1, "the others are closed"
        self.lines.clear()
        return still[0]


@contextmanager
def _unbounded(_seconds: float, _line: object) -> Iterator[None]:
    yield


def test_the_newest_timeline_is_the_primary():
    """A node that starts goes to the promoted server, whatever the order in the URL."""
    assert Landscape(a=OLD, b=NEW).connect() == "b"
    assert Landscape(a=NEW, b=OLD).connect() == "a"


def test_who_only_follows_is_no_primary():
    """A standby is passed over; alone it is refused, with a sentence."""
    assert Landscape(a=FOLLOWS, b=OLD).connect() == "b"
    with pytest.raises(JournalError, match="only follows"):
        Landscape(a=FOLLOWS).connect()


def test_an_old_primary_is_never_gone_back_to():
    """Once the newer timeline was seen, also where its server cannot be reached any more."""
    land = Landscape(a=OLD, b=NEW)
    land.connect()
    land.standing["b"] = DOWN
    with pytest.raises(JournalError, match="old primary"):
        land.connect()
    with pytest.raises(JournalError, match="old primary"):
        land.connect(all_asked=False)


def test_a_promotion_is_seen_while_connected():
    """The round finds it, and every connection of before is outdated."""
    land = Landscape(a=OLD, b=FOLLOWS)
    land.connect()
    assert land.servers.timeline == 1
    land.standing["b"] = NEW
    land.servers.look_round()
    assert land.servers.timeline == 2
    assert all(line.closed for _, line in land.lines)


def test_another_cluster_is_refused():
    """A restored copy, or a wrong address: whatever it is, it is not the journal we knew."""
    land = Landscape(a=OLD)
    land.connect()
    land.system = "8"
    with pytest.raises(JournalError, match="another database cluster"):
        land.connect()


def test_readers_go_where_the_last_choice_was():
    """One connection, not one to each server; and to any, when that one is gone."""
    land = Landscape(a=OLD, b=NEW)
    land.connect()
    assert land.connect(all_asked=False) == "b"
    land.standing = {"a": "00000003", "b": DOWN}
    assert land.connect(all_asked=False) == "a"


def test_when_all_are_down_the_drivers_error_is_told():
    """Its class and state, as for one server."""
    with pytest.raises(psycopg.OperationalError):
        Landscape(a=DOWN, b=DOWN).connect()

"""Nodes on one PostgreSQL: they pass each other, hear each other, and can be taken out of work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import Fenced, NotFound
from gateway.journal import Journal, Keyring, Unit
from gateway.journal.verification import verify
from gateway.lifecycle import Status
from tests.journal_rows import case, ready, until

LEASE = timedelta(minutes=2)
WHO = {"person": "m.rossi", "reason": "new kernel"}


@pytest.fixture
def both(postgres_url: str, keyring: Keyring, tmp_path: Path) -> Iterator[tuple[Journal, Journal]]:
    """Two nodes, n1 and n2."""
    opened = [
        Journal.open(postgres_url, node=node, keyring=keyring, side_file=tmp_path / node)
        for node in ("n1", "n2")
    ]
    yield opened[0], opened[1]
    for journal in opened:
        journal.close()
    assert verify(postgres_url, keyring.public_key) == []


def crossing(first: str, second: str, meet: threading.Barrier) -> Callable[[Unit], int]:
    """Saves two cases, and waits in between, once, for the other node to do so."""
    tries: list[int] = []

    def work(unit: Unit) -> int:
        tries.append(1)
        for number, case_id in enumerate((first, second)):
            row = unit.case(case_id)
            unit.save_case(case_id, row.version, state="DECLARED")
            if number == 0 and len(tries) == 1:
                meet.wait(20)
        return len(tries)

    return work


def test_two_nodes_in_each_others_way_both_get_through(both: tuple[Journal, Journal]) -> None:
    """Of two that wait for each other the database stops one; it is tried again, and kept."""
    one, two = both
    a, b = (one.run(lambda unit, n=n: case(unit, n).id) for n in ("a", "b"))
    meet = threading.Barrier(2)
    done = [one.submit(crossing(a, b, meet)), two.submit(crossing(b, a, meet))]
    assert sorted(each.result(20) for each in done) == [1, 2]


def test_a_case_opened_at_two_nodes_at_once_is_one_case(both: tuple[Journal, Journal]) -> None:
    """Who comes second finds it there, and nobody is refused."""
    one, two = both
    entered, free = threading.Event(), threading.Event()

    def opens(unit: Unit) -> str:
        found = unit.find_case("his", unit.index("his", "P1"))
        return (found or case(unit)).id

    slow = one.submit(lambda unit: [opens(unit), entered.set(), free.wait(20)][0])
    assert entered.wait(20)
    second = two.submit(opens)
    free.set()
    assert slow.result(20) == second.result(20)


def test_a_claim_waits_for_nobody(both: tuple[Journal, Journal]) -> None:
    """What another node is at, be it the case or the submission, is passed over."""
    one, two = both
    busy = one.run(lambda unit: case(unit, "busy").id)
    idle = one.run(lambda unit: case(unit, "idle").id)
    for case_id in (busy, idle):
        one.run(lambda unit, c=case_id: ready(unit, c))
    entered, free = threading.Event(), threading.Event()
    held = one.submit(lambda unit: [unit.case(busy), entered.set(), free.wait(20)])
    assert entered.wait(20)
    try:
        claimed = two.submit(lambda unit: unit.claim("n2", limit=9, lease=LEASE)).result(5)
        assert [row.case_id for row in claimed] == [idle]
    finally:
        free.set()
    held.result(20)


def test_a_node_that_wakes_too_late_is_fenced(both: tuple[Journal, Journal]) -> None:
    """Its claim was freed meanwhile: it cannot send, also where nobody else has claimed it yet."""
    one, two = both
    made = one.run(lambda unit: ready(unit, case(unit).id))
    (row,) = one.run(lambda unit: unit.claim("n1", limit=1, lease=timedelta(seconds=-1)))
    assert two.run(lambda unit: unit.reclaim_expired()) == []
    with pytest.raises(Fenced):
        one.run(
            lambda unit: unit.move(row, expect=Status.READY, to=Status.SUBMITTING, fence=row.fence)
        )
    (again,) = one.run(lambda unit: unit.claim("n1", limit=1, lease=LEASE))
    assert again.id == made.id


def test_what_one_node_commits_the_other_hears(both: tuple[Journal, Journal]) -> None:
    """At once, and only what another node did; a message that makes no work rings no bell."""
    one, two = both
    heard = {"n1": 0, "n2": 0}

    def hear(node: str) -> None:
        heard[node] += 1

    one.listen("n1", lambda: hear("n1"))
    two.listen("n2", lambda: hear("n2"))
    until(lambda: heard == {"n1": 1, "n2": 1})  # both listen now
    opened = one.run(lambda unit: case(unit).id)
    one.run(lambda unit: ready(unit, opened))
    until(lambda: heard["n2"] == 2)
    assert heard["n1"] == 1


def test_the_bell_finds_a_restarted_server(both: tuple[Journal, Journal], postgres_cluster) -> None:
    """It listens again, and looks once, for what was told while nobody listened."""
    one, _ = both
    heard: list[int] = []
    one.listen("n1", lambda: heard.append(1))
    until(lambda: heard)
    postgres_cluster.restart()
    until(lambda: len(heard) > 1)


def test_a_drained_node_claims_nothing(journal: Journal) -> None:
    """Others do; what it had it keeps; who drained it and why is evidence."""
    journal.run(lambda unit: unit.start_node("1.0"))
    journal.run(lambda unit: [ready(unit, case(unit, str(n)).id) for n in range(3)])
    (had,) = journal.run(lambda unit: unit.claim("n1", limit=1, lease=LEASE))
    journal.run(lambda unit: unit.drain_node("n1", **WHO))
    assert journal.run(lambda unit: unit.claim("n1", limit=9, lease=LEASE)) == []
    with journal.view() as view:
        (node,) = view.nodes()
        assert (node.claims, node.drained_at is None) == (1, False)
    journal.run(
        lambda unit: unit.move(had, expect=Status.READY, to=Status.SUBMITTING, fence=had.fence)
    )
    assert len(journal.run(lambda unit: unit.claim("n2", limit=1, lease=LEASE))) == 1
    journal.run(lambda unit: unit.resume_node("n1", **WHO))
    assert len(journal.run(lambda unit: unit.claim("n1", limit=9, lease=LEASE))) == 1
    with journal.view() as view:
        told = [(e.what, e.note) for e in view.evidence() if e.what.startswith("node.")][1:]
    assert told == [(what, {"node": "n1", **WHO}) for what in ("node.drained", "node.resumed")]


def test_a_node_that_is_not_there_cannot_be_drained(journal: Journal) -> None:
    """A name that was mistyped is told."""
    with pytest.raises(NotFound, match="no node n9"):
        journal.run(lambda unit: unit.drain_node("n9", **WHO))

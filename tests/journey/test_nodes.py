"""Three nodes on one PostgreSQL pair: one dies, one freezes, one is drained, the database moves.

The hospital's feed is spread over them. Whatever befalls a node or the primary, every birth is
done once, in the order of its case, and nobody restarts what still runs.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journey.maternity import everything_is_done_once, quick, slow
from tests.journey.region import Hospital, Node, Region, overtaken, region
from tests.journey.theatre import newborn, once, settle, sql
from tests.pair import Pair, pair

WITHIN = 15.0
"""Seconds after the promotion in which the feed must go on."""

WHO = ("--by", "m.rossi", "--reason", "new kernel")


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    """The primary and the standby it waits for."""
    with pair() as made:
        made.primary.execute("CREATE DATABASE icaro")
        yield made


@pytest.fixture(scope="module")
def stage(servers: Pair, tmp_path_factory: pytest.TempPathFactory, pki: Path) -> Iterator[Region]:
    """Three nodes, each with both hosts in its URL."""
    folder = tmp_path_factory.mktemp("region") / "stage"
    with region(folder, pki, servers.url("icaro")) as made:
        yield made


@pytest.fixture(scope="module")
def hospital(stage: Region) -> Iterator[Hospital]:
    """The hospital's lines, all through the module; who it told of is in `children`."""
    made = Hospital(stage.nodes)
    yield made
    made.leave()


def on_the_wire(stage: Region, node: Node) -> set[str]:
    """What a node is sending."""
    query = "SELECT id FROM submissions WHERE status = 'SUBMITTING' AND claimed_by = ?"
    return {row[0] for row in sql(stage, query, node.name)}


def catch(stage: Region, node: Node, number: signal.Signals) -> set[str]:
    """Stop a node while it is sending something; gives what."""
    caught: set[str] = set()

    def stopped() -> bool:
        if not on_the_wire(stage, node):
            return False
        stage.signal(node, number)
        caught.update(on_the_wire(stage, node))
        if not caught:
            stage.signal(node, signal.SIGCONT)
        return bool(caught)

    once(stopped, stage, f"{node.name} to be sending", seconds=30)
    return caught


def doubted(stage: Region, by: set[str]) -> set[str]:
    """What one of these nodes found on the wire and put in doubt."""
    return {
        entry.subjects[0]
        for entry in stage.evidence()
        if entry.what == "submission.moved"
        and (entry.note["from"], entry.note["to"]) == ("SUBMITTING", "IN_DOUBT")
        and entry.node in by
    }


@pytest.mark.long
def test_a_dead_and_a_frozen_node_lose_their_claims_to_the_third(stage: Region, hospital: Hospital):
    """What they had on the wire another puts in doubt; awake again, the frozen one works on."""
    first, second, third = stage.nodes
    slow(stage)
    hospital.births(24)
    frozen = catch(stage, third, signal.SIGSTOP)
    caught = frozen | catch(stage, second, signal.SIGSTOP)
    stage.kill(second.name)
    once(lambda: doubted(stage, {first.name}) >= caught, stage, "the doubts", seconds=30)
    quick(stage)
    stage.signal(third, signal.SIGCONT)
    line = hospital.line([third])
    hospital.children.append(newborn())
    line.send(hospital.children[-1].message("A01"))
    line.hang_up()
    settle(stage, 90)
    assert stage.green(third)
    stage.start_node(second)


@pytest.mark.long
def test_a_drained_node_ends_what_it_has_and_takes_nothing_new(stage: Region, hospital: Hospital):
    """Its /health is red, what still reaches it is acknowledged, and the others send it."""
    second = stage.nodes[1]
    config = str(stage.folder / f"{second.name}.yaml")
    stage.icaro("node", "drain", second.name, *WHO, "-c", config)
    once(lambda: set(stage.reasons(second)) == {"node"}, stage, "a red node", seconds=20)
    before = len(stage.evidence())
    line = hospital.line([second])
    for _ in range(4):
        hospital.children.append(newborn())
        line.send(hospital.children[-1].message("A01"))
    line.hang_up()
    settle(stage, 60)
    sent = {e.node for e in stage.evidence()[before:] if e.note.get("to") == "SUBMITTING"}
    assert sent
    assert second.name not in sent
    assert '"state": "drained"' in stage.icaro("node", "list", "--json", "-c", config)
    stage.icaro("node", "resume", second.name, *WHO, "-c", config)
    once(lambda: stage.green(second), stage, "a green node", seconds=20)


@pytest.mark.long
def test_the_standby_takes_over_in_mid_feed(stage: Region, hospital: Hospital, servers: Pair):
    """Nothing acknowledged is lost, the feed goes on within 15 seconds, nobody restarts a node."""
    pids, before = stage.pids(), len(hospital.told)
    slow(stage)
    hospital.births(60)
    once(lambda: len(hospital.told) > before + 10, stage, "a feed", seconds=30)
    # The worst way to go: nothing is refused, nothing answers. And then it wakes up again.
    servers.primary.freeze()
    servers.promote()
    promoted = time.monotonic()
    # What the test itself asks: psycopg alone would take the old primary for as good.
    stage.journal = servers.standby.url("icaro")
    hospital.births(10)
    once(lambda: hospital.told[-1] > promoted, stage, "the feed to go on", seconds=60)
    servers.primary.wake()
    hospital.births(10)
    quick(stage)
    hospital.close()
    first = next(at for at in hospital.told if at > promoted)
    print(f"acknowledged again {first - promoted:.1f} s after the promotion")
    assert first - promoted < WITHIN
    everything_is_done_once(stage, hospital)
    assert overtaken(stage) == []
    assert stage.pids() == pids
    assert all(stage.green(node) for node in stage.nodes)

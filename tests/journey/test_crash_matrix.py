"""The crash matrix: death at every commit and every send of one birth's life, on both databases.

The points are found by an instrument inside the gateway, not by waiting. CI plays a third of them,
another one at each commit of the project; `make crash` plays all.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journey.crash.lanes import Lane, Nursery
from tests.journey.crash.matrix import Played, base, dies, play_all, points, second_lives
from tests.journey.theatre import ROOT

pytestmark = pytest.mark.long

LANES = 3
"""Lives at once: more than cores, since a life waits for its disk and for its clocks."""

SENDS = {
    "acknowledgment #1",
    "acknowledgment #2",
    "acknowledgment #3",
    "registraNascita #1",
    "attribuisciCodiceFiscale #1",
    "iscriviAssistito #1",
    "scegliPediatra #1",
    "rettificaNascita #1",
    "answer #1",
    "A31 #1",
    "A31 #2",
}
"""Everything that leaves in this life, at least; `answer`: to the Comune's callback."""

COMMITS = {
    "schema #1",
    "nothing #1",
    "node.started #1",
    "mappings.adopted #1",
    "message.accepted #3",
    "claimed comune register READY #1",
    "attempt.added comune register 1 #1",
    "attempt.ended comune register Taken #1",
    "callback.stored #1",
    "callback.applied comune register applied #1",
    "attempt.ended pediatra register Accepted #1",
    "attempt.ended comune amend Accepted #1",
    "attempt.ended riscontro register Accepted #1",
}


@pytest.fixture(scope="module")
def lanes(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> Iterator[list[Lane]]:
    """Everything that stays while gateways come and go."""
    nursery = Nursery()
    made: list[Lane] = []
    try:
        for number in range(LANES):
            made.append(Lane(tmp_path_factory.mktemp("crash") / f"lane{number}", pki, nursery))
        made[0].stage.configure()
        nursery.compile(made[0].stage.folder / "icaro.yaml")
        for lane in made:
            lane.start_administrations()
        yield made
    finally:
        nursery.close()
        for lane in made:
            lane.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ready(request: pytest.FixtureRequest, lanes: list[Lane]) -> Iterator[list[Lane]]:
    """The lanes on each database in turn."""
    for lane in lanes:
        lane.on(None)
        if request.param == "postgresql":
            new: Callable[[], str] = request.getfixturevalue("new_database")
            lane.on(new())
    yield lanes
    for lane in lanes:
        lane.on(None)


def share(found: list[list[str]]) -> list[list[str]]:
    """All with ICARO_CRASH=all; else a third, which one the project's commit decides."""
    if os.environ.get("ICARO_CRASH") == "all":
        return found
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    commit = done.stdout.strip() if re.fullmatch("[0-9a-f]{40,64}", done.stdout.strip()) else "0"
    return found[int(commit, 16) % 3 :: 3]


def told(done: list[Played]) -> list[str]:
    """What is wrong, a line each."""
    return [f"{' / '.join(each.deaths)}: {found}" for each in done for found in each.findings]


def test_every_death_ends_in_the_right_state(ready: list[Lane]) -> None:
    """Wherever the gateway dies, it lives again and nothing is lost, doubled, stuck or in doubt."""
    alive = base(ready[0])
    found = points(alive.traces[0])
    for side in ("before", "after"):
        assert {f"{side} send {each}" for each in SENDS} <= set(found)
        assert {f"{side} commit {each}" for each in COMMITS} <= set(found)
    wanted = share([[point] for point in found])
    done = play_all(ready, wanted)
    print(f"{len(done)} of {len(found)} points")
    assert told(done) == []
    assert len(done) == len(wanted)


def test_a_death_while_it_recovers_from_a_death(ready: list[Lane]) -> None:
    """Points that only a second life has, where a doubt is settled: dead there too, all is well."""
    wanted = share(second_lives(ready[0], "after send registraNascita #1"))
    assert wanted
    assert told(play_all(ready, wanted)) == []


@pytest.mark.parametrize(
    ("mutant", "death", "seen"),
    [
        (
            "acknowledges_before_the_commit",
            "before commit message.accepted #1",
            "a message sent 1 times is stored 0 times",
        ),
        (
            "sends_before_the_commit",
            "before commit attempt.added comune register 1 #1",
            "registraNascita reached comune, and was never committed",
        ),
        (
            "asks_under_a_new_operation_id",
            "after send registraNascita #1",
            "comune did ['registraNascita', 'registraNascita'",
        ),
    ],
)
def test_a_broken_promise_is_seen(lanes: list[Lane], mutant: str, death: str, seen: str) -> None:
    """The matrix fails a gateway that breaks one of the promises that it is about."""
    assert any(seen in found for found in dies(lanes[0], [death], mutant).findings)

"""All points of one life, and a life with a death at each: several at once, each on its lane.

The points come from a life without a death, under the same instrument. A point that another life
happens not to pass (two answers came in another order) proves nothing there: it is played again.
"""

from __future__ import annotations

import json
import queue
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.journey.crash.ending import findings
from tests.journey.crash.lanes import Lane
from tests.journey.crash.life import PATIENCE, Life
from tests.journey.crash.probe import NOTHING

TRIES = 6
HURRY = 8.0
"""Seconds for a mutant, from which nothing good is awaited."""


@dataclass(frozen=True)
class Played:
    """What came of the deaths at `deaths`; nothing wrong if `findings` is empty."""

    deaths: tuple[str, ...]
    findings: tuple[str, ...]
    seconds: float
    tries: int


def points(trace: Path) -> list[str]:
    """Every point of a trace, in order. Of the commits that change nothing the first stands for
    all: how many there are, the clock decides.
    """
    passed = [json.loads(line)["point"] for line in trace.read_text().splitlines()]
    return [
        point
        for point in dict.fromkeys(passed)
        if f" {NOTHING} #" not in point or point.endswith(f" {NOTHING} #1")
    ]


def base(lane: Lane) -> Life:
    """The life without a death; it must end well."""
    return _good(Life(lane))


def _good(life: Life) -> Life:
    life.play()
    found = findings(life)
    assert found == [], found
    return life


def second_lives(lane: Lane, death: str) -> list[list[str]]:
    """This death, and each point after it that a life without a death does not have."""
    usual = set(points(base(lane).traces[0]))
    life = _good(Life(lane, [death]))
    return [[death, point] for point in points(life.traces[1]) if point not in usual]


def dies(lane: Lane, deaths: Sequence[str], mutant: str = "") -> Played:
    """A life with these deaths in it, and how it ended."""
    began, tries, passed = time.monotonic(), 0, False
    found: list[str] = []
    while not passed and tries < TRIES:
        tries += 1
        found = _findings_of(Life(lane, deaths, mutant, HURRY if mutant else PATIENCE))
        died = [each for each in lane.nursery.ends(lane.name) if each["code"] == -signal.SIGKILL]
        passed = len(died) == len(deaths)
    if not passed:
        found.append(f"not every point was passed in {tries} lives")
    return Played(tuple(deaths), tuple(found), time.monotonic() - began, tries)


def _findings_of(life: Life) -> list[str]:
    try:
        life.play()
    except (AssertionError, OSError) as error:
        return [f"{type(error).__name__}: {error}", *findings(life)]
    return findings(life)


def play_all(lanes: Sequence[Lane], wanted: Sequence[Sequence[str]]) -> list[Played]:
    """A life for each of `wanted`, as many at once as there are lanes."""
    left: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()
    for deaths in wanted:
        left.put(deaths)

    def work(lane: Lane) -> list[Played]:
        done: list[Played] = []
        while True:
            try:
                deaths = left.get_nowait()
            except queue.Empty:
                return done
            done.append(dies(lane, deaths))

    with ThreadPoolExecutor(len(lanes)) as pool:
        return [each for part in pool.map(work, lanes) for each in part]

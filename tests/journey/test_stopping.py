"""A node that is told to stop: in mid-call, and at every moment of its start.

Within its grace, with exit status 0, and what it had begun is settled by the next start: nothing
lost, nothing twice.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.demo.hospital import ReturnFeed
from gateway.demo.stage import ADMINISTRATIONS
from gateway.hl7.acknowledgment import Verdict
from gateway.hl7.message import Message
from gateway.lifecycle import Status
from tests.journey.born import BornTheatre, bearing
from tests.journey.crash.lanes import Nursery
from tests.journey.theatre import (
    STEPS,
    end,
    furnish,
    journal,
    newborn,
    once,
    send,
    settle,
    submissions,
)

pytestmark = pytest.mark.journey

GRACE = 1
QUICK = (
    f"{{concurrency: 8, poll: 250 ms, lease: 20 s, settle: 1 ms, grace: {GRACE} s, "
    "retry: {first: 300 ms, factor: 1.5, ceiling: 3 s, jitter: 0.2}}"
)
PATIENCE = 60
"""Seconds for which an answer is waited for, unless the gateway must go."""
SOON = 20.0
"""Seconds that a stop may take on a machine that does other things."""


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> Iterator[Nursery]:
    """Bears every process of these journeys."""
    folder = tmp_path_factory.mktemp("pattern") / "stage"
    with bearing(lambda nursery: BornTheatre(folder, nursery=nursery), pki) as made:
        yield made


@pytest.fixture
def stage(tmp_path: Path, pki: Path, nursery: Nursery) -> Iterator[BornTheatre]:
    """Laid out; nothing runs. Its gateway has a short grace."""
    made = furnish(BornTheatre(tmp_path / "stage", nursery=nursery, delivery=QUICK), pki)
    for name in ("icaro.yaml", "partners.yaml"):
        text = (made.folder / name).read_text()
        (made.folder / name).write_text(re.sub(r"timeout: \d+ s", f"timeout: {PATIENCE} s", text))
    yield made
    end(made)


@pytest.fixture
def awake(stage: BornTheatre) -> Iterator[threading.Event]:
    """The hospital answers what comes back to it only while this is set."""
    answers = threading.Event()

    def answer(_: Message) -> Verdict:
        answers.wait()
        return Verdict.ACCEPTED

    feed = ReturnFeed(stage.return_feed, answer)
    answers.set()
    yield answers
    answers.set()
    feed.close()


def ended(stage: BornTheatre) -> tuple[int, float]:
    """SIGTERM to the gateway: its exit status, and how many seconds it took."""
    process, began = stage.processes.pop("gateway"), time.monotonic()
    process.terminate()
    return process.wait(30), time.monotonic() - began


def statuses(stage: BornTheatre, step: str) -> set[Status]:
    """Where the submissions of a step stand."""
    return {row.status for row in submissions(stage) if row.step == step}


def log(stage: BornTheatre) -> str:
    """What the gateways said."""
    return (stage.folder / "logs" / "gateway.log").read_text()


def notes(stage: BornTheatre, step: str) -> list[str | None]:
    """What is noted of the attempts of a step, in their order."""
    with journal(stage) as view:
        rows = [row for row in view.submissions() if row.step == step]
        return [each.note for row in rows for each in view.attempts(row.id)]


def test_who_hangs_holds_no_node_beyond_its_grace(
    stage: BornTheatre, awake: threading.Event
) -> None:
    """What the Comune and the hospital have not answered is in doubt; then each has it once."""
    for name in ADMINISTRATIONS:
        stage.start_administration(name)
    stage.start_gateway()
    day = {"name": "slow", "times": 1, "options": {"seconds": 2 * PATIENCE}}
    stage.control("comune", "POST", "/bad-day", day)
    awake.clear()
    assert send(stage, newborn().message("A01")) == "AA"
    once(lambda: len(stage.effects("comune")) == 1, stage, "the Comune to have it")
    once(lambda: statuses(stage, "pediatra") == {Status.ACCEPTED}, stage, "the others to answer")
    once(lambda: Status.SUBMITTING in statuses(stage, "riscontro"), stage, "an A31 on its way")
    status, seconds = ended(stage)
    assert status == 0
    assert GRACE <= seconds < SOON
    assert "event=hung_up count=2" in log(stage)
    assert statuses(stage, "comune") == {Status.IN_DOUBT}
    assert notes(stage, "comune") == ["hung up before the answer"]
    assert Status.SUBMITTING not in statuses(stage, "riscontro")
    awake.set()
    stage.start_gateway()
    settle(stage)
    done = {name: [each["operation"] for each in stage.effects(name)] for name in ADMINISTRATIONS}
    assert done == {name: list(steps) for name, steps in STEPS.items()}


def test_nothing_on_its_way_ends_at_once(stage: BornTheatre) -> None:
    """An idle node does not wait for its grace, nor for a hospital that stays connected."""
    stage.start_gateway()
    status, seconds = ended(stage)
    assert status == 0
    assert seconds < SOON
    assert "hung_up" not in log(stage)


def start_and_tell(stage: BornTheatre, point: str | None) -> tuple[int, list[str]]:
    """A start on a fresh journal, told to stop at this point: exit status, points it passed."""
    number = stage.borne = stage.borne + 1
    stage.journal = f"sqlite:///journals/{number}.db"
    stage.configure()
    traces, said = stage.folder / f"trace{number}", stage.folder / f"{number}.log"
    said.touch()
    verb, name = ["run", "-c", str(stage.folder / "icaro.yaml")], str(said)
    deaths = [] if point is None else [point]
    stage.nursery.start(name, verb, said, traces=str(traces), deaths=deaths, told=True)
    if point is None:
        once(lambda: "event=started" in said.read_text(), stage, "the start")
        stage.nursery.end(name)
    assert stage.nursery.dead(name, SOON), point
    lines = Path(f"{traces}.1").read_text().splitlines()
    return stage.nursery.ends(name)[0]["code"], [json.loads(line)["point"] for line in lines]


def test_a_signal_at_any_moment_of_the_start_is_an_end_in_order(stage: BornTheatre) -> None:
    """At every commit of the start and every line of its log: exit status 0, no error, no wait."""
    status, points = start_and_tell(stage, None)
    assert status == 0
    start = points[: points.index("after log started #1") + 1]
    assert {"before log listening #1", "after commit node.started #1"} <= set(start)
    print(start)
    for point in start:
        status, passed = start_and_tell(stage, point)
        said = (stage.folder / f"{stage.borne}.log").read_text()
        assert (point, status) == (point, 0), said
        assert point in passed
        assert "error" not in said
        assert "Traceback" not in said


def test_a_signal_before_the_program_is_read_is_an_end_too(stage: BornTheatre) -> None:
    """Whether Python or the gateway hears it: it ends, without a word of an error."""
    command = [sys.executable, "-m", "gateway.cli", "run", "-c", str(stage.folder / "icaro.yaml")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode in (0, -signal.SIGTERM)
    assert said == b""

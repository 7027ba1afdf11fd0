"""Each promise, broken on purpose: the checker sees it, and sees nothing where it is kept.

One short scripted scenario a promise, run by the gateway as it is and by a mutant of it. Each has
a folder, processes, children and a book of its own; a few are played at once.
"""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.region import Family, Region
from gateway.demo.stage import ADMINISTRATIONS
from gateway.errors import StageError
from gateway.lifecycle import Status
from gateway.soap.profile import MODI
from tests.chaos.checker import Left, check
from tests.chaos.clerk import Clerk
from tests.chaos.deployment import DELIVERY, Deployment
from tests.chaos.faults import Faults
from tests.chaos.hospital import Hospital
from tests.journey.born import Borne, bearing
from tests.journey.crash.lanes import Nursery
from tests.journey.theatre import end, furnish, sql, submissions

KINDS = {"comune": "neither", "agenzia_entrate": "idempotent", "asl": "can_be_asked"}
TOLERANCE = timedelta(seconds=MODI.tolerance + 0.5)
"""After Expires nobody accepts the original: here all clocks are right."""
LANES = 3
"""Scenarios at once."""
WITHIN = 300.0
"""Seconds in which all of them have ended, whatever goes wrong."""
MISTAKES = tuple(f"error={each}" for each in ("TypeError", "AttributeError", "NameError"))
DONE = {Status.ACCEPTED, Status.REPLACED, Status.WITHDRAWN}


@dataclass
class BornDeployment(Borne, Deployment):
    """A region whose processes a nursery bears."""

    nursery: Nursery = field(kw_only=True)

    def is_healthy(self, number: int) -> bool:
        """Raises StageError where the node has ended: there is nothing to wait for."""
        if self.processes[self.node(number)].poll() is not None:
            raise StageError(f"node {number} ended")
        return super().is_healthy(number)


class Scene:
    """A deployment in which one scenario is played."""

    def __init__(self, stage: BornDeployment, seed: int) -> None:
        self.stage = stage
        self.region = Region(seed, datetime.now())
        self.hospital: Hospital | None = None
        self.clerk: Clerk | None = None

    def begin(self) -> None:
        """Everything starts; the person too."""
        for name in ADMINISTRATIONS:
            self.stage.start_administration(name)
        self.stage.start_gateway()
        self.hospital = Hospital(
            self.stage.links["hospital"].port, self.stage.folder, lines=1, patience=1.5
        )

    def send(self, title: str = "single birth") -> Family:
        """A family is sent."""
        family = self.region.family(title)
        assert self.hospital is not None
        self.hospital.send(family)
        return family

    def until(self, condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
        """Wait for a moment of the scenario."""
        self.stage.wait_for(condition, what, seconds=seconds / self.stage.patience)

    def effects(self, administration: str) -> int:
        """How many there are."""
        return len(self.stage.effects(administration))

    def asked(self, word: str) -> bool:
        """Whether the book has this."""
        return f'"{word}"' in (self.stage.folder / "hospital" / "book.jsonl").read_text()

    def broken(self, rest: float) -> list[str]:
        """Come to rest, for so long at most, end everything, and check."""
        assert self.hospital is not None
        self.clerk = Clerk(self.stage, TOLERANCE)
        self.clerk.start()
        self.hospital.close(rest)
        with suppress(StageError):
            self.until(self._at_rest, "rest", rest)
        self.end()
        return check(Left.by(self.stage, KINDS))

    def end(self) -> None:
        """Everybody goes home, however far it came."""
        if self.clerk is not None:
            self.clerk.stop()
        if self.hospital is not None:
            self.hospital.close(0)
        end(self.stage)

    def _at_rest(self) -> bool:
        rows = submissions(self.stage)
        return bool(rows) and all(
            row.status in DONE or (row.status is Status.WAITING and row.reason == "CHOICE")
            for row in rows
        )


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> Iterator[Nursery]:
    """Bears every process of these scenarios."""
    folder = tmp_path_factory.mktemp("pattern") / "stage"
    with bearing(lambda nursery: BornDeployment(folder, nursery=nursery), pki) as made:
        yield made


@pytest.fixture(scope="module")
def plays(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, nursery: Nursery
) -> Iterator[Mapping[str, Future[list[str]]]]:
    """Every test's scenario, some at once, for most of each is waiting: the broken promises."""
    certs: Path = request.getfixturevalue("pki")
    tests = [each for each in request.session.items if each.path == request.path]
    with ThreadPoolExecutor(LANES) as pool:
        futures = {}
        for each in tests:
            name, mutant = each.callspec.params["name"], "keeps" not in each.name  # type: ignore[attr-defined]  # all are parametrized
            folder = tmp_path_factory.mktemp(name) / "stage"
            futures[each.name] = pool.submit(played, name, mutant, folder, certs, nursery)
        yield futures
        pool.shutdown(cancel_futures=True)


def full_disk(scene: Scene) -> None:
    """Messages come while nothing can be written."""
    faults = Faults(scene.stage, random.Random(1))
    scene.send("a bed move")
    scene.until(lambda: scene.asked("acknowledged"), "the first message")
    scene.send()
    scene.send()
    faults.inject("disk full")


def no_fsync(scene: Scene) -> None:
    """Messages come while no sync succeeds."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    faults = Faults(scene.stage, random.Random(1))
    scene.send()
    for _ in range(150):
        scene.send("no birth")
    scene.until(lambda: scene.asked("acknowledged"), "the first message")
    faults.inject("fsync error")


def death_on_the_wire(scene: Scene) -> None:
    """The node dies when the Comune has the document and has not answered."""
    day = {"name": "slow", "times": 1, "options": {"seconds": 20}}
    scene.stage.control("comune", "POST", "/bad-day", day)
    scene.send()
    scene.until(lambda: scene.effects("comune") == 1, "the Comune to have it")
    scene.stage.kill("gateway")
    scene.stage.start_gateway()


def lost_answer(scene: Scene) -> None:
    """The answer of an idempotent partner is lost: the same goes again."""
    day = {"name": "drop_after_storing", "times": 1}
    scene.stage.control("agenzia_entrate", "POST", "/bad-day", day)
    scene.send()


def lost_acknowledgment(scene: Scene) -> None:
    """The hospital hears nothing, the node dies, and the same message comes again."""
    scene.stage.links["hospital"].swallows = True
    scene.send()
    scene.until(lambda: bool(_messages(scene)), "the message to be stored")
    scene.stage.kill("gateway")
    scene.stage.links["hospital"].swallows = False
    scene.stage.start_gateway()


def late_original(scene: Scene) -> None:
    """What was sent lies in the network while the gateway has long given up waiting."""
    link = scene.stage.links["asl"]
    link.gate.clear()
    scene.send()
    scene.until(lambda: link.held >= 1, "the document to be on its way")
    before = link.held

    def asked_or_four_seconds() -> bool:
        return scene.effects("asl") > 0 or link.held > before or bool(_asked(scene))

    with suppress(StageError):
        scene.until(asked_or_four_seconds, "a question", 4.5)
    link.gate.set()


def frozen_node(scene: Scene) -> None:
    """A node stops between a claim and what it would send; another takes over; it comes back."""
    mark = scene.stage.folder / "frozen"
    scene.send()
    scene.until(mark.exists, "a node to stop")
    scene.until(lambda: scene.effects("comune") == 1, "the other node to send it", 20)
    for number in scene.stage.ports:
        scene.stage.processes[scene.stage.node(number)].send_signal(signal.SIGCONT)
    with suppress(StageError):
        scene.until(lambda: scene.effects("comune") > 1, "it to send too", 3)


def _messages(scene: Scene) -> list[tuple[object, ...]]:
    return sql(scene.stage, "SELECT id FROM messages")


def _asked(scene: Scene) -> list[tuple[object, ...]]:
    return sql(scene.stage, "SELECT seq FROM evidence WHERE what = 'submission.asked'")


SCENARIOS = {
    "acknowledge_before_commit": (full_disk, "was acknowledged"),
    "send_before_commit": (death_on_the_wire, "comune did"),
    "new_operation_id": (lost_answer, "codice_fiscale: registered 2 times"),
    "no_fence": (frozen_node, " times"),
    "filter_in_memory": (lost_acknowledgment, "stored 2 times"),
    "no_sync": (no_fsync, "was acknowledged during: fsync error"),
    "hasty_doubt": (late_original, "could still be accepted"),
}
"""Mutant → what happens, and a piece of what the checker must say."""


def played(name: str, mutant: bool, folder: Path, certs: Path, nursery: Nursery) -> list[str]:
    """A scenario's broken promises, in a folder of its own."""
    play, _ = SCENARIOS[name]
    changes, fields = [name] if mutant else [], dict[str, Any]()
    if play is frozen_node:
        changes.append("frozen_with_a_claim")
        frozen = {"ICARO_FROZEN": str(folder / "frozen")}
        fields = {"nodes": 2, "environment": frozen, "delivery": DELIVERY.replace("5 s", "2 s")}
    fields |= {"idempotence": KINDS, "mutant": ",".join(changes)}
    stage = furnish(BornDeployment(folder, nursery=nursery, **fields), certs)
    scene = Scene(stage, seed=len(changes))
    try:
        scene.begin()
        play(scene)
        found = scene.broken(4 if mutant else 40)
    finally:
        scene.end()
    assert stumbles(folder) == [], "not the promise is broken, but the gateway itself"
    return found


def stumbles(folder: Path) -> list[str]:
    """Errors in a gateway's log that only a mistake in its code makes."""
    lines = [line for log in folder.glob("logs/*.log") for line in log.read_text().splitlines()]
    return [line for line in lines if line.endswith(MISTAKES)]


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_checker_sees_the_broken_promise(
    plays: Mapping[str, Future[list[str]]], name: str, request: pytest.FixtureRequest
) -> None:
    """A gateway that breaks this promise does not pass."""
    found = plays[request.node.name].result(WITHIN)
    assert [each for each in found if SCENARIOS[name][1] in each], found


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_gateway_keeps_the_promise(
    plays: Mapping[str, Future[list[str]]], name: str, request: pytest.FixtureRequest
) -> None:
    """The same happens to the gateway as it is, and nothing is broken."""
    assert plays[request.node.name].result(WITHIN) == []

"""Several nodes on one PostgreSQL, and a hospital that sends to whichever of them answers.

Every node is an `icaro run` of its own, with its own name and ports. The hospital does what one
behind a balancer does: what it reads no AA of, it sends again, to the next node.
"""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, islice, pairwise
from pathlib import Path
from threading import Event
from typing import Any

from gateway.demo.hospital import Feed, ReturnFeed, read
from gateway.demo.people import Child
from gateway.demo.ports import HOST, free_port
from gateway.demo.stage import ADMINISTRATIONS
from gateway.errors import StageError
from gateway.journal import EvidenceRow
from gateway.lifecycle import FINAL
from tests.journey.lines import Lines
from tests.journey.theatre import Theatre, end, furnish, journal

DELIVERY = (
    "{concurrency: 8, poll: 1 s, lease: 5 s, settle: 1 ms, "
    "retry: {first: 300 ms, factor: 1.5, ceiling: 3 s, jitter: 0.2}}"
)
"""A poll so slow that promptness is NOTIFY's; a lease so short that a test can wait for its end."""


@dataclass(frozen=True)
class Node:
    """One `icaro run`: its name and its ports."""

    name: str
    mllp: int = field(default_factory=free_port)
    http: int = field(default_factory=free_port)
    callbacks: int = field(default_factory=free_port)


@dataclass
class Region(Theatre):
    """A stage whose gateway is several nodes."""

    delivery: str = DELIVERY
    size: int = 3
    nodes: list[Node] = field(default_factory=list)

    def configure(self) -> None:
        """A file of settings for each node; that of the first is icaro.yaml too."""
        super().configure()
        text = (self.folder / "icaro.yaml").read_text(encoding="utf-8")
        self.nodes = [Node("icaro-1", self.mllp, self.http, self.callbacks)]
        self.nodes += [Node(f"icaro-{number}") for number in range(2, self.size + 1)]
        for node in self.nodes:
            own = text.replace("node: icaro-1", f"node: {node.name}")
            for name in ("mllp", "http", "callbacks"):
                mine, its = getattr(self, name), getattr(node, name)
                own = own.replace(f"{HOST}:{mine}'", f"{HOST}:{its}'")
            (self.folder / f"{node.name}.yaml").write_text(own, encoding="utf-8")

    def start_node(self, node: Node) -> None:
        """`icaro run`, and wait until it is green."""
        self._start(node.name, "run", "-c", str(self.folder / f"{node.name}.yaml"))
        self.wait_for(lambda: self.green(node), f"{node.name} to be green", seconds=90)

    def green(self, node: Node) -> bool:
        """Whether a node's /health is; raises StageError if it ended."""
        if self.processes[node.name].poll() is not None:
            raise StageError(f"{node.name} ended")
        return not self.reasons(node)

    def reasons(self, node: Node) -> dict[str, Any]:
        """What /health finds wrong."""
        url = f"http://{HOST}:{node.http}/health"
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                told = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                told = json.loads(error.read())
        except OSError as error:
            return {"http": type(error).__name__}
        return {name: each["reason"] for name, each in told["checks"].items() if not each["ok"]}

    def signal(self, node: Node, number: signal.Signals) -> None:
        """SIGSTOP freezes a node, SIGCONT wakes it."""
        self.processes[node.name].send_signal(number)

    def close(self) -> None:
        """End the nodes, then all else."""
        for node in self.nodes:
            if node.name in self.processes:
                self.signal(node, signal.SIGCONT)
                self.stop(node.name)
        super().close()

    def evidence(self) -> list[EvidenceRow]:
        """All of it, the newest first."""
        with journal(self) as view:
            return view.evidence(limit=100_000)

    def pids(self) -> dict[str, int]:
        """The process of every node."""
        return {node.name: self.processes[node.name].pid for node in self.nodes}


@contextmanager
def region(folder: Path, certs: Path, database: str, **options: Any) -> Iterator[Region]:
    """Nodes and administrations, all running; `options` are fields of Region."""
    stage = furnish(Region(folder, journal=database, patience=2.0, **options), certs)
    stage.back = ReturnFeed(stage.return_feed)
    try:
        with ThreadPoolExecutor(4) as pool:
            started = [pool.submit(stage.start_administration, name) for name in ADMINISTRATIONS]
            started.append(pool.submit(stage.start_node, stage.nodes[0]))
            for each in started:
                each.result(200)
            others = [pool.submit(stage.start_node, node) for node in stage.nodes[1:]]
            for each in others:
                each.result(200)
        yield stage
    finally:
        end(stage)
        stage.back.close()


class Line:
    """One connection of the hospital; `acknowledged` gets the moment of every AA."""

    def __init__(
        self, nodes: Sequence[Node], sent: Counter[str], told: list[float], gone: Event
    ) -> None:
        self._gone = gone
        self._nodes = cycle(nodes)
        self._sent = sent
        self._told = told
        self._feed: Feed | None = None

    def send(self, payload: bytes, patience: float = 90.0) -> None:
        """Until it is taken: AA. Another node each time it is not."""
        until = time.monotonic() + patience
        while not self._taken(payload):
            assert time.monotonic() < until, "nobody takes it"
            assert not self._gone.is_set(), "the test is over"
            self.hang_up()
            time.sleep(0.05)
        self._told.append(time.monotonic())

    def hang_up(self) -> None:
        """The next message goes to the next node."""
        if self._feed is not None:
            self._feed.close()
        self._feed = None

    def _taken(self, payload: bytes) -> bool:
        self._feed = self._feed or Feed(next(self._nodes).mllp, timeout=5)
        try:
            self._feed._connected()
            self._sent[payload.split(b"|", 10)[9].decode()] += 1
            reply = read(self._feed._exchange(payload))
        except OSError:
            return False
        return reply is not None and reply.code == "AA"


class Hospital(Lines):
    """Lines with a thread each; every third child is corrected at once, at another node."""

    def __init__(self, nodes: Sequence[Node], lines: int = 6) -> None:
        super().__init__()
        self.told: list[float] = []
        self._gone = Event()
        turns = [islice(cycle(nodes), first, first + len(nodes)) for first in range(lines)]
        self.open([partial(_tell, self.line(list(turn))) for turn in turns])

    def line(self, nodes: Sequence[Node]) -> Line:
        """One more connection, for the test itself."""
        return Line(nodes, self.sent, self.told, self._gone)

    def leave(self) -> None:
        """The test is over, however it ended: hang up."""
        self._gone.set()
        super().leave()


def _tell(line: Line, births: Iterator[Child]) -> None:
    try:
        for child in births:
            line.send(child.message("A01"))
            if int(child.identifier[1:]) % 3 == 0:
                line.hang_up()
                line.send(child.message("A08", weight=3999))
    finally:
        line.hang_up()


def overtaken(stage: Theatre) -> list[str]:
    """The submissions that were tried before an earlier one of their case and step was final."""
    found = []
    with journal(stage) as view:
        rows = sorted(view.submissions(limit=100_000), key=lambda r: (r.case_id, r.step, r.seq))
        for earlier, later in pairwise(rows):
            if (earlier.case_id, earlier.step) != (later.case_id, later.step):
                continue
            tries = view.attempts(later.id)
            if tries and (earlier.status not in FINAL or earlier.updated_at > tries[0].created_at):
                found.append(f"{later.step} {later.seq}")
    return found

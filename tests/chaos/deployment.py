"""A region under test: nodes, administrations of all three kinds, a link of ours between any two.

Stands on the journeys' theatre. The hospital reaches the nodes through one link that balances, as
the administrations' callbacks do; the nodes reach each administration, and PostgreSQL, through
links of their own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

from gateway.demo.ports import HOST, free_port
from gateway.demo.stage import ADMINISTRATIONS, is_green
from gateway.errors import StageError
from tests.chaos.link import Link
from tests.journey.theatre import Theatre

INSIDE = Path(__file__).parent / "inside"

SENDERS = "\n".join(
    f"""\
  - name: {name}
    application: HIS
    facility: {facility}
    profile: {profile}
    facts: {{comune: '015146', struttura: '030001', nome: {name.title()}, asl: '321'}}"""
    for name, facility, profile in (
        ("santa-prova", "SANTA_PROVA", "default"),
        ("san-dialetto", "SAN_DIALETTO", "dialect_nnita"),
    )
)
SENDERS += (
    "\n  - {name: laboratorio, application: LIS, facility: SANTA_PROVA, cases_of: santa-prova}"
)
HOLD = 2.0
"""Seconds of embargo, from the opening of the case, on the choice of the paediatrician."""
DELIVERY = (
    "{concurrency: 8, poll: 250 ms, lease: 5 s, settle: 1 ms, "
    "retry: {first: 200 ms, factor: 1.5, ceiling: 2 s, jitter: 0.2, max_attempts: 500}}"
)
OPTIONS = {
    "idempotent": (),
    "can_be_asked": ("--no-idempotence",),
    "neither": ("--no-idempotence", "--no-query"),
}
"""Kind of partner → how its simulator is started, so that a blind double is done twice."""


PLACES = 100_000
"""More than any run has children: a paediatrician whose list is full is no fault to be injected."""


@dataclass
class Deployment(Theatre):
    """`nodes`: how many; `ttl`: seconds in which an envelope lives, here shorter than in life.

    `servers`: the ports of the PostgreSQL servers, which each node reaches through its own links.
    """

    senders: str = SENDERS
    delivery: str = DELIVERY
    nodes: int = 1
    servers: tuple[int, ...] = ()
    ttl: int = 6
    mutant: str = ""
    patience: float = 2.0
    links: dict[str, Link] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Ports and links; nothing runs."""
        super().__post_init__()
        self.ports = {1: (self.mllp, self.http, self.callbacks)}
        for number in range(2, self.nodes + 1):
            self.ports[number] = (free_port(), free_port(), free_port())
        self.links = {name: self._to(name) for name in ADMINISTRATIONS}
        self.links["hospital"] = Link(lambda: [ports[0] for ports in self._living()])
        self.links["callbacks"] = Link(lambda: [ports[2] for ports in self._living()])
        self.databases = {n: [_fixed(port) for port in self.servers] for n in self.ports}

    @property
    def ways(self) -> dict[str, list[Link]]:
        """Every way between two parts, by name, with its links."""
        found = {name: [link] for name, link in self.links.items()}
        for number, links in self.databases.items():
            if links:
                found[f"database of {self.node(number)}"] = links
        return found

    def _to(self, name: str) -> Link:
        return Link(lambda: [self.services[name]])

    def _living(self) -> list[tuple[int, int, int]]:
        """Another node first each time, as a balancer does it."""
        every = list(self.ports.values())
        first = int(time.monotonic() * 10) % len(every)
        return every[first:] + every[:first]

    def node(self, number: int) -> str:
        """The process name of a node."""
        return "gateway" if number == 1 else f"gateway-{number}"

    def clock(self, number: int) -> Path:
        """The file that says by how many seconds a node's clock is off."""
        return self.folder / f"clock-{number}"

    def witness(self, number: int) -> Path:
        """The file outside the database into which a node writes what it signed."""
        return self.folder / f"checkpoints-{number}"

    def configure(self) -> None:
        """A configuration a node, and partners reached through their links."""
        super().configure()
        self._hold()
        text = (self.folder / "icaro.yaml").read_text("utf-8")
        for number, ports in self.ports.items():
            own = text.replace("node: icaro-1", f"node: icaro-{number}")
            own = own.replace(f"url: {self.journal}\n", f"url: {self._journal(number)}\n")
            witness = f"\n  checkpoints_file: {self.witness(number).name}\ncerts:"
            own = own.replace("\ncerts:", witness, 1)
            for first, port in zip(self.ports[1], ports, strict=True):
                own = own.replace(f"{HOST}:{first}'", f"{HOST}:{port}'")
            self.yaml(number).write_text(own, "utf-8")

    def _hold(self) -> None:
        flow, needs = self.folder / "mappings" / "nascita.flow.yaml", "    needs: [assistito]\n"
        shipped = flow.read_text("utf-8")
        if f"{needs}    hold:" not in shipped:
            flow.write_text(shipped.replace(needs, f"{needs}    hold: {HOLD:g} s\n"), "utf-8")

    def _journal(self, number: int) -> str:
        """Where a node finds the journal."""
        url = self.journal
        for port, link in zip(self.servers, self.databases[number], strict=True):
            url = url.replace(f":{port}", f":{link.port}")
        return url

    def yaml(self, number: int) -> Path:
        """The configuration of a node."""
        return self.folder / ("icaro.yaml" if number == 1 else f"icaro-{number}.yaml")

    def _section(self, name: str) -> str:
        text = super()._section(name).replace("timeout: 10 s", "timeout: 2 s")
        text = text.replace("circuit: {failures: 5,", "circuit: {failures: 20,")
        return text.replace(f":{self.services[name]}/", f":{self.links[name].port}/")

    def start_administration(self, name: str, *options: str) -> None:
        """As it is, with its callbacks through a link, and the kind that it has."""
        direct, self.callbacks = self.callbacks, self.links["callbacks"].port
        try:
            kind = self.idempotence.get(name, "idempotent")
            more = ("--places", str(PLACES)) if name == "asl" else ()
            super().start_administration(name, *OPTIONS[kind], *more, *options)
        finally:
            self.callbacks = direct

    def start_gateway(self) -> None:
        """Every node, the others once the first has made what they share."""
        self.start_node(1)
        for number in self.ports:
            if number > 1:
                self.start_node(number, waits=False)
        for number in self.ports:
            self.wait_for(partial(self.is_healthy, number), f"node {number}", seconds=60)

    def start_node(self, number: int, *, waits: bool = True) -> None:
        """One node, with what it is changed by from inside; until it is healthy."""
        changes = f"ttl={self.ttl};clock={self.clock(number)}"
        changes += f";mutant={self.mutant}" if self.mutant else ""
        path = os.pathsep.join([str(INSIDE), os.environ.get("PYTHONPATH", "")])
        before = self.environment
        self.environment = {**before, "ICARO_CHAOS": changes, "PYTHONPATH": path}
        try:
            self._start(self.node(number), "run", "-c", str(self.yaml(number)))
        finally:
            self.environment = before
        if waits:
            self.wait_for(lambda: self.is_healthy(number), f"node {number}", seconds=60)

    def bring_back(self, number: int) -> None:
        """Wait until a node that begins anew is healthy; start it again wherever it gave up."""

        def back() -> bool:
            if self.processes[self.node(number)].poll() is not None:
                self.start_node(number, waits=False)  # as its supervisor does it
            return self.is_healthy(number)

        self.wait_for(back, f"node {number} to come back", seconds=60)

    def all_running(self) -> None:
        """Raises StageError if a node has ended that nobody killed."""
        for number in self.ports:
            code = self.processes[self.node(number)].poll()
            if code is not None:
                raise StageError(f"node {number} ended by itself, with {code}")

    def is_healthy(self, number: int) -> bool:
        """Whether a node's /health is green."""
        return is_green(self.ports[number][1])

    def mend(self) -> None:
        """Every link as before."""
        for link in chain(*self.ways.values()):
            link.mend()

    def close(self) -> None:
        """End everything that was started here."""
        self.mend()
        for name in list(self.processes):
            self.stop(name)
        for link in chain(*self.ways.values()):
            link.close()


def _fixed(port: int) -> Link:
    return Link(lambda: [port])


def kinds(rotation: int) -> Mapping[str, str]:
    """Which administration is of which kind: each is of each."""
    turns = (
        ("neither", "idempotent", "can_be_asked"),
        ("idempotent", "neither", "can_be_asked"),
        ("can_be_asked", "idempotent", "neither"),
        ("neither", "can_be_asked", "idempotent"),
    )
    return dict(zip(ADMINISTRATIONS, turns[rotation % len(turns)], strict=True))

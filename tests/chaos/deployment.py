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
from pathlib import Path

from gateway.demo.stage import ADMINISTRATIONS, HOST, free_port, is_green
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


@dataclass
class Deployment(Theatre):
    """`nodes`: how many; `ttl`: seconds in which an envelope lives, here shorter than in life."""

    senders: str = SENDERS
    delivery: str = DELIVERY
    nodes: int = 1
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

    def configure(self) -> None:
        """A configuration a node, and partners reached through their links."""
        super().configure()
        self._hold()
        text = (self.folder / "icaro.yaml").read_text("utf-8")
        for number, ports in self.ports.items():
            own = text.replace("node: icaro-1", f"node: icaro-{number}")
            for first, port in zip(self.ports[1], ports, strict=True):
                own = own.replace(f"{HOST}:{first}'", f"{HOST}:{port}'")
            self.yaml(number).write_text(own, "utf-8")

    def _hold(self) -> None:
        flow, needs = self.folder / "mappings" / "nascita.flow.yaml", "    needs: [assistito]\n"
        shipped = flow.read_text("utf-8")
        if f"{needs}    hold:" not in shipped:
            flow.write_text(shipped.replace(needs, f"{needs}    hold: {HOLD:g} s\n"), "utf-8")

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
            super().start_administration(name, *OPTIONS[kind], *options)
        finally:
            self.callbacks = direct

    def start_gateway(self) -> None:
        """Every node."""
        for number in self.ports:
            self.start_node(number)

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

    def is_healthy(self, number: int) -> bool:
        """Whether a node's /health is green."""
        return is_green(self.ports[number][1])

    def mend(self) -> None:
        """Every link as before."""
        for link in self.links.values():
            link.mend()

    def close(self) -> None:
        """End everything that was started here."""
        self.mend()
        for name in list(self.processes):
            self.stop(name)
        for link in self.links.values():
            link.close()


def kinds(rotation: int) -> Mapping[str, str]:
    """Which administration is of which kind: each is of each."""
    turns = (
        ("neither", "idempotent", "can_be_asked"),
        ("idempotent", "neither", "can_be_asked"),
        ("can_be_asked", "idempotent", "neither"),
        ("neither", "can_be_asked", "idempotent"),
    )
    return dict(zip(ADMINISTRATIONS, turns[rotation % len(turns)], strict=True))

"""Faults, each by its name: injected, lasting a while, mended. A seed says which and when.

Every fault is written into `faults.jsonl` with its times. `whole`: nothing of this deployment
could reach the disk meanwhile.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from adapters.simulation.bad_days import CATALOGUE, Bites
from gateway.demo.stage import ADMINISTRATIONS
from tests.chaos.clerk import WHIMS
from tests.chaos.deployment import Deployment
from tests.postgres import Cluster

BAD_DAYS: tuple[dict[str, Any], ...] = (
    {"name": "slow", "options": {"seconds": 0.8}},
    {"name": "slow", "options": {"seconds": 4}},
    {"name": "refuse", "options": {}},
    {"name": "fault_after_storing"},
    {"name": "fault_after_storing", "options": {"before": True}},
    {"name": "drop_after_storing"},
    {"name": "drop_after_storing", "options": {"before": True}},
    {"name": "garbage"},
    *({"name": "wrong_signature", "options": {"how": how}} for how in ("body", "foreign")),
    {"name": "unsigned_fault"},
    {"name": "outage"},
    {"name": "outage", "options": {"how": "http"}},
    {"name": "outage", "options": {"how": "http", "retry_after": "1"}},
    {"name": "refuse_connections"},
    {"name": "expired_certificate", "options": {}},
    {"name": "other_host", "options": {}},
    {"name": "several_candidates"},
    {"name": "already_known"},
    {"name": "provisional"},
    {"name": "answer_later"},
    {"name": "answer_later", "options": {"after": None}},
    {"name": "callback_twice"},
    {"name": "callback_before_reply"},
    {"name": "html"},
    {"name": "http_500"},
    {"name": "empty"},
    {"name": "endless"},
)
OF_THE_CODE = ("several_candidates", "already_known", "provisional")
"""Of Agenzia delle Entrate alone."""
PORTS = {name for name, kind in CATALOGUE.items() if kind.bites is Bites.LISTENER}
"""These last until they are switched off."""


class Faults:
    """The faults that this deployment can have. `cluster`: its PostgreSQL, if that is its journal.

    `fail_over`: does one, if the deployment has a standby.
    """

    def __init__(
        self,
        stage: Deployment,
        chance: random.Random,
        cluster: Cluster | None = None,
        fail_over: Callable[[], None] | None = None,
    ) -> None:
        self.stage, self.chance, self.cluster = stage, chance, cluster
        self.done: Counter[str] = Counter()
        self.bad_days: Counter[str] = Counter()
        self._days = self._turns()
        self._fail_over = fail_over
        self.kinds: dict[str, Callable[[], None]] = {
            "kill -9 of a node": self._kill,
            "kill -9 of an administration": self._kill_administration,
            "freeze of a node": self._freeze,
            "freeze of an administration": self._freeze_administration,
            "network cut": self._cut,
            "network delay": self._delay,
            "disk full": self._disk_full,
            "fsync error": self._fsync,
            "clock step": self._clock,
        }
        if cluster is not None:
            self.kinds["database restart"] = self._restart
        if fail_over is not None:
            self.kinds["fail-over"] = fail_over

    def plan(self) -> Iterator[str]:
        """Every kind once, in an order by chance; then again."""
        names = list(self.kinds)
        while True:
            self.chance.shuffle(names)
            yield from names

    def inject(self, kind: str) -> None:
        """One fault, from its beginning to its end."""
        self.kinds[kind]()
        self.done[kind] += 1

    def bad_day(self) -> None:
        """The next one, for the next call of some administration."""
        day = next(self._days)
        name = self.chance.choice(ADMINISTRATIONS)
        name = "agenzia_entrate" if day["name"] in OF_THE_CODE else name
        with suppress(OSError):  # it may be dead at the moment
            self.stage.control(name, "POST", "/bad-day", {**self._known(day, name), "times": 1})
            self.bad_days[day["name"]] += 1
            if day["name"] in PORTS:
                self._last(0.3, 1.5)
                self.stage.control(name, "DELETE", f"/bad-day?name={day['name']}")

    def unplayed(self) -> set[str]:
        """The bad days that nobody had yet."""
        return set(CATALOGUE) - set(self.bad_days)

    def _known(self, day: dict[str, Any], name: str) -> dict[str, Any]:
        """A refusal by the code that a person knows, a certificate of somebody else."""
        if day["name"] == "refuse":
            return {**day, "options": {"codice": WHIMS[name]}}
        if day["name"] in ("expired_certificate", "other_host"):
            return {**day, "options": {"folder": str(self.stage.folder / "certs" / "ospedale")}}
        return day

    def _turns(self) -> Iterator[dict[str, Any]]:
        while True:
            yield from self.chance.sample(BAD_DAYS, len(BAD_DAYS))

    @contextmanager
    def _told(self, kind: str, *, whole: bool = False) -> Iterator[None]:
        began = time.time()
        yield
        line = {"kind": kind, "from": began, "to": time.time(), "whole": whole}
        with (self.stage.folder / "faults.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _last(self, shortest: float, longest: float) -> None:
        time.sleep(self.chance.uniform(shortest, longest))  # the fault lasts, nothing is waited for

    def _node(self) -> int:
        return self.chance.choice(list(self.stage.ports))

    def _kill(self) -> None:
        number = self._node()
        with self._told("kill -9 of a node"):
            self.stage.kill(self.stage.node(number))
            self._last(0, 1)
            self.stage.start_node(number)

    def _kill_administration(self) -> None:
        name = self.chance.choice(ADMINISTRATIONS)
        with self._told("kill -9 of an administration"):
            self.stage.kill(name)
            self._last(0, 1)
            self.stage.start_administration(name)

    def _freeze(self) -> None:
        self._stopped(self.stage.node(self._node()), "freeze of a node", longest=8)

    def _freeze_administration(self) -> None:
        name = self.chance.choice(ADMINISTRATIONS)
        self._stopped(name, "freeze of an administration", longest=5)

    def _stopped(self, name: str, kind: str, *, longest: float) -> None:
        process = self.stage.processes[name]
        with self._told(kind):
            process.send_signal(signal.SIGSTOP)
            self._last(1, longest)
            process.send_signal(signal.SIGCONT)

    def _cut(self) -> None:
        link = self.stage.links[self.chance.choice(sorted(self.stage.links))]
        with self._told("network cut"):
            link.cut()
            self._last(0.5, 3)
            link.mend()

    def _delay(self) -> None:
        link = self.stage.links[self.chance.choice(sorted(self.stage.links))]
        with self._told("network delay"):
            link.delay = self.chance.uniform(0.1, 1.5)
            self._last(1, 4)
            link.mend()

    def _pids(self) -> list[int]:
        """Who writes the journal: the nodes, or PostgreSQL's own processes."""
        if self.cluster is None:
            return [self.stage.processes[self.stage.node(n)].pid for n in self.stage.ports]
        first = int((self.cluster.folder / "db" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def _disk_full(self) -> None:
        """No file grows, nor is written beyond its first page; PostgreSQL's server itself may."""
        pids = self._pids()[1:] if self.cluster else self._pids()
        self._limited(pids, "4096:unlimited")
        with self._told("disk full", whole=self.cluster is None):
            self._last(2.5, 5)
        self._limited(pids, "unlimited")

    def _limited(self, pids: list[int], size: str) -> None:
        for pid in pids:
            command = [*self._as_owner(), "prlimit", "--pid", str(pid), f"--fsize={size}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if "not permitted" in done.stderr:
                raise RuntimeError(f"disk full: cannot be injected here: {done.stderr[-200:]}")

    def _as_owner(self) -> list[str]:
        """Only who runs the server may limit and trace it."""
        owner = self.cluster.owner if self.cluster else None
        return ["runuser", "-u", owner, "--"] if owner else []

    def _fsync(self) -> None:
        """Every sync ends with EIO."""
        strace = shutil.which("strace")
        if strace is None:
            raise RuntimeError("fsync error: strace is not installed, so it cannot be injected")
        command = [
            *self._as_owner(),
            strace,
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=fsync,fdatasync",
        ]
        command += ["-e", "inject=fsync,fdatasync:error=EIO"]
        for pid in self._pids():
            command += ["-p", str(pid)]
        tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with self._told("fsync error", whole=self.cluster is None):
            self._last(2.5, 4)
            ended = tracer.poll()
            tracer.terminate()
            _, said = tracer.communicate(timeout=10)
        if "not permitted" in said.decode() or (ended is not None and self.cluster is None):
            raise RuntimeError(f"fsync error: strace may not trace here: {said.decode()[-200:]}")

    def _clock(self) -> None:
        number = self._node()
        with self._told("clock step"):
            self.stage.clock(number).write_text(str(self.chance.choice((-8, -4, -2, 2, 4))))
            self._last(2, 5)
            self.stage.clock(number).write_text("0")

    def _restart(self) -> None:
        assert self.cluster is not None  # else it is not among the kinds
        with self._told("database restart"):
            self.cluster.restart()

"""Bears processes cheaply: reads the program and compiles the mappings once, forks for each life.

Run as a program. Reads one JSON object a line: what to start, what to end. A child is the real
`icaro VERB` from its first line to its exit. One that kills itself, as it was told, is born again
with its next death, or without one. Has no threads, so that a fork has everything.
"""

from __future__ import annotations

import gc
import json
import os
import secrets
import select
import signal
import sys
import traceback
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import gateway.answering
import gateway.app
import gateway.ground
from gateway.cli import main
from gateway.config import load
from gateway.edition import Edition
from tests.journey.crash import mutants
from tests.journey.crash.probe import Probe, watch_commits, watch_log, watch_sends

READ_ONCE = (
    *("gateway.cli.run", "gateway.cli.simulate", "adapters.simulation.process"),
    *("alembic.command", "alembic.config", "psycopg", "sqlite3"),
    "twisted.internet.epollreactor",
)
"""What a child would read when it needs it first; the reactor each child makes for itself."""

INSIDE = Path(__file__).resolve().parents[2] / "chaos" / "inside"
"""The changes that ICARO_CHAOS may ask for."""


@dataclass
class Family:
    """The lives of one process, one after the other. `deaths`: the point of each but the last.

    `told`: instead of a death a SIGTERM comes there; log lines are points too.
    """

    name: str
    verb: list[str]
    log: str
    traces: str = ""
    deaths: list[str] = field(default_factory=list)
    told: bool = False
    mutant: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    lives: int = 0
    ending: bool = False

    @property
    def death(self) -> str | None:
        """Where the life that runs now is to end."""
        return self.deaths[self.lives - 1] if self.lives <= len(self.deaths) else None


class Nursery:
    """One for a test session."""

    def __init__(self) -> None:
        self.born: dict[int, Family] = {}

    def run(self) -> None:
        """Until the input ends; then every child is ended."""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        rest = b""
        while True:
            ready, _, _ = select.select([0, reading], [], [])
            if reading in ready:
                os.read(reading, 4096)
                self._bury()
            if 0 in ready:
                content = os.read(0, 65536)
                if not content:
                    return self._end_all()
                *lines, rest = (rest + content).split(b"\n")
                for line in lines:
                    self._hear(json.loads(line))

    def _hear(self, said: dict[str, Any]) -> None:
        if "compile" in said:
            compile_once(Path(said["compile"]))
            _tell(compiled=True)
        elif "start" in said:
            self._bear(Family(**said["start"]))
        else:
            for pid, family in self.born.items():
                if family.name == said["end"]:
                    family.ending = True
                    os.kill(pid, signal.SIGTERM)

    def _bear(self, family: Family) -> None:
        family.lives += 1
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            self.born[pid] = family
            _tell(born=family.name, life=family.lives, pid=pid)
            return
        code = 70
        try:
            code = live(family)
        finally:
            os._exit(code)

    def _bury(self) -> None:
        while self.born:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            family = self.born.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            _tell(died=family.name, life=family.lives, code=code, ended=family.ending)
            if code == -signal.SIGKILL and family.death is not None:
                family.ending = False
                self._bear(family)

    def _end_all(self) -> None:
        for pid in self.born:
            os.kill(pid, signal.SIGKILL)


def compile_once(path: Path) -> None:
    """Compile the mappings of a configuration; every child finds them done."""
    configuration = load(path)
    edition = Edition(configuration.mappings, configuration.xsd, configuration.flow)
    _replace(gateway.ground, "Edition", lambda *_: edition)  # the same files
    gateway.ground.Ground.of(configuration).compile_all()
    gc.collect()
    gc.freeze()


def live(family: Family) -> int:
    """One life, from the first line of `main`; gives its exit code."""
    _stand_alone(family.log)
    os.environ.update(family.environment)
    if family.traces:
        by = signal.SIGTERM if family.told else signal.SIGKILL
        probe = Probe(Path(f"{family.traces}.{family.lives}"), family.death, by)
        watch_commits(probe)
        watch_sends(probe)
        if family.told:
            watch_log(probe)
    if "ICARO_CHAOS" in family.environment:
        sys.path.insert(0, str(INSIDE))
        import_module("changes").change_now(family.environment["ICARO_CHAOS"])
    if family.mutant:
        mutants.MUTANTS[family.mutant]()
    try:
        main(args=family.verb, prog_name="icaro")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:  # it would end the nursery's stack: what it was goes to the log
        traceback.print_exc()
        return 1
    return 0


def _stand_alone(log: str) -> None:
    """As a process that was started by itself: own session, own log, own random beginnings."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    there = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, found in enumerate((nothing, there, there)):
        os.dup2(found, number)
    # It only spares the memory of long lives, and would copy all that is shared with the nursery.
    _replace(gateway.app, "set_apart", lambda: None)
    # Drawn when the module is read: two processes never have the same.
    _replace(gateway.answering, "_STARTED", secrets.token_hex(6))


def _replace(module: ModuleType, name: str, value: object) -> None:
    """What was renamed meanwhile would be replaced by nothing, silently."""
    assert name in vars(module), name
    setattr(module, name, value)


def _tell(**what: object) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    for each in READ_ONCE:
        import_module(each)
    # One that is there already would be shared: a wake-up for one child would reach another.
    assert "twisted.internet.reactor" not in sys.modules
    Nursery().run()

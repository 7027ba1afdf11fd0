"""Stages whose processes a nursery bears: each starts in tenths of a second.

They are the same programs with the same folders and ports; only the reading of the program and of
the mappings is done once for all.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from tests.journey.crash.lanes import Nursery
from tests.journey.theatre import Theatre, furnish


class Born:
    """As much of a `Popen` as a stage asks of its processes."""

    def __init__(self, nursery: Nursery, name: str, stdout: IO[bytes] | None = None) -> None:
        self._nursery, self._name = nursery, name
        self.pid = nursery.pid(name)
        self.stdout = stdout

    def poll(self) -> int | None:
        """Its exit code; None while it lives."""
        ends = self._nursery.ends(self._name)
        return int(ends[0]["code"]) if ends else None

    def wait(self, timeout: float) -> int:
        """Until it has ended."""
        if not self._nursery.dead(self._name, timeout):
            raise subprocess.TimeoutExpired(self._name, timeout)
        return cast(int, self.poll())

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Borne:
    """To be put before a stage. `nursery` must have compiled the mappings of such a one.

    No dataclass: its defaults would stand before those of the stage that it is put before.
    """

    nursery: Nursery
    folder: Path
    environment: Mapping[str, str]
    processes: dict[str, subprocess.Popen[bytes]]
    wait_for: Callable[..., None]
    borne = 0

    def _start(
        self, name: str, *arguments: str, stdout: int | None = None
    ) -> subprocess.Popen[bytes]:
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        self.borne += 1
        unique, log = f"{self.folder} {name} {self.borne}", logs / f"{name}.log"
        log.touch()
        before = log.stat().st_size
        self.nursery.start(unique, list(arguments), log, environment=dict(self.environment))
        said: IO[bytes] | None = None
        if stdout is not None:

            def first() -> bytes:
                return log.read_bytes()[before:].partition(b"\n")[0]

            self.wait_for(lambda: first() or self.nursery.ends(unique), name, seconds=60)
            said = io.BytesIO(first() + b"\n")
        process: Any = Born(self.nursery, unique, said)
        self.processes[name] = process
        return cast("subprocess.Popen[bytes]", process)


@contextmanager
def bearing(pattern: Callable[[Nursery], Theatre], certs: Path) -> Iterator[Nursery]:
    """A nursery that has read the program, and compiled the mappings of stages like this one."""
    nursery = Nursery()
    try:
        stage = furnish(pattern(nursery), certs)
        nursery.compile(stage.folder / "icaro.yaml")
        stage.close()
        yield nursery
    finally:
        nursery.close()


@dataclass
class BornTheatre(Borne, Theatre):
    """The journeys' stage."""

    nursery: Nursery = field(kw_only=True)

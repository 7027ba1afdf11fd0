"""A disk without room: the feed is slowed, then refused, never lost, and goes on by itself.

The journal lies on a small file system of its own where one may be mounted; else the gateway's
files may not grow (RLIMIT_FSIZE), which its database meets as the same failure of a write.
"""

from __future__ import annotations

import resource
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.demo.ports import HOST
from gateway.demo.stage import ADMINISTRATIONS
from gateway.hl7.acknowledgment import Reply, read_acknowledgment
from gateway.hl7.framing import BlockReader, wrap
from gateway.hl7.message import Message
from tests.journey.theatre import Theatre, end, newborn, prepare, sql

PATIENCE = 1.5
"""Seconds; longer than the second after which the journal tries again."""


class Limited:
    """No file of the gateway may grow beyond what its write-ahead log has."""

    def __init__(self, stage: Theatre, folder: Path) -> None:
        self._stage = stage
        self._log = folder / "icaro.db-wal"

    def fill(self) -> None:
        """From now on nothing more can be written."""
        self._limit(self._log.stat().st_size)

    def free(self) -> None:
        """There is room again."""
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        limits = (size, resource.RLIM_INFINITY)
        resource.prlimit(self._stage.processes["gateway"].pid, resource.RLIMIT_FSIZE, limits)


class Filled:
    """A file beside the journal takes all the room that is left."""

    def __init__(self, stage: Theatre, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """From now on nothing more can be written."""
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    def free(self) -> None:
        """There is room again."""
        self._ballast.unlink()


Disk = Limited | Filled


@pytest.fixture
def disk(tmp_path: Path, pki: Path) -> Iterator[tuple[Theatre, Disk]]:
    """A gateway whose journal's disk can be filled and freed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = _mounted(folder)
    environment = {"ICARO_JOURNAL__PATIENCE": f"{PATIENCE} s"}
    stage = prepare(
        tmp_path / "stage", pki, journal=f"sqlite:///{folder}/icaro.db", environment=environment
    )
    for name in ADMINISTRATIONS:
        stage.services[name] = 1  # nobody is called
    stage.configure()
    try:
        stage.start_gateway()
        yield stage, (Filled if mounted else Limited)(stage, folder)
    finally:
        end(stage)
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def _mounted(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "none", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Line:
    """A connection on which nothing is waited for but what the test asks."""

    def __init__(self, stage: Theatre) -> None:
        self.wire = socket.create_connection((HOST, stage.mllp), timeout=30)
        self._reader = BlockReader()
        self._replies: list[Reply] = []

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    def send(self, *payloads: bytes) -> None:
        """All at once."""
        self.wire.sendall(b"".join(map(wrap, payloads)))

    def reply(self) -> Reply:
        """The next acknowledgment."""
        while not self._replies:
            read = self._reader.feed(self.wire.recv(65536))
            self._replies += map(read_acknowledgment, read)
        return self._replies.pop(0)


def timed(act: Callable[[], Reply]) -> tuple[Reply, float]:
    """What it gave, and after how many seconds."""
    began = time.monotonic()
    return act(), time.monotonic() - began


@pytest.mark.journey
def test_a_full_disk_slows_then_refuses_and_recovers(disk: tuple[Theatre, Disk]) -> None:
    """While it is full: one message at a time, each AR 207 after its patience; then AA, all once.
    The process is the same before and after, and its evidence is whole.
    """
    stage, room = disk
    with Line(stage) as line:
        _slowed_refused_recovered(stage, room, line)
    assert "good: nothing was changed" in stage.icaro(
        "evidence", "verify", "-c", str(stage.folder / "icaro.yaml")
    )


def _slowed_refused_recovered(stage: Theatre, room: Disk, line: Line) -> None:
    births = [newborn().message("A01") for _ in range(8)]
    ids = [Message.parse(birth).control_id for birth in births]
    line.send(births[0])
    assert line.reply().code == "AA"
    room.fill()
    line.send(births[1])
    refused, waited = timed(line.reply)
    assert (refused.code, refused.control_id, refused.errors[0][:3]) == ("AR", ids[1], "207")
    assert waited > PATIENCE - 1.1  # it was not sent away at the first failure
    line.send(*births[2:5])
    for number in (2, 3):  # each has its own patience: the sender is slowed, not flooded with AR
        refused, waited = timed(line.reply)
        assert (refused.code, refused.control_id) == ("AR", ids[number])
        assert waited > PATIENCE - 1.1
    room.free()
    assert (line.reply().control_id, line.send(*births)) == (ids[4], None)
    assert [(line.reply().code, ids[n]) for n in range(8)] == [("AA", each) for each in ids]
    stored = sql(stage, "SELECT control_id FROM messages ORDER BY received_at, id")
    assert sorted(row[0] for row in stored) == sorted(ids)

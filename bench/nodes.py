"""One, two and three nodes on one PostgreSQL of this machine: what the second and third bring.

Run by `python -m bench`, or alone: `python -m bench.nodes`. Every node has its own load, with its
own connections; the database, the nodes, the loads and the administrations share the cores.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapters.keys import DevelopmentPki
from gateway.demo.stage import ADMINISTRATIONS
from tests.journey.region import Node, Region, region
from tests.journey.theatre import at_rest
from tests.pair import Server, server

SIZES = (1, 2, 3)
CONNECTIONS = 24
SHARE = 0.02
DELIVERY = "{concurrency: 16, poll: 250 ms}"

HEADINGS = ("nodes", "messages/s", "p50 ms", "p99 ms", "births/s")


def measure(count: int, births: int) -> Iterator[dict[str, object]]:
    """A row for each number of nodes: `count` mixed messages, then `births` delivered."""
    with server() as database:
        database.start()
        for size in SIZES:
            with _nodes(database, size) as stage:
                yield {"nodes": size, **_acknowledged(stage, count), **_delivered(stage, births)}


def table(rows: list[dict[str, object]]) -> list[str]:
    """The rows as Markdown."""
    lines = [f"| {' | '.join(HEADINGS)} |", "|" + "---|" * len(HEADINGS)]
    return lines + [
        f"| {row['nodes']} | {row['per_second']:.0f} | {row['p50_ms']:.1f} | {row['p99_ms']:.1f} "
        f"| {row['births_per_second']:.1f} |"
        for row in rows
    ]


@contextmanager
def _nodes(database: Server, size: int) -> Iterator[Region]:
    name = f"bench_{size}"
    database.execute(f"CREATE DATABASE {name}")
    with tempfile.TemporaryDirectory(prefix="icaro-bench-") as folder:
        certs = Path(folder) / "certs"
        parties = ("gateway", *ADMINISTRATIONS, "ospedale")
        DevelopmentPki(datetime.now(UTC)).write(certs, parties)
        place = Path(folder) / "stage"
        with region(place, certs, database.url(name), size=size, delivery=DELIVERY) as stage:
            _load(stage, 50 * size, SHARE, seed=1)  # warm
            yield stage


def _acknowledged(stage: Region, count: int) -> dict[str, object]:
    loads = _load(stage, count, SHARE, seed=100)
    times = sorted(each for load in loads for each in load.milliseconds)
    return {
        "per_second": sum(len(load.milliseconds) / load.seconds for load in loads),
        "p50_ms": times[len(times) // 2],
        "p99_ms": times[int(0.99 * len(times))],
    }


def _delivered(stage: Region, births: int) -> dict[str, object]:
    at_rest(stage, seconds=300)  # what was born before is not counted
    wanted = {name: _done(stage, name) + births for name in ADMINISTRATIONS}
    loads = _load(stage, births, 1.0, seed=200)
    stage.wait_for(
        lambda: all(_done(stage, name) >= many for name, many in wanted.items()),
        "every document",
        seconds=300,
    )
    began = min(load.began for load in loads)
    return {"births_per_second": births / (time.monotonic() - began)}


def _done(stage: Region, administration: str) -> int:
    """Registrations; a paediatrician is not chosen by anybody here."""
    return len(stage.effects(administration))


@dataclass(frozen=True)
class _Load:
    """What a load tells; `began` by the machine's monotonic clock, when all was ready to go."""

    began: float
    seconds: float
    milliseconds: list[float]


def _load(stage: Region, count: int, share: float, seed: int) -> list[_Load]:
    """Every node gets its part at once."""
    started = [_started(node, len(stage.nodes), count, share, seed) for node in stage.nodes]
    loads = []
    for process in started:
        told = json.loads(process.communicate()[0])
        assert not told["refused"], "a message was refused"
        loads.append(_Load(told["began"], told["seconds"], told["milliseconds"]))
    return loads


def _started(node: Node, size: int, count: int, share: float, seed: int) -> subprocess.Popen[bytes]:
    own = (node.mllp, CONNECTIONS // size, count // size, share, seed + int(node.name[-1]))
    command = [sys.executable, "-m", "bench.load", *map(str, own)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)  # our own command


def main() -> None:
    """Print the table."""
    print("\n".join(table(list(measure(6000, 150)))))


if __name__ == "__main__":
    main()

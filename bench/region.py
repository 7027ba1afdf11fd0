"""Twenty-four hours of a region, compressed: `python -m bench.region`.

One gateway on SQLite, simulators in the administrations' place, a connection for every hospital.
A row for each twentieth of the feed, then the promises: rate, flat memory, flat waits, and every
birth once at each administration with its codice fiscale back. Progress on standard error.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import fmean

from bench import arrivals
from bench.day import Day, senders
from bench.process import usage
from bench.signature import beside
from bench.stages import running
from gateway.demo.hospital import ReturnFeed
from gateway.demo.ports import HOST
from gateway.demo.stage import ADMINISTRATIONS, Stage

MESSAGES, BIRTHS, SENDERS = 2_000_000, 400, 64
RATE = 1000
GROWTH_MIB = 16
SLOWER = 1.25
DELIVERY = "{concurrency: 16, poll: 250 ms, settle: 1 ms}"
HEADINGS = (
    *("messages", "messages/s", "p50 ms", "p99 ms", "max ms", "RSS MiB", "WAL MiB", "journal MiB"),
    *("gateway CPU %", "feed CPU %", "others CPU %"),
)

Row = dict[str, float]
Bar = tuple[str, str, bool]
"""The promise, what was measured, whether it was kept."""


@dataclass
class Course:
    """What was measured on the way; `signature_ms` of CPU for one bare signature meanwhile."""

    day: Day
    rows: list[Row] = field(default_factory=list)
    wrong: int = 0
    signature_ms: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Of the whole feed."""
        return sum(row["seconds"] for row in self.rows)

    @property
    def cpu_ms(self) -> float:
        """Of the gateway, a message; what the births cost is in it."""
        return 1000 * sum(row["gateway"] for row in self.rows) / self.day.messages

    @property
    def bytes_a_message(self) -> float:
        """Of the journal's file, from the first row to the last."""
        first, last = self.rows[0], self.rows[-1]
        return (last["journal"] - first["journal"]) * 2**20 / (last["messages"] - first["messages"])


class Meter:
    """What the gateway and the administrations used since the last look."""

    def __init__(self, stage: Stage) -> None:
        self._file = stage.folder / "icaro.db"
        self._pids = {name: process.pid for name, process in stage.processes.items()}
        self._used = self._now()

    def read(self) -> Row:
        """Sizes in MiB, CPU in seconds."""
        before, self._used = self._used, self._now()
        cpu = {name: used - before[name] for name, used in self._used.items()}
        sizes = {"journal": _mib(self._file), "wal": _mib(self._file.with_name("icaro.db-wal"))}
        return {**sizes, **cpu, "rss": usage(self._pids["gateway"]).rss_mib}

    def _now(self) -> Row:
        others = sum(usage(self._pids[name]).cpu for name in ADMINISTRATIONS)
        return {"gateway": usage(self._pids["gateway"]).cpu, "others": others}


def measure(day: Day, folder: Path) -> Course:
    """Send the day and wait for what it makes. `folder` is left as the gateway leaves it."""
    course = Course(day)
    with running(_stage(day, folder)) as stage:
        back = ReturnFeed(stage.return_feed)
        try:
            with beside() as signature:
                for row in _sent(stage, day):
                    course.rows.append({**row, "messages": _so_far(course) + row["count"]})
                    course.wrong += int(row["wrong"])
                    print(line(course.rows[-1]), file=sys.stderr, flush=True)
            course.signature_ms = signature.milliseconds
            course.faults = arrivals.faults(stage, back, day)
        finally:
            back.close()
    return course


def bars(course: Course) -> list[Bar]:
    """The promises. Flat: the last tenth of the feed against its second, the mean of two rows."""
    day, rate = course.day, course.day.messages / course.seconds
    growth = _late(course, "rss") - _early(course, "rss")
    slower = _late(course, "p99_ms") / _early(course, "p99_ms")
    asked = f"{day.births} births, each once everywhere, its codice fiscale back"
    return [
        (f"≥ {RATE} messages/s over the whole", f"{rate:.0f}/s", rate >= RATE),
        ("every message answered by its own AA", f"{course.wrong} were not", not course.wrong),
        (f"memory, last tenth ≤ second tenth + {GROWTH_MIB} MiB", f"{growth:+.1f} MiB",
         growth <= GROWTH_MIB),
        (f"ACK p99, last tenth ≤ {SLOWER} × second tenth", f"{slower:.2f} ×", slower <= SLOWER),
        (asked, f"{len(course.faults)} faults", not course.faults),
    ]  # fmt: skip


def table(course: Course) -> list[str]:
    """The rows, the figures and what went wrong, as Markdown."""
    figures = {
        "hospitals": course.day.senders,
        "minutes": course.seconds / 60,
        "CPU of the gateway, ms a message": course.cpu_ms,
        "one bare signature beside it, ms": course.signature_ms,
        "CPU of the gateway a message, in bare signatures": course.cpu_ms / course.signature_ms,
        "bytes of journal a message": course.bytes_a_message,
    }
    return [
        f"| {' | '.join(HEADINGS)} |",
        "|" + "---|" * len(HEADINGS),
        *(f"| {' | '.join(_cells(row))} |" for row in course.rows),
        *("", "| figure | value |", "|---|---|"),
        *(f"| {name} | {value:.3f} |" for name, value in figures.items()),
        *(["", *(f"- {fault}" for fault in course.faults[:20])] if course.faults else []),
    ]


def judgement(found: list[Bar]) -> list[str]:
    """The promises, as Markdown."""
    rows = (f"| {bar} | {value} | {'yes' if met else 'NO'} |" for bar, value, met in found)
    return ["", "| bar | measured | met |", "|---|---|---|", *rows]


def line(row: Row) -> str:
    """One row for the terminal."""
    return "  ".join(
        f"{cell:>{len(name)}} {name}" for name, cell in zip(HEADINGS, _cells(row), strict=True)
    )


def _cells(row: Row) -> list[str]:
    busy = (100 * row[name] / row["seconds"] for name in ("gateway", "feed", "others"))
    waits = (f"{row[name]:.1f}" for name in ("p50_ms", "p99_ms", "max_ms", "rss", "wal", "journal"))
    rate = row["count"] / row["seconds"]
    return [f"{row['messages']:.0f}", f"{rate:.0f}", *waits, *(f"{each:.0f}" for each in busy)]


def _early(course: Course, name: str) -> float:
    """Of the second tenth."""
    return fmean(row[name] for row in course.rows[2:4])


def _late(course: Course, name: str) -> float:
    """Of the last tenth."""
    return fmean(row[name] for row in course.rows[-2:])


def _so_far(course: Course) -> float:
    return course.rows[-1]["messages"] if course.rows else 0


def _sent(stage: Stage, day: Day) -> Iterator[Row]:
    wanted = (stage.mllp, day.messages, day.births, day.senders, day.begun.isoformat())
    command = [sys.executable, "-m", "bench.feed", *map(str, wanted)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as feed:  # our own command
        meter = Meter(stage)
        assert feed.stdout is not None  # asked for above
        for told in feed.stdout:
            yield {**json.loads(told), **meter.read()}
    if feed.returncode:
        raise SystemExit(feed.returncode)


def _stage(day: Day, folder: Path) -> Stage:
    stage = Stage(folder, delivery=DELIVERY)
    stage.senders = senders(day.senders, f"{HOST}:{stage.return_feed}")
    return stage


def _mib(path: Path) -> float:
    return path.stat().st_size / 2**20 if path.exists() else 0.0


def run(messages: int, births: int, senders: int, keep: Path | None = None) -> Course:
    """A day that begins now; `keep`: a folder to leave the deployment in."""
    begun = datetime.now().replace(microsecond=0)
    with tempfile.TemporaryDirectory(prefix="icaro-region-") as folder:
        return measure(Day(messages, births, senders, begun), keep or Path(folder) / "stage")


def main() -> int:
    """Run it; exit code 1 if a promise was not kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.region", description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--births", type=int, default=BIRTHS, help="of the messages")
    parser.add_argument("--senders", type=int, default=SENDERS, help="each with a connection")
    parser.add_argument("--keep", type=Path, help="a folder to leave the deployment in")
    chosen = parser.parse_args()
    course = run(chosen.messages, chosen.births, chosen.senders, chosen.keep)
    print("\n".join(table(course) + judgement(bars(course))))
    return 0 if all(met for _, _, met in bars(course)) else 1


if __name__ == "__main__":
    sys.exit(main())

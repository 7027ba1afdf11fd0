"""`make bench`: mappings, fairness, acknowledgments, deliveries, CPU, memory, nodes; a table and a
plot in bench/results. With `--region` a whole day of a region too, which takes half an hour.

Everything runs on this machine: the load and the administrations are processes of their own, and
only the gateway's is measured. The cost of one bare RSA-2048 signature, through the same library
in the same run, stands beside every figure of CPU.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import fairness, mapping, nodes, region, signature
from bench.process import usage
from bench.stages import running
from gateway.demo.stage import ADMINISTRATIONS, Stage
from gateway.lifecycle import Status
from tests.postgres import binaries

RESULTS = Path(__file__).parent / "results"
CONNECTIONS = (1, 8, 32)
SHARES = {"births": 1.0, "mixed, 2 % births": 0.02}
SIGNATURES = 3


@dataclass
class Report:
    """What was measured; `bars` are the promises and whether they were kept."""

    rows: list[dict[str, object]] = field(default_factory=list)
    nodes: list[dict[str, object]] = field(default_factory=list)
    region: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    memory: list[tuple[float, float]] = field(default_factory=list)
    bars: list[tuple[str, str, bool]] = field(default_factory=list)


@contextmanager
def gateway(**settings: object) -> Iterator[Stage]:
    """A stage whose flow makes exactly three documents: no paediatrician chosen, no return feed."""
    with tempfile.TemporaryDirectory(prefix="icaro-bench-") as folder:
        stage = Stage(Path(folder) / "stage", senders=_SENDERS, delivery=_DELIVERY, **settings)  # type: ignore[arg-type]  # fields of Stage
        with running(stage):
            yield stage


_SENDERS = """\
  - name: santa-prova
    application: HIS
    facility: SANTA_PROVA
    facts: {comune: '015146', struttura: '030001', nome: Santa Prova, asl: '321'}"""
_DELIVERY = "{concurrency: 16, poll: 250 ms, settle: 1 ms}"


def load(stage: Stage, connections: int, count: int, share: float, seed: int) -> dict[str, object]:
    """Run the load in its own process."""
    arguments = [str(each) for each in (stage.mllp, connections, count, share, seed)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", *arguments], capture_output=True, check=True
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def acknowledgments(report: Report, count: int) -> None:
    """Messages acknowledged a second, and how long one waits, while deliveries go on."""
    for name, share in SHARES.items():
        number = count if share < 1 else max(200, count // 10)
        for connections in CONNECTIONS:
            with gateway() as stage:
                load(stage, connections, 100, share, seed=1)  # warm
                found = load(stage, connections, number, share, seed=2)
            times = found["milliseconds"]
            assert isinstance(times, list)
            row = {
                "feed": name,
                "connections": connections,
                "per_second": number / float(str(found["seconds"])),
                "p50_ms": _at(times, 0.50),
                "p99_ms": _at(times, 0.99),
                "max_ms": times[-1],
                "refused": found["refused"],
            }
            report.rows.append(row)
            print(_line(row), flush=True)


def deliveries(report: Report, births: int, rounds: int) -> None:
    """Births delivered a second, and CPU a delivered birth, with exactly three documents each."""
    per_birth, per_second = [], []
    with gateway() as stage:
        pid = stage.processes["gateway"].pid
        _deliver(stage, 50, seed=10)  # warm
        with signature.beside() as bare:
            for number in range(rounds):
                before, began = usage(pid), time.perf_counter()
                _deliver(stage, births, seed=100 + number)
                seconds, after = time.perf_counter() - began, usage(pid)
                per_birth.append(1000 * (after.cpu - before.cpu) / births)
                per_second.append(births / seconds)
                print(f"round {number + 1}: {per_birth[-1]:.2f} ms CPU a birth", flush=True)
        report.figures["bare_signature_ms"] = bare.milliseconds
        report.figures["peak_rss_delivery_mib"] = usage(pid).peak_mib
    report.figures["births_per_second"] = statistics.median(per_second)
    report.figures["cpu_ms_per_birth"] = statistics.median(per_birth)


def mappings(report: Report, rounds: int) -> None:
    """What a mapping costs to run and to compile; see `bench.mapping`."""
    costs = mapping.measure(rounds)
    report.figures |= costs.figures
    report.bars += costs.bars


def memory(report: Report, count: int) -> None:
    """Resident memory over a long mixed feed: flat after the first quarter."""
    with gateway() as stage:
        pid = stage.processes["gateway"].pid
        step = max(1, count // 20)
        for number in range(20):
            load(stage, 8, step, SHARES["mixed, 2 % births"], seed=1000 + number)
            report.memory.append(((number + 1) * step, usage(pid).rss_mib))
        report.figures["peak_rss_mixed_mib"] = usage(pid).peak_mib


def fair(report: Report) -> None:
    """What Comuni that hang cost the others; see `bench.fairness`."""
    found = fairness.measure()
    report.figures |= {f"fairness_{name}": value for name, value in found.items()}
    rise = found["rise"]
    met = rise <= fairness.ALLOWED - 1
    bar = f"p95 at {fairness.PARTNERS - fairness.HANGING} Comuni, {fairness.HANGING} hang, ≤ +20 %"
    report.bars.append((bar, f"{100 * rise:+.0f} %", met))


def day(report: Report) -> None:
    """Twenty-four hours of a region, compressed; see `bench.region`."""
    course = region.run(region.MESSAGES, region.BIRTHS, region.SENDERS)
    report.region = region.table(course)
    report.bars += region.bars(course)


def _deliver(stage: Stage, births: int, seed: int) -> None:
    wanted = {name: len(stage.effects(name)) + births for name in ADMINISTRATIONS}
    found = load(stage, 8, births, 1.0, seed)
    assert not found["refused"], "a birth was refused"

    def all_there() -> bool:
        return all(len(stage.effects(name)) >= count for name, count in wanted.items())

    stage.wait_for(all_there, "every document", seconds=300)
    stage.wait_for(lambda: _settled(stage), "the last answers", seconds=60)


def _settled(stage: Stage) -> bool:
    from gateway.journal import look

    with look(f"sqlite:///{stage.folder / 'icaro.db'}") as view:
        counts = view.counts_by_status()
    return not (counts.get(Status.SUBMITTING) or counts.get(Status.READY))


def judge(report: Report) -> None:
    """Hold the figures against the bars."""
    figures = report.figures
    ratio = figures["cpu_ms_per_birth"] / (SIGNATURES * figures["bare_signature_ms"])
    figures["ratio"] = ratio
    eight = next(row for row in report.rows if row["connections"] == 8 and row["feed"] != "births")
    levels = [rss for _, rss in report.memory]
    growth = levels[-1] - levels[len(levels) // 4]
    figures["memory_growth_mib"] = growth
    report.bars += [
        ("CPU a birth ≤ 12 × three bare signatures", f"{ratio:.1f} ×", ratio <= 12),
        ("mixed feed, 8 connections ≥ 1 000/s", f"{eight['per_second']:.0f}/s", _over(eight)),
        ("ACK p99 there < 50 ms", f"{eight['p99_ms']:.1f} ms", float(str(eight["p99_ms"])) < 50),
        ("memory flat over the mixed feed", f"{growth:+.1f} MiB", growth < 16),
    ]


def _over(row: dict[str, object]) -> bool:
    return float(str(row["per_second"])) >= 1000


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _line(row: dict[str, object]) -> str:
    return (
        f"{row['feed']:20} {row['connections']:>3} connections {row['per_second']:>8.0f}/s  "
        f"p50 {row['p50_ms']:>7.2f} ms  p99 {row['p99_ms']:>7.2f} ms  max {row['max_ms']:>7.2f} ms"
    )


def write(report: Report) -> str:
    """The table as Markdown, in bench/results; the plot beside it. Gives the table."""
    RESULTS.mkdir(exist_ok=True)
    figures = report.figures
    lines = [
        "| feed | connections | messages/s | p50 ms | p99 ms | max ms |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['feed']} | {row['connections']} | {row['per_second']:.0f} | {row['p50_ms']:.2f} "
        f"| {row['p99_ms']:.2f} | {row['max_ms']:.2f} |"
        for row in report.rows
    ]
    lines += ["", "| figure | value |", "|---|---|"]
    lines += [f"| {name} | {value:.3f} |" for name, value in sorted(figures.items())]
    lines += ["", *nodes.table(report.nodes)] if report.nodes else []
    lines += ["", *report.region] if report.region else []
    lines += region.judgement(report.bars)
    text = "\n".join(lines) + "\n"
    (RESULTS / "table.md").write_text(text, encoding="utf-8")
    _plot(report)
    return text


def _plot(report: Report) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4))
    for name in SHARES:
        rows = [row for row in report.rows if row["feed"] == name]
        x = [int(str(row["connections"])) for row in rows]
        left.plot(x, [float(str(row["per_second"])) for row in rows], marker="o", label=name)
    left.set(title="acknowledged messages a second", xlabel="connections", xscale="log")
    left.legend()
    right.plot(*zip(*report.memory, strict=True), marker=".")
    right.set(title="resident memory, MiB", xlabel="messages of the mixed feed", ylim=(0, None))
    figure.tight_layout()
    figure.savefig(RESULTS / "plot.png", dpi=110)


def main() -> int:
    """Run everything; exit code 1 if a bar is not met."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000, help="of each mixed feed")
    parser.add_argument("--births", type=int, default=300, help="of each round of deliveries")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--region", action="store_true", help="a day of a region: half an hour")
    chosen = parser.parse_args()
    report = Report()
    mappings(report, 3 * chosen.rounds)
    fair(report)
    deliveries(report, chosen.births, chosen.rounds)
    acknowledgments(report, chosen.messages // 2)
    memory(report, chosen.messages)
    if binaries() is not None:
        report.nodes += nodes.measure(chosen.messages // 2, chosen.births)
    judge(report)
    if chosen.region:
        day(report)
    print(write(report))
    return 0 if all(met for _, _, met in report.bars) else 1


if __name__ == "__main__":
    sys.exit(main())

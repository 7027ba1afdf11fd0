"""What a process tree used, as Linux accounts for it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """CPU seconds of the tree; resident and peak memory of its processes together, in MiB."""

    cpu: float
    rss_mib: float
    peak_mib: float


def usage(pid: int) -> Usage:
    """Of `pid` and everything it started, ended children included."""
    cpu = rss = peak = 0.0
    for each in _tree(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        cpu += sum(int(fields[at]) for at in (11, 12, 13, 14)) / _TICKS
        status = Path(f"/proc/{each}/status").read_text()
        rss += _kib(status, "VmRSS") / 1024
        peak += _kib(status, "VmHWM") / 1024
    return Usage(cpu, rss, peak)


def _tree(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _tree(int(child))
    return found


def _kib(status: str, name: str) -> int:
    line = next((line for line in status.splitlines() if line.startswith(name)), "")
    return int(line.split()[1]) if line else 0

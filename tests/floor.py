"""The floor under coverage: rooms whose every branch somebody must have thought of.

Reads the `.coverage` that a run of pytest left and fails, naming the files, if a room has less than
95 % of its lines or less than 95 % of its branches covered. Run by `make test`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

FLOOR = 95.0
ROOMS = {
    "gateway/hl7": ("gateway/hl7/*",),
    "gateway/flow": ("gateway/flow*",),
    "gateway/lifecycle.py": ("gateway/lifecycle.py",),
    "gateway/retry.py": ("gateway/retry.py",),
    "gateway/soap": ("gateway/soap/*",),
}


def share(summaries: list[dict[str, Any]], kind: str) -> float:
    """Per cent of `statements` or `branches` covered over several files; 100 where none is."""
    covered = "covered_lines" if kind == "statements" else "covered_branches"
    total = sum(each.get(f"num_{kind}", 0) for each in summaries)
    return 100.0 * sum(each.get(covered, 0) for each in summaries) / total if total else 100.0


def below(files: dict[str, Any]) -> list[str]:
    """Print the table and give back the rooms that are under the floor, or have no file at all."""
    failed = []
    print(f"{'room':24}{'lines':>9}{'branches':>10}   floor {FLOOR:.0f} %")
    for room, patterns in ROOMS.items():
        mine = {name: it for name, it in files.items() if any(fnmatch(name, p) for p in patterns)}
        summaries = [it["summary"] for it in mine.values()]
        lines, branches = share(summaries, "statements"), share(summaries, "branches")
        print(f"{room:24}{lines:8.1f}%{branches:9.1f}%")
        if not mine or min(lines, branches) < FLOOR:
            failed.append(room)
            for name, it in sorted(mine.items()):
                missing, arcs = it["missing_lines"], it.get("missing_branches", [])
                if missing or arcs:
                    print(f"    {name}: lines {missing} branches {arcs}")
    return failed


def main() -> int:
    """Exit code 1 if any room is under the floor."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "coverage.json")
        command = [sys.executable, "-m", "coverage", "json", "-q", "-o", str(report)]
        subprocess.run(command, check=True)
        failed = below(json.loads(report.read_text())["files"])
    if failed:
        print("under the floor: " + ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

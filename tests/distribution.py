"""Builds the distribution as a release would, for the tests that look into it or install it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.architecture.sources import ROOT, tracked

PACKED = ("gateway", "adapters", "mappings", "xsd")


def build(folder: Path) -> Path:
    """The wheel, built in `folder` from a copy of what git tracks, without asking a registry."""
    source = folder / "source"
    for name in tracked():
        if "/" not in name or name.split("/")[0] in PACKED:
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    command += ["--no-index", "--wheel-dir", str(folder), str(source)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return next(folder.glob("*.whl"))

"""The installed wheel works from any folder: what it needs travels in it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.distribution import build


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel, and the dependencies of this one behind it."""
    folder = tmp_path_factory.mktemp("elsewhere")
    wheel = build(folder)
    venv.create(folder / "env", with_pip=False)
    home = folder / "env/lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    # A path file adds the folder only: the editable install in it stays asleep.
    (home / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = [sys.executable, "-m", "pip", "--python", str(folder / "env/bin/python")]
    command += ["install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(command, check=True, timeout=300)
    return folder


def run(elsewhere: Path, *command: str, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run a program of the new environment in an empty folder outside the checkout."""
    outside = elsewhere / "outside"
    outside.mkdir(exist_ok=True)
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    program, *rest = command
    return subprocess.run(
        [elsewhere / "env/bin" / program, *rest],
        cwd=outside,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.mark.journey
def test_the_wheel_is_what_runs(elsewhere: Path):
    """The new environment imports the gateway from the wheel, not from the checkout."""
    there = run(elsewhere, "python", "-c", "import gateway; print(gateway.__file__)", timeout=60)
    assert str(elsewhere) in there.stdout, there.stderr


@pytest.mark.journey
def test_the_demo_runs_outside_the_checkout(elsewhere: Path):
    """Whoever installs the wheel sees the same births as whoever has the checkout."""
    demo = run(elsewhere, "icaro", "demo", timeout=400)
    assert demo.returncode == 0, demo.stdout[-4000:] + demo.stderr[-4000:]

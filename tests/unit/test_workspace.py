"""Folders of a process's own: gone with it, whichever way it ends."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gateway.workspace import Workspace

PREFIX = "icaro-try-"
DIES = """
import os, signal, sys, tempfile
tempfile.tempdir = sys.argv[1]
from gateway.workspace import Workspace
made = Workspace("icaro-try-")
print(made.name, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_a_killed_process_left_goes_with_the_next(place: Path) -> None:
    """Nobody holds its lock; what is in use stays, and so does what has none."""
    command = [sys.executable, "-c", DIES, str(place)]
    left = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    assert Path(left).is_dir()
    (place / f"{PREFIX}of-somebody").mkdir()
    mine, other = Workspace(PREFIX), Workspace(PREFIX)
    there = {str(each) for each in place.iterdir()}
    assert there == {mine.name, other.name, str(place / f"{PREFIX}of-somebody")}
    mine.cleanup()
    other.cleanup()


def test_it_goes_in_order(place: Path) -> None:
    """With all that is in it."""
    made = Workspace(PREFIX)
    (Path(made.name) / "a.yaml").write_text("x")
    made.cleanup()
    assert not list(place.iterdir())


def test_a_link_is_not_followed(place: Path) -> None:
    """Whoever puts one there has nothing removed by us."""
    target = place / "kept"
    target.mkdir()
    (target / ".lock").touch()
    (place / f"{PREFIX}link").symlink_to(target)
    Workspace(PREFIX).cleanup()
    assert (target / ".lock").exists()

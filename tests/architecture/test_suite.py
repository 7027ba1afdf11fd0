"""The suite itself keeps its promises: nothing skips silently in CI, no room is under the floor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.floor import below
from tests.skips import SHARED_ABSENT, Skips

SKIPPING = """
import pytest

def test_it():
    pytest.skip("no Java on this machine")
"""


@pytest.mark.parametrize(("ci", "expected"), [("true", 1), ("", 0)])
def test_a_skip_fails_the_session_in_ci_only(tmp_path: Path, ci: str, expected: int):
    """A test that finds something missing is passed over here and fails the run in CI."""
    (tmp_path / "test_it.py").write_text(SKIPPING)
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_configure\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == expected, run.stdout + run.stderr
    assert ("no Java" in run.stdout) == bool(expected)


def test_only_absent_shared_data_may_be_missing_in_ci():
    """CI accepts one reason to skip, and only where it is true."""
    assert Skips(ci=True, shared_there=False).allowed(f"Skipped: {SHARED_ABSENT}: no folder")
    assert not Skips(ci=True, shared_there=True).allowed(f"Skipped: {SHARED_ABSENT}: no folder")
    assert not Skips(ci=True, shared_there=False).allowed("Skipped: no PostgreSQL")


def covered(lines: int, branches: int) -> dict[str, object]:
    """What coverage says of a file of 100 lines and 100 branches."""
    summary = {"num_statements": 100, "covered_lines": lines}
    summary |= {"num_branches": 100, "covered_branches": branches}
    return {"summary": summary, "missing_lines": [7], "missing_branches": []}


def test_the_floor_counts_lines_and_branches_apart(capsys: pytest.CaptureFixture[str]):
    """Many covered lines do not make up for branches that nobody tried; no file is no coverage."""
    files = {
        "gateway/hl7/message.py": covered(100, 94),
        "gateway/flow/plan.py": covered(100, 95),
        "gateway/lifecycle.py": covered(94, 100),
        "gateway/retry.py": covered(100, 100),
    }
    assert below(files) == ["gateway/hl7", "gateway/lifecycle.py", "gateway/soap"]
    assert "gateway/hl7/message.py" in capsys.readouterr().out

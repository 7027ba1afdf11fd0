"""The process dies at every point of a commit, and at random ones: nothing acknowledged is lost."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.journal import Journal, Keyring
from gateway.journal.verification import verify
from gateway.lifecycle import Status
from tests.journal_rows import BODY, DOCUMENT, ENVELOPE, message

ROOT = Path(__file__).resolve().parents[3]
STEPS = [
    (step, when)
    for step in ("_begin", "_settle", "_commit", "_committed", "_witness")
    for when in ("before", "after")
]


def child(url: str, tmp_path: Path, side_file: Path, *where: str) -> subprocess.Popen[bytes]:
    """Start a process that writes and will die."""
    arguments = [url, str(tmp_path / "keys" / "master.key"), str(side_file), *where]
    command = [sys.executable, "-m", "tests.contract.journal.crash_child", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def check(url: str, keyring: Keyring, side_file: Path, acknowledged: list[str]) -> None:
    """Everything acknowledged is there, whole; nothing is there by half; the evidence is whole."""
    with Journal.open(url, node="n1", keyring=keyring, side_file=side_file) as journal:
        with journal.view() as view:
            for control_id in acknowledged:
                assert view.control_id_seen("his", control_id), control_id
            births = view.cases(limit=100_000)
            for row in births:
                assert [view.message_body(m.id) for m in view.messages(row.id)] == [BODY]
                (made,) = view.submissions(row.id)
                assert made.status is Status.SUBMITTING
                assert view.document(made.id) == DOCUMENT
                assert [view.envelope(a.id) for a in view.attempts(made.id)] == [ENVELOPE]
            total = sum(view.message_counts().values())
            assert total >= 2 * len(births)
        assert journal.run(lambda unit: message(unit, f"after {len(acknowledged)}"))
    assert verify(url, keyring.public_key, side_file) == []


@pytest.mark.parametrize(("step", "when"), STEPS)
def test_dying_at_any_point_of_a_commit_loses_nothing_acknowledged(
    journal_url: str, keyring: Keyring, side_file: Path, tmp_path: Path, step: str, when: str
) -> None:
    """What a future resolved for is there after the crash, and verification finds nothing."""
    with child(journal_url, tmp_path, side_file, step, when, "3") as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 9
    check(journal_url, keyring, side_file, out.decode().split())


def test_killed_at_random_moments_it_loses_nothing_acknowledged(
    journal_url: str, keyring: Keyring, side_file: Path, tmp_path: Path
) -> None:
    """kill -9 three times over, each followed by a new process on the same journal."""
    acknowledged: list[str] = []
    for _ in range(3):
        with child(journal_url, tmp_path, side_file) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(random.uniform(0, 0.3))
            process.kill()
            lines = (first + process.stdout.read()).decode().splitlines(keepends=True)
        acknowledged += [line.strip() for line in lines if line.endswith("\n")]
        check(journal_url, keyring, side_file, acknowledged)

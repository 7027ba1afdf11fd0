"""`icaro node`: who is there, and taking a node out of work."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.keys import DevelopmentPki
from gateway.cli import main
from gateway.config import load
from gateway.deployment import lay_out
from gateway.ground import open_journal

WHO = ("--by", "m.rossi", "--reason", "new kernel")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A deployment whose node has run once."""
    lay_out(tmp_path / "d")
    DevelopmentPki(datetime.now(UTC)).write(tmp_path / "d" / "certs", ("gateway",))
    path = tmp_path / "d" / "icaro.yaml"
    with open_journal(load(path)) as journal:
        journal.run(lambda unit: unit.start_node("9.9"))
    return path


def run(config: Path, *arguments: str) -> Result:
    """`icaro node …`."""
    return CliRunner().invoke(main, ["node", *arguments, "-c", str(config)])


def listed(config: Path) -> list[dict[str, object]]:
    """What the list says to a program."""
    found: list[dict[str, object]] = json.loads(run(config, "list", "--json").output)
    return found


def test_nodes_are_listed_with_what_they_do(config: Path) -> None:
    """Name, state, claims and version; what persons write at a console is no node."""
    (node,) = listed(config)
    known = {"node": "icaro-1", "state": "works", "claims": 0, "version": "9.9"}
    assert known.items() <= node.items()
    assert "works" in run(config, "list").output


def test_a_node_is_drained_and_resumed(config: Path) -> None:
    """By somebody, for a reason: both are evidence, and the list shows it."""
    assert run(config, "drain", "icaro-1", *WHO).exit_code == 0
    assert [node["state"] for node in listed(config)] == ["drained"]
    assert run(config, "resume", "icaro-1", *WHO).exit_code == 0
    assert [node["state"] for node in listed(config)] == ["works"]
    with open_journal(load(config), node="looks") as journal, journal.view() as view:
        notes = [entry.note for entry in view.evidence(node="console")]
    assert notes == [{"node": "icaro-1", "person": "m.rossi", "reason": "new kernel"}] * 2


def test_a_node_needs_a_reason_and_must_be_there(config: Path) -> None:
    """Exit code 2 without a person or a reason, 1 for a name that no node has."""
    assert run(config, "drain", "icaro-1", "--by", "m.rossi").exit_code == 2
    assert run(config, "drain", "icaro-9", *WHO).exit_code == 1
    assert [node["state"] for node in listed(config)] == ["works"]


def test_a_node_that_does_not_write_is_silent(config: Path) -> None:
    """It says so itself no more: the list does."""
    place = str(load(config).journal.url).removeprefix("sqlite:///")
    with sqlite3.connect(place) as raw:
        raw.execute("UPDATE nodes SET seen_at = '2026-01-01T00:00:00.000000Z'")
    raw.close()
    assert [node["state"] for node in listed(config)] == ["silent"]

"""`icaro evidence`: what an operator and an auditor see."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.journal import Journal, Keyring
from tests.journal_rows import message


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A journal with three messages and a reason with a control character in it."""
    keyring = Keyring.create(tmp_path / "master.key")
    place = f"sqlite:///{tmp_path}/icaro.db"
    with Journal.open(place, node="n1", keyring=keyring) as journal:
        for number in range(3):
            journal.run(lambda unit, n=number: message(unit, str(n)))
        journal.run(lambda unit: unit.record("resolved", note={"reason": "asked \x1b[2J them"}))
    return place


def run(*arguments: str) -> Result:
    """`icaro evidence …`."""
    return CliRunner().invoke(main, ["evidence", *arguments])


def verify(url: str, tmp_path: Path, *more: str) -> Result:
    """As an auditor: the database and the public key."""
    key = str(tmp_path / "checkpoint.pub")
    return run("verify", "--journal", url, "--public-key", key, *more)


def test_a_whole_journal_is_good(url: str, tmp_path: Path) -> None:
    """Exit code 0, and how much was looked at."""
    result = verify(url, tmp_path)
    assert result.exit_code == 0, result.output
    assert "good: nothing was changed (4 entries, 3 rows, 2 checkpoints; 0 entries" in result.output


def test_findings_are_told_with_their_place(url: str, tmp_path: Path) -> None:
    """Exit code 1; the same for a program."""
    with sqlite3.connect(tmp_path / "icaro.db") as raw:
        raw.execute("DELETE FROM messages WHERE control_id = '1'")
    raw.close()
    result = verify(url, tmp_path)
    assert result.exit_code == 1
    assert result.output.startswith("row deleted: messages/")
    assert "1 findings" in result.output
    told = json.loads(verify(url, tmp_path, "--json").output)
    assert told["good"] is False
    assert [each["fault"] for each in told["findings"]] == ["row deleted"]


def test_a_journal_needs_the_key_that_verifies_it(url: str) -> None:
    """Usage, exit code 2."""
    assert run("verify", "--journal", url).exit_code == 2


def test_what_is_no_journal_is_told_in_words(tmp_path: Path) -> None:
    """With what to do; exit code 1."""
    Keyring.create(tmp_path / "master.key")
    result = verify(f"sqlite:///{tmp_path}/none.db", tmp_path)
    assert result.exit_code == 1
    assert "no journal" in result.output
    sqlite3.connect(tmp_path / "empty.db").close()
    assert "no tables" in verify(f"sqlite:///{tmp_path}/empty.db", tmp_path).output


def test_entries_are_shown_a_line_each(url: str) -> None:
    """The last one last; no control character reaches the terminal."""
    lines = run("show", "--journal", url, "--limit", "2").output.splitlines()
    assert len(lines) == 2
    assert "n1#3  message.accepted" in lines[0]
    assert "n1#4  resolved  reason=" in lines[1]
    assert "\x1b" not in lines[1]


def test_entries_are_shown_for_a_program(url: str) -> None:
    """One JSON object a line, with what is needed to compute the digest again."""
    result = run("show", "--journal", url, "--json", "--node", "n1")
    told = [json.loads(line) for line in result.output.splitlines()]
    assert [each["seq"] for each in told] == [1, 2, 3, 4]
    assert told[1]["previous"] == told[0]["digest"]
    subject = told[0]["subjects"][0]
    one = run("show", "--journal", url, "--json", "--subject", subject).output.splitlines()
    assert len(one) == 1

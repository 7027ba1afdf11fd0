"""`icaro evidence verify` on the demonstration's own journal, after somebody laid hands on it.

Each test changes a copy as the owner of the database can, constraints off, and asks the real verb,
which must name the place.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.stage import Stage
from gateway.journal.checkpoints import make
from gateway.journal.encryption import Keyring
from gateway.journal.stored import canonical, row_digest
from gateway.journal.tables import EVIDENCED
from gateway.journal.transaction import chain_digest
from tests.journey.theatre import Demonstration, sql

ENTRY = ("node", "seq", "at", "what", "subjects", "digests", "note")


@dataclass
class Copy:
    """The demonstration's journal in a folder of its own."""

    folder: Path

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Change or read it behind the gateway's back."""
        return sql(Stage(self.folder), statement, *values)

    def one(self, statement: str) -> Any:
        """The first column of the first row."""
        return self.sql(statement)[0][0]

    def verify(self) -> list[tuple[str, str]]:
        """What the verb finds: (fault, place); its exit code must say the same."""
        command = [sys.executable, "-m", "gateway.cli", "evidence", "verify", "--json"]
        done = subprocess.run(
            [*command, "-c", str(self.folder / "icaro.yaml")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        told = json.loads(done.stdout)
        assert (done.returncode == 0) == told["good"] == (not told["findings"])
        return [(each["fault"], each["place"]) for each in told["findings"]]

    def recompute(self, edit: Callable[[dict[str, Any]], None]) -> None:
        """Write every chain anew, as anybody can who knows how the digests are made."""
        previous: dict[str, str] = {}
        for row in self.sql(f"SELECT {', '.join(ENTRY)} FROM evidence ORDER BY node, seq"):
            entry = dict(zip(ENTRY, row, strict=True))
            edit(entry)
            before = previous.get(entry["node"], "")
            digest = chain_digest(**entry, previous=before)
            self.sql(
                "UPDATE evidence SET digests=?, previous=?, digest=? WHERE node=? AND seq=?",
                entry["digests"],
                before,
                digest,
                entry["node"],
                entry["seq"],
            )
            previous[entry["node"]] = digest


@pytest.fixture
def copy(demonstration: Demonstration, tmp_path: Path) -> Copy:
    """Everything that verification needs, to be changed."""
    left_out = shutil.ignore_patterns("simulators", "logs", "samples")
    shutil.copytree(demonstration.folder, tmp_path / "copy", ignore=left_out)
    return Copy(tmp_path / "copy")


@pytest.mark.journey
def test_an_untouched_journal_is_good(copy: Copy):
    """Nothing is found where nothing was done."""
    assert copy.verify() == []


EDITS = {
    "submissions": "receipt = 'PROT-FORGED'",
    "messages": "control_id = 'FORGED'",
    "cases": "declared_at = '2020-01-01T00:00:00.000000Z'",
    "attempts": "outcome = 'Rejected'",
}
BODIES = ("messages.body", "cases.dossier", "submissions.document", "attempts.envelope")


@pytest.mark.journey
def test_edited_rows_are_named(copy: Copy):
    """One column of one row of each table: these rows, and no other."""
    edited = set()
    for table, change in EDITS.items():
        row = copy.one(f"SELECT max(id) FROM {table}")
        copy.sql(f"UPDATE {table} SET {change} WHERE id = ?", row)
        edited.add(("row edited", f"{table}/{row}"))
    assert set(copy.verify()) == edited


@pytest.mark.journey
def test_edited_bodies_are_named(copy: Copy):
    """One bit of one ciphertext of each table: these columns, and no other."""
    edited = set()
    for table, column in (place.split(".") for place in BODIES):
        row = copy.one(f"SELECT max(id) FROM {table} WHERE {column} IS NOT NULL")
        body = bytes(copy.sql(f"SELECT {column} FROM {table} WHERE id = ?", row)[0][0])
        changed = body[:-1] + bytes([body[-1] ^ 1])
        copy.sql(f"UPDATE {table} SET {column} = ? WHERE id = ?", changed, row)
        edited.add(("body edited", f"{table}/{row}.{column}"))
    assert set(copy.verify()) == edited


@pytest.mark.journey
def test_deleted_rows_are_named(copy: Copy):
    """A row of each table that the evidence tells of, and that is gone."""
    deleted = set()
    for table in EDITS:
        row = copy.one(f"SELECT min(id) FROM {table}")
        copy.sql(f"DELETE FROM {table} WHERE id = ?", row)
        deleted.add(("row deleted", f"{table}/{row}"))
    assert set(copy.verify()) == deleted


@pytest.mark.journey
def test_a_truncated_tail_is_named(copy: Copy):
    """The last entries are gone, and with them every row they made: the signed head saw more."""
    last = copy.one("SELECT max(seq) FROM evidence WHERE node = 'icaro-1'")
    copy.sql("DELETE FROM evidence WHERE node = 'icaro-1' AND seq > ?", last - 3)
    assert ("tail truncated", f"icaro-1 #{last - 3}") in copy.verify()


def forge(copy: Copy) -> None:
    """Change a receipt, make its evidence fit, and write every chain anew."""
    row = copy.one("SELECT max(id) FROM submissions WHERE receipt IS NOT NULL")
    copy.sql("UPDATE submissions SET receipt = 'PROT-FORGED' WHERE id = ?", row)
    names = EVIDENCED["submissions"]
    stored = copy.sql(f"SELECT {', '.join(names)} FROM submissions WHERE id = ?", row)[0]
    values = dict(zip(names, stored, strict=True))
    values["maybe_received"] = bool(values["maybe_received"])
    place, version = f"submissions/{row}", f"{values['version']}:"

    def edit(entry: dict[str, Any]) -> None:
        told = json.loads(entry["digests"])
        if told.get(place, "").startswith(version):
            entry["digests"] = canonical({**told, place: version + row_digest(values)})

    copy.recompute(edit)


@pytest.mark.journey
def test_a_chain_written_anew_is_named(copy: Copy):
    """Every digest fits every other one; the signed heads do not."""
    forge(copy)
    faults = {fault for fault, _ in copy.verify()}
    assert faults == {"chain recomputed"}


@pytest.mark.journey
def test_a_chain_written_anew_with_forged_checkpoints_is_named(copy: Copy):
    """Checkpoints signed with a key of the forger's own, in the table and in the file."""
    forge(copy)
    heads = {
        node: (seq, digest)
        for node, seq, digest in copy.sql(
            "SELECT node, max(seq), digest FROM evidence GROUP BY node"
        )
    }
    keyring = Keyring.create(copy.folder / "forger" / "master.key")
    forged = make(keyring, "2026-11-21T10:00:00.000000Z", heads)
    copy.sql("DELETE FROM checkpoints")
    copy.sql(
        "INSERT INTO checkpoints (id, at, heads, signature, key_id) VALUES (?, ?, ?, ?, ?)",
        *(forged.id, forged.at, forged.heads, forged.signature, forged.key_id),
    )
    (copy.folder / "icaro.db.checkpoints").unlink()
    found = copy.verify()
    assert ("checkpoint invalid", f"checkpoints/{forged.id}") in found
    assert {place for fault, place in found if fault == "no checkpoint"} == set(heads)

"""Every way of changing a journal behind its back, by raw SQL, on both databases: found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import Journal, Keyring
from gateway.journal.checkpoints import Checkpoint, make
from gateway.journal.findings import Fault
from gateway.journal.stored import canonical, row_digest
from gateway.journal.tables import EVIDENCED
from gateway.journal.transaction import chain_digest
from gateway.journal.verification import examine, verify
from tests.contract.journal.tampering import Deployment, behind
from tests.journal_rows import case


@pytest.fixture
def deployment(journal_url: str, keyring: Keyring, side_file: Path) -> Deployment:
    """Written, closed, whole."""
    return Deployment(journal_url, keyring, side_file)


def test_a_journal_nobody_touched_has_no_finding(deployment: Deployment) -> None:
    """Nor one that was opened and written again; and everything was looked at."""
    assert deployment.findings() == []
    told: list[tuple[int, int]] = []
    report = examine(
        deployment.url,
        deployment.keyring.public_key,
        deployment.side_file,
        lambda done, total: told.append((done, total)),
    )
    assert (report.rows, report.unsigned) == (7, 0)
    assert report.entries == 11
    assert told[-1] == (11, 11)
    assert report.checkpoints >= 1


EDITS = {
    "messages": "UPDATE messages SET control_id = 'x' WHERE id = ?",
    "cases": "UPDATE cases SET state = 'MERGED' WHERE id = ?",
    "submissions": "UPDATE submissions SET receipt = 'PROT-2' WHERE id = ?",
    "attempts": "UPDATE attempts SET outcome = 'REJECTED' WHERE id = ?",
    "inbox": "UPDATE inbox SET operation_id = 'x' WHERE id = ?",
}


def _id(deployment: Deployment, table: str) -> str:
    return {
        "messages": deployment.message,
        "cases": deployment.case,
        "submissions": deployment.submission,
        "attempts": deployment.attempt,
        "inbox": deployment.callback,
    }[table]


@pytest.mark.parametrize("table", EDITS)
def test_an_edited_row_is_named(deployment: Deployment, table: str) -> None:
    """One column of one row, in every table that evidence tells about."""
    row = _id(deployment, table)
    deployment.sql(EDITS[table], row)
    assert deployment.named() == {Fault.ROW_EDITED: [f"{table}/{row}"]}


BODIES = {
    "messages": "body",
    "cases": "dossier",
    "submissions": "document",
    "attempts": "envelope",
    "inbox": "body",
}


@pytest.mark.parametrize("new", ["other", "gone"])
@pytest.mark.parametrize("table", BODIES)
def test_an_edited_body_is_named(deployment: Deployment, table: str, new: str) -> None:
    """A ciphertext replaced by another one or by nothing; row, table and column are told."""
    row = deployment.body if table == "messages" else _id(deployment, table)
    value = b"other" if new == "other" else None
    deployment.sql(f"UPDATE {table} SET {BODIES[table]} = ? WHERE id = ?", value, row)
    assert deployment.named() == {Fault.BODY_EDITED: [f"{table}/{row}.{BODIES[table]}"]}


def test_an_edited_body_with_its_seal_made_to_fit_is_an_edited_row(deployment: Deployment) -> None:
    """The seal stands in the row, the row in the evidence."""
    from gateway.journal.stored import seal_of

    deployment.sql(
        "UPDATE messages SET body = ?, body_seal = ? WHERE id = ?",
        b"other",
        seal_of(b"other"),
        deployment.body,
    )
    assert deployment.named() == {Fault.ROW_EDITED: [f"messages/{deployment.body}"]}


@pytest.mark.parametrize("table", EDITS)
def test_a_deleted_row_is_named(deployment: Deployment, table: str) -> None:
    """In every table that evidence tells about."""
    row = _id(deployment, table)
    deployment.sql(f"DELETE FROM {table} WHERE id = ?", row)
    assert deployment.named() == {Fault.ROW_DELETED: [f"{table}/{row}"]}


@pytest.mark.parametrize("table", EDITS)
def test_a_row_that_nobody_told_about_is_named(deployment: Deployment, table: str) -> None:
    """A copy of a row under another id, put in by hand."""
    unique = {"submissions": ("operation_id", "seq"), "attempts": ("message_id",)}
    unique |= {"inbox": ("message_id",), "messages": ("control_id",), "cases": ("key_digest",)}
    names = [name for name in EVIDENCED[table] if name not in ("id", *unique[table])]
    if table == "submissions":
        names.append("fence")
    new = ["77" if name == "seq" else "'forged'" for name in ("id", *unique[table])]
    deployment.sql(
        f"INSERT INTO {table} (id, {', '.join(unique[table])}, {', '.join(names)}) "
        f"SELECT {', '.join(new)}, {', '.join(names)} FROM {table} WHERE id = ?",
        _id(deployment, table),
    )
    assert deployment.named() == {Fault.ROW_ADDED: [f"{table}/forged"]}


def test_an_edited_entry_is_named(deployment: Deployment) -> None:
    """A reason changed afterwards."""
    deployment.sql("UPDATE evidence SET note = '{}' WHERE seq = 4")
    assert deployment.named() == {Fault.ENTRY_EDITED: ["n1 #4"]}


def test_an_entry_made_to_fit_itself_breaks_the_next(deployment: Deployment) -> None:
    """Its digest recomputed alone, the next entry no longer follows."""
    names = ("node", "seq", "at", "what", "subjects", "digests", "note", "previous")
    (row,) = deployment.sql(f"SELECT {', '.join(names)} FROM evidence WHERE seq = 4")
    entry = dict(zip(names, row, strict=True)) | {"note": "{}"}
    digest = chain_digest(**entry)
    deployment.sql("UPDATE evidence SET note = '{}', digest = ? WHERE seq = 4", digest)
    assert deployment.named() == {Fault.ENTRY_EDITED: ["n1 #5"]}


def test_a_deleted_entry_is_named(deployment: Deployment) -> None:
    """The gap is told, and the row that now has evidence of an older version only."""
    deployment.sql("DELETE FROM evidence WHERE seq = 4")
    named = deployment.named()
    assert named[Fault.ENTRY_DELETED] == ["n1 #4"]


def test_unreadable_digests_are_an_edited_entry(deployment: Deployment) -> None:
    """Verification goes on and names the entry, whatever stands in it."""
    deployment.sql("UPDATE evidence SET digests = '[' WHERE seq = 1")
    assert Fault.ENTRY_EDITED in deployment.named()


def test_a_truncated_tail_is_named(deployment: Deployment) -> None:
    """A checkpoint has seen more entries than there are."""
    deployment.sql("DELETE FROM evidence WHERE seq > 9")
    named = deployment.named()
    assert named[Fault.TAIL_TRUNCATED] == ["n1 #9"]


def test_a_chain_cut_off_whole_is_named(deployment: Deployment) -> None:
    """Also when nothing is left of it."""
    for table in ("evidence", "messages", "inbox", "attempts", "submissions", "cases"):
        deployment.sql(f"DELETE FROM {table}")
    assert deployment.named() == {Fault.TAIL_TRUNCATED: ["n1 #0"]}


def test_a_tail_cut_off_with_its_rows_and_checkpoints_is_in_the_file(
    deployment: Deployment, tmp_path: Path
) -> None:
    """The database is whole in itself; the checkpoint beside it saw more."""
    deployment.sql("DELETE FROM evidence WHERE seq > 10")
    deployment.sql("DELETE FROM inbox")
    deployment.sql(
        "DELETE FROM checkpoints WHERE id NOT IN (SELECT id FROM checkpoints ORDER BY id LIMIT 1)"
    )
    nowhere = tmp_path / "empty"
    nowhere.touch()
    assert deployment.named(nowhere) == {}
    named = deployment.named()
    assert named[Fault.TAIL_TRUNCATED] == ["n1 #10"]
    assert len(named[Fault.CHECKPOINT_DELETED]) >= 1


def test_a_chain_recomputed_from_scratch_is_named(deployment: Deployment) -> None:
    """An edited row, its evidence made to fit, every digest computed again: not what was signed."""
    deployment.sql(EDITS["submissions"], deployment.submission)
    names = EVIDENCED["submissions"]
    (row,) = deployment.sql(
        f"SELECT {', '.join(names)} FROM submissions WHERE id = ?", deployment.submission
    )
    values = dict(zip(names, row, strict=True))
    values["maybe_received"] = bool(values["maybe_received"])
    forged = {f"submissions/{deployment.submission}": f"{values['version']}:{row_digest(values)}"}

    def edit(entry: dict[str, Any]) -> None:
        told = json.loads(entry["digests"])
        if any(
            text.startswith(f"{values['version']}:") and place in forged
            for place, text in told.items()
        ):
            entry["digests"] = canonical(forged)

    deployment.recompute(edit)
    assert [str(fault) for fault in deployment.named()] == ["chain recomputed"]


def test_a_chain_recomputed_and_signed_with_another_key_is_named(
    deployment: Deployment, tmp_path: Path
) -> None:
    """Checkpoints replaced by ones of the forger's own key convince nobody."""
    deployment.recompute(lambda entry: entry.update(note="{}"))
    deployment.sql("DELETE FROM checkpoints")
    forger = Keyring.create(tmp_path / "forger" / "master.key")
    ((seq, digest),) = deployment.sql(
        "SELECT seq, digest FROM evidence WHERE seq = (SELECT max(seq) FROM evidence)"
    )
    forged = make(forger, "2026-11-21T10:00:00.000000Z", {"n1": (seq, digest)})
    deployment.sql(
        "INSERT INTO checkpoints (id, at, heads, signature, key_id) VALUES (?, ?, ?, ?, ?)",
        forged.id,
        forged.at,
        forged.heads,
        forged.signature,
        forged.key_id,
    )
    nowhere = tmp_path / "empty"
    nowhere.touch()
    place = f"checkpoints/{forged.id}"
    assert deployment.named(nowhere) == {
        Fault.CHECKPOINT_INVALID: [place],
        Fault.NO_CHECKPOINT: ["n1"],
    }
    named = deployment.named()
    assert named[Fault.CHECKPOINT_INVALID] == [place]
    assert Fault.CHAIN_RECOMPUTED in named


def test_an_edited_checkpoint_is_named(deployment: Deployment) -> None:
    """A head moved back in the table, so that a cut tail would not show."""
    deployment.sql("UPDATE checkpoints SET heads = ?", canonical({"n1": [1, "0" * 64]}))
    assert Fault.CHECKPOINT_INVALID in deployment.named()


def test_unreadable_checkpoints_are_named(deployment: Deployment) -> None:
    """In the table and in the file; verification goes on."""
    deployment.sql("UPDATE checkpoints SET heads = '[]'")
    with deployment.side_file.open("a") as file:
        file.write("{}\nnot json\n[]\n")
    named = deployment.named()
    lines = len(deployment.side_file.read_text().splitlines())
    told = [place for place in named[Fault.CHECKPOINT_INVALID] if place.startswith("file")]
    assert told == [f"file line {number}" for number in range(lines - 2, lines + 1)]


def test_a_file_of_checkpoints_that_was_edited_is_named(deployment: Deployment) -> None:
    """Each line carries its own signature."""
    line = deployment.side_file.read_text().splitlines()[0]
    told = Checkpoint.of_line(line)
    deployment.side_file.write_text(line.replace("n1", "n2") + "\n")
    assert deployment.named()[Fault.CHECKPOINT_INVALID] == [f"checkpoints/{told.id}"]


def test_a_later_version_counts_whichever_chain_tells_it(
    journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """Two nodes change one row; each chain tells its part, the row is compared with the last."""
    opened = [
        Journal.open(journal_url, node=node, keyring=keyring, side_file=side_file)
        for node in ("n2", "n1")
    ]
    first, second = opened
    made = first.run(lambda unit: case(unit))
    for version, journal in enumerate([second, first, second], 1):
        journal.run(lambda unit, v=version: unit.save_case(made.id, v, context=b"%d" % v))
    for journal in opened:
        journal.close()
    assert verify(journal_url, keyring.public_key, side_file) == []
    behind(journal_url, "UPDATE cases SET declared_at = 'x'")
    assert [f.place for f in verify(journal_url, keyring.public_key, side_file)] == [
        f"cases/{made.id}"
    ]

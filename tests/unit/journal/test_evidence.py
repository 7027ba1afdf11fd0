"""The evidence, read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.journal import Journal, Keyring
from gateway.journal.stored import canonical
from gateway.journal.transaction import chain_digest
from tests.journal_rows import case, message, sending


def test_every_write_leaves_an_entry_that_names_its_row(tmp_path: Path) -> None:
    """No caller can forget it; ids are opaque, notes are codes."""
    keyring = Keyring.create(tmp_path / "keys" / "master.key")
    with Journal.open(f"sqlite:///{tmp_path}/i.db", node="n1", keyring=keyring) as journal:
        case_id, submission_id, attempt_id = journal.run(sending)
        journal.run(lambda unit: unit.record("resolved", subjects=[case_id], note={"by": "M. B."}))
        with journal.view() as view:
            entries = view.evidence()
            about = view.evidence(subject=submission_id)
            assert view.evidence(subject="%") == []
            assert view.evidence(node="n2") == []
            assert view.evidence(limit=1) == entries[-1:]
    assert [entry.what for entry in entries] == [
        "case.opened",
        "message.accepted",
        "submission.added",
        "submission.moved",
        "attempt.added",
        "resolved",
    ]
    assert [entry.what for entry in about] == [
        "submission.added",
        "submission.moved",
        "attempt.added",
    ]
    assert entries[3].note == {"from": "READY", "to": "SUBMITTING"}
    assert entries[4].subjects == (attempt_id, submission_id)
    assert list(entries[3].digests) == [f"submissions/{submission_id}"]
    assert entries[5].note == {"by": "M. B."}


def test_each_entry_follows_from_the_one_before(tmp_path: Path) -> None:
    """The digest is over the stored columns and the digest before; a third party can compute it."""
    keyring = Keyring.create(tmp_path / "keys" / "master.key")
    with Journal.open(f"sqlite:///{tmp_path}/i.db", node="n1", keyring=keyring) as journal:
        for number in range(3):
            journal.run(lambda unit, n=number: message(unit, str(n)))
        with journal.view() as view:
            entries = view.evidence()
            assert view.evidence_heads() == {"n1": (3, entries[-1].digest)}
    previous = ""
    for number, entry in enumerate(entries, 1):
        assert (entry.node, entry.seq, entry.previous) == ("n1", number, previous)
        at = entry.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        texts = (canonical(list(entry.subjects)), canonical(entry.digests), canonical(entry.note))
        assert chain_digest("n1", number, at, entry.what, *texts, previous) == entry.digest
        previous = entry.digest


def test_a_note_that_is_no_json_fails_its_unit(tmp_path: Path) -> None:
    """At the call, not at the commit."""
    keyring = Keyring.create(tmp_path / "keys" / "master.key")
    with Journal.open(f"sqlite:///{tmp_path}/i.db", node="n1", keyring=keyring) as journal:
        with pytest.raises(TypeError):
            journal.run(lambda unit: [case(unit), unit.record("x", note={"a": object()})])
        with journal.view() as view:
            assert view.evidence() == []
            assert view.cases() == []

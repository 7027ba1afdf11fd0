"""A case as one signed archive: whole without the journal, and every change of it is told."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import ArchiveError
from gateway.journal import Journal, Keyring
from gateway.journal.export import examine_export, export
from gateway.journal.retention import Rule
from tests.contract.journal.test_retention import LATER, ended
from tests.journal_rows import DOCUMENT, ENVELOPE, case


@pytest.fixture
def archive(journal: Journal, keyring: Keyring, tmp_path: Path) -> Path:
    """An exported case beside which the journal has another one."""
    mine, _, _ = journal.run(ended)
    journal.run(lambda unit: case(unit, "OTHER"))
    journal.checkpoint()
    to = tmp_path / "case.zip"
    with journal.view() as view:
        at = datetime.now(UTC).isoformat()
        export(view, mine, to, at, keyring.sign_checkpoint)
    return to


def members(path: Path) -> dict[str, bytes]:
    """What a zip holds."""
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def test_an_export_holds_the_case_and_is_good_without_the_journal(
    archive: Path, keyring: Keyring
) -> None:
    """Documents and envelopes in the clear, evidence that fits the rows, heads that cover it."""
    manifest, wrong = examine_export(archive, keyring.signed_by_us, keyring.public_key)
    assert wrong == []
    held = members(archive)
    assert {DOCUMENT, ENVELOPE, b"<ok/>"} <= set(held.values())
    whats = held["evidence.jsonl"].decode()
    assert "case.opened" in whats
    assert "attempt.ended" in whats
    assert manifest["case"] in whats


def test_an_export_after_a_purge_says_what_is_left(
    journal: Journal, keyring: Keyring, tmp_path: Path
) -> None:
    """What retention took is not in it, and what is in it still verifies."""
    mine, _, _ = journal.run(ended)
    journal.run(lambda unit: unit.purge(mine, Rule.DOCUMENTS, LATER))
    journal.checkpoint()
    with journal.view() as view:
        export(view, mine, tmp_path / "c.zip", "2026", keyring.sign_checkpoint)
    _, wrong = examine_export(tmp_path / "c.zip", keyring.signed_by_us, keyring.public_key)
    assert wrong == []
    assert DOCUMENT not in members(tmp_path / "c.zip").values()


def first(held: dict[str, bytes], folder: str) -> str:
    """The name of a member."""
    return next(name for name in held if name.startswith(folder))


CHANGES: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "edited": (lambda m: m.update({first(m, "documents/"): b"<altro/>"}), "documents/"),
    "bomb": (lambda m: m.update({first(m, "envelopes/"): bytes(2**24)}), "larger"),
    "removed": (lambda m: m.pop(first(m, "answers/")), "missing"),
    "added": (lambda m: m.update({"../../etc/passwd": b"x"}), "added"),
    "evidence": (lambda m: m.update({"evidence.jsonl": b""}), "evidence.jsonl"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_is_told(name: str, archive: Path, keyring: Keyring) -> None:
    """Each part that was edited, removed or added is named."""
    change, said = CHANGES[name]
    held = members(archive)
    change(held)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for each, content in held.items():
            packed.writestr(each, content)
    _, wrong = examine_export(archive, keyring.signed_by_us)
    assert said in "\n".join(wrong)


def test_another_signature_is_refused(archive: Path, keyring: Keyring, tmp_path: Path) -> None:
    """An archive that another key signed, or nobody, is not looked into."""
    other = Keyring.create(tmp_path / "other" / "master.key")
    with pytest.raises(ArchiveError, match="not signed"):
        examine_export(archive, other.signed_by_us)

"""What a simulated administration keeps on disk."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.simulation.store import Effect, Promise, Store

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def keep(store: Store, operation_id: str, promise: Promise | None = None) -> Effect:
    """Keep an effect of which only the id matters."""
    answer = {"idOperazione": operation_id, "esito": "ACCOLTA", "protocollo": "P"}
    return store.keep(
        operation="registraNascita",
        operation_id=operation_id,
        message_id="urn:uuid:1",
        body=b"<a/>",
        sha256="00",
        answer=answer,
        outcome=answer,
        facts={"nato": "N1"},
        promise=promise,
    )


def test_an_effect_is_a_line_and_a_document(tmp_path: Path) -> None:
    """Each effect has one line with its receipt and one file with its Body."""
    keep(Store(tmp_path, lambda: NOW), "op-1")
    (line,) = (tmp_path / "effects.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert (told["seq"], told["idOperazione"], told["protocollo"]) == (1, "op-1", "P")
    assert (tmp_path / "documents" / "000001.xml").read_bytes() == b"<a/>"


def test_everything_is_on_disk_before_it_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Document and line are synced, in this order, before `keep` returns."""
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)
    keep(Store(tmp_path, lambda: NOW), "op-1")
    assert len(synced) == 2


def test_a_restart_knows_the_last_effect_of_each_operation(tmp_path: Path) -> None:
    """Another Store over the same folder knows what the first one knew."""
    first = Store(tmp_path, lambda: NOW)
    keep(first, "op-1")
    kept = keep(first, "op-1", {"after": None, "messages": 2})
    again = Store(tmp_path, lambda: NOW)
    assert again.effects == first.effects
    assert again.last("op-1") == kept
    assert again.owed() == [kept]
    again.called_back("op-1", 2)
    assert Store(tmp_path, lambda: NOW).owed() == []
    assert again.last("op-2") is None


def test_a_line_cut_by_a_crash_is_no_effect(tmp_path: Path) -> None:
    """A half-written line was never answered; what comes next takes its number."""
    store = Store(tmp_path, lambda: NOW)
    keep(store, "op-1")
    path = tmp_path / "effects.jsonl"
    path.write_bytes(path.read_bytes() + b'{"seq": 2, "at"')
    (tmp_path / "documents" / "000002.xml").write_bytes(b"<half")
    again = Store(tmp_path, lambda: NOW)
    assert [effect.idOperazione for effect in again.effects] == ["op-1"]
    keep(again, "op-2")
    assert [effect.seq for effect in Store(tmp_path, lambda: NOW).effects] == [1, 2]
    assert (tmp_path / "documents" / "000002.xml").read_bytes() == b"<a/>"


def test_an_effect_does_not_show_what_was_answered(tmp_path: Path) -> None:
    """The answer, which may hold a codice fiscale, is not in the repr."""
    assert "ACCOLTA" not in repr(keep(Store(tmp_path, lambda: NOW), "op-1"))

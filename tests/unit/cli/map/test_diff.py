"""`icaro map diff`: as text, as JSON, and its exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway import shipped
from gateway.cli import main


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two versions of the mappings; the second gives girls another code."""
    for name in ("old", "new"):
        shutil.copytree(shipped.mappings(), tmp_path / name)
    path = tmp_path / "new/tables/sesso.csv"
    path.write_text(path.read_text().replace("F,F,femmina", "F,N,femmina"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def diff(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["map", "diff", "old", "new", *arguments])


def test_differences_stand_below_their_cause(folders: Path) -> None:
    """With how often, a pair of values and the run that they are of; exit code 1."""
    result = diff("agenzia_entrate/attribuzione.yaml")
    assert result.exit_code == 1
    assert "  tables/sesso.csv:3: row\n" in result.output
    assert "  F → N  (" in result.output
    assert "1 mappings compared, 1 differ" in result.output


def test_where_nothing_differs_nothing_is_said(folders: Path) -> None:
    """Exit code 0."""
    result = diff("comune/esito.yaml")
    assert (result.exit_code, result.stdout) == (0, "")


def test_a_corpus_and_json_for_a_program(folders: Path) -> None:
    """A folder of messages; paths, values and positions as fields."""
    (folders / "corpus").mkdir()
    shutil.copy(shipped.mappings() / "samples/femmina.hl7", folders / "corpus/one.hl7")
    (folders / "corpus/README").write_text("no message")
    result = diff("comune/nascita.yaml", "--corpus", "corpus", "--json")
    (told,) = json.loads(result.stdout)["mappings"]
    (cause,) = told["causes"]
    assert (cause["file"], cause["line"], cause["kind"]) == ("tables/sesso.csv", 3, "row")
    assert {change["path"] for change in cause["changes"]} >= {"attestazioneNascita/sesso"}


def test_a_mapping_that_one_side_lacks_is_told(folders: Path) -> None:
    """And counts as a difference."""
    for path in (folders / "new").rglob("*.yaml"):
        if path.parent.name in ("asl", "anpr", "agenzia_entrate", "gateway", "ospedale", "comune"):
            path.unlink()
    result = diff()
    assert "comune/nascita.yaml: only in OLD" in result.output
    assert result.exit_code == 1


def test_a_mapping_that_cannot_be_compiled_is_told(folders: Path) -> None:
    """Its findings stand instead."""
    path = folders / "new/comune/esito.yaml"
    path.write_text(path.read_text() + "\nx: y\n")
    result = diff("comune/esito.yaml")
    assert result.exit_code == 1
    assert "unknown key x" in result.output


def test_a_path_that_names_no_mapping_is_a_mistake_of_usage(folders: Path) -> None:
    """Exit code 2."""
    assert diff("nothing").exit_code == 2

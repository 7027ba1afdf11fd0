"""`icaro map coverage`: tables for a person, findings for an editor, figures for a gate."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main

CONTRACT = Path(__file__).parents[3] / "contract" / "mapping"
BIRTH = "comune/nascita.yaml"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with mappings/ and xsd/, as `icaro init` lays out."""
    shutil.copytree(CONTRACT / "mappings", tmp_path / "mappings")
    shutil.copytree(CONTRACT / "xsd", tmp_path / "xsd")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def coverage(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["map", "coverage", *arguments])


def test_mappings_and_tables_have_a_line_each() -> None:
    """Runs, leaves, branches, rows; without findings the exit code is zero."""
    result = coverage()
    assert result.exit_code == 0
    assert BIRTH in result.output
    assert "tables/sesso.csv" in result.output
    assert "% of leaves, branches and rows reached" in result.output


def test_findings_have_file_line_and_column() -> None:
    """C01 and C02, as lint tells its own; exit code 1."""
    result = coverage("comune", "--findings")
    assert result.exit_code == 1
    place = re.compile(r"[\w./]+:\d+:\d+: warning C0[12] \S")
    assert result.stdout
    assert all(place.match(line) for line in result.stdout.splitlines())


def test_a_gate_fails_below_its_figure() -> None:
    """And passes at it."""
    percent = json.loads(coverage("--json").stdout)["percent"]
    assert coverage("--fail-under", "0").exit_code == 0
    assert coverage("--fail-under", str(min(100, percent + 1))).exit_code == 1


def test_a_folder_of_messages_counts_too(folder: Path) -> None:
    """Named after the mappings or with --corpus; what holds no message is passed over."""
    corpus = folder / "messages"
    (corpus / "deep").mkdir(parents=True)
    head = "MSH|^~\\&|A|B|C|D|20260302||ADT^A01^ADT_A01|1|P|2.5\n"
    (corpus / "deep" / "two.hl7").write_text(f"{head}PID|1\n{head}PID|2\n")
    (corpus / "notes.txt").write_text("nothing here\n")
    (corpus / "answer.xml").write_text("<a/>")

    def runs(*arguments: str) -> int:
        (one,) = json.loads(coverage(BIRTH, *arguments, "--json").stdout)["mappings"]
        return int(one["runs"])

    alone = runs()
    assert runs("messages") == alone + 2
    assert runs("--corpus", "messages") == alone + 2
    assert runs("messages/deep/two.hl7") == alone + 2


def test_what_is_neither_mapping_nor_folder_is_a_mistake() -> None:
    """Of usage, in one sentence."""
    result = coverage("nobody")
    assert result.exit_code == 2
    assert "nobody is no mapping" in result.output


def test_pages_go_to_a_file_or_a_folder(folder: Path) -> None:
    """`.html` is one page, anything else a folder with an index."""
    assert coverage("--html", "cover.html").exit_code == 0
    assert BIRTH in (folder / "cover.html").read_text(encoding="utf-8")
    assert coverage("--html", "cover").exit_code == 0
    names = {path.name for path in (folder / "cover").iterdir()}
    assert {"index.html", "comune.nascita.yaml.html"} <= names


def test_a_program_gets_figures_and_findings() -> None:
    """Positions apart, as `lint --json` has them."""
    told = json.loads(coverage("--json").stdout)
    assert set(told) == {"percent", "mappings", "tables", "findings"}
    assert {"file", "line", "column", "severity", "code", "text"} <= set(told["findings"][0])

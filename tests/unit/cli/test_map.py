"""`icaro map`: what it prints, and its exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lxml import etree

from gateway import shipped
from gateway.cli import main

CONTRACT = Path(__file__).parents[2] / "contract" / "mapping"
BAD = "lang: 1\nmapping: bad\nsource: {hl7: '2.5'}\ntarget: {xsd: doc.xsd, root: doc}\nemit:\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with mappings/ and xsd/, as `icaro init` lays out."""
    shutil.copytree(CONTRACT / "mappings", tmp_path / "mappings")
    shutil.copytree(CONTRACT / "xsd", tmp_path / "xsd")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def icaro(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["map", *arguments])


def test_tests_that_pass_exit_with_zero(folder: Path) -> None:
    """And say how many there were."""
    result = icaro("test")
    assert result.exit_code == 0
    assert "2 tests, 0 failed" in result.output


def test_a_failing_test_is_named_with_its_line(folder: Path) -> None:
    """File, line, name, and what differs."""
    path = folder / "mappings/comune/nascita.yaml"
    path.write_text(path.read_text().replace("nato/sesso: F", "nato/sesso: M"))
    result = icaro("test", "comune")
    assert result.exit_code == 1
    assert "comune/nascita.yaml:56: girl, single birth" in result.output
    assert "nato/sesso: expected M, found F" in result.output


def test_a_mapping_that_cannot_be_read_fails_its_tests(folder: Path) -> None:
    """All its findings are told instead."""
    (folder / "mappings/bad.yaml").write_text(BAD + "  testo: a\ntests: x\n")
    result = icaro("test", "bad.yaml")
    assert result.exit_code == 1
    assert "bad.yaml:7:8: error M06 tests must be a list" in result.output


def test_results_for_a_program(folder: Path) -> None:
    """JSON on standard output, nothing else."""
    told = json.loads(icaro("test", "--json").stdout)
    assert [test["passed"] for test in told["tests"]] == [True, True]
    assert told["findings"] == []


def test_findings_have_file_line_and_column(folder: Path) -> None:
    """As editors want them; exit code 1."""
    (folder / "mappings/bad.yaml").write_text(BAD + "  testo: PID-5 | uper\n")
    result = icaro("lint", str(folder / "mappings" / "bad.yaml"))
    assert result.exit_code == 1
    assert "bad.yaml:6:18: error M03 unknown function uper; did you mean upper?" in result.output
    (told,) = json.loads(icaro("lint", "bad.yaml", "--json").stdout)
    assert (told["file"], told["line"], told["column"]) == ("bad.yaml", 6, 18)
    assert (told["severity"], told["code"]) == ("error", "M03")


def test_without_paths_profiles_are_looked_at_too(folder: Path) -> None:
    """A mistake in a profile is found before any message."""
    path = folder / "mappings/comune/nascita.yaml"
    path.write_text(path.read_text().replace("{operationId: text, now", "{now"))
    assert icaro("lint").exit_code == 0
    (folder / "mappings/profiles/bad.yaml").write_text("lang: 1\ndefine:\n  a: PID-99\n")
    result = icaro("lint")
    assert result.exit_code == 1
    assert "profiles/bad.yaml:3:9: error H02" in result.output


def test_a_path_that_names_no_mapping_is_a_mistake_of_usage(folder: Path) -> None:
    """Exit code 2."""
    result = icaro("lint", "nobody.yaml")
    assert result.exit_code == 2
    assert "is no mapping under" in result.output


def test_a_file_of_a_deployment_brings_its_folders(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`icaro map test prova/mappings/…` reads prova's tables and schemas from anywhere."""
    monkeypatch.chdir(tmp_path.parent)
    result = icaro("test", f"{tmp_path.name}/mappings/comune/nascita.yaml")
    assert result.exit_code == 0, result.output
    assert "2 tests, 0 failed" in result.output


def test_other_folders_may_be_named() -> None:
    """Where one is not beside the mappings."""
    folders = ["--mappings", str(CONTRACT / "mappings"), "--xsd", str(CONTRACT / "xsd")]
    assert icaro("test", *folders).exit_code == 0


def test_the_shipped_mappings_are_clean_and_their_tests_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a folder without any, the shipped ones are looked at: no false alarm on them."""
    monkeypatch.chdir(tmp_path)
    lint = icaro("lint")
    assert lint.exit_code == 0, lint.output
    test = icaro("test")
    assert test.exit_code == 0, test.output


def test_the_whole_folder_may_be_named():
    """`icaro map lint mappings/` looks at every mapping, as without a path."""
    answer = icaro("lint", str(shipped.mappings()))
    assert (answer.exit_code, answer.stdout) == (0, "")


def test_results_for_a_ci_server(folder: Path) -> None:
    """JUnit XML: a suite a mapping, a failure with its paths, a broken mapping as a failure."""
    path = folder / "mappings/comune/nascita.yaml"
    path.write_text(path.read_text().replace("nato/sesso: F", "nato/sesso: M"))
    (folder / "mappings/bad.yaml").write_text(BAD + "  testo: a\ntests: x\n")
    assert icaro("test", "--junit", str(folder / "r.xml")).exit_code == 1
    suites = etree.parse(folder / "r.xml").getroot()
    assert [suite.get("failures") for suite in suites] == ["1", "1"]
    failure = suites[0].find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "nato/sesso: expected M, found F"


def test_documents_that_tests_expect_are_written_on_request(folder: Path) -> None:
    """And then hold; nothing is written outside the folder."""
    path = folder / "mappings/comune/nascita.yaml"
    with path.open("a") as file:
        file.write("  - {name: whole, given: samples/femmina.hl7, expect_xml: samples/out.xml}\n")
    assert icaro("test").exit_code == 1
    assert "written: samples/out.xml" in icaro("test", "--update").output
    assert icaro("test").exit_code == 0
    with path.open("a") as file:
        file.write("  - {name: out, given: samples/femmina.hl7, expect_xml: ../../out.xml}\n")
    refused = icaro("test", "--update")
    assert refused.exit_code == 1
    assert "no document to write" in refused.output
    assert not (folder.parent / "out.xml").exists()

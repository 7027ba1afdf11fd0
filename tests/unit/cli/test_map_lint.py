"""`icaro map lint`: formats, severities, profiles, and silence where nothing is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.map.lint import lint
from gateway.mapping.finding import RULES

CONTRACT = Path(__file__).parents[2] / "contract" / "mapping"
HEAD = "lang: 1\nmapping: m\nsource: {hl7: '2.5'}\ntarget: {xsd: doc.xsd, root: doc}\n"
WRONG = HEAD + "emit:\n  testo: PID-5[1].1 | uper\n  persona:\n    cognome: PID-5[1].1\n"

Lint = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment, and the place where commands run."""
    shutil.copytree(CONTRACT / "mappings", tmp_path / "mappings")
    shutil.copytree(CONTRACT / "xsd", tmp_path / "xsd")
    (tmp_path / "mappings" / "m.yaml").write_text(WRONG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(lint, list(arguments))


def test_nothing_wrong_is_nothing_said(folder: Path) -> None:
    """Neither on standard output nor beside it."""
    (folder / "mappings" / "m.yaml").write_text(HEAD + "emit:\n  testo: PID-5[1].1\n")
    result = run("m.yaml")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_findings_are_told_and_counted(folder: Path) -> None:
    """One a line, in order; the sum stands beside."""
    result = run("m.yaml")
    assert result.exit_code == 1
    assert [line.split(" ")[2] for line in result.stdout.splitlines()] == ["M03", "X02"]
    assert result.stderr == "2 findings\n"


def test_a_severity_leaves_out_what_is_less(folder: Path) -> None:
    """What is left out has no exit code."""
    assert "X02" not in run("m.yaml", "--severity", "error").stdout
    (folder / "mappings" / "m.yaml").write_text(
        HEAD + "emit:\n  persona:\n    cognome: PID-5[1].1\n"
    )
    assert run("m.yaml", "--severity", "error").exit_code == 0
    assert run("m.yaml").exit_code == 1


def test_what_several_profiles_find_is_told_once(folder: Path) -> None:
    """`all` are those of the folder."""
    (folder / "mappings/profiles/other.yaml").write_text("lang: 1\nprofile: o\nextends: default\n")
    assert run("m.yaml", "--profile", "all").stdout == run("m.yaml").stdout
    assert run("m.yaml", "--profile", "other", "--profile", "default").stderr == "2 findings\n"


def test_a_profile_that_is_not_there_is_a_mistake_of_usage(folder: Path) -> None:
    """Exit code 2."""
    result = run("m.yaml", "--profile", "nobody")
    assert result.exit_code == 2
    assert "no profile nobody; there are default" in result.stderr


def test_json_has_every_part(folder: Path) -> None:
    """And nothing beside it; `--json` and `--format json` are the same."""
    result = run("m.yaml", "--format", "json")
    assert result.stdout == run("m.yaml", "--json").stdout
    assert json.loads(result.stdout)[0] == {
        "file": "m.yaml",
        "line": 6,
        "column": 23,
        "severity": "error",
        "code": "M03",
        "text": "unknown function uper; did you mean upper?",
    }
    assert result.stderr == ""


def test_sarif_names_rules_and_places(folder: Path) -> None:
    """SARIF 2.1.0, §3.13 to §3.30: a version, a run, its rules, and a region for each result."""
    result = run("m.yaml", "--format", "sarif")
    assert result.exit_code == 1
    log = json.loads(result.stdout)
    assert log["version"] == "2.1.0"
    (sarif_run,) = log["runs"]
    rules = sarif_run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [*RULES]
    first, second = sarif_run["results"]
    assert rules[first["ruleIndex"]]["id"] == first["ruleId"] == "M03"
    assert (first["level"], second["level"]) == ("error", "warning")
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "mappings/m.yaml"}
    assert place["region"] == {"startLine": 6, "startColumn": 23}


def test_sarif_addresses_are_whole_where_the_mappings_lie_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that only this folder understands would name nothing."""
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    folders = ["--mappings", str(folder / "mappings"), "--xsd", str(folder / "xsd")]
    log = json.loads(run("m.yaml", "--format", "sarif", *folders).stdout)
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == (folder / "mappings/m.yaml").resolve().as_uri()


def test_a_clean_run_in_sarif_is_a_run_without_results(folder: Path) -> None:
    """A code host closes what is no longer found."""
    (folder / "mappings" / "m.yaml").write_text(HEAD + "emit:\n  testo: PID-5[1].1\n")
    result = run("m.yaml", "--format", "sarif")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["runs"][0]["results"] == []

"""`icaro map new`: where it writes, what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.deployment import lay_out

ROOT = ("--xsd", "comune/nascita.xsd", "--root", "RichiestaRegistraNascita")


@pytest.fixture(autouse=True)
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment in the working folder."""
    lay_out(tmp_path / "d")
    monkeypatch.chdir(tmp_path / "d")
    return tmp_path / "d"


def new(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["map", "new", *arguments])


def test_without_a_file_it_is_printed() -> None:
    """So that one may look first."""
    result = new("a/b", *ROOT)
    assert result.exit_code == 0
    assert "mapping: a/b\n" in result.stdout


def test_a_file_is_written_once(deployment: Path) -> None:
    """What somebody has filled in is never overwritten."""
    path = deployment / "mappings/a/b.yaml"
    assert new("a/b", *ROOT, "-o", str(path)).exit_code == 0
    path.write_text("mine")
    result = new("a/b", *ROOT, "-o", str(path))
    assert result.exit_code == 1
    assert "is there already" in result.output
    assert path.read_text() == "mine"


def test_a_schema_on_disk_says_which_deployment_is_meant(
    deployment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From wherever the command is typed."""
    monkeypatch.chdir(tmp_path)
    xsd = deployment / "xsd/comune/nascita.xsd"
    (deployment / "mappings/only_here.hl7").write_bytes(
        b"MSH|^~\\&|A|B|C|D|20260302||ADT^A28|1|P|2.4\rPID|1\r"
    )
    sample = deployment / "mappings/only_here.hl7"
    result = new("a/b", "--xsd", str(xsd), *ROOT[2:], "--sample", str(sample))
    assert "hl7: '2.4'" in result.output
    assert "messages: [ADT_A05]" in result.output
    assert "given: only_here.hl7" in result.output


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("a", "--xsd", "none.xsd", "--root", "x"), 2, "no file below"),
        (("a", *ROOT[:2], "--root", "x"), 1, "no root element x"),
        (("a", *ROOT, "--sample", "none.hl7"), 2, "no file below"),
        (("a", *ROOT, "--sample", "../out.hl7"), 2, "copy it there first"),
        (("a", *ROOT, "--sample", "samples/risposte/anpr_ok.xml"), 1, ""),
        (("a", *ROOT, "--profile", "none"), 1, "profiles/none.yaml: no such file"),
    ],
)
def test_what_cannot_be_read_is_told(
    arguments: tuple[str, ...], code: int, said: str, tmp_path: Path
) -> None:
    """In a sentence, without a traceback."""
    (tmp_path / "out.hl7").write_text("MSH|^~\\&|")
    result = new(*arguments)
    assert result.exit_code == code
    assert isinstance(result.exception, SystemExit)
    assert said in result.output.replace("\n", " ")

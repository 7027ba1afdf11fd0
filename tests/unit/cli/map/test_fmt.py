"""`icaro map fmt`: writes, checks, and leaves alone what it cannot read."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.deployment import lay_out


@pytest.fixture(autouse=True)
def mapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mapping of a deployment, with one line too far to the right."""
    lay_out(tmp_path / "d")
    monkeypatch.chdir(tmp_path / "d")
    path = tmp_path / "d/mappings/comune/esito.yaml"
    path.write_text(path.read_text().replace("mapping: ", "mapping:    "))
    return path


def fmt(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["map", "fmt", *arguments])


def test_a_file_is_laid_out_and_then_as_it_should_be(mapping: Path) -> None:
    """All others are so already."""
    result = fmt()
    assert (result.exit_code, result.output) == (0, "comune/esito.yaml: laid out anew\n")
    assert "mapping: comune" in mapping.read_text()
    assert fmt("--check").exit_code == 0


def test_a_check_writes_nothing(mapping: Path) -> None:
    """It says which files would change; exit code 1."""
    before = mapping.read_text()
    result = fmt("--check", str(mapping))
    assert result.exit_code == 1
    assert "comune/esito.yaml: not laid out as it should be" in result.output
    assert mapping.read_text() == before


def test_what_cannot_be_read_is_told_and_left(mapping: Path) -> None:
    """The others are laid out all the same."""
    broken = mapping.parent / "broken.yaml"
    broken.write_bytes(b"a: \xff")
    result = fmt("comune")
    assert result.exit_code == 1
    assert "comune/broken.yaml:1:4: error Y01 not UTF-8" in result.output
    assert "comune/esito.yaml: laid out anew" in result.output
    assert broken.read_bytes() == b"a: \xff"


def test_libraries_are_laid_out_too() -> None:
    """And what is neither is a mistake of usage."""
    assert fmt("lib/nato.yaml").exit_code == 0
    assert fmt("profiles").exit_code == 2

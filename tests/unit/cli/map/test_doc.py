"""`icaro map doc`: to a page, to a sheet, to the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, so that the shipped mappings are meant."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def doc(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["map", "doc", *arguments])


def test_without_a_file_the_rows_are_printed() -> None:
    """As CSV, for whatever comes after."""
    result = doc("comune/esito.yaml")
    assert result.exit_code == 0
    assert result.stdout.startswith("mapping,element,occurs,")
    assert "comune/esito,protocollo," in result.stdout


def test_a_page_and_a_sheet_are_written(elsewhere: Path) -> None:
    """Both at once, of all mappings below a folder."""
    result = doc("comune", "--html", "c.html", "--csv", "c.csv")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (elsewhere / "c.html").read_text().count("<section>") == 5
    assert (elsewhere / "c.csv").read_bytes().startswith(b"\xef\xbb\xbfmapping,")


def test_a_mapping_that_cannot_be_compiled_is_told() -> None:
    """Its findings, and exit code 1."""
    result = doc("comune/nascita.yaml", "--profile", "none")
    assert result.exit_code == 1
    assert "profiles/none.yaml: no such file" in result.output

"""The verbs of `icaro map` where the Ministry's schemas are there, and where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main

from .conftest import MAPPINGS, ROOT

NOTICE = "left out: mappings whose schema is not here; see xsd/anpr/README.md\n"


def icaro(verb: str, *paths: str, xsd: Path) -> Result:
    arguments = ["map", verb, "--mappings", str(MAPPINGS), "--xsd", str(xsd), *paths]
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("verb", ["lint", "test"])
@pytest.mark.parametrize("paths", [("anpr",), ("anpr/iscrizione-1001.yaml",)])
def test_without_the_schemas_one_line_says_so(verb: str, paths: tuple[str, ...]) -> None:
    """Nothing on stdout, no failure: the operator has not put them there, and need not."""
    result = icaro(verb, *paths, xsd=ROOT / "xsd")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.count(NOTICE) == 1


def test_what_is_asked_for_beside_them_is_checked(tmp_path: Path) -> None:
    """Only the mappings that wait are left out."""
    result = icaro("test", "anpr", "comune/consulta.yaml", xsd=ROOT / "xsd")
    assert result.exit_code == 0
    assert "1 tests, 0 failed" in result.stderr


def test_with_the_schemas_all_of_them_are_checked_and_tested(xsd: Path) -> None:
    """As any other mapping, with no notice."""
    lint = icaro("lint", "anpr", xsd=xsd)
    assert (lint.exit_code, lint.stdout) == (0, "")
    tests = icaro("test", "anpr", xsd=xsd)
    assert tests.exit_code == 0
    assert "116 tests, 0 failed" in tests.stderr
    assert "left out" not in lint.stderr + tests.stderr


def test_a_message_becomes_a_request_at_the_command_line(xsd: Path) -> None:
    """`icaro map preview` shows the document that a message would become."""
    sample = str(MAPPINGS / "samples" / "femmina.hl7")
    result = icaro("preview", "anpr/iscrizione-1001.yaml", sample, xsd=xsd)
    assert result.exit_code == 0, result.output
    assert "attribuzioneFamiglia 1" in result.stdout
    assert "0 problems" in result.stdout

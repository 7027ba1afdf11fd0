"""`icaro map test`: runs the tests that mappings carry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from gateway.cli.map.folders import (
    JSON,
    MAPPINGS,
    PATHS,
    PROFILE,
    XSD,
    chosen,
    library_of,
    with_progress,
)
from gateway.errors import ConfigurationError
from gateway.mapping.tests import CaseResult, run_tests


@click.command()
@PATHS
@PROFILE
@MAPPINGS
@XSD
@JSON
def test(
    paths: tuple[str, ...],
    profile: str | None,
    mappings: Path | None,
    xsd: Path | None,
    as_json: bool,
) -> None:
    """Run the tests that the mappings of PATHS carry. Exit code 1 if one fails.

    \b
      icaro map test comune/nascita.yaml
    """
    library = library_of(mappings, xsd, paths)
    results: list[CaseResult] = []
    broken: list[str] = []
    for name in with_progress(chosen(library, paths), as_json):
        try:
            results += run_tests(library, name, profile)
        except ConfigurationError as error:
            broken += error.problems
    failed = [result for result in results if not result.passed]
    if as_json:
        tests = [_as_fields(result) for result in results]
        click.echo(json.dumps({"tests": tests, "findings": broken}, ensure_ascii=False, indent=2))
    else:
        _tell_tests(results, failed, broken)
    if failed or broken:
        raise click.exceptions.Exit(1)


def _as_fields(result: CaseResult) -> dict[str, Any]:
    return {
        "mapping": result.mapping,
        "name": result.name,
        "line": result.position.line,
        "passed": result.passed,
        "failures": list(result.failures),
    }


def _tell_tests(
    results: Sequence[CaseResult], failed: Sequence[CaseResult], broken: Sequence[str]
) -> None:
    for finding in broken:
        click.echo(finding)
    for result in failed:
        click.echo(f"{result.mapping}:{result.position.line}: {result.name}")
        for failure in result.failures:
            click.echo(f"    {failure}")
    click.echo(f"{len(results)} tests, {len(failed)} failed", err=True)

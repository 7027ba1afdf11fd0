"""`icaro map lint`: says what is wrong in mappings, before any message."""

from __future__ import annotations

import json
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
from gateway.mapping.finding import Finding
from gateway.mapping.lint import lint_mapping, lint_profile, profiles_in


@click.command()
@PATHS
@PROFILE
@MAPPINGS
@XSD
@JSON
def lint(
    paths: tuple[str, ...],
    profile: str | None,
    mappings: Path | None,
    xsd: Path | None,
    as_json: bool,
) -> None:
    """Say everything that is wrong or doubtful in the mappings of PATHS, and where.

    Without PATHS the profiles are looked at too. Exit code 1 if there is any finding.

    \b
      icaro map lint
      comune/nascita.yaml:31:20: error M02 unknown name madri; did you mean madre?
    """
    library = library_of(mappings, xsd, paths)
    found: set[Finding] = set()
    for name in with_progress(chosen(library, paths), as_json):
        found.update(lint_mapping(library, name, profile))
    for name in () if paths else profiles_in(library):
        found.update(lint_profile(library, name))
    if as_json:
        click.echo(json.dumps([_finding(one) for one in sorted(found)], indent=2))
    else:
        for one in sorted(found):
            click.echo(str(one))
        click.echo(f"{len(found)} findings", err=True)
    if found:
        raise click.exceptions.Exit(1)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        **finding.position._asdict(),
        "severity": finding.severity,
        "code": finding.code,
        "text": finding.text,
    }

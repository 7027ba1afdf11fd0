"""`icaro map lint`: says what is wrong in mappings, before any message."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from gateway.cli.map.folders import (
    JSON,
    MAPPINGS,
    PATHS,
    XSD,
    chosen,
    library_of,
    with_progress,
)
from gateway.cli.map.sarif import sarif
from gateway.mapping import Library
from gateway.mapping.finding import Finding
from gateway.mapping.lint import lint_mapping, lint_profile, profiles_in

ALL: Final = "all"


@click.command()
@PATHS
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="NAME|all",
    help="Whose names the mappings use; may be repeated. Default: what each says, else `default`.",
)
@MAPPINGS
@XSD
@JSON
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    help="SARIF is what code hosts and editors read.",
)
@click.option(
    "--severity",
    type=click.Choice(["warning", "error"]),
    default="warning",
    help="From which severity on findings count.",
)
def lint(
    paths: tuple[str, ...],
    profiles: tuple[str, ...],
    mappings: Path | None,
    xsd: Path | None,
    as_json: bool,
    form: str,
    severity: str,
) -> None:
    """Say everything that is wrong or doubtful in the mappings of PATHS, and where.

    Without PATHS the profiles are looked at too. Where nothing is found nothing is said. Exit
    code 1 if there is any finding, 2 if the command cannot be understood.

    \b
      icaro map lint
      comune/nascita.yaml:31:20: error M02 unknown name madri; did you mean madre?
    """
    library = library_of(mappings, xsd, paths)
    known = profiles_in(library)
    for name in profiles:
        if name not in (ALL, *known):
            raise click.BadParameter(f"no profile {name}; there are {', '.join(known)}")
    wanted: Sequence[str | None] = known if ALL in profiles else profiles or [None]
    found = _findings(library, paths, wanted, silent=as_json or form != "text")
    found = [one for one in found if severity in ("warning", one.severity)]
    _tell(found, "json" if as_json else form, library)
    if found:
        raise click.exceptions.Exit(1)


def _findings(
    library: Library, paths: Sequence[str], profiles: Sequence[str | None], *, silent: bool
) -> list[Finding]:
    """In order; what is found for several profiles once."""
    found: set[Finding] = set()
    for name in with_progress(chosen(library, paths, tell=sys.stderr.isatty()), silent):
        for profile in profiles:
            found.update(lint_mapping(library, name, profile))
    for name in () if paths else profiles_in(library):
        found.update(lint_profile(library, name))
    return sorted(found)


def _tell(found: Sequence[Finding], form: str, library: Library) -> None:
    if form == "sarif":
        click.echo(json.dumps(sarif(found, library.mappings), indent=2))
    elif form == "json":
        click.echo(json.dumps([_as_fields(one) for one in found], indent=2))
    else:
        for one in found:
            click.echo(str(one))
        if found or sys.stderr.isatty():
            click.echo(f"{len(found)} findings", err=True)


def _as_fields(finding: Finding) -> dict[str, Any]:
    return {
        **finding.position._asdict(),
        "severity": finding.severity,
        "code": finding.code,
        "text": finding.text,
    }

"""`icaro map`: run the tests that mappings carry, and say what is wrong in a mapping."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

from gateway import shipped
from gateway.errors import ConfigurationError
from gateway.mapping import Library
from gateway.mapping.finding import Finding
from gateway.mapping.lint import lint_mapping, lint_profile, mappings_in, profiles_in
from gateway.mapping.tests import CaseResult, run_tests

_PATHS = click.argument("paths", nargs=-1, metavar="[PATHS]")
_JSON = click.option("--json", "as_json", is_flag=True, help="For a program to read.")
_PROFILE = click.option(
    "--profile", help="Whose names the mappings use. Default: what each says, else `default`."
)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_MAPPINGS = click.option(
    "--mappings", type=_FOLDER, help="Default: where PATHS lie, else ./mappings, else the shipped."
)
_XSD = click.option(
    "--xsd", type=_FOLDER, help="Default: beside the mappings, else ./xsd, else the shipped."
)


@click.group("map")
def map_group() -> None:
    """Mappings: run their tests, say what is wrong in them.

    PATHS are mappings or folders below the folder of mappings, as `comune/nascita.yaml`, or
    files on disk that lie there; without any, all mappings.
    """


@map_group.command()
@_PATHS
@_PROFILE
@_MAPPINGS
@_XSD
@_JSON
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
    library = _library(mappings, xsd, paths)
    results: list[CaseResult] = []
    broken: list[str] = []
    for name in _with_progress(_chosen(library, paths), as_json):
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


@map_group.command()
@_PATHS
@_PROFILE
@_MAPPINGS
@_XSD
@_JSON
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
    library = _library(mappings, xsd, paths)
    found: set[Finding] = set()
    for name in _with_progress(_chosen(library, paths), as_json):
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


def _library(mappings: Path | None, xsd: Path | None, paths: Sequence[str]) -> Library:
    """The folders named, or the deployment that the first path lies in, or those at hand."""
    deployment = _deployment(paths[0]) if paths else None
    if deployment is not None:
        mappings, xsd = mappings or deployment / "mappings", xsd or deployment / "xsd"
    return Library(
        mappings or _here("mappings", shipped.mappings), xsd or _here("xsd", shipped.xsd)
    )


def _deployment(path: str) -> Path | None:
    """The nearest folder above a file on disk that holds `mappings/` with the file in it."""
    on_disk = Path(path).resolve()
    above = on_disk.parents if on_disk.exists() else ()
    for folder in above:
        if on_disk.is_relative_to(folder / "mappings") and (folder / "xsd").is_dir():
            return folder
    return None


def _here(name: str, otherwise: Callable[[], Path]) -> Path:
    return Path(name) if Path(name).is_dir() else otherwise()


def _chosen(library: Library, paths: Sequence[str]) -> list[str]:
    """The mappings that PATHS name; a path that names none is a mistake of usage."""
    known = mappings_in(library)
    if not paths:
        return known
    chosen: list[str] = []
    for path in paths:
        name = _below(library, path)
        whole = name == "."
        found = [each for each in known if whole or each == name or each.startswith(f"{name}/")]
        if not found:
            raise click.BadParameter(f"{path} is no mapping under {library.mappings}")
        chosen += found
    return list(dict.fromkeys(chosen))


def _below(library: Library, path: str) -> str:
    """A path on disk as the library names it."""
    on_disk = Path(path).resolve()
    if on_disk.exists() and on_disk.is_relative_to(library.mappings):
        return on_disk.relative_to(library.mappings).as_posix()
    return path.rstrip("/")


def _with_progress(names: Sequence[str], silent: bool) -> Iterable[str]:
    """The names, with a bar on a terminal while they are gone through."""
    console = Console(stderr=True)
    bar = track(names, "mappings", console=console, transient=True, disable=silent)
    return bar if console.is_terminal else names

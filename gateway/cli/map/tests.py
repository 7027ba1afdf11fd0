"""`icaro map test`: runs the tests that mappings carry."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from lxml import etree

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
from gateway.errors import ConfigurationError, GatewayError
from gateway.mapping import Library
from gateway.mapping.tests import CaseResult, cases_of, run_tests, written_by


@click.command()
@PATHS
@PROFILE
@MAPPINGS
@XSD
@JSON
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the results here as JUnit XML, for a CI server.",
)
@click.option(
    "--update",
    is_flag=True,
    help="Write the documents that `expect_xml` names as they come out now. Read them after.",
)
def test(
    paths: tuple[str, ...],
    profile: str | None,
    mappings: Path | None,
    xsd: Path | None,
    as_json: bool,
    junit: Path | None,
    update: bool,
) -> None:
    """Run the tests that the mappings of PATHS carry. Exit code 1 if one fails.

    A test has a sample (`given`), perhaps changed (`patch`), facts (`inputs`), and says what must
    come of it: paths with their text (`expect`), problems (`expect_errors`), or a whole document
    (`expect_xml`). Only what is named is looked at; a document is always held against the XSD.

    \b
      icaro map test comune/nascita.yaml
      icaro map test --junit results.xml
    """
    library = library_of(mappings, xsd, paths)
    names = chosen(library, paths)
    if update:
        for file in dict.fromkeys(_updated(library, names, profile)):
            click.echo(f"written: {file}", err=True)
        library = Library(library.mappings, library.xsd)
    results: list[CaseResult] = []
    broken: list[str] = []
    for name in with_progress(names, as_json):
        try:
            results += run_tests(library, name, profile)
        except ConfigurationError as error:
            broken += error.problems
    failed = [result for result in results if not result.passed]
    if junit is not None:
        junit.write_bytes(_junit(results, broken))
    if as_json:
        tests = [_as_fields(result) for result in results]
        click.echo(json.dumps({"tests": tests, "findings": broken}, ensure_ascii=False, indent=2))
    else:
        _tell_tests(results, failed, broken)
    if failed or broken:
        raise click.exceptions.Exit(1)


def _updated(library: Library, names: Sequence[str], profile: str | None) -> Iterator[str]:
    """Write every document that a test names, below the folder of mappings; gives their names."""
    for name in names:
        for case in cases_of(library, name, profile):
            if not case.expect_xml:
                continue
            try:
                document = written_by(library, name, case)
            except GatewayError as error:
                raise click.ClickException(f"{name}: {case.name}: {error}") from None
            path = (library.mappings / case.expect_xml).resolve()
            if document is None or not path.is_relative_to(library.mappings):
                raise click.ClickException(f"{name}: {case.name}: there is no document to write")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(document)
            yield case.expect_xml


def _junit(results: Sequence[CaseResult], broken: Sequence[str]) -> bytes:
    """One suite a mapping; a mapping that cannot be read is a test that failed."""
    root = etree.Element("testsuites")
    for mapping in dict.fromkeys(result.mapping for result in results):
        own = [result for result in results if result.mapping == mapping]
        suite = _suite(root, mapping, len(own), sum(not result.passed for result in own))
        for result in own:
            line = str(result.position.line)
            about = {"name": result.name, "classname": mapping, "file": mapping, "line": line}
            _testcase(suite, about, result.failures)
    if broken:
        suite = _suite(root, "mappings that cannot be read", len(broken), len(broken))
        for finding in broken:
            _testcase(suite, {"name": finding}, [finding])
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _suite(root: etree._Element, name: str, tests: int, failures: int) -> etree._Element:
    about = {"name": name, "tests": str(tests), "failures": str(failures)}
    return etree.SubElement(root, "testsuite", about)


def _testcase(suite: etree._Element, about: Mapping[str, str], failures: Sequence[str]) -> None:
    case = etree.SubElement(suite, "testcase", dict(about))
    if failures:
        failure = etree.SubElement(case, "failure", {"message": failures[0]})
        failure.text = "\n".join(failures)


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

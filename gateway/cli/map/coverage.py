"""`icaro map coverage`: what tests and samples never reached, and what no leaf ever read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from gateway.cli.console import printer, table
from gateway.cli.map.folders import (
    JSON,
    MAPPINGS,
    PROFILE,
    XSD,
    chosen,
    library_of,
    with_progress,
)
from gateway.cli.messages import read_messages
from gateway.mapping import Library
from gateway.mapping.seeing.coverage import BRANCHES, LEAVES, Coverage
from gateway.mapping.seeing.coverage_page import coverage_page, coverage_pages
from gateway.mapping.seeing.runs import Runs


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATHS] [CORPUS]...")
@click.option(
    "--corpus",
    "folders",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A file or folder of messages; may be given several times.",
)
@click.option("--findings", is_flag=True, help="Tell each as C01 or C02; exit code 1 if any.")
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit code 1 if less than this of leaves, branches and rows is reached.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="Also write the mappings with their lines coloured: one .html, or a page for each file.",
)
@PROFILE
@MAPPINGS
@XSD
@JSON
def coverage(
    paths: tuple[str, ...],
    folders: tuple[Path, ...],
    findings: bool,
    fail_under: float | None,
    html: Path | None,
    profile: str | None,
    mappings: Path | None,
    xsd: Path | None,
    as_json: bool,
) -> None:
    """Run the mappings of PATHS on their tests, on the samples, and on a CORPUS of messages.

    Counts the leaves that gave a value, the branches taken, the rows of small tables looked up;
    and the fields that are filled, never read and not `unmapped`. No value of a message is shown.

    \b
      icaro map coverage
      icaro map coverage comune/nascita.yaml --findings
      icaro map coverage comune messages/ --html coverage.html --fail-under 80
    """
    library, names, corpus = _wanted(paths, folders, mappings, xsd)
    runs = Runs(library, profile, corpus)
    for name in with_progress(names, as_json):
        runs.of(name)
    found = runs.coverage
    if html is not None:
        _write(html, found, library)
    if as_json:
        click.echo(json.dumps(_as_tree(found), ensure_ascii=False, indent=2))
    else:
        _tell(found, runs.passed_over, findings)
    low = fail_under is not None and found.percent < fail_under
    if low or (findings and found.findings()):
        raise click.exceptions.Exit(1)


def _wanted(
    paths: Sequence[str], folders: Sequence[Path], mappings: Path | None, xsd: Path | None
) -> tuple[Library, list[str], list[bytes]]:
    """The mappings among the arguments, and the messages of what is no mapping."""
    library = library_of(mappings, xsd, paths)
    named: list[str] = []
    files = list(folders)
    for path in paths:
        try:
            named += chosen(library, (path,))
        except click.BadParameter:
            if not Path(path).exists():
                raise
            files.append(Path(path))
    names = list(dict.fromkeys(named)) or chosen(library, ())
    return library, names, [message for path in files for message in _messages(path)]


def _messages(path: Path) -> Iterator[bytes]:
    """Every message and answer of a file or folder; what is neither is passed over."""
    if path.is_dir():
        for below in sorted(path.rglob("*")):
            if below.is_file() and not below.name.startswith("."):
                yield from _messages(below)
        return
    content = path.read_bytes()
    if content.lstrip().startswith(b"<"):
        yield content
    elif b"MSH" in content:
        yield from read_messages(path)


def _write(html: Path, found: Coverage, library: Library) -> None:
    if html.suffix == ".html":
        html.write_text(coverage_page(found, library.content), encoding="utf-8")
        return
    html.mkdir(parents=True, exist_ok=True)
    for name, page in coverage_pages(found, library.content).items():
        (html / name).write_text(page, encoding="utf-8")


def _tell(found: Coverage, passed_over: int, findings: bool) -> None:
    if findings:
        for finding in found.findings():
            click.echo(str(finding))
    else:
        console = printer()
        console.print(drawn(found))
        console.print(drawn_tables(found))
    click.echo(f"{found.percent:.0f} % of leaves, branches and rows reached", err=True)
    if passed_over:
        click.echo(f"{passed_over} tests could not be begun: icaro map test", err=True)


def drawn(found: Coverage) -> Table:
    """The table of mappings."""
    headings = ("mapping", "runs", "problems", "leaves", "branches", "blocks", "unread fields")
    return table("", headings, _rows(found))


def _rows(found: Coverage) -> Iterator[tuple[object, ...]]:
    for name, use in found.mappings.items():
        shares = (_of(found.share(kind, use.marks)) for kind in (LEAVES, BRANCHES))
        blocks = _of((len(use.blocks_reached), len(use.blocks)))
        yield name, use.runs, use.refused, *shares, blocks, len(use.unread)


def drawn_tables(found: Coverage) -> Table:
    """The table of code tables."""
    rows = ((file, _of((len(t.taken), len(t.lines)))) for file, t in sorted(found.tables.items()))
    return table("", ("table", "rows taken"), rows)


def _of(pair: tuple[int, int]) -> str:
    reached, every = pair
    return f"{reached} / {every}" if every else "–"


def _as_tree(found: Coverage) -> dict[str, Any]:
    return {
        "percent": round(found.percent, 1),
        "mappings": [_as_table(found, name) for name in found.mappings],
        "tables": [
            {"file": file, "rows": len(table.lines), "taken": len(table.taken)}
            for file, table in sorted(found.tables.items())
        ],
        "findings": [
            {**one.position._asdict(), "severity": one.severity, "code": one.code, "text": one.text}
            for one in found.findings()
        ],
    }


def _as_table(found: Coverage, name: str) -> dict[str, Any]:
    use = found.mappings[name]
    return {
        "mapping": name,
        "runs": use.runs,
        "problems": use.refused,
        "leaves": list(found.share(LEAVES, use.marks)),
        "branches": list(found.share(BRANCHES, use.marks)),
        "blocks": [len(use.blocks_reached), len(use.blocks)],
        "unread": sorted(use.unread),
    }

"""`icaro map fmt`: lays mappings out as all others are, comments and all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from gateway.cli.map.folders import MAPPINGS, PATHS, library_of
from gateway.mapping import Library
from gateway.mapping.finding import Findings
from gateway.mapping.lint import mappings_in, waiting_in
from gateway.mapping.writing.formatted import formatted


@click.command()
@PATHS
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if a file would change.")
@MAPPINGS
def fmt(paths: tuple[str, ...], check: bool, mappings: Path | None) -> None:
    """Lay out the mappings and libraries of PATHS: order of keys, indentation, blanks, quotes.

    Comments stay with what they are about, and what a file says stays the same. A file that cannot
    be read is left as it is and its findings are told; exit code 1.

    \b
      icaro map fmt comune/nascita.yaml
      icaro map fmt --check
    """
    library = library_of(mappings, None, paths)
    findings, changed = Findings(), 0
    for name in _named(library, paths):
        content = library.content(name)
        found = formatted(content, name, findings)
        if found is None or found.encode() == content:
            continue
        changed += 1
        if not check:
            (library.mappings / name).write_text(found, encoding="utf-8")
        click.echo(f"{name}: {'not laid out as it should be' if check else 'laid out anew'}")
    for finding in findings.all:
        click.echo(str(finding))
    if findings.errors or (check and changed):
        raise click.exceptions.Exit(1)


def _named(library: Library, paths: Sequence[str]) -> list[str]:
    """Mappings, also those that wait for a schema, and libraries of blocks."""
    blocks = (path.relative_to(library.mappings) for path in library.mappings.glob("lib/**/*.yaml"))
    known = [*mappings_in(library), *waiting_in(library), *(path.as_posix() for path in blocks)]
    if not paths:
        return sorted(known)
    found: list[str] = []
    for path in paths:
        on_disk = Path(path).resolve()
        inside = on_disk.exists() and on_disk.is_relative_to(library.mappings)
        name = on_disk.relative_to(library.mappings).as_posix() if inside else path.rstrip("/")
        here = [one for one in known if name in (".", one) or one.startswith(f"{name}/")]
        if not here:
            raise click.BadParameter(f"{path} is no mapping under {library.mappings}")
        found += here
    return list(dict.fromkeys(found))

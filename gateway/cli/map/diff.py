"""`icaro map diff`: what another version of the mappings makes of the same messages, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from gateway import shipped
from gateway.cli.map.folders import JSON, PROFILE, XSD, chosen, with_progress
from gateway.cli.messages import read_messages
from gateway.errors import ConfigurationError
from gateway.mapping import Library
from gateway.mapping.changes.compared import Compared, compare

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("old", type=_FOLDER)
@click.argument("new", type=_FOLDER)
@click.argument("paths", nargs=-1, metavar="[PATHS]")
@click.option(
    "--corpus",
    "folders",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A file or folder of messages; may be given several times.",
)
@PROFILE
@XSD
@JSON
def diff(
    old: Path,
    new: Path,
    paths: tuple[str, ...],
    folders: tuple[Path, ...],
    profile: str | None,
    xsd: Path | None,
    as_json: bool,
) -> None:
    """Say what the mappings of the folder NEW write otherwise than those of OLD, and why.

    Both are run on the tests of NEW and on the messages of --corpus. What differs is told by its
    cause: the line of NEW that was changed, or of OLD where nothing is left; with each path, how
    often, and one pair of values out of the messages. Exit code 1 if anything differs.

    \b
      icaro map diff mappings.old mappings
      icaro map diff mappings.old mappings comune --corpus messages --json
    """
    sides = [Library(folder, xsd or _schemas(folder, new)) for folder in (old, new)]
    names = [chosen(side, (), tell=False) for side in sides]
    both = [name for name in _wanted(sides[1], names, paths) if all(name in n for n in names)]
    only = [sorted(set(one) - set(other)) for one, other in (names, names[::-1])]
    corpus = [message for folder in folders for message in _messages(folder)]
    found: list[Compared] = []
    broken: list[str] = []
    for name in with_progress(both, as_json):
        try:
            found.append(compare(sides[0], sides[1], name, corpus, profile))
        except ConfigurationError as error:
            broken += error.problems
    if as_json:
        differ = {"mappings": [_as_tree(one) for one in found], "findings": broken}
        tree = {"only_old": only[0], "only_new": only[1], **differ}
        click.echo(json.dumps(tree, ensure_ascii=False, indent=2))
    else:
        _tell(found, broken, [] if paths else only)
    if broken or any(one.causes for one in found) or (not paths and any(only)):
        raise click.exceptions.Exit(1)


def _schemas(folder: Path, new: Path) -> Path:
    """Beside the mappings, else beside the new ones, else the shipped."""
    beside = (each.resolve().parent / "xsd" for each in (folder, new))
    return next((each for each in beside if each.is_dir()), shipped.xsd())


def _wanted(library: Library, names: Sequence[Sequence[str]], paths: Sequence[str]) -> list[str]:
    known = sorted({name for side in names for name in side})
    if not paths:
        return known
    found = [n for n in known for path in paths if n == path or n.startswith(f"{path}/")]
    return list(dict.fromkeys(found)) or chosen(library, paths)


def _messages(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every message and answer of a file or folder, with the file's name."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    for file in files:
        content = file.read_bytes()
        if content.lstrip().startswith(b"<"):
            yield file.name, content
        elif b"MSH" in content:
            yield from ((file.name, message) for message in read_messages(file))


def _tell(found: Sequence[Compared], broken: Sequence[str], only: Sequence[list[str]]) -> None:
    for finding in broken:
        click.echo(finding)
    for side, names in zip(("OLD", "NEW"), only, strict=False):
        for name in names:
            click.echo(f"{name}: only in {side}")
    for one in found:
        if not one.causes:
            continue
        click.echo(f"{one.mapping}: {one.changed} of {one.runs} messages differ")
        for cause, changes in one.causes.items():
            click.echo(f"  {cause}")
            for change in changes.values():
                values = f"{change.old} → {change.new}"
                click.echo(f"    {change.path}  ×{change.times}  {values}  ({change.run})")
    changed = sum(bool(one.causes) for one in found)
    click.echo(f"{len(found)} mappings compared, {changed} differ", err=True)


def _as_tree(found: Compared) -> dict[str, Any]:
    causes = [
        {
            **cause.position._asdict(),
            "kind": cause.kind,
            "name": cause.name,
            "changes": [
                {
                    "path": change.path,
                    "times": change.times,
                    "old": change.old,
                    "new": change.new,
                    "example": change.run,
                }
                for change in changes.values()
            ],
        }
        for cause, changes in found.causes.items()
    ]
    return {
        "mapping": found.mapping,
        "runs": found.runs,
        "changed": found.changed,
        "causes": causes,
    }

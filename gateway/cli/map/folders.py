"""Which mappings a verb of `icaro map` is about: its common options and arguments.

PATHS may be names below the folder of mappings or files on disk; a file brings the deployment
that it lies in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from gateway import shipped
from gateway.mapping import Library
from gateway.mapping.lint import mappings_in, waiting_in

PATHS = click.argument("paths", nargs=-1, metavar="[PATHS]")
JSON = click.option("--json", "as_json", is_flag=True, help="For a program to read.")
PROFILE = click.option(
    "--profile", help="Whose names the mappings use. Default: what each says, else `default`."
)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
MAPPINGS = click.option(
    "--mappings", type=_FOLDER, help="Default: where PATHS lie, else ./mappings, else the shipped."
)
XSD = click.option(
    "--xsd", type=_FOLDER, help="Default: beside the mappings, else ./xsd, else the shipped."
)


def library_of(mappings: Path | None, xsd: Path | None, paths: Sequence[str]) -> Library:
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


def chosen(library: Library, paths: Sequence[str], *, tell: bool = True) -> list[str]:
    """The mappings that PATHS name; a path that names none is a mistake of usage.

    Those that wait for a schema nobody has put here are left out; stderr says so once, with
    `tell` or where nothing else is left.
    """
    waiting = waiting_in(library)
    named = _named(library, paths, [*mappings_in(library), *waiting])
    if tell or all(name in waiting for name in named):
        _tell_waiting([waiting[name] for name in named if name in waiting])
    return [name for name in named if name not in waiting]


def _tell_waiting(schemas: Sequence[str]) -> None:
    for folder in sorted({schema.rpartition("/")[0] for schema in schemas}):
        text = f"left out: mappings whose schema is not here; see xsd/{folder}/README.md"
        click.echo(text, err=True)


def _named(library: Library, paths: Sequence[str], known: Sequence[str]) -> list[str]:
    if not paths:
        return sorted(known)
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


def with_progress(names: Sequence[str], silent: bool) -> Iterable[str]:
    """The names, with a bar on a terminal while they are gone through."""
    console = Console(stderr=True)
    bar = track(names, "mappings", console=console, transient=True, disable=silent)
    return bar if console.is_terminal else names

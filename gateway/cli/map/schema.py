"""`icaro map schema`: what an editor needs to complete a mapping as it is written."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.map.folders import MAPPINGS, PATHS, XSD, chosen, library_of, with_progress
from gateway.errors import ConfigurationError
from gateway.mapping import Library
from gateway.mapping.editor_schema import of_mapping, written

SUFFIX = ".map.schema.json"


@click.command()
@PATHS
@MAPPINGS
@XSD
@click.option("--write", is_flag=True, help="Write each beside its mapping instead of printing it.")
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if one is not up to date.")
def schema(
    paths: tuple[str, ...], mappings: Path | None, xsd: Path | None, write: bool, check: bool
) -> None:
    """Print the JSON Schema (draft-07) of a mapping, made from its target.

    VS Code, JetBrains and Neovim then complete the names of elements where the cursor stands and
    underline what the target does not have. With --write it lies beside the mapping, whose first
    line names it:

    \b
      # yaml-language-server: $schema=./nascita.map.schema.json
    \b
      icaro map schema comune/nascita.yaml
      icaro map schema --write
    """
    library = library_of(mappings, xsd, paths)
    names = chosen(library, paths)
    stale = [name for name in with_progress(names, not write) if _told(library, name, write, check)]
    if stale and check:
        raise click.exceptions.Exit(1)


def _told(library: Library, name: str, write: bool, check: bool) -> bool:
    """Write or print the schema of one mapping; whether the file beside it says something else."""
    try:
        text = written(of_mapping(library, name))
    except ConfigurationError as error:
        raise click.ClickException("\n".join(error.problems)) from None
    path = (library.mappings / name).with_suffix(SUFFIX)
    stale = not path.is_file() or path.read_text(encoding="utf-8") != text
    if check:
        if stale:
            click.echo(f"{path.relative_to(library.mappings)}: not what the target says now")
    elif not write:
        click.echo(text, nl=False)
    elif stale:
        path.write_text(text, encoding="utf-8")
        click.echo(f"written: {path.relative_to(library.mappings)}", err=True)
    return stale

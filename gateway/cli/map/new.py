"""`icaro map new`: begins a mapping for a schema that nobody has mapped yet."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.map.folders import MAPPINGS, library_of
from gateway.errors import GatewayError
from gateway.mapping import Library
from gateway.mapping.writing.new import Wish, new_mapping


@click.command()
@click.argument("name")
@click.option("--xsd", "schema", required=True, metavar="FILE", help="The schema, below xsd/.")
@click.option("--root", required=True, help="The element that the document is.")
@click.option(
    "--sample",
    metavar="MSG",
    help="A message below mappings/: says version and structure, and is the first test.",
)
@click.option("--profile", help="Whose names the mapping uses. Default: `default`.")
@click.option("--all", "every", is_flag=True, help="Also what need not be there, where it fits.")
@click.option(
    "-o",
    "output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it there instead of printing it; what is there is never overwritten.",
)
@MAPPINGS
def new(
    name: str,
    schema: str,
    root: str,
    sample: str | None,
    profile: str | None,
    every: bool,
    output: Path | None,
    mappings: Path | None,
) -> None:
    """Write the skeleton of the mapping NAME (`comune/nascita`) for a schema.

    Every element that the schema requires is there, in its order: with an expression where its
    name tells which field is meant, else as a comment that says what it takes. Elements that need
    not be there are comments. `icaro map lint` finds what is still to fill in, and nothing else.

    \b
      icaro map new comune/nuova --xsd comune/nascita.xsd --root RichiestaRegistraNascita
      icaro map new asl/nuova --xsd asl/assistiti.xsd --root RichiestaIscriviAssistito \\
          --sample samples/femmina.hl7 --all
    """
    library = _library(schema, mappings)
    wish = Wish(
        name=name.removesuffix(".yaml") + ".yaml",
        xsd=_below(library.xsd, schema, "--xsd"),
        root=root,
        sample=_below(library.mappings, sample, "--sample") if sample else "",
        profile=profile or "",
        optional=every,
    )
    try:
        text = new_mapping(library, wish)
    except GatewayError as error:
        problems = getattr(error, "problems", None) or [str(error)]
        raise click.ClickException("\n".join(map(str, problems))) from None
    _give(text, output)


def _library(schema: str, mappings: Path | None) -> Library:
    """The deployment that the schema lies in, or that of `--mappings`, or the one at hand."""
    on_disk = Path(schema).resolve()
    above = on_disk.parents if on_disk.is_file() else ()
    for folder in above:
        if on_disk.is_relative_to(folder / "xsd") and (folder / "mappings").is_dir():
            return Library(mappings or folder / "mappings", folder / "xsd")
    beside = mappings.resolve().parent / "xsd" if mappings else None
    return library_of(mappings, beside if beside and beside.is_dir() else None, ())


def _below(folder: Path, path: str, option: str) -> str:
    """A file on disk, or below the folder, as the library names it."""
    for on_disk in (Path(path).resolve(), (folder / path).resolve()):
        if on_disk.is_file() and on_disk.is_relative_to(folder):
            return on_disk.relative_to(folder).as_posix()
    lies = "; copy it there first" if Path(path).is_file() else ""
    raise click.BadParameter(f"{path} is no file below {folder}{lies}", param_hint=option)


def _give(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.ClickException(f"{output} is there already; nothing was written") from None
    click.echo(f"written: {output}", err=True)

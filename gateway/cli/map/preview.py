"""`icaro map preview`: one message beside the mapping and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from gateway.cli.console import printer
from gateway.cli.map.drawing import draw, draw_plain
from gateway.cli.map.folders import JSON, MAPPINGS, PROFILE, XSD, chosen, library_of
from gateway.cli.map.given import INPUTS, facts_for, path_of, source_of
from gateway.cli.map.watching import watched_files, whenever_changed
from gateway.errors import GatewayError
from gateway.mapping import Library
from gateway.mapping.seeing import traced
from gateway.mapping.seeing.page import preview_page
from gateway.mapping.seeing.panes import Panes, as_tree, panes

WIDE = 120
"""Columns that three panes need."""


@click.command()
@click.argument("mapping")
@click.argument("message", metavar="MSG")
@PROFILE
@INPUTS
@click.option("--watch", is_flag=True, help="Draw again whenever a file that matters changes.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write one page instead; it holds what the message says.",
)
@MAPPINGS
@XSD
@JSON
def preview(
    mapping: str,
    message: str,
    profile: str | None,
    inputs: tuple[str, ...],
    watch: bool,
    html: Path | None,
    mappings: Path | None,
    xsd: Path | None,
    as_json: bool,
) -> None:
    """Show MSG, MAPPING with each leaf's value beside it, the document and its errors.

    Of the message: what was read, and what is filled and was not read. Facts of earlier steps are
    those of the mapping's own tests unless --inputs says others. Exit code 1 if there are errors.
    A terminal of 120 columns has the three panes side by side.

    \b
      icaro map preview comune/nascita.yaml samples/femmina.hl7
      icaro map preview comune/nascita.yaml birth.hl7 --inputs flow.destinatario=015146 --watch
      icaro map preview comune/nascita.yaml birth.hl7 --html birth.html
    """

    def look() -> tuple[Library, str, str, Panes]:
        library = library_of(mappings, xsd, (mapping,))
        (name, *_) = chosen(library, (mapping,))
        known = traced(library, name, profile or library.profile_of(name))
        path = path_of(library, message)
        facts, case = facts_for(library, known, path, inputs)
        source = source_of(known, path)
        title = f"{name}  ·  {path.name}  ·  profile {known.profile.name}"
        title += f"  ·  facts of “{case}”" if case and facts else ""
        return library, name, title, panes(known, source, *known.run(source, facts))

    def show() -> bool:
        _, _, title, found = look()
        if html is not None:
            html.write_text(preview_page(title, found), encoding="utf-8")
            click.echo(f"{html}", err=True)
        elif as_json:
            click.echo(json.dumps(as_tree(found), ensure_ascii=False, indent=2))
        else:
            _draw(printer(), title, found)
        return not found.problems

    if watch:
        library = library_of(mappings, xsd, (mapping,))
        files = watched_files(library, path_of(library, message), inputs)
        whenever_changed(files, _telling(show), printer())
    elif not show():
        raise click.exceptions.Exit(1)


def _draw(console: Console, title: str, found: Panes) -> None:
    if console.is_terminal and console.width >= WIDE:
        console.print(draw(title, found))
    else:
        for line in draw_plain(title, found):
            click.echo(line)


def _telling(show: Callable[[], object]) -> Callable[[], None]:
    """A mapping that is half written says what is wrong, and is looked at again."""

    def shown() -> None:
        try:
            show()
        except (GatewayError, click.ClickException) as error:
            click.echo(str(error))

    return shown

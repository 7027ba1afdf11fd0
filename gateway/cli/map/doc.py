"""`icaro map doc`: mappings in words, as a table that an administration can sign."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.map.folders import MAPPINGS, PATHS, PROFILE, XSD, chosen, library_of, with_progress
from gateway.errors import ConfigurationError
from gateway.mapping.agreed.page import as_csv, page
from gateway.mapping.agreed.table import Agreed, agreed

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@PATHS
@click.option("--html", type=_FILE, metavar="FILE", help="Write one page, to be printed.")
@click.option("--csv", "sheet", type=_FILE, metavar="FILE", help="Write one line for each value.")
@PROFILE
@MAPPINGS
@XSD
def doc(
    paths: tuple[str, ...],
    html: Path | None,
    sheet: Path | None,
    profile: str | None,
    mappings: Path | None,
    xsd: Path | None,
) -> None:
    """Say in words what the mappings of PATHS write: element, how often, fields, rule, code table.

    With what is refused, what the names mean, and the tests. Without --html and --csv the rows are
    printed as CSV. It is made from the text of the mappings; no message is read.

    \b
      icaro map doc comune/nascita.yaml --html nascita.html
      icaro map doc comune --csv comune.csv
    """
    library = library_of(mappings, xsd, paths)
    tables: list[Agreed] = []
    for name in with_progress(chosen(library, paths), html is None and sheet is None):
        try:
            tables.append(agreed(library, name, profile))
        except ConfigurationError as error:
            raise click.ClickException("\n".join(error.problems)) from None
    if html is not None:
        html.write_text(page(tables), encoding="utf-8")
        click.echo(f"{html}", err=True)
    if sheet is not None:
        # A byte order mark tells spreadsheets that it is UTF-8.
        sheet.write_text(as_csv(tables), encoding="utf-8-sig", newline="")
        click.echo(f"{sheet}", err=True)
    if html is None and sheet is None:
        click.echo(as_csv(tables), nl=False)

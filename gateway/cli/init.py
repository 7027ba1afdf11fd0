"""`icaro init`: lays out a deployment that an operator edits. Never overwrites anything."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.deployment import PARTS, lay_out


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Lay out a deployment in FOLDER: settings with comments, mappings, contracts, keys.

    The master key is made here, readable by its owner only; without it the journal cannot be
    read, so back it up apart from the journal. Nothing that is there is overwritten.

    \b
      icaro init /etc/icaro
      icaro certs init /etc/icaro/certs       # certificates for development
      icaro config check -c /etc/icaro/icaro.yaml
    """
    there = [name for name in PARTS if (folder / name).exists()]
    if there:
        raise click.ClickException(f"{folder}: has {', '.join(there)} already; nothing was written")
    lay_out(folder)
    click.echo(
        f"{folder} is laid out. Next:\n"
        f"  back up     {folder / 'keys'}: without them the journal cannot be read\n"
        f"  certificates in {folder / 'certs'}, for development by: "
        f"icaro certs init {folder / 'certs'}\n"
        f"  edit        {folder / 'icaro.yaml'} and {folder / 'partners.yaml'}\n"
        f"  check       icaro config check -c {folder / 'icaro.yaml'}\n"
        f"  run         icaro run -c {folder / 'icaro.yaml'}"
    )

"""`icaro init`: lays out a deployment that an operator edits. Never overwrites anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from gateway import shipped
from gateway.cli import deployment
from gateway.journal.encryption import Keyring

_OURS = ("icaro.yaml", "partners.yaml", "mappings", "xsd", "keys")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.py", "*.pyc", ".*")


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
    there = [name for name in _OURS if (folder / name).exists()]
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


def lay_out(folder: Path) -> None:
    """Write everything into `folder`, which has none of it yet."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "certs").mkdir(mode=0o700, exist_ok=True)
    keys = folder / "keys"
    keys.mkdir(mode=0o700)
    Keyring.create(keys / "master.key", checkpoint_key=keys / "checkpoint.key")
    shutil.copytree(shipped.mappings(), folder / "mappings", ignore=_LEFT_OUT)
    shutil.copytree(shipped.xsd(), folder / "xsd", ignore=_LEFT_OUT)
    (folder / "icaro.yaml").write_text(deployment.ICARO, encoding="utf-8")
    (folder / "partners.yaml").write_text(deployment.PARTNERS, encoding="utf-8")

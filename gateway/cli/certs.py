"""`icaro certs`: the development PKI. Certificates for production come from a real CA."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from adapters.keys import DEVELOPMENT, DevelopmentPki
from gateway.errors import ConfigurationError


@click.group(name="certs")
def certs_group() -> None:
    """Certificates and keys."""


@certs_group.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--days", default=30, show_default=True, type=click.IntRange(1, 90), help="How long they last."
)
def init(folder: Path, days: int) -> None:
    """Write short-lived development certificates for every party under DIR.

    For development only: each party gets a certificate authority of its own, and the subject says
    that it is worth nothing elsewhere. Nothing is overwritten.

    \b
      icaro certs init /etc/icaro/certs
      icaro certs init certs --days 7
    """
    try:
        written = DevelopmentPki(datetime.now(UTC), days).write(folder)
    except ConfigurationError as error:
        raise click.UsageError(
            f"{error}\nNothing is overwritten: choose another folder."
        ) from error
    click.echo(f"{len(written)} files in {folder}, for development only ({DEVELOPMENT}).")
    click.echo(f"They expire in {days} days; private keys are readable by you alone.")

"""`icaro run`: the gateway, until it is told to stop."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.config import FILE
from gateway.config import load


@click.command()
@FILE
def run(path: Path) -> None:
    """Run the gateway in the foreground; log lines go to standard error.

    SIGTERM or Ctrl-C stops it in good order: what was received is answered, what is on the wire
    is waited for. systemd, Docker and supervisors can start it as it is.

    \b
      icaro run -c /etc/icaro/icaro.yaml
      ICARO_JOURNAL__URL=postgresql://icaro@db/icaro icaro run -c icaro.yaml
    """
    configuration = load(path)
    from gateway.app import run as run_gateway  # a wrong configuration is told at once

    run_gateway(configuration)

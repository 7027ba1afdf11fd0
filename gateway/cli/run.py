"""`icaro run`: the gateway, until it is told to stop."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Final

import click

from gateway import running
from gateway.cli.config import FILE
from gateway.config import load

FILES: Final = 8192
"""Calls at once, connections kept after them, hospitals, and the journal: with room to spare."""


@click.command()
@FILE
def run(path: Path) -> None:
    """Run the gateway in the foreground; log lines go to standard error.

    SIGTERM or Ctrl-C stops it in good order: what was received is answered, what is on its way to
    a partner is waited for (delivery.grace, 10 s) and then hung up on, and is in doubt: the next
    start settles it. A second signal hangs up at once. The exit status is 0, also where the signal
    came before all had begun. systemd, Docker and supervisors can start it as it is.

    \b
      icaro run -c /etc/icaro/icaro.yaml
      ICARO_JOURNAL__URL=postgresql://icaro@db/icaro icaro run -c icaro.yaml
    """
    running.leave_at_once()
    configuration = load(path)
    _allow_files()
    running.run(configuration)


def _allow_files() -> None:
    """Each call to a partner is an open file; many systems give 1 024 unless one asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard > soft:
        wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))

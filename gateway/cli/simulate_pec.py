"""`icaro simulate-pec`: plays a provider of certified mail until it is stopped.

Says where it listens in one line of JSON on standard output, once it does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from gateway.cli.values import AddressType
from gateway.units import Address


@click.command("simulate-pec")
@click.option("--smtp", type=AddressType(), default="127.0.0.1:0", help="Where it takes mail.")
@click.option("--imap", type=AddressType(), default="127.0.0.1:0", help="Where it is read.")
@click.option(
    "--keys",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="A party's folder of `icaro certs init`: its tls.pem, tls.key.",
)
@click.option(
    "--store",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Where it keeps mails and receipts.",
)
def simulate_pec(smtp: Address, imap: Address, keys: Path, store: Path) -> None:
    """Play a provider of certified mail (PEC): SMTP and IMAP over TLS, receipts, bad days.

    User nati@pec.ospedale.example, password `prova`. What it took is in mails/ under --store, what
    lies in the mailbox in receipts/. Its bad day is the name that stands in the file bad-day:
    docs/pec.md lists them.

    \b
      icaro simulate-pec --keys certs/comune --store /tmp/pec --smtp 127.0.0.1:4465
      echo undelivered > /tmp/pec/bad-day
    """
    # Only this verb pays for the import of Twisted's mail.
    from twisted.internet import reactor

    from adapters.simulation.pec_provider import PecProvider
    from adapters.simulation.pec_servers import PecServers

    store.mkdir(parents=True, exist_ok=True)
    loop: Any = reactor
    servers = PecServers(loop, PecProvider(store), keys, smtp, imap)
    line = {"smtp": f"{smtp.host}:{servers.smtp}", "imap": f"{imap.host}:{servers.imap}"}
    click.echo(json.dumps(line))
    loop.run()

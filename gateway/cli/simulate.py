"""`icaro simulate`: plays an administration until it is stopped, for tests and for integrators.

Says where it listens in one line of JSON on standard output, once it does. Everything else is in
`adapters/simulation`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from gateway import shipped

PARTNERS = ("comune", "agenzia_entrate", "asl")


class Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT; port 0 lets the system choose."""

    name = "host:port"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """The host and the port."""
        if isinstance(value, tuple):
            return value
        host, _, port = str(value).rpartition(":")
        if not host or not port.isascii() or not port.isdecimal() or int(port) > 65535:
            self.fail(f"{value!r} is no HOST:PORT", param, ctx)
        return host.strip("[]"), int(port)


class Day(click.ParamType[Any]):
    """A bad day's name, or the JSON object that the control port takes."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The BadDay."""
        from adapters.simulation.bad_days import BadDay
        from adapters.simulation.control import read_bad_day

        try:
            return read_bad_day(value) if str(value).startswith("{") else BadDay(str(value))
        except (ValueError, TypeError) as error:
            self.fail(str(error), param, ctx)


FOLDER = click.Path(file_okay=False, path_type=Path)
THERE = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("partner", type=click.Choice(PARTNERS))
@click.option("--listen", type=Address(), default="127.0.0.1:0", help="Where it serves SOAP.")
@click.option("--control", type=Address(), default="127.0.0.1:0", help="Its control port.")
@click.option("--certs", type=THERE, required=True, help="The folder of `icaro certs init`.")
@click.option("--store", type=FOLDER, required=True, help="Where it keeps what it did.")
@click.option("--callback-url", help="Where the gateway takes later outcomes.")
@click.option("--bad-day", "bad_days", type=Day(), multiple=True, help="Name, or JSON object.")
@click.option("--no-idempotence", is_flag=True, help="The same operation id is done twice.")
@click.option("--no-query", is_flag=True, help="It cannot be asked what became of an operation.")
@click.option("--xsd", type=THERE, default=shipped.xsd, help="The contracts' folder.")
@click.option("--mappings", type=THERE, default=shipped.mappings, help="The tables' folder.")
def simulate(
    partner: str, no_idempotence: bool, no_query: bool, bad_days: tuple[Any, ...], **where: Any
) -> None:
    """Play an administration, with its bad days.

    Bad days can be switched while it runs: POST and DELETE /bad-day, GET /state and
    POST /callback-now on the control port.
    """
    # Only this verb pays for Twisted's and spyne's import.
    from twisted.internet import reactor

    from adapters.simulation.administration import Switches
    from adapters.simulation.process import Setting, Simulator

    setting = Setting(
        partner=partner,
        switches=Switches(idempotent=not no_idempotence, queryable=not no_query),
        bad_days=bad_days,
        **where,
    )
    simulator = Simulator(reactor, setting)
    line = {
        "partner": partner,
        "listen": f"{setting.listen[0]}:{simulator.port}",
        "control": f"{setting.control[0]}:{simulator.control_port}",
    }
    click.echo(json.dumps(line))
    loop: Any = reactor
    loop.run()

"""`icaro simulate`: plays an administration until it is stopped, for tests and for integrators.

Says where it listens in one line of JSON on standard output, once it does. Everything else is in
`adapters/simulation`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from gateway import shipped
from gateway.cli.values import AddressType

PARTNERS = ("comune", "agenzia_entrate", "asl")


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


PLACES = "Of an ASL: places more at each paediatrician, for long runs."
FOLDER = click.Path(file_okay=False, path_type=Path)
THERE = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("partner", type=click.Choice(PARTNERS))
@click.option("--listen", type=AddressType(), default="127.0.0.1:0", help="Where it serves SOAP.")
@click.option("--control", type=AddressType(), default="127.0.0.1:0", help="Its control port.")
@click.option("--certs", type=THERE, required=True, help="The folder of `icaro certs init`.")
@click.option("--store", type=FOLDER, required=True, help="Where it keeps what it did.")
@click.option("--callback-url", help="Where the gateway takes later outcomes.")
@click.option("--bad-day", "bad_days", type=Day(), multiple=True, help="Name, or JSON object.")
@click.option("--places", type=click.IntRange(0), default=0, help=PLACES)
@click.option("--no-idempotence", is_flag=True, help="The same operation id is done twice.")
@click.option("--no-query", is_flag=True, help="It cannot be asked what became of an operation.")
@click.option("--xsd", type=THERE, default=shipped.xsd, help="The contracts' folder.")
@click.option("--mappings", type=THERE, default=shipped.mappings, help="The tables' folder.")
def simulate(
    partner: str, no_idempotence: bool, no_query: bool, bad_days: tuple[Any, ...], **where: Any
) -> None:
    """Play an administration, with its bad days.

    Says where it listens in one line of JSON; port 0, the default, is one that is free. Bad days
    can be switched while it runs, on the control port: POST and DELETE /bad-day, GET /state,
    POST /callback-now. What it did is in effects.jsonl under --store.

    \b
      icaro simulate comune --certs certs --store /tmp/comune --listen 127.0.0.1:9101
      icaro simulate asl --certs certs --store /tmp/asl --bad-day drop_after_storing
      curl -X POST 127.0.0.1:PORT/bad-day -d '{"name": "outage", "match": {"cognome": "ROSSI"}}'
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
        "listen": str(replace(setting.listen, port=simulator.port)),
        "control": str(replace(setting.control, port=simulator.control_port)),
    }
    click.echo(json.dumps(line))
    loop: Any = reactor
    loop.run()

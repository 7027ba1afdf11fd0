"""The command `icaro`: one verb a module, read only when it is used.

Exit codes: 0 good, 1 findings (or the thing asked for could not be done), 2 usage.
"""

from __future__ import annotations

from typing import Any

import click

from gateway import __version__
from gateway.cli.verbs import Verb, Verbs
from gateway.errors import GatewayError

VERBS = {
    "demo": Verb("demo", "demo", "Watch births go end to end, with simulated administrations."),
    "init": Verb("init", "init", "Lay out a deployment in a folder: settings, keys, mappings."),
    "certs": Verb("certs", "certs_group", "Make certificates for development."),
    "config": Verb("config", "config_group", "Check icaro.yaml and partners.yaml."),
    "run": Verb("run", "run", "Run the gateway."),
    "send": Verb("send", "send", "Send HL7 messages over MLLP and show what was answered."),
    "hl7": Verb("hl7", "hl7_group", "Read HL7 messages: check them, show them."),
    "map": Verb("map", "map_group", "Mappings: check, test, see."),
    "case": Verb("case", "case_group", "Births: list, show, declare, choose."),
    "aside": Verb("aside", "aside_group", "Births of before the gateway: admit or dismiss."),
    "submission": Verb("submission", "submission_group", "Documents: list, show, replay, resolve."),
    "partner": Verb("partner", "partner_group", "Administrations: list, pause, resume."),
    "node": Verb("node", "node_group", "Nodes that share a journal: list, drain, resume."),
    "evidence": Verb("evidence", "evidence_group", "Verify and show the evidence."),
    "journal": Verb("journal", "journal_group", "Back the journal up, restore, check, purge it."),
    "envelope": Verb("envelope", "envelope_group", "Say why a signed envelope is refused."),
    "soak": Verb("soak", "soak", "Send invented families to staging, and check each."),
    "simulate": Verb("simulate", "simulate", "Play an administration, with its bad days."),
    "simulate-pec": Verb("simulate_pec", "simulate_pec", "Play a provider of certified mail."),
}


class Icaro(Verbs):
    """Tells our errors with their advice."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; a GatewayError is told in words, with what to do."""
        try:
            return super().invoke(ctx)
        except GatewayError as error:
            click.echo(f"{error}\n\n{error.advice}", err=True)
            ctx.exit(1)


@click.group(
    cls=Icaro,
    verbs=VERBS,
    package=__name__,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="icaro")
def main() -> None:
    """Icaro Gateway: carries a birth from the maternity ward to the administrations.

    \b
    A first look, all on this machine:
      icaro demo
    A deployment:
      icaro init /etc/icaro && icaro config check -c /etc/icaro/icaro.yaml
      icaro run -c /etc/icaro/icaro.yaml
    """

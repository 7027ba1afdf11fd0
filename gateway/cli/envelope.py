"""`icaro envelope`: says offline, step by step, why a signed envelope would be refused."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from adapters.keys import load_certificates
from gateway.errors import ConfigurationError
from gateway.soap.explain import Step, explain
from gateway.soap.names import SOAP12
from gateway.soap.profile import MODI, MODI_SOAP12
from gateway.soap.trust import Trust


@click.group(name="envelope")
def envelope_group() -> None:
    """Signed SOAP envelopes."""


@envelope_group.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file with the CA that issues the signer's certificates.",
)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S"]),
    help="Judge as of this moment (UTC), not of now.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def verify(file: Path, ca: Path | None, at: datetime | None, as_json: bool) -> None:
    """Print every trust step for the envelope in FILE, with all reasons to refuse it.

    Without --ca the signer's chain is not judged. Exit code 1 if it would be refused.

    \b
      icaro envelope verify sent.xml --ca certs/gateway/ca.pem --at 2026-03-02T10:00:00
    """
    raw = file.read_bytes()
    now = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
    profile = MODI_SOAP12 if SOAP12.encode() in raw else MODI
    steps = explain(raw, trust=_trust(ca), now=now, profile=profile)
    click.echo(_as_json(steps) if as_json else "\n".join(str(step) for step in steps))
    refused = any(step.state == "refused" for step in steps)
    if not as_json:
        click.echo("It would be refused." if refused else "Nothing found against it.")
    sys.exit(1 if refused else 0)


def _trust(ca: Path | None) -> Trust | None:
    if ca is None:
        return None
    try:
        return Trust(load_certificates(ca))
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from error


def _as_json(steps: list[Step]) -> str:
    return json.dumps([asdict(step) for step in steps], indent=2, ensure_ascii=False)

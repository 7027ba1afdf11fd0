"""`icaro case export` and `verify-export`: a case as one signed file, and whether one is whole."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from adapters.keys import load_certificates, load_signing_key
from gateway.cli.config import FILE
from gateway.cli.console import BY, NODE, REASON, looking, plain, the_case
from gateway.config import load
from gateway.errors import ConfigurationError
from gateway.ground import open_journal
from gateway.journal import Unit, load_public_key
from gateway.journal.export import examine_export
from gateway.journal.export import export as write_export
from gateway.journal.stored import stamp
from gateway.soap.keys import PublicKey, signature_is_of

THERE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("case_id", metavar="ID")
@click.option("--to", "to", type=click.Path(dir_okay=False, path_type=Path), required=True)
@BY
@REASON
@FILE
def export(case_id: str, to: Path, by: str, reason: str, path: Path) -> None:
    """Write all of a birth to one archive, signed with the gateway's `sign` key.

    Messages, documents, envelopes, answers, callbacks, the evidence and the signed heads that
    cover it. It is personal data in the clear: who asked for it becomes evidence first.

    \b
      icaro case export 18a5 --to case.zip --by m.rossi --reason 'request of the court 12/2026'
    """
    configuration = load(path)
    pair = configuration.certs.sign
    key = load_signing_key(pair.certificate, pair.key, password_file=pair.password_file)
    with looking(path) as view:
        found = the_case(view, case_id).id
    note = {"person": by, "reason": reason}
    with open_journal(configuration, node=NODE) as journal:

        def tell(unit: Unit) -> None:
            unit.record("case.exported", subjects=[found], note=note)
            unit.checkpoint()

        journal.run(tell)
    with looking(path) as view:
        made = write_export(view, found, to.resolve(), stamp(datetime.now(UTC)), key.sign)
    click.echo(f"{to}: {len(made['members'])} parts of case {found}")


@click.command("verify-export")
@click.argument("file", type=THERE)
@click.option("--certificate", type=THERE, required=True, help="Of the gateway that signed (PEM).")
@click.option("--public-key", type=THERE, help="Verifies the checkpoints too (PEM).")
def verify_export(file: Path, certificate: Path, public_key: Path | None) -> None:
    """Say whether an exported case is as it was written, without any journal; 1 if not.

    \b
      icaro case verify-export case.zip --certificate sign.pem
    """
    key = load_certificates(certificate)[0].public_key()
    if not isinstance(key, PublicKey):
        raise ConfigurationError([f"{certificate.name}: neither RSA nor EC"])
    manifest, wrong = examine_export(
        file,
        lambda signed, signature: signature_is_of(key, signature, signed),
        load_public_key(public_key) if public_key else None,
    )
    for line in wrong:
        click.echo(plain(line))
    if wrong:
        raise click.exceptions.Exit(1)
    parts, case = len(manifest["members"]), plain(manifest["case"])
    click.echo(f"good: case {case} as of {plain(manifest['made_at'])}, {parts} parts")

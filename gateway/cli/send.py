"""`icaro send`: messages of files over MLLP, and what was answered to each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, assert_never

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.keys import load_certificates, load_identity
from adapters.mllp import Answered, Lost, MllpSender, NotSent
from adapters.mllp.tls import client_tls
from gateway.cli.loop import complete
from gateway.cli.messages import read_messages
from gateway.cli.values import AddressType, DurationType
from gateway.errors import UnreadableMessage
from gateway.hl7.message import Message
from gateway.units import Address

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Answer:
    """One message and what came of it. `code` is MSA-1, or '-' where none came."""

    file: str
    message: int
    control_id: str
    code: str
    text: str
    milliseconds: float

    @property
    def good(self) -> bool:
        """The HIS's way of saying yes."""
        return self.code in ("AA", "CA")


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--to", required=True, type=AddressType(), help="Where to send.")
@click.option("--tls-ca", type=_FILE, help="Speak TLS; the listener's CA, PEM.")
@click.option("--tls-certificate", type=_FILE, help="Our certificate, PEM or PKCS#12.")
@click.option("--tls-key", type=_FILE, help="Its key, PEM.")
@click.option("--timeout", type=DurationType(), default="30 s", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For a program to read.")
def send(
    files: tuple[Path, ...],
    to: Address,
    tls_ca: Path | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Send the HL7 messages of FILES over MLLP and show each acknowledgment.

    A file holds one message or many, bare or in MLLP blocks; LF ends become CR. Messages go
    one after another on one connection. Exit code 1 if any is not accepted.

    \b
      icaro send birth.hl7 --to 127.0.0.1:2575
      icaro send *.hl7 --to his.example:2576 --tls-ca ca.pem --tls-certificate me.p12
    """
    if tls_certificate and not tls_ca:
        raise click.UsageError("--tls-certificate needs --tls-ca")
    tls = _tls(to.host, tls_ca, tls_certificate, tls_key)
    messages = [
        (path.name, number, payload)
        for path in files
        for number, payload in enumerate(read_messages(path), 1)
    ]

    async def exchange(reactor: Any) -> list[Answer]:
        sender = MllpSender(reactor, to, tls=tls, timeout=timeout)
        answers = [await _ask(sender, *message) for message in messages]
        await sender.close()
        return answers

    answers = complete(exchange)
    _show(answers, as_json=as_json)
    if not all(answer.good for answer in answers):
        raise click.exceptions.Exit(1)


def _tls(host: str, ca: Path | None, certificate: Path | None, key: Path | None) -> Any:
    if ca is None:
        return None
    identity = load_identity(certificate, key) if certificate else None
    return client_tls(host, load_certificates(ca), identity)


async def _ask(sender: MllpSender, file: str, number: int, payload: bytes) -> Answer:
    started = perf_counter()
    try:
        control_id = Message.parse(payload).control_id
        outcome = await sender.send(payload)
    except UnreadableMessage as error:
        return Answer(file, number, "", "-", f"not sent: {error}", 0.0)
    milliseconds = round((perf_counter() - started) * 1000, 1)
    match outcome:
        case Answered(reply):
            text = " · ".join(part for part in (reply.text, *reply.errors) if part)
            return Answer(file, number, control_id, reply.code, text, milliseconds)
        case NotSent(reason):
            return Answer(file, number, control_id, "-", f"not sent: {reason}", milliseconds)
        case Lost(reason):
            return Answer(file, number, control_id, "-", f"perhaps sent: {reason}", milliseconds)
        case _:
            assert_never(outcome)


def _show(answers: Sequence[Answer], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(answer) for answer in answers], ensure_ascii=False, indent=2))
        return
    table = Table(box=None, header_style="bold")
    for title in ("file", "message", "MSH-10", "answer", "ms"):
        table.add_column(title, justify="right" if title == "ms" else "left", overflow="fold")
    for answer in answers:
        said = Text(answer.code, style="green" if answer.good else "red")
        said.append(f" {answer.text}" if answer.text else "", style="default")
        table.add_row(
            answer.file,
            str(answer.message),
            Text(answer.control_id),
            said,
            f"{answer.milliseconds:.1f}",
        )
    Console().print(table)

"""The shipped mappings as the contract tests run them: one library, one set of inputs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from gateway.hl7.message import Message
from gateway.mapping import Library, Result

ROOT = Path(__file__).parents[3]
MAPPINGS = ROOT / "mappings"
SAMPLES = MAPPINGS / "samples"
OPERATION = "7f3c9a52-0b3e-4d19-9a53-6d1d0c8f0001"

INPUTS: Mapping[str, Mapping[str, object]] = {
    "flow": {
        "operationId": OPERATION,
        "now": datetime(2026, 3, 6, 10, 0, tzinfo=UTC),
        "destinatario": "015209",
        "ambiente": "PROD",
    },
    "sender": {"comune": "015146", "struttura": "030001", "nome": "OSPEDALE DI PROVA"},
}
GIULIA = {"codice_fiscale": {"codiceFiscale": "RSSGLI26C41F205V", "provvisorio": "false"}}
AMENDING = {"flow": {"protocollo": "015209/2026/0000042"}}
ANNULLING = {"flow": {"protocollo": "015209/2026/0000042", "motivo": "Dimissione annullata"}}


@cache
def library() -> Library:
    return Library(MAPPINGS, ROOT / "xsd")


def message(sample: str) -> Message:
    """A message of `mappings/samples/`."""
    return Message.parse((SAMPLES / sample).read_bytes())


def with_field(source: Message, segment: str, field: int, value: str) -> Message:
    """The message with one field of one segment said anew."""
    lines = source.raw.decode().split("\r")
    for at, line in enumerate(lines):
        if line.startswith(f"{segment}|"):
            fields = line.split("|")
            fields += [""] * (field + 1 - len(fields))
            fields[field] = value
            lines[at] = "|".join(fields)
    return Message.parse("\r".join(lines).encode())


def given(*more: Mapping[str, Mapping[str, object]]) -> dict[str, dict[str, object]]:
    """The usual inputs, and more of them."""
    inputs: dict[str, dict[str, object]] = {name: dict(facts) for name, facts in INPUTS.items()}
    for values in more:
        for name, facts in values.items():
            inputs[name] = {**inputs.get(name, {}), **facts}
    return inputs


def run(
    name: str,
    source: Message | etree._Element,
    *more: Mapping[str, Mapping[str, object]],
    profile: str = "default",
) -> Result:
    """One mapping on one source."""
    compiled = library().mapping(name, library().profile(profile))
    inputs = given(*more)
    return compiled.run(source, {each: inputs.get(each, {}) for each in compiled.inputs})


def document(
    name: str,
    source: Message,
    *more: Mapping[str, Mapping[str, object]],
    profile: str = "default",
) -> Any:
    """What the mapping makes; fails with its problems."""
    result = run(name, source, *more, profile=profile)
    assert result.problems == (), [str(problem) for problem in result.problems]
    return result.value


def body(element: etree._Element) -> bytes:
    """The document without its header, canonical."""
    copy = etree.fromstring(etree.tostring(element))
    for header in copy.findall("{*}testataRichiesta"):
        copy.remove(header)
    return etree.tostring(copy, method="c14n2")

"""What a verb of `icaro map` translates: a message or an answer out of a file, and its facts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from gateway.cli.messages import read_messages
from gateway.errors import ConfigurationError
from gateway.hl7.message import Message
from gateway.mapping import Library
from gateway.mapping.compiled import Source
from gateway.mapping.seeing import Traced
from gateway.mapping.seeing.inputs import Facts, facts_of, likeliest, over, read_facts, said
from gateway.mapping.tests import cases_of
from gateway.xml import parse

INPUTS = click.option(
    "--inputs",
    "inputs",
    multiple=True,
    metavar="FILE|K=V",
    help="Facts, over those of the mapping's tests: a YAML or JSON file, or flow.protocollo=P/1.",
)


def path_of(library: Library, message: str) -> Path:
    """A file on disk, or below the folder of mappings (`samples/femmina.hl7`)."""
    found = [path for path in (Path(message), library.mappings / message) if path.is_file()]
    if not found:
        raise click.BadParameter(f"{message}: no such file", param_hint="MSG")
    return found[0]


def source_of(traced: Traced, path: Path) -> Source:
    """The first message of a file, or the answer in it, as this mapping reads it.

    Raises GatewayError where it is neither.
    """
    if traced.compiled.direction == "xml_to_facts":
        return parse(path.read_bytes())
    return Message.parse(next(read_messages(path)), charset=traced.profile.charset)


def facts_for(
    library: Library, traced: Traced, path: Path, inputs: Sequence[str]
) -> tuple[Facts, str]:
    """The facts of the test that fits best, and over them what was said; that test's name."""
    folder = library.mappings
    on_disk = path.resolve()
    sample = on_disk.relative_to(folder).as_posix() if on_disk.is_relative_to(folder) else ""
    cases = cases_of(library, traced.compiled.name, traced.profile.name)
    case = likeliest(cases, sample)
    facts = over(facts_of(library, traced.compiled, case), _told(inputs))
    return facts, case.name if case else ""


def _told(inputs: Sequence[str]) -> Facts:
    facts: Facts = {}
    for word in inputs:
        try:
            file = Path(word)
            more = read_facts(file.read_bytes(), word) if file.is_file() else said([word])
        except (ValueError, ConfigurationError) as error:
            raise click.BadParameter(str(error), param_hint="--inputs") from None
        facts = over(facts, more)
    return facts

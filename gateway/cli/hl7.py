"""`icaro hl7`: what is wrong with a message and where; what it says, with the names of HL7."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click

from gateway import shipped
from gateway.cli.messages import read_messages
from gateway.errors import UnreadableMessage
from gateway.hl7.conformance import check as findings_of
from gateway.hl7.dictionary import VERSIONS, Dictionary, SegmentShape, dictionary, spoken
from gateway.hl7.finding import Finding
from gateway.hl7.location import Location
from gateway.hl7.message import Message
from gateway.hl7.segment import Segment

_FILES = click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
_JSON = click.option("--json", "as_json", is_flag=True, help="For a program to read.")


@click.group("hl7")
def hl7_group() -> None:
    """Read HL7 v2 messages out of files: one or many a file, bare or in MLLP blocks."""


@hl7_group.command()
@_FILES
@_JSON
@click.option("--profile", metavar="NAME", help="Also ask for what this profile requires.")
@click.option(
    "--mappings",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the profile is; default: the shipped mappings.",
)
def check(
    files: tuple[Path, ...], as_json: bool, profile: str | None, mappings: Path | None
) -> None:
    """Say everything that is wrong with the messages of FILES, and where.

    Each finding has its location, its code of table 0357, and E or W. Exit code 1 if there is any.

    \b
      icaro hl7 check birth.hl7
      birth.hl7:PID-7: E 102 cannot be read: no such day or hour in the calendar
    """
    required, charset = _demands(profile, mappings or shipped.mappings())
    found = [
        {"file": path.name, "message": number, **_as_fields(finding)}
        for path in files
        for number, payload in enumerate(read_messages(path), 1)
        for finding in _findings(payload, required, charset)
    ]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _tell(found, len(files))
    if found:
        raise click.exceptions.Exit(1)


def _demands(profile: str | None, mappings: Path) -> tuple[tuple[str, ...], str | None]:
    """The required paths and the character set of a profile."""
    if profile is None:
        return (), None
    from gateway.mapping import Library  # the mapping room is slow to load

    known = Library(mappings, shipped.xsd()).profile(profile)
    return tuple(known.required), known.charset


def _findings(payload: bytes, required: tuple[str, ...], charset: str | None) -> list[Finding]:
    try:
        return findings_of(Message.parse(payload, charset=charset), required)
    except UnreadableMessage as error:
        return [Finding(Location("MSH"), error.code, "E", str(error))]


def _as_fields(finding: Finding) -> dict[str, Any]:
    return {
        "location": str(finding.location),
        "err2": finding.location.err2,
        "code": finding.code,
        "severity": finding.severity,
        "text": finding.text,
    }


def _tell(found: list[dict[str, Any]], files: int) -> None:
    for one in found:
        which = f"#{one['message']}" if one["message"] > 1 else ""
        click.echo(
            f"{one['file']}{which}:{one['location']}: {one['severity']} {one['code']} {one['text']}"
        )
    said = f"{len(found)} finding{'s' if len(found) != 1 else ''}" if found else "nothing wrong"
    click.echo(f"{said} in {files} file{'s' if files != 1 else ''}", err=True)


@hl7_group.command()
@_FILES
@_JSON
def show(files: tuple[Path, ...], as_json: bool) -> None:
    """Show what the messages of FILES say: every field that is filled, with its name in HL7.

    \b
      icaro hl7 show birth.hl7
    """
    shown = [
        _Shown(path.name, number, list(_segments(Message.parse(payload))))
        for path in files
        for number, payload in enumerate(read_messages(path), 1)
    ]
    if as_json:
        click.echo(json.dumps([one._asdict() for one in shown], ensure_ascii=False, indent=2))
        return
    for one in shown:
        click.secho(f"{one.file}, message {one.message}", bold=True)
        for segment in one.segments:
            _draw(segment)


class _Shown(NamedTuple):
    file: str
    message: int
    segments: list[dict[str, Any]]


def _segments(message: Message) -> Iterator[dict[str, Any]]:
    known = dictionary(message.version if message.version in VERSIONS else VERSIONS[-1])
    for segment in message:
        shape = known.segment(segment.name)
        numbers = range(1, len(segment.fields))
        fields = [
            {"location": str(where), "name": _name(known, shape, where), "text": text}
            for number in numbers
            for where, text in _leaves(segment, number)
        ]
        yield {"segment": segment.name, "fields": fields}


def _leaves(segment: Segment, number: int) -> Iterator[tuple[Location, str]]:
    """Every filled part of a field with its text; numbers that go without saying are left out."""
    for rep in range(1, segment.count(number) + 1):
        components = segment.components(number, rep)
        for comp, subs in enumerate(components, 1):
            for sub in range(1, len(subs) + 1):
                text = segment.text(number, rep, comp, sub)
                if text is not None:
                    component = comp if len(components) > 1 or len(subs) > 1 else 0
                    subcomponent = sub if len(subs) > 1 else 0
                    where = Location(segment.name, 1, number, rep, component, subcomponent)
                    yield where, text


def _name(known: Dictionary, shape: SegmentShape | None, where: Location) -> str:
    """`Patient Name / Family Name`: of the field and of the component, where HL7 has them."""
    field = shape[where.field] if shape else None
    if field is None:
        return ""
    parts = known.datatype(field.datatype) or ()
    names = [part.name for part in parts if part.number == where.component]
    return " / ".join(map(spoken, (field.name, *names)))


def _draw(segment: dict[str, Any]) -> None:
    click.secho(f"  {segment['segment']}", fg="cyan")
    for field in segment["fields"]:
        text = field["text"]
        if not text.isprintable():  # a terminal would act on it instead of showing it
            text = text.encode("unicode_escape").decode()
        click.echo(f"    {field['location']:<14} {field['name']:<50} {text}")

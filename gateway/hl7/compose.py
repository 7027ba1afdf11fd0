"""Writes messages of our own: UTF-8, standard delimiters, CR ends, everything escaped anew.

What is copied out of a sender's message is decoded leaf by leaf and escaped again, because its
delimiters, its character set and its way with \\X..\\ were the sender's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gateway.hl7.delimiters import STANDARD
from gateway.hl7.escapes import escape
from gateway.hl7.message import Message
from gateway.hl7.segment import HEADERS, Segment

CHARSET = "UNICODE UTF-8"
SEGMENT_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")


def repetition_of(segment: Segment, field: int, rep: int) -> str:
    """One repetition, written with standard delimiters; '' if absent."""
    pieces = segment.components(field, rep)
    written = ["&".join(escape(segment.decoded(leaf), STANDARD) for leaf in c) for c in pieces]
    return "^".join(written)


def field_of(segment: Segment, field: int) -> str:
    """A whole field, written with standard delimiters; '' if absent."""
    reps = range(1, segment.count(field) + 1)
    return "~".join(repetition_of(segment, field, rep) for rep in reps)


def fields_of(segment: Segment) -> list[str]:
    """A whole segment by field number; [0] is its name. In MSH, [1] and [2] are the standard's."""
    line = segment.line
    said = line[line.find("|", 4) :] if segment.name in HEADERS else line
    if segment.delimiters == STANDARD and "\\" not in said and said.isprintable():
        fields = segment.fields.copy()  # what most feeds send needs no new writing
    else:
        written = (field_of(segment, number) for number in range(1, len(segment.fields)))
        fields = [segment.name, *written]
    return as_header(fields) if segment.name in HEADERS else fields


def as_header(fields: list[str]) -> list[str]:
    """An MSH (or a batch's header) that tells the truth about delimiters and character set."""
    fields += [""] * (19 - len(fields))
    fields[1], fields[2] = STANDARD.field, STANDARD.encoding
    if fields[0] == "MSH":
        fields[18] = CHARSET
    return fields


def compose(segments: Iterable[Sequence[str]]) -> Message:
    """The message of these segments (each by field number, MSH first)."""
    lines = []
    for fields in segments:
        shown = [fields[0], *fields[2:]] if fields[0] in HEADERS else fields
        lines.append("|".join(shown).rstrip("|") + "\r")
    return Message.parse("".join(lines).encode())

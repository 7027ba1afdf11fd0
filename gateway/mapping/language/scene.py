"""All that names can mean where an expression of one file is written.

Made from the file as it can be read; while it cannot, from how it was read last.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.errors import ConfigurationError, GatewayError
from gateway.hl7.message import Message
from gateway.mapping.dialect import Dialect
from gateway.mapping.document import Block, Definition, Document, TableUse
from gateway.mapping.finding import Findings
from gateway.mapping.language.workspace import used_files
from gateway.mapping.library import Library
from gateway.mapping.lint import mappings_in
from gateway.mapping.profile import SENDER, Profile
from gateway.mapping.samples import with_hl7_ends
from gateway.mapping.shape import ElementShape
from gateway.mapping.tables import BadSheet, read_sheet
from gateway.mapping.tests import cases_of

_SEGMENT: Final = re.compile(r"([A-Z][A-Z0-9]{2})\b")


@dataclass(frozen=True, slots=True)
class Scene:
    """`source` and `target` are roots of documents, `message` the sample of the first test."""

    library: Library
    document: Document
    profile: Profile
    dialect: Dialect
    blocks: Mapping[str, Block]
    source: ElementShape | None
    target: ElementShape | None
    message: Message | None

    @property
    def inputs(self) -> Mapping[str, Mapping[str, str]]:
        """Namespace → fact → type."""
        return {**SENDER, **self.document.inputs}

    @property
    def definitions(self) -> Mapping[str, Definition]:
        """What lets and the profile name; the mapping's own win."""
        return {**self.profile.definitions, **self.document.lets}

    @property
    def tables(self) -> Mapping[str, TableUse]:
        """The tables that expressions of the mapping may look up in."""
        return self.document.tables

    @property
    def segments(self) -> Collection[str]:
        """The segments of the messages it reads, with the profile's own."""
        messages = self.document.source.values.get("messages")
        names = [item.text for item in getattr(messages, "items", ())] or ["ADT_A01"]
        parts = [part for name in names if (part := self.dialect.structure(name))]
        found = [segment for part in parts for segment in part.segments()]
        return list(dict.fromkeys([*found, *self.dialect.own_segments]))

    def segment_of(self, name: str) -> str | None:
        """The segment that a name or an alias stands for."""
        if self.dialect.segment(name) is not None:
            return name
        definition = self.definitions.get(name)
        match = _SEGMENT.match(definition.text.text) if definition else None
        return match[1] if match and self.dialect.segment(match[1]) else None

    def columns(self, table: str) -> tuple[str, ...]:
        """The columns of a table; () if it cannot be read."""
        use = self.tables.get(table)
        try:
            name = f"tables/{use.file}" if use else ""
            return tuple(read_sheet(self.library.content(name), name).columns) if use else ()
        except (BadSheet, ConfigurationError):
            return ()

    def sample(self, segment: str, field: int) -> str:
        """What the sample has there; '' if nothing. Samples are of invented people."""
        first = self.message.first(segment) if self.message else None
        return (first.whole(field, 1) or "") if first else ""


def scene_for(library: Library, name: str) -> Scene | None:
    """The scene of any file of the folder: of a file of blocks or a profile, that of the first
    mapping that uses it. None while that cannot be read at all.
    """
    folder, _, rest = name.partition("/")
    if folder == "lib":
        users = (each for each in mappings_in(library) if name in used_files(library, each))
    elif folder == "profiles":
        profile = rest.removesuffix(".yaml")
        users = (each for each in mappings_in(library) if library.profile_of(each) == profile)
    else:
        return scene_of(library, name)
    found = next(users, None)
    return scene_of(library, found) if found else None


def scene_of(library: Library, name: str) -> Scene | None:
    """The scene of a mapping; None while it cannot be read at all."""
    findings = Findings()
    try:
        profile = library.profile(library.profile_of(name))
        read = library.compilation(name, profile, findings)
    except ConfigurationError:
        return None
    if read is None:
        return None
    compilation, _ = read
    document = compilation.document
    return Scene(
        library,
        document,
        profile,
        profile.dialect(document.source.text("hl7") or profile.version),
        compilation.blocks,
        _root(library, document, "source"),
        _root(library, document, "target"),
        _sample(library, name),
    )


def _root(library: Library, document: Document, end: str) -> ElementShape | None:
    where = document.source if end == "source" else document.target
    try:
        return library.shapes(where.text("xsd")).roots.get(where.text("root"))
    except ConfigurationError:
        return None


def _sample(library: Library, name: str) -> Message | None:
    try:
        given = [case.given for case in cases_of(library, name) if case.given.endswith(".hl7")]
        return Message.parse(with_hl7_ends(library.content(given[0]))) if given else None
    except GatewayError:
        return None

"""A sender's profile: what this hospital really sends, as named expressions and a few settings.

A profile may extend another; its own definitions win, in the definitions it inherits too.
Reading only; its expressions are compiled with each mapping or flow that uses them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.hl7.acknowledgment import Mode
from gateway.hl7.dictionary import VERSIONS
from gateway.hl7.location import Location
from gateway.hl7.moment import Order
from gateway.mapping.dialect import Dialect
from gateway.mapping.document import Definition, Reader, TableUse
from gateway.mapping.finding import Findings
from gateway.mapping.tree import Table
from gateway.mapping.usage import NOTHING, Declared, read_declared

SENDER: Final[Mapping[str, Mapping[str, str]]] = {
    "sender": {"comune": "text", "struttura": "text", "nome": "text", "asl": "text"}
}
"""What every definition may read beside the message: the facts of the birth centre."""

_KEYS: Final = (
    *("lang", "profile", "extends", "hl7", "acknowledgment", "charset", "required", "define"),
    *("keeps", "naks", "newer", "tables", "segments", "fields", "codes", "$note"),
)
_VERSION: Final = "2.5"
_ORDERS: Final[Mapping[str, Order]] = {
    "": "recorded",
    "recorded": "recorded",
    "sent": "sent",
    "arrival": "arrival",
}
_MODES: Final[Mapping[str, Mode | None]] = {
    "": None,
    "auto": None,
    "original": "original",
    "enhanced": "enhanced",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """What one kind of sender means.

    `required` are paths without which a birth is refused, `keeps` what stays of a message whose
    mother does not want to be named, `naks` the findings answered AE, `declared` what its messages
    have beside the dictionary, `newer` what tells which of two messages of a child is newer: EVN-2
    (`recorded`), MSH-7 (`sent`) or only their `arrival`. `pins` are the files it was read from,
    with their SHA-256.
    """

    name: str
    version: str
    acknowledgment: Mode | None
    charset: str | None
    required: tuple[str, ...]
    keeps: tuple[str, ...]
    naks: tuple[str, ...]
    definitions: Mapping[str, Definition] = field(repr=False)
    tables: Mapping[str, TableUse] = field(repr=False)
    pins: Mapping[str, str] = field(repr=False)
    declared: Declared = field(default=NOTHING, repr=False)
    newer: Order = "recorded"

    def dialect(self, version: str) -> Dialect:
        """What this sender speaks, of one HL7 version."""
        return Dialect(version, self.name, self.declared, self.required)

    @property
    def names(self) -> frozenset[str]:
        """What mappings and flows may use as identifiers."""
        return frozenset(self.definitions)

    @property
    def content_hash(self) -> str:
        """SHA-256 over the files of the chain."""
        return content_hash(self.pins)


def content_hash(pins: Mapping[str, str]) -> str:
    """One SHA-256 over files and their own."""
    lines = "".join(f"{file} {digest}\n" for file, digest in sorted(pins.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Chapter:
    """One profile file, before what it extends is added."""

    name: str
    extends: str
    values: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]
    definitions: Mapping[str, Definition]
    tables: Mapping[str, TableUse]
    declared: Declared


def read_chapter(tree: Table, findings: Findings) -> Chapter:
    """One file; mistakes are findings."""
    reader = Reader(tree, findings)
    reader.check_language()
    reader.check_keys(_KEYS)
    values = {key: reader.text(key) for key in ("hl7", "acknowledgment", "charset", "newer")}
    if values["newer"] not in _ORDERS:
        findings.error(tree.position, "M06", "newer must be recorded, sent or arrival")
        values["newer"] = ""
    if values["acknowledgment"] not in _MODES:
        text = "acknowledgment must be auto, original or enhanced"
        findings.error(tree.position, "M06", text)
        values["acknowledgment"] = ""
    if values["hl7"] and values["hl7"] not in VERSIONS:
        findings.error(tree.position, "H04", f"HL7 versions are {', '.join(VERSIONS)}")
        values["hl7"] = ""
    lists = {
        key: tuple(item.text for item in reader.texts(key))
        for key in ("required", "keeps", "naks")
        if tree.get(key) is not None
    }
    for path in lists.get("required", ()):
        try:
            Location.parse(path)
        except ValueError:
            text = f"required: {path} is no path such as PID-3"
            findings.error(tree.position, "M06", text)
    return Chapter(
        name=reader.text("profile"),
        extends=reader.text("extends"),
        values=values,
        lists=lists,
        definitions=reader.definitions("define"),
        tables=reader.tables(),
        declared=read_declared(tree, findings),
    )


def assemble(name: str, chain: Sequence[Chapter], pins: Mapping[str, str]) -> Profile:
    """The profile: `chain` from the file itself to what it extends last."""
    definitions: dict[str, Definition] = {}
    tables: dict[str, TableUse] = {}
    declared = NOTHING
    version = _VERSION
    for chapter in reversed(chain):
        version = chapter.values["hl7"] or version
        for word, definition in chapter.definitions.items():
            definitions[word] = replace(definition, version=version)
        tables |= chapter.tables
        declared = chapter.declared.over(declared)

    def value(key: str) -> str:
        return next((chapter.values[key] for chapter in chain if chapter.values[key]), "")

    def texts(key: str) -> tuple[str, ...]:
        return next((chapter.lists[key] for chapter in chain if key in chapter.lists), ())

    return Profile(
        name=name,
        version=version,
        acknowledgment=_MODES[value("acknowledgment")],
        charset=value("charset") or None,
        required=texts("required"),
        keeps=texts("keeps"),
        naks=texts("naks"),
        definitions=definitions,
        tables=tables,
        pins=pins,
        declared=declared,
        newer=_ORDERS[value("newer")],
    )

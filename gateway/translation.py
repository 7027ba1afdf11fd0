"""The Message Translator: from a case's dossier to the document of one submission.

Pure: reads values, returns values. What may differ between two translations of the same content
(the header with ids and clocks) is left out of the content digest, so that a bed move or the echo
of our own A31 is seen to change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from gateway.errors import TranslationError
from gateway.flow.definition import Step
from gateway.hl7.message import Message
from gateway.lifecycle import Kind
from gateway.mapping import Compiled
from gateway.xml import Canonical

Inputs = Mapping[str, Mapping[str, object]]
Told = Mapping[str, Mapping[str, str]]
Document = etree._Element | bytes

HEADER = "testataRichiesta"
"""The element that holds ids and clocks, in every request of ours as in ANPR's."""

# In canonical text "<" stands in tags only, and ">" in them or as the end of one. Only the first
# child of the root is the header: what has its name elsewhere is content.
_HEADER: Final = re.compile(rf"(<(?:[^<>\"]|\"[^\"]*\")*>)<((?:[^<>:\s]+:)?{HEADER})[ >]".encode())

CLOCKED = ("MSH", "EVN", "MSA")
"""The segments that hold ids and clocks."""


@dataclass(frozen=True, slots=True)
class Translation:
    """`document` as it is stored and sent: Canonical, or HL7. `content` is what it says, without
    what every attempt renews.
    """

    document: bytes = field(repr=False)
    content: bytes = field(repr=False)
    pins: Mapping[str, str]


def translate(
    mapping: Callable[[str], Compiled], step: Step, kind: Kind, dossier: Message, inputs: Inputs
) -> Translation:
    """The document of `kind`; raises TranslationError with every reason.

    The content is always that of the *register* mapping: an amendment carries more (the protocol
    of what it amends), and two of them must be comparable with what was first sent.
    """
    compiled = mapping(step.maps[kind])
    document = _written(_run(compiled, dossier, inputs))
    if kind is Kind.CANCEL or step.maps[kind] == step.maps[Kind.REGISTER]:
        said = neutralised(document)
    else:
        said = content(mapping, step, dossier, inputs)
    return Translation(document, said, compiled.pins)


def content(
    mapping: Callable[[str], Compiled], step: Step, dossier: Message, inputs: Inputs
) -> bytes:
    """What the dossier says to this step's partner now, without ids and clocks."""
    compiled = mapping(step.maps[Kind.REGISTER])
    return neutralised(_written(_run(compiled, dossier, inputs)))


def comparable(step: Step, name: str, now: Inputs, then: Told, beneath: Told) -> Inputs:
    """The inputs to compare a dossier with what was sent: facts that the step does not wait for
    are those with which what it needs stands (`beneath`), else those of `then`. Only the hospital,
    or a fact that the step needs, can cause an amendment.
    """
    kept = {"flow", "sender", "scelta", "partner", "annullo", name, *step.needs, *step.follows}
    others = _others({**then, **beneath}, kept)
    return {**{key: value for key, value in now.items() if key in kept}, **others}


def neutralised(document: bytes) -> bytes:
    """The document, Canonical or HL7, without its header."""
    if isinstance(document, Canonical):
        begun = _HEADER.match(document)
        if begun is None:
            return document
        ending = b"</" + begun[2] + b">"
        return begun[1] + document[document.index(ending) + len(ending) :]
    lines = document.split(b"\r")
    return b"\r".join(line for line in lines if line[:3].decode("latin-1") not in CLOCKED)


def _written(document: Document) -> bytes:
    """Written once, for the digests, the journal and the wire."""
    return document if isinstance(document, bytes) else Canonical.of(document)


def _others(
    then: Mapping[str, Mapping[str, str]], kept: set[str]
) -> dict[str, Mapping[str, object]]:
    return {key: dict(value) for key, value in then.items() if key not in kept}


def _run(compiled: Compiled, dossier: Message, inputs: Inputs) -> Document:
    declared = {name: inputs.get(name, {}) for name in compiled.inputs}
    result = compiled.run(dossier, declared)
    if result.problems:
        raise TranslationError(result.problems)
    document: Document = result.value
    return document

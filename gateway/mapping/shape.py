"""What an XSD says about a document, in the few words that mappings need.

Elements with their children in order, what is required, what may repeat, attributes, and what a
simple type takes. `schema_reader` makes these; the validator has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.mapping.check.simple_type import SimpleType
from gateway.mapping.kinds import Kind


@dataclass(frozen=True, slots=True)
class AttributeShape:
    """`tag` is the name in Clark notation."""

    tag: str
    type: SimpleType
    required: bool

    @property
    def kind(self) -> Kind:
        return self.type.kind


@dataclass(frozen=True, slots=True)
class Particle:
    """A place in a content model: an element's name, or a sequence or choice of particles."""

    least: int
    most: int | None
    element: str = ""
    choice: bool = False
    parts: tuple[Particle, ...] = ()

    def names(self) -> Iterator[str]:
        if self.element:
            yield self.element
        for part in self.parts:
            yield from part.names()


@dataclass(slots=True)
class ElementShape:
    """One element declaration. `type` is None if it holds elements, else that of its text.

    `most` is how often it may stand beside its siblings, None without limit. `children` are in
    the order of the schema; types may contain themselves, so they are read when first asked for.
    """

    name: str
    tag: str
    type: SimpleType | None
    most: int | None
    nillable: bool
    attributes: Mapping[str, AttributeShape]
    inside: Callable[[], tuple[Mapping[str, ElementShape], Particle]] = field(repr=False)
    _read: tuple[Mapping[str, ElementShape], Particle] | None = field(default=None, repr=False)

    @property
    def kind(self) -> Kind | None:
        return self.type.kind if self.type else None

    @property
    def repeats(self) -> bool:
        return self.most is None or self.most > 1

    @property
    def children(self) -> Mapping[str, ElementShape]:
        return self._inner[0]

    @property
    def content(self) -> Particle:
        """The content model."""
        return self._inner[1]

    @property
    def _inner(self) -> tuple[Mapping[str, ElementShape], Particle]:
        if self._read is None:
            self._read = self.inside()
        return self._read


@dataclass(frozen=True, slots=True)
class Document:
    """A schema's root elements and the files it is made of."""

    roots: Mapping[str, ElementShape]
    files: tuple[Path, ...]

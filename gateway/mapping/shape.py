"""What an XSD says about a document, in the few words that mappings need.

Elements with their children in order, what is required, what may repeat, attributes, and the
kind of value a simple type takes. Read once with xmlschema; facets stay with the validator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import xmlschema
from xmlschema.validators import XsdElement, XsdGroup

from gateway.errors import ConfigurationError
from gateway.mapping.kinds import Kind

_KINDS: Final = {
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "dateTime": Kind.DATETIME,
    "time": Kind.TIME,
    "decimal": Kind.NUMBER,
    "float": Kind.NUMBER,
    "double": Kind.NUMBER,
}


@dataclass(frozen=True, slots=True)
class AttributeShape:
    """`tag` is the name in Clark notation."""

    tag: str
    kind: Kind
    required: bool


@dataclass(frozen=True, slots=True)
class Particle:
    """A place in a content model: an element's name, or a sequence or choice of particles."""

    least: int
    most: int | None
    element: str = ""
    choice: bool = False
    parts: tuple[Particle, ...] = ()

    def missing(self, present: frozenset[str]) -> Iterator[str]:
        """Names that this model requires beside `present`; `a | b` for an empty choice."""
        if self.element:
            if self.least and self.element not in present:
                yield self.element
        elif self.least or any(name in present for name in self.names()):
            yield from (
                self._missing_in_choice(present)
                if self.choice
                else (name for part in self.parts for name in part.missing(present))
            )

    def _missing_in_choice(self, present: frozenset[str]) -> Iterator[str]:
        begun = [part for part in self.parts if any(name in present for name in part.names())]
        if begun:
            yield from begun[0].missing(present)
        elif all(any(True for _ in part.missing(present)) for part in self.parts):
            yield " | ".join(next(iter(part.names()), "") for part in self.parts)

    def names(self) -> Iterator[str]:
        if self.element:
            yield self.element
        for part in self.parts:
            yield from part.names()


@dataclass(slots=True)
class ElementShape:
    """One element declaration. `kind` is None if it holds elements, else that of its text.

    `children` are in the order of the schema; types may contain themselves, so they are read
    when first asked for.
    """

    name: str
    tag: str
    kind: Kind | None
    repeats: bool
    nillable: bool
    attributes: Mapping[str, AttributeShape]
    _declaration: XsdElement = field(repr=False)
    _children: dict[str, ElementShape] | None = None
    _content: Particle | None = None

    @property
    def children(self) -> Mapping[str, ElementShape]:
        if self._children is None:
            self._children = {
                element.local_name: _element(element) for element in _elements(self._declaration)
            }
        return self._children

    @property
    def content(self) -> Particle:
        """The content model."""
        if self._content is None:
            group = _group(self._declaration)
            self._content = _particle(group) if group is not None else Particle(0, 0)
        return self._content

    def walk(self, path: str) -> ElementShape | AttributeShape | None:
        """What is at `a/b` or `a/@x` below this element."""
        here: ElementShape = self
        for step in path.split("/") if path else ():
            if step.startswith("@"):
                return here.attributes.get(step[1:])
            child = here.children.get(step)
            if child is None:
                return None
            here = child
        return here


@dataclass(frozen=True, slots=True)
class Document:
    """A schema's root elements and the files it is made of."""

    roots: Mapping[str, ElementShape]
    files: tuple[Path, ...]


def load(path: Path) -> Document:
    """Read `path` and all it includes; the caller has checked where those lie.

    Raises ConfigurationError if it is no schema.
    """
    try:
        schema = xmlschema.XMLSchema10(path, allow="local", defuse="always", validation="strict")
    except (xmlschema.XMLSchemaException, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigurationError([f"{path.name}: {reason}"]) from error
    roots = {element.local_name: _element(element) for element in schema.elements.values()}
    return Document(roots, tuple(sorted(_files(schema))))


def _files(schema: xmlschema.XMLSchema10) -> set[Path]:
    builtin = Path(xmlschema.__file__).parent
    urls = (each.url for each in schema.maps.iter_schemas() if each.url)
    paths = {Path(unquote(urlsplit(url).path)) for url in urls}
    return {path for path in paths if not path.is_relative_to(builtin)}


def _element(element: Any) -> ElementShape:
    return ElementShape(
        name=element.local_name,
        tag=element.name if element.ref is not None or element.qualified else element.local_name,
        kind=_kind(element.type),
        repeats=element.max_occurs is None or element.max_occurs > 1,
        nillable=bool(element.nillable),
        attributes=dict(_attributes(element)),
        _declaration=element,
    )


def _kind(declared: Any) -> Kind | None:
    """The kind of a simple type, or of simple content; None where there are elements or nothing."""
    simple = declared if declared.is_simple() else declared.simple_type
    if simple is None:
        return None
    primitive = getattr(simple, "primitive_type", None)
    name = getattr(primitive, "local_name", None) or ""
    if name == "decimal" and _is_integer(simple):
        return Kind.INTEGER
    return _KINDS.get(name, Kind.TEXT)


def _is_integer(simple: Any) -> bool:
    while simple is not None:
        if simple.local_name == "integer":
            return True
        simple = simple.base_type
    return False


def _attributes(element: Any) -> Iterator[tuple[str, AttributeShape]]:
    for name, attribute in getattr(element, "attributes", {}).items():
        if name is None or attribute.use == "prohibited":
            continue
        tag = name
        kind = _kind(attribute.type) or Kind.TEXT
        yield attribute.local_name, AttributeShape(tag, kind, attribute.use == "required")


def _group(element: Any) -> XsdGroup | None:
    content = getattr(element.type, "content", None)
    return content if isinstance(content, XsdGroup) else None


def _elements(element: Any) -> Iterator[XsdElement]:
    """The element particles in the schema's order, each name once."""
    group = _group(element)
    seen: set[str] = set()
    for child in group.iter_elements() if group is not None else ():
        if isinstance(child, XsdElement) and child.local_name not in seen:
            seen.add(child.local_name)
            yield child


def _particle(model: Any) -> Particle:
    if isinstance(model, XsdGroup):
        parts = tuple(_particle(part) for part in model)
        choice = model.model == "choice"
        return Particle(model.min_occurs, model.max_occurs, choice=choice, parts=parts)
    name = model.local_name if isinstance(model, XsdElement) else ""
    return Particle(model.min_occurs if name else 0, model.max_occurs, element=name or "")

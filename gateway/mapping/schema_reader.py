"""Reads an XSD into shapes, with xmlschema.

Apart, because xmlschema takes a third of a second to load and only who compiles needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import xmlschema
from xmlschema.validators import XsdElement, XsdGroup
from xmlschema.validators.xsdbase import XsdValidator

from gateway.errors import ConfigurationError
from gateway.mapping.kinds import Kind
from gateway.mapping.shape import AttributeShape, Document, ElementShape, Particle

_KINDS: Final = {
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "dateTime": Kind.DATETIME,
    "time": Kind.TIME,
    "decimal": Kind.NUMBER,
    "float": Kind.NUMBER,
    "double": Kind.NUMBER,
}


def _cached_properties(cls: type) -> Iterator[str]:
    """As xmlschema's own, but not stopped by names that only answer on the class they are of.

    zope.interface, Twisted's companion, puts such a name (`__provides__`) on classes of
    collections.abc, from which xmlschema's are made (xmlschema 4.3.2, zope.interface 8.7).
    """
    for name in dir(cls):
        if isinstance(getattr(cls, name, None), cached_property):
            yield name


_Patched: Any = XsdValidator
_Patched._cached_properties = classmethod(_cached_properties)


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
        tag=_tag(element),
        kind=_kind(element.type),
        repeats=element.max_occurs is None or element.max_occurs > 1,
        nillable=bool(element.nillable),
        attributes=dict(_attributes(element)),
        inside=partial(_inside, element),
    )


def _tag(element: Any) -> str:
    """In Clark notation: global elements are always in the target namespace."""
    stands_global = element.parent is None or element.ref is not None
    return str(element.name if stands_global or element.qualified else element.local_name)


def _inside(element: Any) -> tuple[dict[str, ElementShape], Particle]:
    """The children of a declaration, and its content model."""
    children = {child.local_name: _element(child) for child in _elements(element)}
    group = _group(element)
    return children, _particle(group) if group is not None else Particle(0, 0)


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

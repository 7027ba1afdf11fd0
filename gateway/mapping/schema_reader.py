"""Reads an XSD into shapes, with xmlschema: particles, attributes, simple types, wildcards.

Apart, because xmlschema takes a third of a second to load and only who compiles needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import xmlschema
from xmlschema.validators import XsdAnyElement, XsdGroup
from xmlschema.validators.xsdbase import XsdValidator

from gateway.errors import ConfigurationError
from gateway.mapping.check.facets import simple_type
from gateway.mapping.check.simple_type import SimpleType
from gateway.mapping.shape import AttributeShape, Document, ElementShape, Particle
from gateway.xml import XSD


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
    schema = declarations(path)
    reader = _Reader(schema)
    roots = {
        element.local_name: reader.element(element)
        for element in schema.elements.values()
        if not element.abstract
    }
    return Document(roots, tuple(sorted(_files(schema))))


def declarations(path: Path) -> xmlschema.XMLSchema10:
    """As `load`, in xmlschema's own terms."""
    try:
        return _read(path)
    except (xmlschema.XMLSchemaException, OSError, ValueError, RecursionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigurationError([f"{path.name}: {reason}"]) from error


def _read(path: Path) -> xmlschema.XMLSchema10:
    """What xmlschema makes of the declarations, every one of them judged.

    `gateway.xml` has read the same files before (`Library.shapes`), and refused those that declare
    entities or lie elsewhere: looking for that again, and holding them against the schema of
    schemas once more, would take three times as long as all the rest.
    """
    schema = xmlschema.XMLSchema10(
        path, allow="local", defuse="never", validation="skip", build=False
    )
    if schema.root.tag != f"{{{XSD}}}schema":
        raise ValueError("is no XML Schema")
    for each in schema.maps.iter_schemas():
        if not each.is_meta():
            each.validation = "strict"
    schema.build()
    return schema


def _files(schema: xmlschema.XMLSchema10) -> set[Path]:
    builtin = Path(xmlschema.__file__).parent
    urls = (each.url for each in schema.maps.iter_schemas() if each.url)
    paths = {Path(unquote(urlsplit(url).path)) for url in urls}
    return {path for path in paths if not path.is_relative_to(builtin)}


class _Reader:
    """Turns the declarations of one schema into shapes; a simple type is made once."""

    def __init__(self, schema: xmlschema.XMLSchema10) -> None:
        self._schema = schema
        self._types: dict[int, tuple[Any, SimpleType]] = {}

    def element(self, declared: Any, *, repeats: bool = False) -> ElementShape:
        """`repeats`: a group around the element may repeat, so the element may too."""
        most = None if repeats else declared.max_occurs
        return ElementShape(
            name=declared.local_name,
            tag=_tag(declared),
            type=self._content_type(declared),
            most=most,
            nillable=bool(declared.nillable),
            attributes=dict(self._attributes(declared)),
            inside=partial(self._inside, declared),
        )

    def _content_type(self, declared: Any) -> SimpleType | None:
        """Of the text; None where there are elements or nothing."""
        whole = declared.type
        simple = whole if whole.is_simple() else whole.simple_type
        if simple is None:
            return None
        made = self._simple(simple)
        return made if declared.fixed is None else made.but_only(declared.fixed)

    def _simple(self, declared: Any) -> SimpleType:
        if id(declared) not in self._types:
            self._types[id(declared)] = declared, simple_type(declared)
        return self._types[id(declared)][1]

    def _attributes(self, declared: Any) -> Iterator[tuple[str, AttributeShape]]:
        for name, attribute in getattr(declared, "attributes", {}).items():
            if name is None or attribute.use == "prohibited":
                continue
            made = self._simple(attribute.type)
            if attribute.fixed is not None:
                made = made.but_only(attribute.fixed)
            yield attribute.local_name, AttributeShape(name, made, attribute.use == "required")

    def _inside(self, declared: Any) -> tuple[dict[str, ElementShape], Particle]:
        """The children of a declaration in the schema's order, and its content model."""
        content = getattr(declared.type, "content", None)
        if not isinstance(content, XsdGroup):
            return {}, Particle(0, 0)
        children: dict[str, ElementShape] = {}
        for child, repeats in self._elements(content, False):
            known = children.get(child.local_name)
            # A name with two places may stand twice.
            if known is None:
                children[child.local_name] = self.element(child, repeats=repeats)
            elif not _exclude(content, child.local_name):
                known.most = None
        return children, self._particle(content)

    def _elements(self, group: Any, repeats: bool) -> Iterator[tuple[Any, bool]]:
        """The elements that may stand below, each with whether a group around it repeats."""
        again = repeats or group.max_occurs is None or group.max_occurs > 1
        for part in group:
            if isinstance(part, XsdGroup):
                yield from self._elements(part, again)
            else:
                yield from ((each, again) for each in self._declared(part))

    def _declared(self, part: Any) -> list[Any]:
        """What an element particle or a wildcard stands for: declarations that can be written."""
        if isinstance(part, XsdAnyElement):
            known = list(self._schema.maps.elements.values())
            found = [each for each in known if part.is_matching(each.name) and not each.abstract]
            return [] if part.process_contents == "skip" else found
        known = sorted(part.iter_substitutes(), key=lambda each: str(each.name))
        substitutes = [each for each in known if not each.abstract]
        return [*([] if part.abstract else [part]), *substitutes]

    def _particle(self, part: Any) -> Particle:
        if isinstance(part, XsdGroup):
            parts = tuple(self._particle(each) for each in part)
            choice = part.model == "choice"
            return Particle(part.min_occurs, part.max_occurs, choice=choice, parts=parts)
        names = [each.local_name for each in self._declared(part)]
        # What a wildcard asks for cannot be told by name.
        least = 0 if isinstance(part, XsdAnyElement) else part.min_occurs
        if len(names) == 1:
            return Particle(least, part.max_occurs, element=names[0])
        parts = tuple(Particle(1, 1, element=name) for name in names)
        return Particle(least if parts else 0, part.max_occurs, choice=True, parts=parts)


def _tag(element: Any) -> str:
    """In Clark notation: global elements are always in the target namespace."""
    stands_global = element.parent is None or element.ref is not None
    return str(element.name if stands_global or element.qualified else element.local_name)


def _exclude(group: Any, name: str) -> bool:
    """Whether the places of a name are branches of one choice, so that only one is taken."""
    if group.model == "choice":
        return all(not isinstance(part, XsdGroup) or _exclude(part, name) for part in group)
    holders = [part for part in group if _holds(part, name)]
    inner = [part for part in holders if isinstance(part, XsdGroup)]
    return len(holders) < 2 and all(_exclude(part, name) for part in inner)


def _holds(part: Any, name: str) -> bool:
    if isinstance(part, XsdGroup):
        return any(_holds(each, name) for each in part)
    return bool(part.local_name == name)

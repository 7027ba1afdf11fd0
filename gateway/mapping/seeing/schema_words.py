"""What an XSD says of one element, in words: type, facets, how often, documentation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.mapping.schema_reader import declarations

_MOST: Final = 30
"""Values of an enumeration that are told; the rest are counted."""


@dataclass(frozen=True, slots=True)
class SchemaWords:
    """`type` is its name and facets; `most` is None without limit; `sentences` are its own.

    `choice` is True where the schema lets something else stand in its place.
    """

    type: str
    least: int
    most: int | None
    nillable: bool
    choice: bool
    sentences: tuple[str, ...]

    @property
    def occurs(self) -> str:
        """`required, once` · `optional, any number of times`."""
        need = "one of a choice" if self.choice else "required" if self.least else "optional"
        often = "any number of times" if self.most is None else f"up to {self.most} times"
        return f"{need}, {'once' if self.most == 1 else often}"


def schema_words(path: Path, root: str, target: str) -> SchemaWords | None:
    """Of the element or attribute at `target` below `root`; None if the schema has none.

    The caller has checked where the schema lies. Raises ConfigurationError if it is none.
    """
    elements = declarations(path).elements.values()
    here: Any = next((each for each in elements if each.local_name == root), None)
    for step in target.split("/") if target else ():
        if here is None:
            return None
        here = _attribute(here, step[1:]) if step.startswith("@") else _child(here, step)
    return _words(here) if here is not None else None


def _child(element: Any, name: str) -> Any:
    content: Any = getattr(element.type, "content", None)
    found = content.iter_elements() if hasattr(content, "iter_elements") else ()
    return next((each for each in found if each.local_name == name), None)


def _attribute(element: Any, name: str) -> Any:
    attributes = getattr(element, "attributes", {}).values()
    return next((each for each in attributes if getattr(each, "local_name", "") == name), None)


def _words(declared: Any) -> SchemaWords:
    attribute = not hasattr(declared, "max_occurs") or hasattr(declared, "use")
    required = getattr(declared, "use", "") == "required"
    return SchemaWords(
        type=", ".join(_type(declared.type)),
        least=int(required) if attribute else declared.min_occurs,
        most=1 if attribute else declared.max_occurs,
        nillable=bool(getattr(declared, "nillable", False)),
        choice=getattr(declared.parent, "model", "") == "choice",
        sentences=tuple(dict.fromkeys([*_said(declared), *_said(declared.type)])),
    )


def _type(declared: Any) -> Iterator[str]:
    """Its name, what it is made from, and its facets."""
    simple = declared if declared.is_simple() else declared.simple_type
    name = declared.local_name or "a type without a name"
    if simple is None:
        yield f"{name}, which holds elements"
        return
    yield name
    primitive = getattr(simple, "primitive_type", None)
    if primitive is not None and primitive.local_name != name:
        yield f"a {primitive.local_name}"
    values = getattr(simple, "enumeration", None) or []
    if values:
        more = f" and {len(values) - _MOST} more" if len(values) > _MOST else ""
        yield "one of " + " ".join(str(value) for value in values[:_MOST]) + more
    for word, facet in (("at least", "min_length"), ("at most", "max_length")):
        length = getattr(simple, facet, None)
        if length is not None:
            yield f"{word} {length} characters"
    patterns = getattr(simple, "patterns", None)
    if patterns is not None and patterns.regexps:
        yield "like " + " or ".join(patterns.regexps)


def _said(declared: Any) -> list[str]:
    """Its documentation, each on one line."""
    annotations = getattr(declared, "annotations", None) or []
    found = [text for each in annotations for text in each.documentation]
    return [" ".join("".join(each.itertext()).split()) for each in found]

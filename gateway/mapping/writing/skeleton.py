"""The tree of a schema as lines of a mapping: what is required, and what may be there.

Elements stand in the order of the XSD; of a choice the first branch, the others named beside it.
Where an expression is known it is written, where not a comment says what the element takes. Knows
shapes and guesses, no file and no message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.mapping.check.simple_type import SimpleType
from gateway.mapping.kinds import Kind
from gateway.mapping.shape import ElementShape, Particle

_DEEPEST: Final = 16
_SHOWN: Final = 6
"""How many values of an enumeration a comment names."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, `depth` levels in. `path` is set where an expression stands on it."""

    depth: int
    text: str
    path: str = ""

    def __str__(self) -> str:
        return "  " * self.depth + self.text


Expression: TypeAlias = Callable[[Sequence[str], SimpleType], str | None]
"""What to write at a path of names for a type; None if nothing is known."""


@dataclass(frozen=True, slots=True)
class Place:
    """An element of a content model; `instead`: the other branches of its choice."""

    shape: ElementShape
    required: bool
    instead: tuple[str, ...] = ()


class Skeleton:
    """Writes one document. `known` gives expressions; `optional` writes what need not be there."""

    def __init__(self, known: Expression, *, optional: bool) -> None:
        self._known = known
        self._optional = optional

    def lines(self, root: ElementShape) -> list[Line]:
        """What stands below `emit:`."""
        return self._inside(root, (), (root.tag,), 1)

    def _inside(
        self, shape: ElementShape, path: tuple[str, ...], above: tuple[str, ...], depth: int
    ) -> list[Line]:
        lines = self._attributes(shape, path, depth)
        for place in _places(shape):
            inner = (*path, place.shape.name)
            lines += self._element(place, inner, above, depth)
        return lines

    def _attributes(self, shape: ElementShape, path: tuple[str, ...], depth: int) -> list[Line]:
        lines: list[Line] = []
        for name, each in shape.attributes.items():
            if each.required or self._optional:
                leaf = self._leaf(name, each.type, (*path, f"@{name}"), depth + 1, each.required)
                lines.append(leaf)
        if not any(line.path for line in lines):
            return [Line(depth, line.text.replace("# ", "# $attr, ", 1)) for line in lines]
        return [Line(depth, "$attr:"), *lines]

    def _element(
        self, place: Place, path: tuple[str, ...], above: tuple[str, ...], depth: int
    ) -> list[Line]:
        shape = place.shape
        shown = place.required or self._optional
        beside = [Line(depth, f"# or, instead: {name}") for name in place.instead if shown]
        if shape.type is not None and not any(each.required for each in shape.attributes.values()):
            return [self._leaf(shape.name, shape.type, path, depth, place.required), *beside]
        if shape.tag in above or len(path) > _DEEPEST or not shown:
            return [Line(depth, f"# optional: {shape.name}: {_holds(shape)}")]
        return [*self._holder(place, path, above, depth), *beside]

    def _holder(
        self, place: Place, path: tuple[str, ...], above: tuple[str, ...], depth: int
    ) -> list[Line]:
        """An element with others inside; one that stays empty is none, unless it must be there."""
        shape = place.shape
        if shape.type is not None:
            inner = self._attributes(shape, path, depth + 1)
            inner.append(self._leaf("$value", shape.type, path, depth + 1, True))
        else:
            inner = self._inside(shape, path, (*above, shape.tag), depth + 1)
        if shape.repeats:
            inner.insert(0, Line(depth + 1, "# may stand several times: $each: path as name"))
        if any(line.path for line in inner):
            return [Line(depth, f"{shape.name}:"), *inner]
        if not place.required:
            return [Line(depth, f"# optional: {shape.name}: {_holds(shape)}")]
        # A key with comments only would be an empty text to YAML.
        empty = Line(depth + 1, "$note: nothing of it is filled in yet")
        return [Line(depth, f"{shape.name}:"), empty, *inner]

    def _leaf(
        self, name: str, wanted: SimpleType, path: tuple[str, ...], depth: int, required: bool
    ) -> Line:
        text = self._known(path, wanted)
        if text is None:
            need = "required" if required else "optional"
            return Line(depth, f"# {need}: {name}: {told(wanted)}")
        if not required and not self._optional:
            return Line(depth, f"# optional: {name}: {text}")
        return Line(depth, f"{name}: {text}", "/".join(path))


def _places(shape: ElementShape) -> Iterator[Place]:
    """The elements of a shape, each once, in the order of the schema."""
    seen: set[str] = set()
    for name, required, instead in _of_model(shape.content, True):
        if name not in seen:
            seen.add(name)
            yield Place(shape.children[name], required, instead)


Found: TypeAlias = Iterator[tuple[str, bool, tuple[str, ...]]]


def _of_model(model: Particle, required: bool) -> Found:
    required = required and model.least > 0
    if model.element:
        yield model.element, required, ()
    elif model.choice and model.parts:
        first, *others = model.parts
        instead = tuple(" + ".join(dict.fromkeys(part.names())) for part in others)
        for number, (name, need, inner) in enumerate(_of_model(first, required)):
            yield name, need, (*inner, *(each for each in instead if each and not number))
    else:
        for part in model.parts:
            yield from _of_model(part, required)


def told(wanted: SimpleType) -> str:
    """What a simple type takes, for whoever fills it in."""
    if wanted.values:
        more = ", …" if len(wanted.values) > _SHOWN else ""
        return f"one of {', '.join(wanted.values[:_SHOWN])}{more}"
    kind = "text" if wanted.kind is Kind.UNKNOWN else str(wanted.kind)
    return f"{kind} ({wanted.name})" if wanted.name and wanted.name != kind else kind


def _holds(shape: ElementShape) -> str:
    names = list(shape.children)
    more = ", …" if len(names) > _SHOWN else ""
    return f"with {', '.join(names[:_SHOWN])}{more}" if names else "empty"


def paths_at(lines: Sequence[Line], first: int) -> Mapping[int, str]:
    """Line of the file → path of the expression on it, where `lines` begin at line `first`."""
    return {number: line.path for number, line in enumerate(lines, first) if line.path}

"""What a mapping writes into an element, against what the schema says stands there.

Asked by `xml_target` while it compiles: which children are never or too often written, by which
branch, and whether the values can go where they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gateway.mapping.check.simple_type import SimpleType
from gateway.mapping.check.values import check_value
from gateway.mapping.content import Content, Entry, Gate, Place
from gateway.mapping.emission import Node
from gateway.mapping.expressions import start_of
from gateway.mapping.finding import Findings, Position, nearest
from gateway.mapping.leaves import Leaf
from gateway.mapping.particles import excluding, missing
from gateway.mapping.shape import ElementShape


class ShapeCheck:
    """Of one mapping; remembers which leaves are always written."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._sure: set[str] = set()

    def repetition(self, node: Node, shape: ElementShape) -> None:
        """A list or `$each` where the schema does not allow so many."""
        most = len(node.several) if shape.most is None else shape.most
        if len(node.several) > most:
            position = node.several[most].position
            self._findings.error(position, "X07", f"{shape.name} stands at most {_times(shape)}")
        elif node.several and most == 1:
            text = f"a list, though {shape.name} stands at most once"
            self._findings.error(node.position, "X07", text)
        elif node.each is not None and not shape.repeats:
            text = f"$each writes {shape.name} for each item; it stands at most once"
            self._findings.error(start_of(node.each.path), "X07", text)

    def leaf(self, leaf: Leaf, shape: ElementShape, place: Place, position: Position) -> None:
        """A value as an element's text."""
        if shape.type is None:
            text = f"{shape.name} holds elements, not a value"
            self._findings.error(position, "X03", text)
            return
        if leaf.nil and not shape.nillable:
            text = f"{shape.name} cannot be nil: the schema does not say nillable"
            self._findings.error(position, "X05", text)
        self.value(leaf, shape.type, shape.name)
        if leaf.said and all(each.value.domain.present for each in leaf.said):
            self._sure.add(place.target)

    def value(self, leaf: Leaf, wanted: SimpleType, where: str) -> None:
        """Each value that a leaf may have."""
        for each in leaf.said:
            check_value(each.value, wanted, where, each.position, self._findings)

    def attributes(self, content: Content, shape: ElementShape, place: Place) -> None:
        """What is required and never written."""
        written = {entry.key.text for entry in content.attributes}
        misspelt = written - shape.attributes.keys()
        written |= {nearest(name, shape.attributes) or "" for name in misspelt}
        for name, attribute in shape.attributes.items():
            if attribute.required and name not in written:
                self._never_written(f"attribute {name}", shape, place.position)

    def children(self, content: Content, shape: ElementShape, place: Place) -> None:
        """What is never written, in some branch never, twice, or beside what excludes it."""
        if content.broken:
            return
        known = [entry for entry in content.entries if entry.key.text in shape.children]
        absent = set(missing(shape.content, _names(known)))
        # What is misspelt is a finding already; that the right name is missing is the same fault.
        wrong = [entry for entry in content.entries if entry.key.text not in shape.children]
        misspelt = {nearest(entry.key.text, shape.children) for entry in wrong}
        for name in absent - misspelt:
            self._never_written(name, shape, place.position)
        for position, names in _branches(content, known):
            for name in set(missing(shape.content, names)) - absent - misspelt:
                self._never_written(name, shape, position, " in this branch")
        self._twice(known, shape)
        self._excluding(known, shape, place)

    def _never_written(
        self, what: str, shape: ElementShape, position: Position, branch: str = ""
    ) -> None:
        self._findings.warning(position, "X02", f"never written{branch}: {what} in {shape.name}")

    def _twice(self, entries: Sequence[Entry], shape: ElementShape) -> None:
        free: set[tuple[str, Gate | None]] = set()
        for entry in entries:
            name = entry.key.text
            if entry.node.when is not None or shape.children[name].repeats:
                continue
            if (name, entry.gate) in free or (name, None) in free:
                text = f"{name} is written twice and stands at most once"
                self._findings.error(entry.key.position, "X07", text)
            free.add((name, entry.gate))

    def _excluding(self, entries: Sequence[Entry], shape: ElementShape, place: Place) -> None:
        sure = {
            entry.key.text: entry
            for entry in entries
            if entry.gate is None and place.under(entry.key.text) in self._sure
        }
        for one, other in excluding(shape.content, frozenset(sure)):
            text = f"{other} and {one} are both written, and the schema allows one of them"
            self._findings.error(sure[other].key.position, "X07", text)


def _times(shape: ElementShape) -> str:
    return "once" if shape.most == 1 else f"{shape.most} times"


def _names(entries: Iterable[Entry]) -> frozenset[str]:
    return frozenset(entry.key.text for entry in entries)


def _branches(
    content: Content, entries: Sequence[Entry]
) -> Iterator[tuple[Position, frozenset[str]]]:
    """For each branch of each `$choose` that writes something: all that may stand beside it."""
    for choice in content.choices:
        inside = [_below(content, gate) for gate in choice.gates]
        either = {gate for gates in inside for gate in gates}
        for gates, position in zip(inside, choice.positions, strict=True):
            own = [entry for entry in entries if entry.gate in gates]
            if own:
                beside = [entry for entry in entries if entry.gate not in either]
                yield position, _names([*own, *beside])


def _below(content: Content, gate: Gate) -> set[Gate]:
    """The gate and those of the choices behind it."""
    found = {gate}
    for choice in content.choices:  # outer ones come first
        if choice.outer in found:
            found.update(choice.gates)
    return found

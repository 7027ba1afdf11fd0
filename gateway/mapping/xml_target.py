"""HL7 → XML: writes the tree of a mapping as the schema wants it.

The schema decides order, namespaces and what must be there; the mapping only says which value
goes where. Everything is decided while compiling; writing is a walk over closures. A node with
nothing in it leaves no element; all problems of a message are told, not the first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from lxml import etree

from gateway.mapping import expressions, xml_emit
from gateway.mapping.check.overlooked import read_overlooked
from gateway.mapping.check.xml_shape import ShapeCheck
from gateway.mapping.content import Content, Entry, Flattening, Place, items_of
from gateway.mapping.emission import Node
from gateway.mapping.finding import Findings, Position, did_you_mean
from gateway.mapping.leaves import guarded, leaf_of
from gateway.mapping.meaning import Read, Run
from gateway.mapping.names import Scope
from gateway.mapping.particles import missing
from gateway.mapping.shape import AttributeShape, ElementShape
from gateway.mapping.xml_content import ContentModel
from gateway.mapping.xml_emit import Child, Emit, Inside, Setter
from gateway.mapping.xml_names import Naming, attribute_name, root_naming
from gateway.mapping.xml_write import writer_of


class XmlTarget:
    """Compiles the nodes of one mapping."""

    def __init__(self, flattening: Flattening, findings: Findings) -> None:
        self._flattening = flattening
        self._findings = findings
        self._places: dict[str, Place] = {}
        self._check = ShapeCheck(findings)

    @property
    def places(self) -> Mapping[str, Place]:
        """Where the mapping writes each target path; without indexes, for the XSD's faults."""
        return self._places

    def root(
        self, node: Node, shape: ElementShape, scope: Scope
    ) -> Callable[[Run], etree._Element]:
        """The whole document; its root is always written."""
        place = Place("", node.position)
        content = self._flattening.content(node, scope, "")
        children = (etree.QName(child.tag).namespace for child in shape.children.values())
        qualified = {etree.QName(shape.tag).namespace}.issuperset(children)
        tags, below = root_naming(shape.tag, qualified=qualified)
        inside = self._inside(content, shape, place, below)
        return xml_emit.document(xml_emit.complex_element(tags, None, inside, place, root=True))

    def _element(
        self,
        entry: Entry,
        node: Node,
        shape: ElementShape,
        place: Place,
        naming: Naming,
        *,
        required: bool = False,
    ) -> Emit:
        """Writes one child: a list of them, one for each item, or one."""
        tracer = entry.scope.world.tracer
        self._check.repetition(node, shape)
        if node.several:
            emits = [self._element(entry, one, shape, place, naming) for one in node.several]
            return xml_emit.several([tracer.item(one) for one in emits] if tracer else emits)
        if node.each is not None:
            items, scope = items_of(node.each, entry.scope)
            inner = replace(entry, scope=scope)
            emit = self._element(inner, replace(node, each=None), shape, place, naming)
            emit = tracer.item(emit) if tracer else emit
            return xml_emit.for_each(items, emit, place) if items else emit
        when = expressions.read_condition(node.when, entry.scope).read if node.when else None
        content = self._flattening.content(node, entry.scope, entry.called_from)
        if content.leaves:
            return self._leaf(entry, content, shape, place, naming, when)
        if shape.kind is not None and not content.broken:
            self._error(entry, "X03", f"{shape.name} holds a value, not elements")
        keep = required and _may_be_empty(shape)
        tags, below = naming.element(shape.tag)
        inside = self._inside(content, shape, place, below)
        return xml_emit.complex_element(tags, when, inside, place, keep=keep)

    def _overlook(self, entry: Entry, text: str) -> None:
        """What cannot be written; `text` says why, unless that is told already."""
        if text:
            self._error(entry, "X01", text)
        read_overlooked(entry.node, entry.scope, self._flattening, entry.called_from)

    def _error(self, entry: Entry, code: str, text: str) -> None:
        self._findings.error(entry.key.position, code, text)

    def _leaf(
        self,
        entry: Entry,
        content: Content,
        shape: ElementShape,
        place: Place,
        naming: Naming,
        when: Read[object] | None,
    ) -> Emit:
        leaf = leaf_of(content, entry.scope)
        self._check.leaf(leaf, shape, place, entry.key.position)
        if shape.kind is None:
            return xml_emit.nothing
        attributes = self._attributes(content, shape, place)
        tags, _ = naming.element(shape.tag)
        plain = xml_emit.leaf_element(tags, leaf.read, when, writer_of(shape.kind), place)
        return xml_emit.with_attributes(plain, attributes) if attributes else plain

    def _attributes(self, content: Content, shape: ElementShape, place: Place) -> list[Setter]:
        setters: list[Setter] = []
        for entry in content.attributes:
            name = entry.key.text
            attribute = shape.attributes.get(name)
            if attribute is None:
                guess = did_you_mean(name, shape.attributes)
                self._overlook(entry, f"{shape.name} has no attribute {name}{guess}")
                continue
            at = self._place(place, f"@{name}", entry)
            write, tracer = writer_of(attribute.kind), entry.scope.world.tracer
            if tracer:
                tracer.begin(at, entry)
            read = self._value(entry, attribute)
            tag = attribute_name(attribute.tag, len(setters))
            emit = xml_emit.attribute(tag, read, write, entry.gate, at)
            emit = tracer.end(emit) if tracer else emit
            setters.append(Setter(emit, at if attribute.required else None))
        self._check.attributes(content, shape, place)
        return setters

    def _value(self, entry: Entry, shape: AttributeShape) -> Read[object]:
        """What an attribute's node reads."""
        inner = self._flattening.content(entry.node, entry.scope, entry.called_from)
        when = entry.node.when
        test = expressions.read_condition(when, entry.scope).read if when else None
        leaf = leaf_of(inner, entry.scope)
        self._check.value(leaf, shape.type, f"@{entry.key.text}")
        return guarded(leaf.read, test)

    def _place(self, place: Place, name: str, entry: Entry) -> Place:
        value = entry.node.value
        position = value.position if value else entry.key.position
        below = place.below(name, position, entry.called_from)
        self._places.setdefault(below.target, below)
        return below

    def _inside(
        self, content: Content, shape: ElementShape, place: Place, naming: Naming
    ) -> Inside:
        """All children and attributes of an element that exists."""
        setters = self._attributes(content, shape, place)
        children = self._children(content, shape, place, naming)
        model = ContentModel(shape, place, self._places)
        self._check.children(content, shape, place)
        return Inside(tuple(content.picks), setters, children, model)

    def _children(
        self, content: Content, shape: ElementShape, place: Place, naming: Naming
    ) -> list[Child]:
        order = {name: number for number, name in enumerate(shape.children)}
        found: list[tuple[int, Child]] = []
        always = set(missing(shape.content, frozenset()))
        for entry in content.entries:
            name = entry.key.text
            child = shape.children.get(name)
            if child is None:
                guess = did_you_mean(name, shape.children)
                text = f"{shape.name} has no element {name}{guess}"
                self._overlook(entry, text if shape.type is None else "")
                continue
            at = self._place(place, name, entry)
            tracer = entry.scope.world.tracer
            if tracer:
                tracer.begin(at, entry)
            emit = self._element(entry, entry.node, child, at, naming, required=name in always)
            emit = tracer.end(emit) if tracer else emit
            found.append((order[name], Child(name, 1 << order[name], entry.gate, emit)))
        return [child for _, child in sorted(found, key=lambda pair: pair[0])]


def _may_be_empty(shape: ElementShape) -> bool:
    required = any(attribute.required for attribute in shape.attributes.values())
    return not required and not list(missing(shape.content, frozenset()))


def told_path(root: etree._Element, path: str) -> str:
    """The validator's path as a mapping says it: `a[2]` is the second `a`.

    In a default namespace libxml2 counts all children (`*[3]`), not those of one name.
    """
    if None not in root.nsmap:
        return path
    here, steps = root, []
    for step in path.split("/") if path else ():
        number = step.partition("[")[2].rstrip("]")
        at = int(number or 1) - 1
        if step.startswith("@") or at >= len(here):
            steps.append(step)
            continue
        here, parent = here[at], here
        name, same = etree.QName(here).localname, [*parent.iterchildren(here.tag)]
        steps.append(f"{name}[{same.index(here) + 1}]" if len(same) > 1 else name)
    return "/".join(steps)


def place_of(target: str, places: Mapping[str, Place], otherwise: Position) -> Place:
    """Where the mapping writes `target`, or the nearest above it that it writes."""
    above = re.sub(r"\[\d+\]", "", target)
    while above:
        if above in places:
            found = places[above]
            return Place(target, found.position, found.called_from)
        above = above.rpartition("/")[0]
    return Place(target, otherwise)

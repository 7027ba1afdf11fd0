"""Paths into an XML document: elements by local name, typed by the XSD.

The schema tells each name's namespace and kind, so a path that cannot be there is known before
any document. As in HL7, two where one is named are a Fault; empty and `xsi:nil` are absent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from lxml import etree

from gateway.mapping.check.simple_type import SimpleType
from gateway.mapping.domain import Domain
from gateway.mapping.hl7_paths import Test, as_list, filter_items, only
from gateway.mapping.kinds import Kind, from_text
from gateway.mapping.meaning import Read, Run, Slots, Value
from gateway.mapping.problem import Fault
from gateway.mapping.shape import AttributeShape, ElementShape

NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@dataclass(frozen=True, slots=True)
class Elements:
    """A path to elements of one declaration; `chosen` and `many` as for segments."""

    shape: ElementShape
    label: str
    every: Read[Sequence[etree._Element]]
    one: Read[etree._Element | None]
    chosen: bool = False
    many: bool = False


def document(shape: ElementShape) -> Elements:
    """The source itself."""

    def one(run: Run) -> etree._Element | None:
        return run.source  # type: ignore[no-any-return]  # the source is an element

    return Elements(shape, "", as_list(one), one, chosen=True)


def item_at_hand(shape: ElementShape) -> Elements:
    """Inside `a[…]`: the element at hand."""

    def one(run: Run) -> etree._Element | None:
        return run.item  # type: ignore[no-any-return]  # the selector put an element there

    return Elements(shape, "", as_list(one), one, chosen=True)


def child(path: Elements, name: str) -> Elements | None:
    """`a/b`; None if the schema has no such child."""
    shape = path.shape.children.get(name)
    if shape is None:
        return None
    label = f"{path.label}/{name}" if path.label else name
    tag = shape.tag

    def every(run: Run) -> Sequence[etree._Element]:
        holders = path.every(run) if path.many else as_list(path.one)(run)
        return [found for holder in holders for found in holder.iterchildren(tag)]

    return Elements(shape, label, every, only(every, label, ""), many=path.many)


def attribute(path: Elements, shape: AttributeShape) -> Value:
    """`a/@x`."""
    tag, kind = shape.tag, shape.kind
    domain = _domain(shape.type, f"{path.label}/@{etree.QName(tag).localname}".lstrip("/"))

    def read(run: Run) -> object:
        element = path.one(run)
        text = None if element is None else element.get(tag)
        return from_text(text, kind) if text else None

    def read_all(run: Run) -> list[object]:
        texts = (element.get(tag) for element in path.every(run))
        return [from_text(text, kind) for text in texts if text]

    return Value(read_all if path.many else read, kind, many=path.many, domain=domain)


def select_index(path: Elements, index: int) -> Elements:
    """`a[1]`."""

    def one(run: Run) -> etree._Element | None:
        found = path.every(run)
        return found[index - 1] if len(found) >= index else None

    label = f"{path.label}[{index}]"
    return replace(path, label=label, every=as_list(one), one=one, chosen=True)


def select_where(path: Elements, test: Test, chosen_by: str) -> Elements:
    """`a[b == '1']`; `test` looks at `run.item`."""
    every = filter_items(path.every, test)
    one = only(every, path.label, chosen_by)
    return replace(path, label=f"{path.label}[…]", every=every, one=one, chosen=True)


def alias(path: Elements, slot: int) -> Elements:
    """What `$each: a/b as c` stands at."""

    def one(run: Run) -> etree._Element | None:
        return run.items[slot]  # type: ignore[no-any-return]  # the slot holds elements

    return replace(path, every=as_list(one), one=one, chosen=True, many=False)


def remember(path: Elements, slots: Slots) -> Elements:
    """The same path, looked for once a run."""
    return replace(path, every=slots.remember(path.every), one=slots.remember(path.one))


def value_of(path: Elements) -> Value | None:
    """The element's text in the kind of its type; None if the schema puts elements there."""
    if path.shape.type is None:
        return None
    kind, many = path.shape.type.kind, path.many
    domain = _domain(path.shape.type, path.label)
    text = _reader(path.label, kind)

    def read(run: Run) -> object:
        element = path.one(run)
        return None if element is None else text(element)

    def read_all(run: Run) -> list[object]:
        values = [text(element) for element in path.every(run)]
        return [value for value in values if value is not None]

    read_it = read_all if many else read
    return Value(read_it, kind, many=many, null=is_null(path), label=path.label, domain=domain)


def _domain(declared: SimpleType, path: str) -> Domain:
    """What the schema enumerates; all else may be anything."""
    values = dict.fromkeys(declared.values, "") if declared.values else None
    return Domain(values if declared.kind is Kind.TEXT else None, path=path)


def _reader(label: str, kind: Kind) -> Callable[[etree._Element], Any]:
    def text(element: etree._Element) -> object:
        said = element.text
        if not said or not said.strip():
            return None
        try:
            return from_text(said, kind)
        except Fault as fault:
            raise Fault(f"{label} {fault.reason}") from None

    return text


def is_null(path: Elements) -> Read[bool]:
    """Whether the source says `xsi:nil` where the path points."""

    def read(run: Run) -> bool:
        return any(element.get(NIL) in ("true", "1") for element in path.every(run))

    return read

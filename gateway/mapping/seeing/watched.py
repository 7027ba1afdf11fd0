"""A message or an answer that tells a Tracer what is read of it.

They stand in for a Message, its segments, an XML element, and answer as those do; only what gives
a text is watched. A place that is only counted or compared by name is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree

from gateway.hl7.location import Location
from gateway.hl7.message import Message, Segment
from gateway.mapping.tracing import Reading

Tell = Callable[[Reading], None]


class WatchedSegment:
    """One segment, and which of its name it is."""

    def __init__(self, segment: Segment, occurrence: int, tell: Tell) -> None:
        self.segment = segment
        self.name = segment.name
        self.count = segment.count
        self.occurrence = occurrence
        self._tell = tell

    def text(self, field: int, rep: int = 1, comp: int = 1, sub: int = 1) -> str | None:
        """As Segment, told."""
        value = self.segment.text(field, rep, comp, sub)
        where = Location(self.name, self.occurrence, field, rep or 1, comp, sub)
        self._tell(Reading(where, value))
        return value

    def whole(self, field: int, rep: int = 1) -> str | None:
        """As Segment, told."""
        value = self.segment.whole(field, rep)
        self._tell(Reading(Location(self.name, self.occurrence, field, rep), value))
        return value

    def __getattr__(self, name: str) -> Any:
        return getattr(self.segment, name)


class WatchedMessage:
    """A message of watched segments."""

    def __init__(self, message: Message, tell: Tell) -> None:
        self.message = message
        self.segments = tuple(
            WatchedSegment(segment, message.occurrence(segment), tell) for segment in message
        )

    def all(self, name: str) -> tuple[WatchedSegment, ...]:
        """As Message."""
        return tuple(segment for segment in self.segments if segment.name == name)

    def first(self, name: str) -> WatchedSegment | None:
        """As Message."""
        return next(iter(self.all(name)), None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.message, name)


class WatchedElement:
    """An element of an answer, and its path from the root: `errore[2]/codice`."""

    def __init__(self, element: etree._Element, path: str, tell: Tell) -> None:
        self.element = element
        self.tag = element.tag
        self.path = path
        self._tell = tell

    @property
    def text(self) -> str | None:
        """As the element, told."""
        self._tell(Reading(self.path, self.element.text))
        return self.element.text

    def get(self, name: str, default: str | None = None) -> str | None:
        """An attribute, told."""
        value = self.element.get(name, default)
        self._tell(Reading(f"{self.path}/@{etree.QName(name).localname}", value))
        return value

    def iterchildren(self, *tags: str) -> Iterator[WatchedElement]:
        """The children, watched."""
        for child in self.element.iterchildren(*tags):
            yield WatchedElement(child, f"{self.path}/{step_of(child)}".lstrip("/"), self._tell)

    def __iter__(self) -> Iterator[WatchedElement]:
        return self.iterchildren()

    def __len__(self) -> int:
        return len(self.element)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.element, name)


def step_of(element: etree._Element) -> str:
    """`codice`, or `codice[2]` where its parent has several of that name."""
    name = etree.QName(element).localname
    parent = element.getparent()
    same = [*parent.iterchildren(element.tag)] if parent is not None else [element]
    return f"{name}[{same.index(element) + 1}]" if len(same) > 1 else name


def path_of(element: etree._Element) -> str:
    """The path of an element below its root, without the root: `rilevazione[2]/valore`."""
    steps = []
    while (parent := element.getparent()) is not None:
        steps.append(step_of(element))
        element = parent
    return "/".join(reversed(steps))


def watched(source: Message | etree._Element, tell: Tell) -> Any:
    """What stands in for a source while it is traced."""
    if isinstance(source, Message):
        return WatchedMessage(source, tell)
    return WatchedElement(source, "", tell)

"""Whether a message's segments stand where its structure has a place for them.

Z segments and segments that the structure does not have may stand anywhere. One pass with a
cursor over the structure's places; a group that repeats lets the cursor go back to its start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.hl7.dictionary import Dictionary, Part
from gateway.hl7.finding import Finding
from gateway.hl7.location import Location
from gateway.hl7.message import Message


@dataclass
class _Group:
    """A group on the way to a place. `used`: some segment of it came."""

    least: int
    most: int
    above: _Group | None
    places: range = range(0)
    used: bool = False


@dataclass
class _Place:
    """Where segments of one name may stand."""

    name: str
    least: int
    most: int
    group: _Group
    count: int = 0
    filled: bool = False


def check_order(message: Message, known: Dictionary, structure: str) -> list[Finding]:
    """Findings 100 for segments out of place, 101 for required segments that never came."""
    tree = known.structure(structure)
    if tree is None:
        return []
    places: list[_Place] = []
    _lay(tree, None, places)
    return [*_walk(message, places), *_never_came(message, places)]


def _lay(part: Part, above: _Group | None, places: list[_Place]) -> None:
    group = _Group(part.least, part.most, above)
    first = len(places)
    for child in part.parts:
        if child.parts:
            _lay(child, group, places)
        else:
            places.append(_Place(child.name, child.least, child.most, group))
    group.places = range(first, len(places))


def _walk(message: Message, places: list[_Place]) -> Iterator[Finding]:
    names = {place.name for place in places}
    occurrences: dict[str, int] = {}
    cursor = 0
    for segment in message:
        if segment.name not in names:
            continue
        occurrence = occurrences[segment.name] = occurrences.get(segment.name, 0) + 1
        found = _next_place(segment.name, places, cursor)
        if found is None:
            where = Location(segment.name, occurrence)
            yield Finding(where, 100, "E", "the segment may not stand here, or once too often")
            continue
        cursor = found
        _fill(places[cursor])


def _fill(place: _Place) -> None:
    place.count += 1
    place.filled = True
    group: _Group | None = place.group
    while group is not None:
        group.used = True
        group = group.above


def _next_place(name: str, places: list[_Place], cursor: int) -> int | None:
    """The place at or after the cursor; else the one in a new turn of a repeating group."""
    for at in range(cursor, len(places)):
        if places[at].name == name and places[at].count < places[at].most:
            return at
    group: _Group | None = places[cursor].group
    while group is not None:
        if group.most > 1:
            for at in group.places:
                if places[at].name == name:
                    for again in group.places:
                        places[again].count = 0
                    return at
        group = group.above
    return None


def _never_came(message: Message, places: list[_Place]) -> Iterator[Finding]:
    for place in places:
        came = place.filled or message.all(place.name)  # out of place is said already
        if place.least and not came and _expected(place.group):
            yield Finding(Location(place.name), 101, "E", "the segment is required and missing")


def _expected(group: _Group | None) -> bool:
    while group is not None:
        if not group.least and not group.used:
            return False
        group = group.above
    return True

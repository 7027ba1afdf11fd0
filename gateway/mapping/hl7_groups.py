"""Segment groups of a message structure: `PROCEDURE[1]/PR1-3`.

A group begins at its first segment and goes on while segments of the group follow (HL7 2.5
ch. 2.5.2). Segments in between that the structure does not know (Z segments) stay with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.hl7.dictionary import Part
from gateway.hl7.message import Segment
from gateway.mapping.hl7_paths import Segments, as_list, only
from gateway.mapping.meaning import Read, Run


@dataclass(frozen=True, slots=True)
class Groups:
    """A path to groups; one group is the list of its segments. `varies`: `$each` stands at it."""

    part: Part
    name: str
    every: Read[Sequence[Sequence[Segment]]]
    one: Read[Sequence[Segment] | None]
    many: bool = False
    varies: bool = False


def named_groups(structure: Part, name: str) -> Groups | None:
    """The groups of that name anywhere in a structure; None if it has none."""
    # The dictionary calls it ADT_A01_PROCEDURE; HL7 itself and mappings say PROCEDURE.
    part = _find(structure, f"{structure.name}_{name}")
    if part is None:
        return None
    names = frozenset(part.segments())
    first = next(iter(part.segments()))

    def every(run: Run) -> Sequence[Sequence[Segment]]:
        return _groups(run.source.segments, first, names)

    return Groups(part, name, every, only(every, name, ""))


def group_names(structure: Part) -> Iterator[str]:
    """The groups of a structure, as mappings name them."""
    waiting = list(structure.parts)
    while waiting:
        part = waiting.pop()
        if part.parts:
            yield part.name.removeprefix(f"{structure.name}_")
            waiting += part.parts


def _find(part: Part, name: str) -> Part | None:
    if part.parts and part.name == name:
        return part
    found = (_find(below, name) for below in part.parts)
    return next((each for each in found if each is not None), None)


def _groups(segments: Sequence[Segment], first: str, names: frozenset[str]) -> list[list[Segment]]:
    groups: list[list[Segment]] = []
    inside = False
    for segment in segments:
        if segment.name == first:
            groups.append([segment])
            inside = True
        elif inside and (segment.name in names or segment.name.startswith("Z")):
            groups[-1].append(segment)
        else:
            inside = False
    return groups


def select_index(path: Groups, index: int) -> Groups:
    """`PROCEDURE[1]`."""

    def one(run: Run) -> Sequence[Segment] | None:
        found = path.every(run)
        return found[index - 1] if len(found) >= index else None

    return replace(path, every=as_list(one), one=one)


def segments_in(path: Groups, name: str) -> Segments:
    """`PROCEDURE/PR1`."""
    label = f"{path.name}/{name}"

    def every(run: Run) -> Sequence[Segment]:
        holders = path.every(run) if path.many else as_list(path.one)(run)
        return [segment for group in holders for segment in group if segment.name == name]

    one = only(every, label, "")
    return Segments(name, label, every, one, many=path.many, varies=path.varies)


def alias_of_group(path: Groups, slot: int) -> Groups:
    """What `$each: PROCEDURE[*] as p` stands at."""

    def one(run: Run) -> Sequence[Segment] | None:
        return run.items[slot]  # type: ignore[no-any-return]  # the slot holds groups

    return replace(path, every=as_list(one), one=one, many=False, varies=True)

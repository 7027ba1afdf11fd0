"""What was written, line by line: a document, a table of facts, a message; problems in place.

A problem whose path is not there (what is required and absent) gets a line of its own, in the
nearest element that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from gateway.hl7.message import Message
from gateway.mapping.problem import Problem, ProblemKind
from gateway.mapping.seeing.watched import path_of


@dataclass(frozen=True, slots=True)
class Line:
    """`target` is the path; `problems` are what is wrong just here."""

    depth: int
    target: str
    name: str
    text: str = field(repr=False)
    problems: tuple[Problem, ...] = ()
    missing: bool = False


def written_lines(written: Any, problems: Sequence[Problem]) -> Iterator[Line]:
    """All lines; without anything written only the problems."""
    if isinstance(written, etree._Element):
        lines = list(_of_element(written))
    elif isinstance(written, dict):
        lines = [Line(0, key, key, text) for key, text in written.items()]
    elif isinstance(written, bytes):
        lines = list(_of_message(Message.parse(written)))
    else:
        lines = []
    return _with_problems(lines, problems)


def _of_element(root: etree._Element) -> Iterator[Line]:
    for element in root.iter(etree.Element):
        target, text = path_of(element), (element.text or "").strip()
        depth = target.count("/") + 1 if target else 0
        yield Line(depth, target, etree.QName(element).localname, text)
        for name, value in element.attrib.items():
            local = etree.QName(name).localname
            where = f"{target}/@{local}".lstrip("/")
            yield Line(depth + 1, where, f"@{local}", str(value))


def _of_message(message: Message) -> Iterator[Line]:
    for segment in message:
        occurrence = message.occurrence(segment)
        which = f"[{occurrence}]" if occurrence > 1 else ""
        yield Line(0, f"{segment.name}{which}", segment.name, "")
        for number in range(1, len(segment.fields)):
            if segment.raw(number):
                path = f"{segment.name}{which}-{number}"
                yield Line(1, path, path, segment.raw(number))


def _with_problems(lines: list[Line], problems: Sequence[Problem]) -> Iterator[Line]:
    """Each problem once: at its own line, else below the nearest line above it."""
    there = {line.target for line in lines}
    at: dict[str, list[Problem]] = {}
    below: dict[str, list[Problem]] = {}
    for problem in problems:
        target = _canonical(problem.target, there)
        if target in there and not (target == "" and problem.target):
            at.setdefault(target, []).append(problem)
        else:
            below.setdefault(_above(target, there), []).append(problem)
    for line in lines:
        yield Line(line.depth, line.target, line.name, line.text, tuple(at.get(line.target, ())))
        for problem in below.pop(line.target, ()):
            yield _missing(problem, line.depth + 1)
    for rest in below.values():
        for problem in rest:
            yield _missing(problem, 0)


def _missing(problem: Problem, depth: int) -> Line:
    name = problem.target.rpartition("/")[2] or problem.target
    absent = problem.kind is ProblemKind.REQUIRED
    return Line(depth, problem.target, name, "", (problem,), missing=absent)


def _canonical(target: str, there: set[str]) -> str:
    """A problem numbers every item, a document only those that are not alone."""
    alone = re.sub(r"\[1\]", "", target)
    return alone if target not in there and alone in there else target


def _above(target: str, there: set[str]) -> str:
    while target:
        target = target.rpartition("/")[0]
        if target in there:
            return target
        plain = _canonical(target, there)
        if plain in there:
            return plain
    return ""

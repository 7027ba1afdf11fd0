"""Runs two versions of a mapping on the same messages and groups what differs by its cause.

A path that says another thing is put down to the first text that its value rests on and that is
not the same: an expression, a call, a condition, a let, a definition of the profile, a table or
the row that was taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.errors import GatewayError
from gateway.hl7.message import Message
from gateway.mapping.changes.support import Key, Support, Version
from gateway.mapping.compiled import Inputs, Result, Source
from gateway.mapping.differences import flat
from gateway.mapping.finding import Position
from gateway.mapping.library import Library
from gateway.mapping.problem import Problem
from gateway.mapping.samples import BadPatch, with_hl7_ends
from gateway.mapping.seeing import LeafSeen, Trace, traced
from gateway.mapping.seeing.explain import plain
from gateway.mapping.seeing.inputs import facts_of, likeliest
from gateway.mapping.tests import Case, cases_of, given
from gateway.mapping.tracing import Row
from gateway.xml import parse

_FIELD: Final = re.compile(r"^([A-Z][A-Z0-9]{2})(?:\[[^\]]*\])?-(\d+)")
NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True, order=True)
class Cause:
    """`kind` is `expression`, `let`, `row` …, `removed`, or `elsewhere` where no text tells."""

    position: Position
    kind: str
    name: str = ""

    def __str__(self) -> str:
        file, line, _ = self.position
        place = f"{file}:{line}" if line else file
        return f"{place}: {' '.join(filter(None, (self.kind, self.name)))}"


@dataclass(slots=True)
class Change:
    """A path that changed: how often, and the first pair of values with the run it is of."""

    path: str
    old: str = field(repr=False)
    new: str = field(repr=False)
    run: str
    times: int = 1


@dataclass(slots=True)
class Compared:
    """One mapping: `runs` were compared, `changed` of them differ."""

    mapping: str
    runs: int = 0
    changed: int = 0
    causes: dict[Cause, dict[str, Change]] = field(default_factory=dict)

    def add(self, cause: Cause, path: str, values: tuple[str, str], run: str) -> None:
        """Count one; of a path the first pair of values is kept."""
        changes = self.causes.setdefault(cause, {})
        if path in changes:
            changes[path].times += 1
        else:
            changes[path] = Change(path, *values, run)


@dataclass(frozen=True, slots=True)
class _Run:
    name: str
    profile: str
    case: Case | None
    content: bytes = field(repr=False, default=b"")


def compare(
    old: Library,
    new: Library,
    name: str,
    corpus: Iterable[tuple[str, bytes]] = (),
    profile: str | None = None,
) -> Compared:
    """One mapping that both have, on its tests (those of `new`, else of `old`) and a corpus.

    Raises ConfigurationError where one of the two cannot be compiled.
    """
    found = Compared(name)
    builds: dict[str, tuple[Version, Version]] = {}
    for run in _runs(new, name, corpus, profile):
        if run.profile not in builds:
            sides = [Version(traced(each, name, run.profile)) for each in (old, new)]
            builds[run.profile] = (sides[0], sides[1])
        try:
            pairs = [_given(new, side, run) for side in builds[run.profile]]
        except (GatewayError, BadPatch, ValueError):
            continue
        found.runs += 1
        before, after = (
            _Seen(side, *side.traced.run(source, inputs))
            for side, (source, inputs) in zip(builds[run.profile], pairs, strict=True)
        )
        found.changed += _compare_run(found, before, after, run.name)
    return found


def _runs(
    library: Library, name: str, corpus: Iterable[tuple[str, bytes]], profile: str | None
) -> Iterator[_Run]:
    cases = cases_of(library, name, profile)
    yield from (_Run(case.name, case.profile, case) for case in cases)
    usual = profile or library.profile_of(name)
    first = likeliest(cases, "")
    yield from (_Run(label, usual, first, content) for label, content in corpus)


def _given(library: Library, side: Version, run: _Run) -> tuple[Source, Inputs]:
    """The same for both versions, but for the facts that each of them declares."""
    compiled = side.traced.compiled
    if not run.content:
        assert run.case is not None  # without content it is a test's
        return given(library, compiled, run.case)
    facts = facts_of(library, compiled, run.case)
    if compiled.direction == "xml_to_facts":
        root = parse(run.content)
        if root.tag != compiled.root:
            raise ValueError("another root element")
        return root, facts
    charset = side.traced.profile.charset
    return Message.parse(with_hl7_ends(run.content), charset=charset), facts


class _Seen:
    """What one version made of one message."""

    def __init__(self, version: Version, result: Result, trace: Trace) -> None:
        self.version = version
        self.problems: Mapping[str, Problem] = {one.told: one for one in result.problems}
        reasons = {told: one.reason for told, one in self.problems.items()}
        self.says: dict[str, str] = {**_flat(trace.written), **reasons}
        self._leaves: dict[str, list[LeafSeen]] = {}
        for leaf in trace.leaves:
            self._leaves.setdefault(_path(leaf.target), []).append(leaf)

    def leaf(self, path: str) -> LeafSeen | None:
        """The leaf that wrote to a path, else one that was tried."""
        found = self._leaves.get(_path(path), [])
        wrote = (leaf for leaf in found if leaf.value is not None)
        return next(wrote, next(iter(found), None))

    def target(self, path: str) -> str:
        """Where in the document it is; of a problem, what it is about."""
        problem = self.problems.get(path)
        return problem.target if problem else path


def _flat(written: Any) -> dict[str, str]:
    try:
        return flat(written)
    except GatewayError:  # a message that was refused half written
        return {}


def _path(target: str) -> str:
    """Fields of a message by segment and number, whatever part of them is written."""
    field_ = _FIELD.match(target)
    return f"{field_[1]}-{field_[2]}" if field_ else target


def _rows(leaf: LeafSeen) -> dict[Key, Support]:
    found: dict[Key, Support] = {}
    for one in leaf.below:
        if isinstance(one, Row):
            sheet, line = one.table.sheet, one.line
            cells = sheet.rows[sheet.lines.index(line)] if line in sheet.lines else ()
            text = ",".join(cells) if line else "no row"
            found["row", f"{one.file} {one.code}"] = Support(text, Position(one.file, line or 0))
    return found


def _compare_run(found: Compared, before: _Seen, after: _Seen, run: str) -> bool:
    paths = dict.fromkeys([*before.says, *after.says])
    changed = [path for path in paths if before.says.get(path) != after.says.get(path)]
    for path in changed:
        values = before.says.get(path, NOTHING), after.says.get(path, NOTHING)
        found.add(_cause(before, after, path), path, values, run)
    return bool(changed)


def _cause(before: _Seen, after: _Seen, path: str) -> Cause:
    target = after.target(path) if path in after.problems else before.target(path)
    old, new = _supports(before, after, target)
    for key, support in new.items():
        if key not in old or old[key].text != support.text:
            return Cause(support.position, key[0], _shown(*key))
    for key, support in old.items():
        if key not in new:
            what = f"removed {key[0]}" if new else "removed"
            return Cause(support.position, what, _shown(*key))
    for side in (after, before):
        if path in side.problems:
            problem = side.problems[path]
            return Cause(Position(problem.file, problem.line), "rule or schema")
    return Cause(Position(after.version.traced.compiled.name, 0), "elsewhere")


def _supports(
    before: _Seen, after: _Seen, target: str
) -> tuple[Mapping[Key, Support], Mapping[Key, Support]]:
    """What the value rested on and rests on now: where another leaf wrote it, all that may."""
    leaves = before.leaf(target), after.leaf(target)
    sides = (before.version, after.version)
    rows = [_rows(leaf) if leaf else {} for leaf in leaves]
    one, other = leaves
    if one and other and not _moved(one, other, after.version):
        texts = [side.of(leaf.site) for side, leaf in zip(sides, (one, other), strict=True)]
    else:
        texts = [side.all_at(plain(target)) for side in sides]
    return texts[0] | rows[0], texts[1] | rows[1]


def _moved(one: LeafSeen, other: LeafSeen, now: Version) -> bool:
    """Whether another alternative was taken: what wrote then still stands there."""
    texts = [site.text for site in now.leaves_at(plain(one.target))]
    return one.site.text != other.site.text and one.site.text in texts


def _shown(kind: str, name: str) -> str:
    """A row is named by its file and line, a code may be a patient's."""
    unnamed = kind.startswith("$") or kind in ("row", "expression")
    return "" if unnamed else name.partition("#")[0]

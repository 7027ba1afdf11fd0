"""What runs of a mapping never reached, and what of their messages no leaf ever read.

A branch is each way a `$when` can go, each alternative of a `$choose`, a `$each` with something
in it; a leaf is reached when it gave a value. A block that several mappings use is reached when
one of them does. Of a large table rows are counted and not told one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.mapping.compiled import Inputs, Source
from gateway.mapping.finding import Finding, Position
from gateway.mapping.problem import ProblemKind
from gateway.mapping.seeing import words
from gateway.mapping.seeing.filled import filled
from gateway.mapping.seeing.traced import Trace, Traced
from gateway.mapping.tracing import CHOICE, EACH, LEAF, WHEN, Row, Site, Step, steps_below

ROWS: Final = 60
"""A table with more rows than this is counted only: 8 000 comuni are not 8 000 tests."""

LEAVES, BRANCHES = "leaf", "branch"


class Mark(NamedTuple):
    """One thing that can be reached; `how` tells the ways of one place apart, in words."""

    kind: str
    position: Position
    how: str


@dataclass(slots=True)
class FieldUse:
    """One field (or element) of the messages: in how many it was filled, in how many read."""

    name: str = ""
    filled: int = 0
    read: int = 0
    exempt: bool = True

    @property
    def unread(self) -> bool:
        return not self.read and not self.exempt


@dataclass(slots=True)
class TableUse:
    """A table's file: the lines of its rows, and those that were taken."""

    lines: frozenset[int]
    taken: set[int] = field(default_factory=set)

    @property
    def told(self) -> bool:
        """Whether each row that is not reached is worth a word."""
        return len(self.lines) <= ROWS

    @property
    def never(self) -> list[int]:
        return sorted(self.lines - self.taken)


@dataclass(slots=True)
class MappingUse:
    """What became of one mapping's runs. `place` is where a finding about its fields stands."""

    name: str
    place: Position
    runs: int = 0
    refused: int = 0
    blocks: set[str] = field(default_factory=set)
    blocks_reached: set[str] = field(default_factory=set)
    fields: dict[str, FieldUse] = field(default_factory=dict)
    marks: set[Mark] = field(default_factory=set)

    @property
    def unread(self) -> dict[str, FieldUse]:
        """Fields filled and never read; nothing of a mapping that reads no message at all."""
        if not any(use.read for use in self.fields.values()):
            return {}
        return {kind: use for kind, use in self.fields.items() if use.unread}

    @property
    def segments_unread(self) -> dict[str, list[str]]:
        """Segments of which nothing was read, with the numbers of their fields."""
        read = {kind.rpartition("-")[0] for kind, use in self.fields.items() if use.read}
        found: dict[str, list[str]] = {}
        for kind in self.unread:
            segment, _, number = kind.rpartition("-")
            if segment and segment not in read and "/" not in segment:
                found.setdefault(segment, []).append(number)
        return found


@dataclass(slots=True)
class Coverage:
    """The counts of all runs: `hits` by mark, tables by file, mappings by name."""

    hits: Counter[Mark] = field(default_factory=Counter)
    tried: Counter[Position] = field(default_factory=Counter)
    marks: dict[Mark, Site] = field(default_factory=dict)
    tables: dict[str, TableUse] = field(default_factory=dict)
    mappings: dict[str, MappingUse] = field(default_factory=dict)

    def mapping(self, traced: Traced) -> MappingUse:
        """The counts of one mapping, with all that it could reach."""
        document = traced.compilation.document
        use = self.mappings.setdefault(
            document.file, MappingUse(document.file, document.source.position)
        )
        chosen = {at for site in traced.sites for at in site.alternatives}
        for site in traced.sites:
            use.blocks |= set(site.blocks)
            # The $when of an alternative is counted with its `$choose`.
            for mark in () if site.kind == WHEN and site.position in chosen else _marks(site):
                self.marks.setdefault(mark, site)
                use.marks.add(mark)
        for table in traced.tracer.tables.values():
            sheet = table.sheet
            self.tables.setdefault(sheet.file, TableUse(frozenset(sheet.lines)))
        return use

    def run(self, traced: Traced, source: Source, inputs: Inputs) -> None:
        """Count one run. One that `source.when` refuses counts for nothing else."""
        use = self.mapping(traced)
        result, trace = traced.run(source, inputs)
        self._count(trace)
        if any(problem.kind is ProblemKind.NOT_FOR_THIS for problem in result.problems):
            return
        use.runs += 1
        use.refused += bool(result.problems)
        use.blocks_reached |= trace.blocks
        self._fields(use, traced, source, trace)

    def _count(self, trace: Trace) -> None:
        for step in trace.steps:
            for mark in _reached(step):
                self.hits[mark] += 1
            self.tried[step.site.position] += step.site.kind in (WHEN, CHOICE, EACH, LEAF)
        for one in steps_below(trace.step):
            if isinstance(one, Row) and one.line is not None:
                self.tables[one.file].taken.add(one.line)

    def _fields(self, use: MappingUse, traced: Traced, source: Source, trace: Trace) -> None:
        unmapped = [each.text for each in traced.compilation.document.unmapped]
        for one in filled(source, trace.readings, unmapped):
            found = use.fields.setdefault(one.kind, FieldUse(one.name))
            found.filled += 1
            found.read += one.read
            found.exempt = found.exempt and one.exempt

    def share(self, kind: str, of: Iterable[Mark] | None = None) -> tuple[int, int]:
        """Reached and all of a kind; of one mapping's marks, or of all."""
        marks = [mark for mark in (self.marks if of is None else of) if mark.kind == kind]
        return sum(self.hits[mark] > 0 for mark in marks), len(marks)

    @property
    def rows(self) -> tuple[int, int]:
        """Reached and all rows of the tables that are told row by row."""
        small = [table for table in self.tables.values() if table.told]
        return sum(len(table.taken) for table in small), sum(len(table.lines) for table in small)

    @property
    def percent(self) -> float:
        """Of branches, leaves and rows together; 100 where there is nothing to reach."""
        shares = [self.share(LEAVES), self.share(BRANCHES), self.rows]
        reached, every = (sum(column) for column in zip(*shares, strict=True))
        return 100 * reached / every if every else 100.0

    def findings(self) -> list[Finding]:
        """C01 and C02, in the order of the files; a branch never entered is told once."""
        return sorted({*self._unreached(), *self._unread()})

    def _unreached(self) -> Iterator[Finding]:
        for mark, site in self.marks.items():
            # What stands in a branch that is never entered is not told again.
            entered = self.tried[mark.position] or self.tried[site.position]
            if entered and not self.hits[mark]:
                yield Finding(mark.position, "warning", "C02", mark.how)
        for file, table in self.tables.items():
            for line in table.never if table.told else ():
                yield Finding(Position(file, line), "warning", "C02", "no test takes this row")

    def _unread(self) -> Iterator[Finding]:
        for use in self.mappings.values():
            whole = use.segments_unread
            for segment, numbers in whole.items():
                text = f"{segment} is filled and not read at all: fields {', '.join(numbers)}"
                yield Finding(use.place, "warning", "C01", text)
            for kind, one in use.unread.items():
                if kind.rpartition("-")[0] not in whole:
                    name = f" ({one.name})" if one.name else ""
                    text = f"{kind}{name} is filled, and neither read nor unmapped"
                    yield Finding(use.place, "warning", "C01", text)


def _marks(site: Site) -> Iterator[Mark]:
    if site.kind == LEAF:
        yield Mark(LEAVES, site.position, "no test gives this leaf a value")
    elif site.kind == WHEN:
        yield Mark(BRANCHES, site.position, "no test makes this true")
        yield Mark(BRANCHES, site.position, "no test makes this other than true")
    elif site.kind == EACH:
        yield Mark(BRANCHES, site.position, "no test has anything here")
    elif site.kind == CHOICE:
        for position in site.alternatives:
            yield Mark(BRANCHES, position, "no test takes this alternative")


def _reached(step: Step) -> Iterator[Mark]:
    """The marks of one evaluation that was no fault."""
    site = step.site
    if step.reason or site.kind not in (LEAF, WHEN, EACH, CHOICE):
        return
    marks = list(_marks(site))
    if site.kind == LEAF:
        yield from marks if words.value(step.value) != words.ABSENT else ()
    elif site.kind == WHEN:
        yield marks[0 if step.value is True else 1]
    elif site.kind == EACH:
        yield from marks if step.value else ()
    elif step.value >= 0:
        yield marks[step.value]

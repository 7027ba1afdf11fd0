"""One mapping in its traced build: run on a message, it gives the result and all that led to it.

The result is the ordinary build's: the same tree, compiled with a tracer. What was written stays
to be seen even where problems refuse it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.errors import ConfigurationError
from gateway.mapping.compiled import Compiled, Inputs, Result, Source
from gateway.mapping.compiler import Compilation
from gateway.mapping.finding import Findings, Position
from gateway.mapping.library import Library, run_compilation
from gateway.mapping.meaning import Run
from gateway.mapping.profile import Profile
from gateway.mapping.seeing.watched import path_of, watched
from gateway.mapping.tracing import (
    ELEMENT,
    ITEM,
    LEAF,
    Reading,
    Row,
    Site,
    Step,
    Tracer,
    steps_below,
)


@dataclass(frozen=True, slots=True)
class LeafSeen:
    """One value of the target, or its absence. `target` has numbers: `rilevazione[2]/valore`.

    `position` is that of the expression; `reason` says why there is no value where one failed.
    """

    target: str
    position: Position
    called_from: str
    value: Any = field(repr=False)
    reason: str
    site: Site
    step: Step = field(repr=False)

    @property
    def below(self) -> Iterator[Step | Reading | Row]:
        """All that was evaluated for it."""
        return steps_below(self.step)


@dataclass(frozen=True, slots=True)
class Trace:
    """What one run read, decided and wrote. `written` is the document, even a refused one."""

    step: Step = field(repr=False)
    written: Any = field(repr=False)
    leaves: tuple[LeafSeen, ...] = field(repr=False)

    @property
    def steps(self) -> Iterator[Step]:
        """Every step, once."""
        return (one for one in steps_below(self.step) if isinstance(one, Step))

    @property
    def readings(self) -> dict[object, str | None]:
        """Every place of the source that was looked at, and what it says."""
        found = (one for one in steps_below(self.step) if isinstance(one, Reading))
        return {one.location: one.value for one in found}

    @property
    def rows(self) -> set[tuple[str, int]]:
        """File and line of every row of a table that was taken."""
        found = (one for one in steps_below(self.step) if isinstance(one, Row))
        return {(one.file, one.line) for one in found if one.line is not None}

    @property
    def blocks(self) -> set[str]:
        """The blocks of which something was written or tried."""
        return {name for step in self.steps for name in step.site.blocks}


@dataclass(frozen=True, slots=True)
class Traced:
    """A mapping compiled with a tracer, for one profile."""

    compiled: Compiled
    compilation: Compilation = field(repr=False)
    tracer: Tracer = field(repr=False)
    profile: Profile = field(repr=False)

    @property
    def sites(self) -> list[Site]:
        """Every place of the mapping and its blocks where something can happen."""
        return self.tracer.sites

    def run(self, source: Source, inputs: Inputs) -> tuple[Result, Trace]:
        """As `Compiled.run`, with the trace."""
        step = self.tracer.start()
        kept: list[Any] = []

        def write(run: Run) -> Any:
            kept.append(self.compiled.write(run))
            return kept[0]

        observed = watched(source, lambda reading: self.tracer.now.below.append(reading))
        result = replace(self.compiled, write=write).run(observed, inputs)
        written = kept[0] if kept else None
        return result, Trace(step, written, tuple(_leaves(step)))


def traced(library: Library, name: str, profile: str) -> Traced:
    """The traced build of a mapping. Raises ConfigurationError, all mistakes."""
    findings = Findings()
    known = library.profile(profile)
    read = library.compilation(name, known, findings)
    compiled, tracer = None, Tracer()
    if read is not None:
        compilation, pins = read
        compilation.tracer = tracer
        compiled = run_compilation(compilation, pins)
    if findings.errors or compiled is None:
        raise ConfigurationError([str(finding) for finding in findings.errors])
    return Traced(compiled, compilation, tracer, known)


def _leaves(step: Step, target: str = "") -> Iterator[LeafSeen]:
    """In the order in which they were written; `target` is that of the element around."""
    number = 0
    for one in step.below:
        if not isinstance(one, Step):
            continue
        if one.site.kind == LEAF:
            yield _leaf(one, target)
        elif one.site.kind == ELEMENT:
            yield from _leaves(one, _target_of(one, target, step.site))
        elif one.site.kind == ITEM:
            number += 1
            where = path_of(one.node) if one.node is not None else _numbered(target, number)
            yield from _leaves(one, where)


def _target_of(step: Step, above: str, parent: Site) -> str:
    if step.node is not None:
        return path_of(step.node)
    static = step.site.target
    if parent.kind in (ELEMENT, ITEM) and static.startswith(parent.target):
        return above + static[len(parent.target) :]
    return static


def _numbered(target: str, number: int) -> str:
    """Of an item that wrote nothing; the paths of HL7 number themselves."""
    return target if "-" in target or target.endswith("[+]") else f"{target}[{number}]"


def _leaf(step: Step, target: str) -> LeafSeen:
    site = step.site
    return LeafSeen(target, site.position, site.called_from, step.value, step.reason, site, step)

"""One mapping in its traced build: run on a message, it gives the result and all that led to it.

The result is the ordinary build's: the same tree, compiled with a tracer. What was written stays
to be seen even where problems refuse it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from gateway.errors import ConfigurationError
from gateway.mapping.compiled import Compiled, Direction, Inputs, Result, Source
from gateway.mapping.compiler import Compilation
from gateway.mapping.finding import Findings, Position
from gateway.mapping.leaves import State
from gateway.mapping.library import Library, run_compilation
from gateway.mapping.meaning import Run
from gateway.mapping.profile import Profile
from gateway.mapping.seeing.watched import watched
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
        leaves = _leaves(step, _NUMBERINGS[self.compiled.direction])
        return result, Trace(step, written, tuple(leaves))


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


def _leaves(step: Step, numbering: Numbering) -> Iterator[LeafSeen]:
    """In the order in which they were tried."""
    for path, one in numbering(step, ""):
        site = one.site
        yield LeafSeen(path, site.position, site.called_from, one.value, one.reason, site, one)


Found: TypeAlias = Iterator[tuple[str, Step]]
Numbering: TypeAlias = Callable[[Step, str], Found]


def _of_document(step: Step, target: str) -> Found:
    """Leaves with their paths as in a document: what stands several times has a number."""
    elements: dict[str, list[Step]] = {}
    for one in _steps(step):
        if one.site.kind == LEAF:
            yield target, one
        elif one.site.kind == ELEMENT:
            elements.setdefault(one.site.target.rpartition("/")[2], []).extend(_instances(one))
    for name, found in elements.items():
        several = sum(map(_is_there, found)) > 1
        number = 0
        for one in found:
            number += _is_there(one)
            which = f"[{number}]" if several and _is_there(one) else ""
            yield from _of_document(one, f"{target}/{name}{which}".lstrip("/"))


def _of_facts(step: Step, target: str) -> Found:
    """Leaves with their keys: each item of a group has a number."""
    for one in _steps(step):
        if one.site.kind == LEAF:
            yield target, one
        elif one.site.kind == ELEMENT:
            key = f"{target}.{one.site.text}".lstrip(".")
            items = _instances(one)
            for number, item in enumerate(items, 1):
                which = f"[{number}]" if item is not one else ""
                yield from _of_facts(item, key + which)


def _of_message(step: Step, target: str) -> Found:
    """Leaves with the paths that the mapping writes, which number themselves (`PID-3[+]`)."""
    for one in _steps(step):
        if one.site.kind == LEAF:
            yield target, one
        elif one.site.kind in (ELEMENT, ITEM):
            yield from _of_message(one, one.site.target)


_NUMBERINGS: Final[dict[Direction, Numbering]] = {
    "hl7_to_xml": _of_document,
    "xml_to_facts": _of_facts,
    "facts_to_hl7": _of_message,
}


def _steps(step: Step) -> Iterator[Step]:
    return (one for one in step.below if isinstance(one, Step))


def _instances(step: Step) -> list[Step]:
    """The items of an element that has several, else itself."""
    return [one for one in _steps(step) if one.site.kind == ITEM] or [step]


def _is_there(step: Step) -> bool:
    """Whether it became an element: a leaf that failed did not, an element around it did."""
    around = any(one.site.kind == ELEMENT for one in _steps(step))
    return step.value == State.WROTE or (step.value == State.FAILED and around)

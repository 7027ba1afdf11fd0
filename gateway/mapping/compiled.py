"""Compiled mappings and expressions: called with a message, they give values or problems.

Frozen and shared; every call has a Run of its own. Knows nothing of how they were compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from lxml import etree

from gateway.errors import TranslationError
from gateway.hl7.message import Message
from gateway.mapping.content import Place
from gateway.mapping.meaning import Read, Run, Slots
from gateway.mapping.problem import Fault, Problem, ProblemKind
from gateway.mapping.profile import content_hash

Direction = Literal["hl7_to_xml", "xml_to_facts", "facts_to_hl7"]
Source: TypeAlias = Message | etree._Element
Inputs: TypeAlias = Mapping[str, Mapping[str, object]]
Check: TypeAlias = Callable[[Any], Sequence[Problem]]


@dataclass(frozen=True, slots=True)
class Result:
    """`value` is an element, a table of facts or a message's bytes; None if there are problems."""

    value: Any = field(repr=False)
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """One mapping for one profile.

    `pins` are all files it depends on with their SHA-256, `content_hash` is one over them.
    `inputs` are the facts it reads: namespace → name → type.
    """

    name: str
    direction: Direction
    pins: Mapping[str, str]
    inputs: Mapping[str, Mapping[str, str]]
    place: Place
    write: Callable[[Run], Any] = field(repr=False)
    check: Check = field(repr=False)
    when: Read[Any] | None = field(repr=False)
    root: str | None
    memo: int
    items: int

    @property
    def content_hash(self) -> str:
        """SHA-256 over mapping, libraries, tables, XSD files and profile."""
        return content_hash(self.pins)

    def run(self, source: Source, inputs: Inputs) -> Result:
        """Translate one message (or answer). All problems at once; a value only without any.

        A mapping whose `source.when` is not true gives one problem NOT_FOR_THIS.
        """
        run = Run(source, inputs, self.memo, self.items)
        refused = self._refused(run)
        if refused is not None:
            return Result(None, (refused,))
        value = self.write(run)
        problems = run.problems or self.check(value)
        return Result(None if problems else value, tuple(problems))

    def _refused(self, run: Run) -> Problem | None:
        if self.root is not None and run.source.tag != self.root:
            return self.place.problem(ProblemKind.SCHEMA, "the document has another root element")
        try:
            if self.when is not None and self.when(run) is not True:
                return self.place.problem(ProblemKind.NOT_FOR_THIS, "source.when is not true")
        except Fault as fault:
            return self.place.fault(fault)
        return None


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression of a flow or a profile; `slots` are those of all compiled with it."""

    text: str
    place: Place
    read: Read[Any] = field(repr=False)
    slots: Slots = field(repr=False)

    def run(self, message: Source | None, inputs: Inputs) -> Run:
        """What this expression, and all compiled with it, can be asked of a message in."""
        return Run(message, inputs, self.slots.memo, self.slots.items)

    def value(self, run: Run) -> Any:
        """Its value; None is absent. True for an alias that is there.

        Raises TranslationError with one Problem where the message cannot be read.
        """
        try:
            value = self.read(run)
        except Fault as fault:
            raise TranslationError([self.place.fault(fault)]) from None
        return None if value == "" else value

    def __call__(self, message: Source | None, inputs: Inputs) -> Any:
        """As `value`, of a message of which nothing else is asked."""
        return self.value(self.run(message, inputs))

    def truth(self, message: Source | None, inputs: Inputs) -> bool:
        """Whether it is true; absent is not. Raises TranslationError as a call does."""
        return self(message, inputs) is True

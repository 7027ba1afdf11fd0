"""What is wrong with one message, seen by one mapping.

A `Fault` is raised where a value is read and knows only its reason; the leaf that reads makes it
a `Problem` with target path and mapping line. No text here ever holds a value of the message.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ProblemKind(StrEnum):
    """VALUE: cannot be read or chosen; REQUIRED: absent; NULL: said to be deleted; SCHEMA: the
    finished document breaks the XSD; NOT_FOR_THIS: `source.when` is not true, no mistake."""

    VALUE = "VALUE"
    REQUIRED = "REQUIRED"
    NULL = "NULL"
    SCHEMA = "SCHEMA"
    NOT_FOR_THIS = "NOT_FOR_THIS"


class Fault(Exception):
    """A value cannot be had; `reason` names paths, never values."""

    def __init__(self, reason: str, kind: ProblemKind = ProblemKind.VALUE) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why one document cannot be built.

    `target` is the path in the target without its root (`nato/sesso`, `PID-3[2].1`, a fact's
    name), `file` and `line` the place in the mapping; `called_from` is the `$use` that brought
    the block in, as `file:line`, or ''.
    """

    kind: ProblemKind
    target: str
    file: str
    line: int
    reason: str
    called_from: str = ""

    def __str__(self) -> str:
        call = f" (used at {self.called_from})" if self.called_from else ""
        target = f"{self.target} " if self.target else ""
        return f"{self.kind} {target}{self.file}:{self.line}{call}: {self.reason}"

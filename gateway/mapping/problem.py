"""What is wrong with one message, seen by one mapping.

A `Fault` is raised where a value is read and knows only its reason; the leaf that reads makes it
a `Problem` with target path and mapping line. No text here ever holds a value of the message.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ProblemKind(StrEnum):
    """VALUE: cannot be read or chosen; REQUIRED: absent; CHOICE: beside what excludes it;
    NULL: said to be deleted; SCHEMA: the finished document breaks the XSD; RULE: it breaks a rule
    of the mapping; NOT_FOR_THIS: `source.when` is not true, no mistake."""

    VALUE = "VALUE"
    REQUIRED = "REQUIRED"
    CHOICE = "CHOICE"
    NULL = "NULL"
    SCHEMA = "SCHEMA"
    RULE = "RULE"
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
    the block in, as `file:line`, or ''; `code` is that of a broken rule, or ''.
    """

    kind: ProblemKind
    target: str
    file: str
    line: int
    reason: str
    called_from: str = ""
    code: str = ""

    @property
    def told(self) -> str:
        """Kind, code and target: `RULE ES036 paternita`. What tests expect."""
        return " ".join(filter(None, (self.kind, self.code, self.target)))

    def __str__(self) -> str:
        call = f" (used at {self.called_from})" if self.called_from else ""
        return f"{self.told} {self.file}:{self.line}{call}: {self.reason}"

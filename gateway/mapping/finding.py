"""What is wrong with a mapping, before any message: findings with file, line and column.

Knows the rules by code and sentence, and how to guess what was meant. Knows nothing of YAML,
HL7 or XSD. A finding shows what the author wrote, never what a patient is.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

Severity = Literal["error", "warning"]

RULES: Final[dict[str, str]] = {
    "Y01": "the file cannot be read as YAML",
    "Y02": "duplicate key",
    "Y03": "anchor, alias, tag, tab, byte order mark or Windows line end",
    "Y04": "too large, too deep or too many leaves",
    "Y05": "an expression with a comma inside { }",
    "M01": "the expression cannot be read",
    "M02": "unknown name",
    "M03": "unknown function",
    "M04": "wrong number or kind of arguments",
    "M05": "a name that refers to itself",
    "M06": "unknown or misplaced directive, or a wrong shape",
    "M07": "declared and never used",
    "M08": "values of different kinds are compared",
    "M09": "a comparison that is never true",
    "M10": "an optional field compared without `??`",
    "M11": "a branch that is never reached",
    "H01": "no such segment in this version",
    "H02": "no such field in this segment",
    "H03": "no such component in this type",
    "H04": "no such message structure, version or group",
    "H05": "a field that may repeat, and none chosen",
    "H06": "a value that is not in the field's table",
    "H07": "a segment that these messages do not have",
    "H08": "read, and the profile says that it is never sent",
    "X01": "not in the schema",
    "X02": "required by the schema and never written",
    "X03": "a value where the schema wants elements, or the reverse",
    "X04": "the schema cannot be used",
    "X05": "a value of another kind than the schema wants",
    "X06": "a constant, or a cell of a table, that the schema refuses",
    "X07": "written several times where the schema allows one",
    "T01": "the table cannot be read",
    "T02": "no such column",
    "T03": "duplicate key in the table",
    "T04": "declared table that is never used",
    "T05": "a code of the HL7 table that has no row",
    "T06": "rows of one key whose validity overlaps",
    "C01": "filled in the samples, and neither read nor `unmapped`",
    "C02": "a branch or a row of a table that no test reaches",
}


class Position(NamedTuple):
    """A place in a file of the deployment; line and column count from 1."""

    file: str
    line: int
    column: int = 1

    def after(self, columns: int) -> Position:
        return self._replace(column=self.column + columns)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One mistake, or one doubt, at one place."""

    position: Position
    severity: Severity
    code: str
    text: str

    def __str__(self) -> str:
        file, line, column = self.position
        return f"{file}:{line}:{column}: {self.severity} {self.code} {self.text}"


@dataclass(slots=True)
class Findings:
    """All findings of one compilation, each told once, in the order of the files."""

    found: set[Finding] = field(default_factory=set)
    _places: set[tuple[Position, str]] = field(default_factory=set)

    def error(self, position: Position, code: str, text: str) -> None:
        self.found.add(Finding(position, "error", code, text))

    def warning(self, position: Position, code: str, text: str) -> None:
        self.found.add(Finding(position, "warning", code, text))

    def once(self, position: Position, severity: Severity, code: str, text: str) -> None:
        """What is wrong in an expression: told once, however often a block is used and for what."""
        if (position, code) not in self._places:
            self._places.add((position, code))
            self.found.add(Finding(position, severity, code, text))

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.all if finding.severity == "error"]

    @property
    def all(self) -> list[Finding]:
        return sorted(self.found)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that was probably meant."""
    names = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), names, n=1, cutoff=0.6)
    return names[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` if one of `known` is close, else nothing."""
    meant = nearest(word, known)
    return f"; did you mean {meant}?" if meant else ""

"""Selectors as written, `PID-3[5 == 'CF']`: their numbers exist, their codes are in the tables.

Looked at for each place where a selector stands; compiling makes one of those that are alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.mapping.check import paths
from gateway.mapping.check.claims import contradiction
from gateway.mapping.check.codes import tell_code
from gateway.mapping.hl7_paths import Repetitions, Segments
from gateway.mapping.syntax import (
    Call,
    Comparison,
    Fallback,
    Logic,
    Membership,
    Not,
    Number,
    Syntax,
    Text,
)

if TYPE_CHECKING:
    from gateway.mapping.names import Scope


def check_selector(path: Segments | Repetitions, condition: Syntax, scope: Scope) -> None:
    """H02, H03, H05, H06 and M09 of one selector of segments or repetitions."""
    _Selector(path, scope).look(condition, asked=False)
    if found := contradiction(condition):
        scope.warning(found.column, "M09", "never true: what stands before it says another value")


class _Selector:
    def __init__(self, path: Segments | Repetitions, scope: Scope) -> None:
        self._path = path
        self._scope = scope

    def look(self, tree: Syntax, *, asked: bool) -> None:
        """`asked`: only whether something is there, so it may be there twice."""
        match tree:
            case Number():
                self._number(tree, asked)
            case Comparison(left, operator, right):
                self.look(left, asked=False)
                self.look(right, asked=False)
                if operator in ("==", "!="):
                    self._compared(left, (right,))
                    self._compared(right, (left,))
            case Membership(left, choices):
                self.look(left, asked=False)
                self._compared(left, choices)
            case Logic(_, operands) | Fallback(operands):
                for operand in operands:
                    self.look(operand, asked=asked)
            case Not(operand):
                self.look(operand, asked=asked)
            case Call(name, arguments):
                for argument in arguments:
                    self.look(argument, asked=name in ("exists", "count"))

    def _part(self, number: Number) -> tuple[str, int, int, int]:
        """Segment, field, component and subcomponent that a number in the selector names."""
        first, _, second = number.value.partition(".")
        if isinstance(self._path, Segments):
            return self._path.name, int(first), int(second or 0), 0
        return self._path.segments.name, self._path.number, int(first), int(second or 0)

    def _number(self, number: Number, asked: bool) -> None:
        segment, field, component, subcomponent = self._part(number)
        scope, column = self._scope, number.column
        if isinstance(self._path, Repetitions):
            paths.check_component(self._path, component, subcomponent, scope, column)
            return
        if not paths.check_field(segment, field, scope, column):
            return
        if component:
            paths.check_parts(f"{segment}-{field}", segment, field, (component, 0), scope, column)
        if not asked:
            paths.check_once(f"{segment}-{field}", segment, field, scope, column)

    def _compared(self, what: Syntax, choices: Sequence[Syntax]) -> None:
        """Fixed texts held against the table of the part that they are compared with."""
        options = what.operands if isinstance(what, Fallback) else (what,)
        numbers = [each for each in options if isinstance(each, Number)]
        dialect = self._scope.dialect
        if len(numbers) != 1 or dialect is None:
            return
        segment, field, component, subcomponent = self._part(numbers[0])
        _, table = dialect.part(segment, field, component, subcomponent)
        besides = {each.value for each in options if isinstance(each, Text)}
        part = "".join(f".{each}" for each in (component, subcomponent) if each)
        told = f"{segment}-{field}{part} has codes of"
        for choice in choices:
            if table and isinstance(choice, Text) and choice.value not in besides:
                position = self._scope.position.after(choice.column)
                findings = self._scope.world.findings
                tell_code({choice.value: ""}, table, told, dialect, findings, position)

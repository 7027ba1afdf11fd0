"""The closures of the operators. Absent (None) is unknown: Kleene's three values."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from gateway.mapping.meaning import UNSET, Read, Run, Value, slot_of
from gateway.mapping.problem import Fault

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def all_of(operands: Sequence[Read[Any]]) -> Read[bool | None]:
    """`and`: false wins over absent, absent over true."""

    def read(run: Run) -> bool | None:
        result: bool | None = True
        for operand in operands:
            value = operand(run)
            if value is False:
                return False
            if value is None:
                result = None
        return result

    return read


def any_of(operands: Sequence[Read[Any]]) -> Read[bool | None]:
    """`or`: true wins over absent, absent over false."""

    def read(run: Run) -> bool | None:
        result: bool | None = False
        for operand in operands:
            value = operand(run)
            if value is True:
                return True
            if value is None:
                result = None
        return result

    return read


def not_(operand: Read[Any]) -> Read[bool | None]:
    """`not`: absent stays absent."""
    slot = slot_of(operand)

    def read(run: Run) -> bool | None:
        value = run.memo[slot]
        if value is UNSET:
            value = operand(run)
        return None if value is None else not value

    return read


def first_of(operands: Sequence[Read[Any]]) -> Read[Any]:
    """`??`: the first that is there."""

    def read(run: Run) -> Any:
        for operand in operands:
            value = operand(run)
            if value is not None:
                return value
        return None

    return read


def any_true(operands: Sequence[Read[bool]]) -> Read[bool]:
    """Whether any is true."""

    def read(run: Run) -> bool:
        return any(operand(run) for operand in operands)

    return read


def comparison(sign: str, left: Value, right: Value) -> Read[bool | None]:
    """`left sign right`; absent if one side is."""
    if sign == "==" and right.is_constant:
        return _equals(left.read, right.constant)
    compare, one, other = _OPERATORS[sign], left.read, right.read

    def read(run: Run) -> bool | None:
        first, second = one(run), other(run)
        if first is None or second is None:
            return None
        if isinstance(first, datetime) and (first.tzinfo is None) != (second.tzinfo is None):
            raise Fault("two moments are compared and only one has a time zone")
        return compare(first, second)

    return read


def _equals(left: Read[Any], expected: object) -> Read[bool | None]:
    def read(run: Run) -> bool | None:
        value = left(run)
        return None if value is None else value == expected

    return read


def membership(left: Value, choices: Sequence[Value]) -> Read[bool | None]:
    """`left in (…)`; absent if `left` is. An absent choice equals nothing."""
    one = left.read
    if all(choice.is_constant for choice in choices):
        known = frozenset(choice.constant for choice in choices)

        def read(run: Run) -> bool | None:
            value = one(run)
            return None if value is None else value in known

        return read
    reads = [choice.read for choice in choices]

    def read_all(run: Run) -> bool | None:
        value = one(run)
        return None if value is None else any(value == each(run) for each in reads)

    return read_all

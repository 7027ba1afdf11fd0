"""How a value is written as text of a simple type."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from gateway.mapping.kinds import Kind, written
from gateway.mapping.problem import Fault


def writer_of(kind: Kind) -> Callable[[Any], str]:
    """For values that go where the schema says `kind`. Texts pass; the validator judges them.

    The writer raises Fault where a value of another kind would lose or invent something: a
    moment is no day, a fraction no whole number.
    """
    allowed = _ALLOWED.get(kind)
    if allowed is None:
        return _write_any

    def write(value: Any) -> str:
        if isinstance(value, str):
            return value
        if type(value) not in allowed:
            raise Fault(f"a {_name(value)} where the schema wants a {kind}")
        if kind is Kind.INTEGER and value != int(value):
            raise Fault("a fraction where the schema wants a whole number")
        return written(int(value)) if kind is Kind.INTEGER else written(value)

    return write


def _write_any(value: Any) -> str:
    return value if type(value) is str else written(value)


_ALLOWED: dict[Kind, frozenset[type]] = {
    Kind.INTEGER: frozenset({int, Decimal}),
    Kind.NUMBER: frozenset({int, Decimal}),
    Kind.DATE: frozenset({date}),
    Kind.DATETIME: frozenset({datetime}),
    Kind.TIME: frozenset({time}),
    Kind.BOOLEAN: frozenset({bool}),
}


def _name(value: object) -> str:
    return {datetime: "dateTime", Decimal: "number", bool: "boolean", int: "integer"}.get(
        type(value), type(value).__name__
    )

"""How a value is written as text of a simple type, and how that text stands in XML.

Escaped as canonical XML escapes, so that what is read back is what was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from gateway.mapping.kinds import Kind, written
from gateway.mapping.problem import Fault

_CONTROLS: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_OUTSIDE: Final = re.compile(f"[{_CONTROLS}]")
_ODD: Final = re.compile(f"[&<>\r{_CONTROLS}]")
_IN_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})
_IN_QUOTES: Final = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\t": "&#x9;",
        "\n": "&#xA;",
        "\r": "&#xD;",
    }
)

odd = _ODD.search
"""Whether a text cannot stand between two tags as it is."""


def escaped(text: str) -> str:
    """`text` as it stands between two tags. Raises Fault where XML has no such character."""
    _refuse(text)
    return text.translate(_IN_TEXT)


def quoted(text: str) -> str:
    """`text` as it stands in an attribute, with its quotes. Raises Fault as `escaped`."""
    _refuse(text)
    return f'"{text.translate(_IN_QUOTES)}"'


def _refuse(text: str) -> None:
    if _OUTSIDE.search(text):
        raise Fault("the value holds a character that XML does not allow")


def writer_of(kind: Kind) -> Callable[[Any], str]:
    """For values that go where the schema says `kind`. Texts pass; the validator judges them.

    The writer raises Fault where a value of another kind would lose or invent something: a
    moment is no day, a fraction no whole number.
    """
    allowed, whole = _ALLOWED.get(kind), kind is Kind.INTEGER
    if allowed is None:
        return _write_any

    def write(value: Any) -> str:
        if isinstance(value, str):
            return value
        if type(value) not in allowed:
            raise Fault(f"a {_name(value)} where the schema wants a {kind}")
        if whole and value != int(value):
            raise Fault("a fraction where the schema wants a whole number")
        return written(int(value)) if whole else written(value)

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

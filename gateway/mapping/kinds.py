"""The kinds of value an expression can have, and how each is written.

Absent is None everywhere and of every kind. Texts of HL7 are TEXT until a function makes them
something else; facts and XML values have the kind that is declared for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final

from gateway.mapping.problem import Fault


class Kind(StrEnum):
    """UNKNOWN stands for what a finding was already told about, and for absent."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "dateTime"
    TIME = "time"
    BOOLEAN = "boolean"
    UNKNOWN = "unknown"


NUMERIC: Final = frozenset({Kind.INTEGER, Kind.NUMBER})
ORDERED: Final = NUMERIC | {Kind.DATE, Kind.DATETIME, Kind.TIME}

DECLARED: Final[dict[str, Kind]] = {
    "text": Kind.TEXT,
    "cf": Kind.TEXT,
    "date": Kind.DATE,
    "dateTime": Kind.DATETIME,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
}
"""What `inputs:` and `facts:` may say; a cf is a text whose check letter is right."""

_PYTHON: Final[dict[Kind, type]] = {
    Kind.INTEGER: int,
    Kind.NUMBER: Decimal,
    Kind.DATE: date,
    Kind.DATETIME: datetime,
    Kind.TIME: time,
    Kind.BOOLEAN: bool,
}


def comparable(one: Kind, other: Kind) -> bool:
    """Whether two kinds may stand on both sides of a comparison."""
    if Kind.UNKNOWN in (one, other):
        return True
    return one is other or (one in NUMERIC and other in NUMERIC)


def fits(given: Kind, wanted: Kind) -> bool:
    """Whether a value of kind `given` may be passed where `wanted` is asked for."""
    if given is Kind.UNKNOWN or wanted is Kind.UNKNOWN or given is wanted:
        return True
    return given is Kind.INTEGER and wanted is Kind.NUMBER


def typed(value: object, kind: Kind) -> object:
    """A fact as the kind that is declared for it; facts are stored as text. '' is absent."""
    if value is None or value == "":
        return None
    if kind is Kind.TEXT:
        return value if isinstance(value, str) else written(value)
    if isinstance(value, str):
        return from_text(value, kind)
    if kind is Kind.NUMBER and isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    if not isinstance(value, _PYTHON[kind]):
        raise Fault(f"is no {kind}")
    return value


def from_text(text: str, kind: Kind) -> object:
    """The lexical form of XML Schema (and of stored facts) as a value; Fault if it is not one."""
    try:
        return _READERS[kind](text.strip())
    except (ValueError, InvalidOperation, KeyError):
        raise Fault(f"is no {kind}") from None


def _boolean(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text]


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    # `1E+999999` is a short text and a long number.
    if not number.is_finite() or len(text) > 64 or abs(number.adjusted()) > 64:
        raise ValueError
    return number


def _integer(text: str) -> int:
    if len(text) > 64 or not text.isascii():
        raise ValueError
    return int(text)


def _date(text: str) -> date:
    """xs:date; a zone after the day says nothing about the day and is dropped."""
    return date.fromisoformat(text[:10])


_READERS: Final[dict[Kind, Callable[[str], object]]] = {
    Kind.TEXT: str,
    Kind.UNKNOWN: str,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _decimal,
    Kind.DATE: _date,
    Kind.DATETIME: datetime.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.BOOLEAN: _boolean,
}


_WRITTEN: Final[Mapping[type, Callable[[Any], str]]] = {
    str: str,
    bool: lambda value: "true" if value else "false",
    date: date.isoformat,
    datetime: datetime.isoformat,
    time: time.isoformat,
    Decimal: lambda value: format(value, "f"),
}


def written(value: object) -> str:
    """A value in the lexical form of XML Schema."""
    return _WRITTEN.get(type(value), str)(value)


def written_in_hl7(value: object) -> str:
    """A value as HL7 v2 writes it: `Y`, `20260302`, `20260302101500+0100`."""
    if isinstance(value, bool):
        return "Y" if value else "N"
    if isinstance(value, datetime):
        return value.strftime("%Y%m%d%H%M%S%z")
    if isinstance(value, date):
        return value.strftime("%Y%m%d")
    if isinstance(value, time):
        return value.strftime("%H%M%S")
    return written(value)

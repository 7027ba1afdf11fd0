"""Expressions in words, for who signs a mapping and does not write one.

Paths and names stay as they are; a glossary says what they mean. What has no words of its own is
written as the language writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.mapping.seeing import words
from gateway.mapping.syntax import (
    Call,
    Comparison,
    Fallback,
    Logic,
    Membership,
    Name,
    Not,
    Syntax,
    Text,
    Truth,
    Unreadable,
    Walk,
    parse_expression,
)

_AFTER: Final = {
    "upper": "in capitals",
    "lower": "in small letters",
    "trim": "without blanks around it",
    "date": "as a day",
    "datetime": "as a moment in {0}",
    "time": "as a time of day",
    "year": "its year",
    "integer": "as a whole number",
    "number": "as a number",
    "round": "rounded to {0} decimals",
    "cf": "checked as a codice fiscale",
    "anpr_name": "in the characters that ANPR takes",
    "left": "its first {0} characters",
    "right": "its last {0} characters",
    "before": "what stands before {0}",
}
_BEFORE: Final = {
    "join": "{} joined with blanks",
    "exists": "{} is there",
    "count": "how many {} there are",
    "is_null": "the source deletes {}",
    "grams": "the weight {} in grams",
    "cm": "the length {} in centimetres",
}
_COMPARED: Final = {
    "==": "is",
    "!=": "is not",
    "<": "is less than",
    "<=": "is at most",
    ">": "is more than",
    ">=": "is at least",
}


def phrase(text: str) -> str:
    """An expression in words; one that cannot be read as it is written."""
    try:
        return _phrase(parse_expression(text))
    except Unreadable:
        return text


def _phrase(tree: Syntax) -> str:
    match tree:
        case Text(value):
            return f"“{value}”"
        case Truth(value):
            return "yes" if value else "no"
        case Fallback(operands):
            return ", or else ".join(map(_phrase, operands))
        case Logic(operator, operands):
            return f" {operator} ".join(_inner(each, Logic) for each in operands)
        case Not(operand):
            return f"not {_inner(operand, Logic, Comparison, Membership)}"
        case Comparison(left, operator, right):
            return f"{_inner(left, Fallback)} {_COMPARED[operator]} {_inner(right, Fallback)}"
        case Membership(left, choices):
            return f"{_inner(left, Fallback)} is one of {', '.join(map(_phrase, choices))}"
        case Call():
            return _call(tree)
    return words.expression(tree)


def _inner(tree: Syntax, *loose: type) -> str:
    piped = isinstance(tree, Call) and tree.piped
    return f"({_phrase(tree)})" if piped or isinstance(tree, loose) else _phrase(tree)


def _call(tree: Call) -> str:
    arguments: Sequence[Syntax] = tree.arguments
    if tree.name == "lookup" and len(arguments) > 2:
        first, table, column, *on = arguments
        day = f", as it was on: {_phrase(on[0])}" if on else ""
        names = f"the table {words.expression(table)}, column {words.expression(column)}"
        return f"{_phrase(first)}, translated by {names}{day}"
    if tree.name in _AFTER and arguments:
        first, *rest = arguments
        said = [each.value if isinstance(each, Text) else words.expression(each) for each in rest]
        after = _AFTER[tree.name]
        return f"{_phrase(first)}, {after.format(*said, *[''] * 2).strip()}"
    if tree.name in _BEFORE:
        return _BEFORE[tree.name].format(", ".join(map(_phrase, arguments)))
    return words.expression(tree)


def names_in(tree: Syntax) -> list[str]:
    """Names and functions of an expression in the order in which they stand, each once."""
    found: dict[str, None] = {}
    waiting: list[object] = [tree]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, tuple):
            waiting[:0] = one
        elif isinstance(one, Name):
            found[one.value] = None
        elif isinstance(one, Call):
            found[one.name] = None
            waiting[:0] = one.arguments
        elif isinstance(one, Walk):
            waiting[:0] = [one.head, one.steps]
        elif hasattr(one, "__dataclass_fields__"):
            waiting[:0] = [getattr(one, name) for name in one.__dataclass_fields__]
    return list(found)

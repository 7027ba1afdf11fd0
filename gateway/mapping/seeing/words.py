"""Expressions and values as they are written, for those who read a trace."""

from __future__ import annotations

from typing import Any

from lxml import etree

from gateway.hl7.location import Location
from gateway.mapping.kinds import written
from gateway.mapping.leaves import NIL
from gateway.mapping.syntax import (
    Attribute,
    Call,
    Child,
    Comparison,
    Fallback,
    Field,
    Logic,
    Member,
    Membership,
    Name,
    Not,
    Number,
    Part,
    Select,
    Step,
    Syntax,
    Text,
    Truth,
    Walk,
)

ABSENT = "absent"


def expression(tree: Syntax) -> str:
    """The tree as a mapping would write it; brackets only where they are needed."""
    match tree:
        case Text(value):
            return "'" + value.replace("'", "''") + "'"
        case Number(value) | Name(value):
            return value
        case Truth(value):
            return "true" if value else "false"
        case Attribute(value):
            return f"@{value}"
        case Call():
            return _call(tree)
        case Walk(head, steps):
            return expression(head) + "".join(map(_step, steps))
        case Not(operand):
            return f"not {_inside(operand, Logic)}"
    return _operator(tree)


def _operator(tree: Logic | Comparison | Membership | Fallback) -> str:
    match tree:
        case Logic(operator, operands):
            inner = (_inside(each, Logic) for each in operands)
            return f" {operator} ".join(inner)
        case Comparison(left, operator, right):
            return f"{_operand(left)} {operator} {_operand(right)}"
        case Membership(left, choices):
            return f"{_operand(left)} in ({', '.join(map(_operand, choices))})"
        case Fallback(operands):
            return " ?? ".join(map(_operand, operands))


def _operand(tree: Syntax) -> str:
    return _inside(tree, Logic | Not | Comparison | Membership | Fallback)


def _inside(tree: Syntax, needing: Any) -> str:
    text = expression(tree)
    piped = isinstance(tree, Call) and tree.piped
    return f"({text})" if piped or isinstance(tree, needing) else text


def _call(tree: Call) -> str:
    if not tree.piped:
        return f"{tree.name}({', '.join(map(expression, tree.arguments))})"
    first, *rest = tree.arguments
    arguments = f"({', '.join(map(expression, rest))})" if rest else ""
    return f"{expression(first)} | {tree.name}{arguments}"


def _step(step: Step) -> str:
    match step:
        case Select(condition):
            return f"[{expression(condition) if condition else '*'}]"
        case Field(number):
            return f"-{number}"
        case Part(component, subcomponent):
            return f".{component}.{subcomponent}" if subcomponent else f".{component}"
        case Member(name):
            return f".{name}"
        case Child(name, attribute):
            return f"/{'@' if attribute else ''}{name}"


def value(found: Any) -> str:
    """A value of a trace as text; absent says so, a list tells what it holds."""
    if found is None or found == "":
        return ABSENT
    if found is NIL:
        return "null"
    if isinstance(found, list | tuple):
        texts = [one for one in found if isinstance(one, str)]
        return ", ".join(texts) if texts else f"{len(found)} found"
    return "an element" if isinstance(found, etree._Element) else written(found)


def place(location: object) -> str:
    """Where something was read, as the language says it: the first part goes without saying."""
    if not isinstance(location, Location):
        return str(location)
    if location.subcomponent == 1:
        location = location._replace(subcomponent=0)
    if location.component == 1 and not location.subcomponent:
        location = location._replace(component=0)
    return str(location)


def repetition(location: object) -> str:
    """The repetition of a field, or the element, that a place is in."""
    if isinstance(location, Location):
        return str(location._replace(component=0, subcomponent=0))
    return str(location)

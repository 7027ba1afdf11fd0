"""Expression trees to closures: operators, and paths step by step.

`and`, `or` and `not` are Kleene's: absent is unknown. A comparison with an absent side is
absent. What does not fit is a finding and reads as absent, so that the rest is checked too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from gateway.mapping import calls, domain, logic, steps
from gateway.mapping.check import branches, comparison, paths, presence
from gateway.mapping.document import Definition
from gateway.mapping.finding import Position
from gateway.mapping.hl7_domain import domain_of
from gateway.mapping.hl7_groups import Groups
from gateway.mapping.hl7_paths import (
    Repetitions,
    Segments,
    text_in_repetition,
    text_in_segment,
)
from gateway.mapping.hl7_paths import value_of as value_of_repetitions
from gateway.mapping.kinds import ORDERED, Kind, comparable
from gateway.mapping.meaning import Value, constant
from gateway.mapping.names import Meaning, Scope, find, input_value, unknown
from gateway.mapping.syntax import (
    Attribute,
    Call,
    Comparison,
    Fallback,
    Head,
    Logic,
    Member,
    Membership,
    Name,
    Not,
    Number,
    Syntax,
    Text,
    Truth,
    Unreadable,
    Walk,
    parse_expression,
)
from gateway.mapping.tree import Scalar
from gateway.mapping.wording import column_of, step_of
from gateway.mapping.xml_paths import Elements
from gateway.mapping.xml_paths import value_of as value_of_elements

_ORDER: Final = frozenset({"<", "<=", ">", ">="})


def read_expression(text: Scalar, scope: Scope) -> Meaning:
    """What a text of a mapping means; every mistake is a finding at its place."""
    here = scope.at(start_of(text))
    try:
        tree = parse_expression(text.text)
    except Unreadable as error:
        return here.error(error.column, "M01", error.reason)
    return meaning_of(tree, here)


def start_of(text: Scalar) -> Position:
    """Where the text itself begins: after its quote."""
    return text.start


def read_value(text: Scalar, scope: Scope) -> Value:
    """As `read_expression`, for one value that is written."""
    value = _read_value(text, scope)
    presence.ask_of_value(value.domain, scope.world.findings)
    return value


def _read_value(text: Scalar, scope: Scope) -> Value:
    here = scope.at(start_of(text))
    try:
        tree = parse_expression(text.text)
    except Unreadable as error:
        return here.error(error.column, "M01", error.reason)
    return value_of(tree, here)


def read_condition(text: Scalar, scope: Scope) -> Value:
    """As `read_value`, for `$when`."""
    here = scope.at(start_of(text))
    value = boolean(_read_value(text, scope), here, 0)
    presence.ask_of_condition(value.domain, scope.world.findings)
    branches.check_condition(value.domain, here)
    tracer = scope.world.tracer
    return value if tracer is None else tracer.condition(value, text)


def inlined(definition: Definition, scope: Scope) -> Meaning:
    """What a let or definition means in `scope`, which has its parameters."""
    scope.world.open.append(definition.name)
    try:
        meaning = read_expression(definition.text, scope)
    finally:
        scope.world.open.pop()
    tracer = scope.world.tracer
    return meaning if tracer is None else tracer.name(meaning, definition)


def value_of(tree: Syntax, scope: Scope) -> Value:
    """The tree as one value."""
    meaning = _checked(tree, scope)
    return _traced(_single(meaning, scope, column_of(tree)), tree, scope)


def values_of(tree: Syntax, scope: Scope) -> Value:
    """The tree as a value, or as a list of them where a path says `[*]`."""
    return _traced(as_value(_checked(tree, scope), scope, column_of(tree)), tree, scope)


def _checked(tree: Syntax, scope: Scope) -> Meaning:
    """What it means where one value is wanted: a field that repeats must be chosen."""
    meaning = meaning_of(tree, scope)
    if isinstance(meaning, Repetitions):
        paths.check_chosen(meaning, scope, step_of(tree))
    return meaning


def _traced(value: Value, tree: Syntax, scope: Scope) -> Value:
    """Watched, where a traced build is made."""
    tracer = scope.world.tracer
    if tracer is None:
        return value
    return tracer.expression(value, tree, scope.position.after(tree.column))


def as_value(meaning: Meaning, scope: Scope, column: int) -> Value:
    """A path becomes what is read there."""
    if isinstance(meaning, Repetitions):
        value = value_of_repetitions(meaning)
        known = domain_of(meaning, scope.dialect, scope.world.structures)
        return replace(value, domain=known)
    if isinstance(meaning, Elements):
        found = value_of_elements(meaning)
        if found is None:
            text = f"{meaning.label or meaning.shape.name} holds elements; name one of them"
            return scope.error(column, "X03", text)
        return found
    if isinstance(meaning, Segments):
        return scope.error(column, "M04", f"{meaning.label} is a segment; name one of its fields")
    if isinstance(meaning, Groups):
        return scope.error(column, "M04", f"{meaning.name} is a group; name a segment of it")
    return meaning


def _single(meaning: Meaning, scope: Scope, column: int) -> Value:
    value = as_value(meaning, scope, column)
    if value.many:
        return scope.error(column, "M04", "many values where one is needed; choose or join them")
    return value


def boolean(value: Value, scope: Scope, column: int) -> Value:
    """`value` if it can be a condition."""
    if value.kind not in (Kind.BOOLEAN, Kind.UNKNOWN):
        text = f"a {value.kind} is no condition; compare it, or ask exists(…)"
        return scope.error(column, "M04", text)
    return value


def meaning_of(tree: Syntax, scope: Scope) -> Meaning:
    """The tree as what it names: a path keeps its steps open, all else is a value."""
    if isinstance(tree, Name | Attribute | Walk):
        return _path(tree, scope)
    if isinstance(tree, Call):
        return calls.call(tree, scope)
    if isinstance(tree, Text):
        return constant(tree.value, Kind.TEXT)
    if isinstance(tree, Number):
        return _number(tree, scope)
    if isinstance(tree, Truth):
        return constant(tree.value, Kind.BOOLEAN)
    return _operator(tree, scope)


def _operator(tree: Logic | Not | Comparison | Membership | Fallback, scope: Scope) -> Value:
    if isinstance(tree, Logic):
        values = [_condition(operand, scope) for operand in tree.operands]
        combine = logic.all_of if tree.operator == "and" else logic.any_of
        comparison.check_together(tree, scope)
        known = domain.combined(tree.operator, [value.domain for value in values])
        return Value(combine([value.read for value in values]), Kind.BOOLEAN, domain=known)
    if isinstance(tree, Not):
        value = _condition(tree.operand, scope)
        return Value(logic.not_(value.read), Kind.BOOLEAN, domain=domain.negated(value.domain))
    if isinstance(tree, Comparison):
        return _comparison(tree, scope)
    if isinstance(tree, Membership):
        return _membership(tree, scope)
    return _fallback(tree, scope)


def _condition(tree: Syntax, scope: Scope) -> Value:
    return boolean(value_of(tree, scope), scope, tree.column)


def _number(tree: Number, scope: Scope) -> Value:
    """A number; inside a selector, the field or component it names."""
    if scope.relative is None or scope.relative.shape is not None:
        if "." in tree.value:
            return constant(Decimal(tree.value), Kind.NUMBER)
        return constant(int(tree.value), Kind.INTEGER)
    first, _, second = tree.value.partition(".")
    if scope.relative.number:
        return text_in_repetition(scope.relative.number, int(first), int(second or 0))
    return text_in_segment(int(first), int(second or 0), 0)


def _comparison(tree: Comparison, scope: Scope) -> Value:
    left, right = _operand(tree.left, scope), _operand(tree.right, scope)
    if not comparable(left.kind, right.kind):
        text = f"a {left.kind} is compared with a {right.kind}; convert one of them"
        return scope.error(tree.column, "M08", text)
    kinds = {left.kind, right.kind} - {Kind.UNKNOWN}
    if tree.operator in _ORDER and not kinds <= ORDERED:
        text = f"a {left.kind} has no order; convert it with number or date"
        return scope.error(tree.column, "M08", text)
    known = comparison.compared(tree, left, right, scope)
    return Value(logic.comparison(tree.operator, left, right), Kind.BOOLEAN, domain=known)


def _operand(tree: Syntax, scope: Scope) -> Value:
    """One side of a comparison; of a condition it wants true or false."""
    value = value_of(tree, scope)
    presence.ask_of_value(value.domain, scope.world.findings)
    return value


def _membership(tree: Membership, scope: Scope) -> Value:
    left = _operand(tree.left, scope)
    choices = [_operand(choice, scope) for choice in tree.choices]
    for choice, written in zip(choices, tree.choices, strict=True):
        if not comparable(left.kind, choice.kind):
            text = f"a {left.kind} is compared with a {choice.kind}; convert one of them"
            scope.error(written.column, "M08", text)
    known = comparison.member(tree, left, choices, scope)
    return Value(logic.membership(left, choices), Kind.BOOLEAN, domain=known)


def _fallback(tree: Fallback, scope: Scope) -> Value:
    values = [value_of(operand, scope) for operand in tree.operands]
    kind = _kind_of_all(values)
    if kind is None:
        return scope.error(tree.column, "M08", "`??` between values of different kinds")
    nulls = [value.null for value in values if value.null]
    null = logic.any_true(nulls) if nulls else None
    read = logic.first_of([value.read for value in values])
    domains = [value.domain for value in values]
    branches.check_fallback(domains, [column_of(operand) for operand in tree.operands], scope)
    known = domain.first_of(domains)
    return Value(read, kind, null=null, label=values[0].label, domain=known)


def _kind_of_all(values: Sequence[Value]) -> Kind | None:
    """The one kind of all, whole numbers being numbers; None if they differ."""
    kinds = {value.kind for value in values} - {Kind.UNKNOWN}
    if kinds == {Kind.INTEGER, Kind.NUMBER}:
        return Kind.NUMBER
    if len(kinds) > 1:
        return None
    return next(iter(kinds), Kind.UNKNOWN)


def _path(tree: Name | Attribute | Walk, scope: Scope) -> Meaning:
    head, parts = (tree.head, tree.steps) if isinstance(tree, Walk) else (tree, ())
    first = parts[0] if parts else None
    if isinstance(head, Name) and isinstance(first, Member) and head.value not in scope.bindings:
        value = input_value(head.value, first.name, scope, head.column)
        return steps.all_of(value, parts[1:], scope)
    return steps.all_of(_head(head, scope), parts, scope)


def _head(head: Head, scope: Scope) -> Meaning:
    if isinstance(head, Call):
        return calls.call(head, scope)
    if isinstance(head, Attribute):
        return steps.attribute_here(head, scope)
    found = find(head.value, scope, head.column, inlined)
    if found is None:
        return unknown(head.value, scope, head.column)
    if isinstance(found, Segments) and found.name == head.value:
        paths.check_segment(found.name, scope, head.column)
    return found

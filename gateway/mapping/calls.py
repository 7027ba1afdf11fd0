"""Calls: definitions with parameters are inlined, functions are typed, checked and bound.

`exists`, `count`, `is_null` and `lookup` look at what their argument *is* (a path, a table), not
at its value, so they are made here; all others come from the list of functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from gateway.mapping import expressions, lookups, text_functions, time_functions
from gateway.mapping.document import Definition
from gateway.mapping.domain import ANY, PRESENT, Domain, mapped
from gateway.mapping.finding import did_you_mean
from gateway.mapping.functions import FUNCTIONS, Function
from gateway.mapping.hl7_groups import Groups
from gateway.mapping.hl7_paths import Repetitions, Segments
from gateway.mapping.hl7_paths import is_null as repetitions_null
from gateway.mapping.hl7_paths import value_of as value_of_repetitions
from gateway.mapping.kinds import Kind, fits
from gateway.mapping.meaning import UNKNOWN, UNSET, Read, Run, Value, slot_of
from gateway.mapping.names import Meaning, Scope, defined, passed, said_by, shared
from gateway.mapping.problem import Fault
from gateway.mapping.syntax import Call, Syntax
from gateway.mapping.wording import label
from gateway.mapping.xml_paths import Elements
from gateway.mapping.xml_paths import is_null as elements_null

_LISTS: Final = (text_functions, time_functions)
"""Importing them enters their functions in FUNCTIONS."""


def call(tree: Call, scope: Scope) -> Meaning:
    """What `name(arguments)` means."""
    definition = defined(tree.name, scope)
    if definition is not None and definition.parameters:
        return _inline(tree, definition, scope)
    special = _SPECIAL.get(tree.name)
    if special is not None:
        return special(tree, scope)
    function = FUNCTIONS.get(tree.name)
    if function is not None:
        return _function(tree, function, scope)
    known = [*FUNCTIONS, *_SPECIAL, *scope.world.definitions, *scope.world.lets]
    text = f"unknown function {tree.name}{did_you_mean(tree.name, known)}"
    return scope.error(tree.column, "M03", text)


def _inline(tree: Call, definition: Definition, scope: Scope) -> Meaning:
    wanted = definition.parameters
    if len(tree.arguments) != len(wanted):
        text = f"{tree.name}({', '.join(wanted)}) has {len(tree.arguments)} arguments here"
        return scope.error(tree.column, "M04", text)
    world = scope.world
    if not world.expand(definition.name, scope.position.after(tree.column)):
        return UNKNOWN
    given = [passed(expressions.meaning_of(argument, scope)) for argument in tree.arguments]
    level = "mapping" if world.lets.get(definition.name) is definition else "profile"
    names: Mapping[str, Meaning] = dict(zip(wanted, given, strict=True))
    position, version = definition.text.position, definition.version
    inner = Scope(world, position, bindings=names, level=level, version=version)
    if any(map(_varies, given)):
        return said_by(expressions.inlined(definition, inner), level)
    key = (level, definition.name, *given)
    return shared(world, key, lambda: said_by(expressions.inlined(definition, inner), level))


def _varies(meaning: Meaning) -> bool:
    """Whether it may differ within a run: what `$each` or a selector looks at, and values."""
    if isinstance(meaning, Segments | Repetitions):
        return meaning.varies
    return not (isinstance(meaning, Value) and meaning.is_constant)


def _arity(tree: Call, scope: Scope, least: int, most: int, signature: str) -> bool:
    if least <= len(tree.arguments) <= most:
        return True
    text = f"{signature} has {len(tree.arguments)} arguments here"
    scope.error(tree.column, "M04", text)
    return False


def _exists(tree: Call, scope: Scope) -> Meaning:
    if not _arity(tree, scope, 1, 1, "exists(path)"):
        return UNKNOWN
    every = _every(tree.arguments[0], scope)

    def read(run: Run) -> bool:
        return bool(every(run))

    return Value(read, Kind.BOOLEAN, domain=PRESENT)


def _count(tree: Call, scope: Scope) -> Meaning:
    if not _arity(tree, scope, 1, 1, "count(path)"):
        return UNKNOWN
    every = _every(tree.arguments[0], scope)

    def read(run: Run) -> int:
        return len(every(run))

    return Value(read, Kind.INTEGER, domain=PRESENT)


def _every(tree: Syntax, scope: Scope) -> Read[Sequence[Any]]:
    """All there is at a path, chosen or not; of a value, itself if it is there."""
    meaning = expressions.meaning_of(tree, scope)
    if isinstance(meaning, Segments | Groups):
        return meaning.every
    if isinstance(meaning, Elements):
        return _elements_with_content(meaning)
    if isinstance(meaning, Repetitions):
        return _texts(meaning)
    if meaning.many:
        return meaning.read
    read = meaning.read

    def every(run: Run) -> Sequence[Any]:
        value = read(run)
        return () if value is None or value == "" else (value,)

    return every


def _texts(path: Repetitions) -> Read[Sequence[Any]]:
    if path.chosen or path.component:
        return value_of_repetitions(replace(path, many=True)).read
    every, number = path.every, path.number

    def there(run: Run) -> Sequence[Any]:
        found = ((segment, segment.whole(number, at)) for segment, at in every(run))
        return [segment for segment, text in found if text and text != '""']

    return there


def _elements_with_content(path: Elements) -> Read[Sequence[Any]]:
    def there(run: Run) -> Sequence[Any]:
        return [each for each in path.every(run) if len(each) or each.text or each.attrib]

    return there


def _is_null(tree: Call, scope: Scope) -> Meaning:
    if not _arity(tree, scope, 1, 1, "is_null(path)"):
        return UNKNOWN
    meaning = expressions.meaning_of(tree.arguments[0], scope)
    if isinstance(meaning, Repetitions):
        return Value(repetitions_null(meaning), Kind.BOOLEAN, domain=PRESENT)
    if isinstance(meaning, Elements):
        return Value(elements_null(meaning), Kind.BOOLEAN, domain=PRESENT)
    if meaning is UNKNOWN:
        return UNKNOWN
    return scope.error(tree.column, "M04", "is_null asks for a field or an element")


def _lookup(tree: Call, scope: Scope) -> Meaning:
    if not _arity(tree, scope, 3, 4, lookups.SIGNATURE):
        return UNKNOWN
    return lookups.lookup(tree, scope)


def _function(tree: Call, function: Function, scope: Scope) -> Value:
    least = sum(not parameter.optional for parameter in function.parameters)
    most = 1_000 if function.rest else len(function.parameters)
    if not _arity(tree, scope, least, most, function.signature):
        return UNKNOWN
    fixed = len(function.parameters)
    values = [expressions.value_of(argument, scope) for argument in tree.arguments[:fixed]]
    # All are looked at, so that every mistake of a call is told at once.
    good = [_fits(tree, function, at, value, scope) for at, value in enumerate(values)]
    if not all(good):
        return UNKNOWN
    rest = [expressions.values_of(argument, scope) for argument in tree.arguments[fixed:]]
    if rest:
        return _on_list(tree, function, rest, scope)
    nulls = values[0].null if values else None
    where = (values[0].label if values else "") or label(tree)
    read, domain = _bound(function, values, where), _domain(function, values)
    return Value(read, function.gives, null=nulls, label=where, domain=domain)


def _domain(function: Function, values: Sequence[Value]) -> Domain:
    """What the function gives; text by text where only its first argument may differ."""
    if not values:
        return ANY
    domains = [value.domain for value in values]
    first, rest = values[0], values[1:]
    fixed = not function.reads_run and all(value.is_constant for value in rest)
    if fixed and first.kind is Kind.TEXT:
        return mapped(first.domain, function.with_rest([value.constant for value in rest]))
    needed = zip(domains, function.parameters, strict=False)
    asked = [domain for domain, parameter in needed if not parameter.takes_absent]
    return Domain(
        present=function.total and all(domain.present for domain in asked),
        path=first.domain.path,
        optional=any(domain.optional for domain in asked),
        outside=any(domain.outside for domain in domains),
    )


def _fits(tree: Call, function: Function, at: int, value: Value, scope: Scope) -> bool:
    parameter = function.parameters[at]
    column = tree.arguments[at].column
    if not any(fits(value.kind, kind) for kind in parameter.kinds):
        wanted = " or ".join(sorted(parameter.kinds))
        text = f"{function.name}: {parameter.name} is a {value.kind}, not a {wanted}"
        scope.error(column, "M04", text)
        return False
    if parameter.check is None:
        return True
    reason = parameter.check(value.constant) if value.is_constant else "must be a fixed text"
    if reason:
        scope.error(column, "M04", f"{function.name}: {parameter.name} {reason}")
    return reason is None


def _on_list(tree: Call, function: Function, rest: Sequence[Value], scope: Scope) -> Value:
    """A function of any number of texts; absent ones are left out."""
    for value, argument in zip(rest, tree.arguments, strict=True):
        if not fits(value.kind, Kind.TEXT):
            text = f"{function.name} asks for texts, not a {value.kind}"
            scope.error(argument.column, "M04", text)
    reads = [(value.read, value.many) for value in rest]
    apply = function.call

    def read(run: Run) -> Any:
        values: list[Any] = []
        for each, many in reads:
            found = each(run)
            if many:
                values += found
            elif found is not None:
                values.append(found)
        return apply(*values) if values else None

    return Value(read, function.gives)


def _bound(function: Function, values: Sequence[Value], where: str) -> Read[Any]:
    """The function as a closure: what is constant is bound, absent does not call it."""
    needs = [
        not parameter.takes_absent
        for parameter, _ in zip(function.parameters, values, strict=False)
    ]
    apply = function.call
    variable = values and not values[0].is_constant
    if variable and needs[0] and all(value.is_constant for value in values[1:]):
        constants = [value.constant for value in values[1:]]
        return _on_first(apply, values[0].read, constants, function.reads_run, where)
    reads = list(zip([value.read for value in values], needs, strict=True))

    def read(run: Run) -> Any:
        arguments = []
        for each, needed in reads:
            value = each(run)
            if value is None and needed:
                return None
            arguments.append(value)
        try:
            return apply(run, *arguments) if function.reads_run else apply(*arguments)
        except Fault as fault:
            raise Fault(f"{where}: {fault.reason}") from None

    return read


def _on_first(
    apply: Callable[..., Any], first: Read[Any], rest: list[Any], reads_run: bool, where: str
) -> Read[Any]:
    """The usual case: one value of the message, the rest constants of the mapping."""
    alone, slot = not rest and not reads_run, slot_of(first)

    def read(run: Run) -> Any:
        value = run.memo[slot]
        if value is UNSET:
            value = first(run)
        if value is None:
            return None
        try:
            if alone:
                return apply(value)
            return apply(run, value, *rest) if reads_run else apply(value, *rest)
        except Fault as fault:
            raise Fault(f"{where}: {fault.reason}") from None

    return read


_SPECIAL: Final[Mapping[str, Callable[[Call, Scope], Meaning]]] = {
    "exists": _exists,
    "count": _count,
    "is_null": _is_null,
    "lookup": _lookup,
}

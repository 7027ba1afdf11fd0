"""The functions of the language: a closed list, each with its kinds, a sentence and examples.

A function is Python here, reviewed; never in a mapping. It gets values that are there (absent
goes through without calling it, unless the annotation allows None) and raises Fault without
showing them. `''` is never given back.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, Union

from gateway.mapping.domain import Mapped
from gateway.mapping.kinds import Kind

Check = Callable[[Any], str | None]
"""Why a constant argument cannot be used, or None."""

_KIND_OF: Final[Mapping[object, frozenset[Kind]]] = {
    str: frozenset({Kind.TEXT}),
    int: frozenset({Kind.INTEGER}),
    Decimal: frozenset({Kind.NUMBER, Kind.INTEGER}),
    date: frozenset({Kind.DATE}),
    datetime: frozenset({Kind.DATETIME}),
    time: frozenset({Kind.TIME}),
    bool: frozenset({Kind.BOOLEAN}),
    object: frozenset(Kind),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """`check`: the argument must be a constant, and this tells whether it is a good one."""

    name: str
    kinds: frozenset[Kind]
    optional: bool
    takes_absent: bool
    check: Check | None


@dataclass(frozen=True, slots=True)
class Function:
    """`rest` takes what is beyond `parameters`, lists of values too; `gives` is its kind.

    `total`: it never gives absent for what is there. `settles`: applied twice it gives the same.
    """

    name: str
    call: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    rest: bool
    gives: Kind
    reads_run: bool
    sentence: str
    examples: Mapping[str, str]
    total: bool
    settles: bool

    def with_rest(self, rest: Sequence[object]) -> Mapped:
        """What it makes of its first argument, a text, where the others are these constants."""

        def apply(text: str) -> object:
            return self.call(text, *rest)

        return Mapped(apply, self.total, self.settles)

    @property
    def signature(self) -> str:
        names = [f"[{each.name}]" if each.optional else each.name for each in self.parameters]
        return f"{self.name}({', '.join(names + ['…'] * self.rest)})"


SPECIAL: Final[Mapping[str, tuple[str, str]]] = {
    "exists": ("exists(path)", "Whether anything is there."),
    "count": ("count(path)", "How many there are."),
    "is_null": ("is_null(path)", "Whether the source says that it is to be deleted."),
    "lookup": ("lookup(value, table, column[, on])", "The cell of the row that has this key."),
}
"""What looks at what its argument is, and is no function of values: signature and sentence."""

FUNCTIONS: Final[dict[str, Function]] = {}


def function(
    examples: Mapping[str, str],
    *,
    name: str = "",
    constants: Mapping[str, Check] | None = None,
    settles: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function in the list; its annotations are its kinds.

    `examples` are expressions and what they give, as text; `absent` and `error` stand for
    themselves. `constants` names parameters that must be constant, `settles` says that what
    comes out stays itself when put in again. A first parameter `run` gets the Run.
    """

    def enter(call: Callable[..., Any]) -> Callable[..., Any]:
        word = name or call.__name__
        hints = typing.get_type_hints(call)
        signature = inspect.signature(call).parameters
        parameters = tuple(
            _parameter(each, hints[each.name], (constants or {}).get(each.name))
            for each in signature.values()
            if each.kind is not each.VAR_POSITIONAL and each.name != "run"
        )
        FUNCTIONS[word] = Function(
            name=word,
            call=call,
            parameters=parameters,
            rest=any(each.kind is each.VAR_POSITIONAL for each in signature.values()),
            gives=_gives(hints["return"]),
            reads_run="run" in signature,
            sentence=inspect.getdoc(call) or "",
            examples=examples,
            total=type(None) not in _members(hints["return"]),
            settles=settles,
        )
        return call

    return enter


def _members(annotation: Any) -> tuple[Any, ...]:
    union = isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is Union
    return typing.get_args(annotation) if union else (annotation,)


def _parameter(parameter: inspect.Parameter, annotation: Any, check: Check | None) -> Parameter:
    members = _members(annotation)
    kinds = frozenset(
        kind for member in members if member is not type(None) for kind in _KIND_OF[member]
    )
    optional = parameter.default is not parameter.empty
    return Parameter(parameter.name, kinds, optional, type(None) in members, check)


def _gives(annotation: Any) -> Kind:
    """The widest kind of the annotation; `object` is unknown until a target asks."""
    first = next(member for member in _members(annotation) if member is not type(None))
    if first is object:
        return Kind.UNKNOWN
    return Kind.NUMBER if first is Decimal else next(iter(_KIND_OF[first]))

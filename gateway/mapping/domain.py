"""What a value can be, as far as can be said before any message.

A domain knows all values that may come (a constant, the cells of a column, a closed HL7 table)
or that nothing is known; and whether the value may be absent. Wide domains hide nothing: what is
not known is not found fault with. Only checks read domains; no run ever sees one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from gateway.mapping.finding import Position
from gateway.mapping.kinds import written
from gateway.mapping.problem import Fault

MOST: Final = 10_000
"""Of so many values a function's results are looked at; beyond, nothing is said."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A comparison that is absent where a field is, though a reader says `reads` of it."""

    position: Position
    path: str
    reads: bool


@dataclass(frozen=True, slots=True)
class Domain:
    """`values`: every text that may come → where it is written (`''` if only here); None: any.

    `present` is True where it can never be absent, `datatype` is the HL7 type of a text that is
    read as it stands (`TS`, `NM`, `ST`), `path` names the field it is read from (`PID-8`).
    `table` is the HL7 table of a code read as it stands, `besides` what `??` puts beside it.
    `optional`: absent where a field is that the profile does not require. `outside`: it comes
    from a caller or a profile, and another one gives another. `doubts`: see `Doubt`. `form` changes
    nothing of what may come: what it changes never does.
    """

    values: Mapping[str, str] | None = field(default=None, hash=False)
    present: bool = False
    datatype: str = ""
    path: str = ""
    table: str = ""
    besides: frozenset[str] = frozenset()
    optional: bool = False
    outside: bool = False
    doubts: tuple[Doubt, ...] = ()
    form: Callable[[str], object] | None = field(default=None, hash=False, compare=False)

    @property
    def is_own(self) -> bool:
        """Whether all that may come is known, and the same for every caller and profile."""
        return self.values is not None and not self.outside

    def always(self, value: object) -> bool:
        """Whether it is that one value and no other, for everybody."""
        return (
            self.is_own
            and self.present
            and self.values is not None
            and [*self.values] == [written(value)]
        )

    def from_outside(self) -> Domain:
        """The same, as seen by whom it is passed to."""
        return self if self.outside else replace(self, outside=True)


ANY: Final = Domain()
"""Nothing is known."""

PRESENT: Final = Domain(present=True)
"""Never absent, and nothing else is known."""


def only(value: object) -> Domain:
    """Of a constant; None is absent."""
    if value is None:
        return Domain(values={})
    return Domain(values={written(value): ""}, present=True)


def first_of(domains: Sequence[Domain]) -> Domain:
    """Of `a ?? b`: what comes after one that is always there never comes."""
    reached: list[Domain] = []
    for domain in domains:
        reached.append(domain)
        if domain.present:
            break
    fields = [each for each in reached if each.table or each.values is None]
    tables = {each.table for each in fields}
    table = tables.pop() if len(tables) == 1 else ""
    return Domain(
        values=_all_values(reached),
        present=reached[-1].present,
        datatype=_same(each.datatype for each in reached),
        path=_same(each.path for each in reached),
        table=table,
        besides=_besides(reached) if table else frozenset(),
        optional=all(each.optional for each in reached),
        outside=any(each.outside for each in reached),
        doubts=reached[-1].doubts,
    )


def _all_values(domains: Iterable[Domain]) -> Mapping[str, str] | None:
    values: dict[str, str] = {}
    for each in domains:
        if each.values is None:
            return None
        values = {**each.values, **values}
    return values


def _besides(domains: Iterable[Domain]) -> frozenset[str]:
    constants = (each.values or () for each in domains if not each.table)
    known = (each.besides for each in domains if each.table)
    return frozenset().union(*constants, *known)


def _same(texts: Iterable[str]) -> str:
    found = set(texts)
    return found.pop() if len(found) == 1 else ""


class Mapped(NamedTuple):
    """A function of one text. `total`: it never gives absent; `settles`: twice is as once."""

    apply: Callable[[str], object]
    total: bool
    settles: bool


def mapped(domain: Domain, function: Mapped) -> Domain:
    """Of a function's result. What it refuses is an error of the message and never comes."""
    made = Domain(
        path=domain.path,
        optional=domain.optional,
        outside=domain.outside,
        form=_form(function) if function.settles else None,
    )
    if domain.values is None or len(domain.values) > MOST:
        return replace(made, present=domain.present and function.total)
    values: dict[str, str] = {}
    complete = True
    for text, where in domain.values.items():
        try:
            result = function.apply(text)
        except Fault:
            continue
        if result is None:
            complete = False
        else:
            values.setdefault(written(result), where)
    return replace(made, values=values, present=domain.present and complete)


def _form(function: Mapped) -> Callable[[str], object]:
    def form(text: str) -> object:
        try:
            return function.apply(text)
        except Fault:
            return None

    return form


def negated(domain: Domain) -> Domain:
    """Of `not a`."""
    doubts = tuple(replace(doubt, reads=not doubt.reads) for doubt in domain.doubts)
    swap = {"true": "false", "false": "true"}
    values = domain.values
    if values is not None:
        values = {swap[text]: where for text, where in values.items()}
    return Domain(values=values, present=domain.present, outside=domain.outside, doubts=doubts)


def combined(operator: str, domains: Sequence[Domain]) -> Domain:
    """Of `and` and `or`: one that is always false, or always true, decides."""
    deciding = operator == "or"
    doubts = tuple(doubt for each in domains for doubt in each.doubts)
    outside = any(each.outside for each in domains)
    values: Mapping[str, str] | None = None
    if any(each.always(deciding) for each in domains):
        return Domain(values={written(deciding): ""}, present=True)
    if all(each.always(not deciding) for each in domains):
        values = {written(not deciding): ""}
    present = all(each.present for each in domains)
    return Domain(values=values, present=present, outside=outside, doubts=doubts)

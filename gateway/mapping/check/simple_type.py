"""A simple type: which texts it takes, and why it does not take the others.

The facets themselves are read by `schema_reader`; facts have types of their own. Knows neither
xmlschema nor where a value comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.mapping import codice_fiscale
from gateway.mapping.kinds import DECLARED, Kind, from_text
from gateway.mapping.problem import Fault

FEW: Final = 32
"""Texts that are asked about again sooner than remembered."""
KEPT: Final = 16
"""Columns that are remembered: a language server reads new ones as long as somebody types."""


class Refused(NamedTuple):
    """The first text of several that a type does not take, why, and how many more there are."""

    text: str
    written: str
    reason: str
    more: int


@dataclass(frozen=True, slots=True, eq=False)
class SimpleType:
    """`name` is '' for a type without one; a union has several `kinds`.

    `refuse` gives the reason without the text; `values` are all that it takes, where they are
    enumerated. `takes_all`, where there is one, is a quick look at many texts: only True is sure.
    """

    name: str
    kinds: frozenset[Kind]
    refuse: Callable[[str], str | None]
    values: tuple[str, ...] = ()
    takes_all: Callable[[Collection[str]], bool] | None = None
    _taken: list[Mapping[str, str]] = field(default_factory=list, repr=False)

    @property
    def kind(self) -> Kind:
        """How a value is written that goes here: of a union as a text."""
        return next(iter(self.kinds)) if len(self.kinds) == 1 else Kind.TEXT

    def refuses(self, text: str) -> str | None:
        """Why this type does not take `text`; None if it does."""
        return self.refuse(text)

    def refuses_any(self, texts: Mapping[str, str]) -> Refused | None:
        """The first of `texts` (text → where it is written) that is refused.

        Columns of tables are asked about again and again, so what was taken is remembered.
        """
        if any(texts is taken for taken in self._taken):
            return None
        refused: list[tuple[str, str]] = []
        if self.takes_all is None or not self.takes_all(texts):
            refused = [(text, reason) for text in texts if (reason := self.refuse(text))]
        if not refused:
            if len(texts) > FEW:
                self._taken.append(texts)
                del self._taken[:-KEPT]
            return None
        text, reason = refused[0]
        return Refused(text, texts[text], reason, len(refused) - 1)

    def refuses_all(self, texts: Iterable[str]) -> str | None:
        """Why none of `texts` is taken (of the first); None if one is, or there are none."""
        first = None
        for text in texts:
            reason = self.refuse(text)
            if reason is None:
                return None
            first = first or reason
        return first

    def but_only(self, fixed: str) -> SimpleType:
        """The same type where the schema says `fixed="…"`."""

        def refuse(text: str) -> str | None:
            return None if text == fixed else f"the schema says it is always {fixed}"

        return SimpleType(self.name, self.kinds, refuse, (fixed,))


def one_of(values: Iterable[str]) -> str:
    """`is none of M, F`, with an end where they are many."""
    known = list(values)
    more = f" and {len(known) - 8} more" if len(known) > 8 else ""
    return f"is none of {', '.join(known[:8])}{more}"


def _fact(declared: str) -> SimpleType:
    kind = DECLARED[declared]

    def refuse(text: str) -> str | None:
        try:
            from_text(text, kind)
        except Fault as fault:
            return fault.reason
        if declared == "cf" and not codice_fiscale.is_valid(text):
            return "is no codice fiscale"
        return None

    return SimpleType(declared, frozenset({kind}), refuse)


FACTS: Final[Mapping[str, SimpleType]] = {declared: _fact(declared) for declared in DECLARED}
"""The types that `facts:` and `inputs:` may declare."""

"""What an expression means once its names are known: values to read, at run time, from a Run.

A `Value` is a closure with its kind; paths into HL7 and XML have meanings of their own that
become values when somebody reads them. Knows no grammar and no source format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from gateway.mapping.domain import ANY, Domain, only
from gateway.mapping.kinds import Kind
from gateway.mapping.problem import Problem

UNSET: Final = object()
"""Not yet read, or no constant: None already means absent."""


NEVER: Final = 0
"""The place in `Run.memo` that nothing is kept in."""


class Run:
    """One translation: the source, the facts, and what was already read of them.

    `memo` holds what lets and definitions gave, `items` what each `$each` stands at, `item` what
    a selector is looking at. Holds personal data, so it has no repr of its own.
    """

    __slots__ = ("inputs", "item", "items", "memo", "problems", "source")

    def __init__(
        self, source: Any, inputs: Mapping[str, Mapping[str, object]], memo: int, items: int
    ) -> None:
        self.source = source
        self.inputs = inputs
        self.memo: list[Any] = [UNSET] * memo
        self.items: list[Any] = [None] * items
        self.item: Any = None
        self.problems: list[Problem] = []


Result = TypeVar("Result")
Read: TypeAlias = Callable[[Run], Result]


@dataclass(frozen=True, slots=True)
class Value:
    """One value (or, with `many`, a list of them); None is absent.

    `constant` is the value itself where it needs no Run; `null` tells whether the source says
    'delete this' where the value is read, `label` how errors name it, `domain` what it can be.
    """

    read: Read[Any]
    kind: Kind
    constant: object = UNSET
    many: bool = False
    null: Read[bool] | None = field(default=None)
    label: str = ""
    domain: Domain = ANY

    @property
    def is_constant(self) -> bool:
        return self.constant is not UNSET


def _absent(run: Run) -> None:
    return None


UNKNOWN: Final = Value(_absent, Kind.UNKNOWN)
"""Stands where a finding was told, so that the reading goes on."""


def constant(value: object, kind: Kind) -> Value:
    """A value that is the same in every run."""

    def read(run: Run) -> object:
        return value

    return Value(read, kind, constant=value, domain=only(value))


def remembered(read: Read[Result], slot: int) -> Read[Result]:
    """`read`, but once a run. What raises is not remembered: each reader hears of it."""

    def recall(run: Run) -> Result:
        memo = run.memo
        value = memo[slot]
        if value is UNSET:
            value = memo[slot] = read(run)
        return value  # type: ignore[no-any-return]  # the slot holds what `read` gave

    recall.slot = slot  # type: ignore[attr-defined]  # for `slot_of`
    return recall


def slot_of(read: Read[Any]) -> int:
    """Where in `Run.memo` a remembered read keeps what it gave, so that who reads often can look
    there first; NEVER, which stays UNSET, for what is not remembered.
    """
    slot: int = getattr(read, "slot", NEVER)
    return slot


class Slots:
    """Hands out places in `Run.memo` and `Run.items`."""

    def __init__(self) -> None:
        self.memo = NEVER + 1
        self.items = 0
        self._recalls: set[Read[Any]] = set()

    def remember(self, read: Read[Result]) -> Read[Result]:
        """`read` once a run; what already is remembered needs no second place."""
        if read in self._recalls:
            return read
        recall = remembered(read, self.memo)
        self._recalls.add(recall)
        self.memo += 1
        return recall

    def item(self) -> int:
        self.items += 1
        return self.items - 1

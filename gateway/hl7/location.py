"""Where in a message: one value, written as a path (`NK1[2]-33[1].4.2`) or as ERR-2 has it.

Numbers count from 1; a part that is 0 was not said. Values of the message never appear here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_NUMBER = re.compile(r"[0-9]+")
_PATH = re.compile(
    r"(?P<segment>[A-Za-z][A-Za-z0-9]{2})(?:\[(?P<occurrence>\d{1,6})\])?"
    r"(?:-(?P<field>\d{1,4})(?:\[(?P<repetition>\d{1,6})\])?"
    r"(?:\.(?P<component>\d{1,4})(?:\.(?P<subcomponent>\d{1,4}))?)?)?"
)


class Location(NamedTuple):
    """`occurrence` counts among the segments of that name."""

    segment: str
    occurrence: int = 1
    field: int = 0
    repetition: int = 0
    component: int = 0
    subcomponent: int = 0

    @classmethod
    def parse(cls, path: str) -> Location:
        """Read `PID-3[2].1`; ValueError if it is no such path."""
        return _parse(path)

    def __str__(self) -> str:
        text = self.segment
        if self.occurrence > 1:
            text += f"[{self.occurrence}]"
        if self.field:
            text += f"-{self.field}"
            if self.repetition > 1:
                text += f"[{self.repetition}]"
            if self.component:
                text += f".{self.component}"
                if self.subcomponent:
                    text += f".{self.subcomponent}"
        return text

    @property
    def err2(self) -> str:
        """ERR-2 (data type ERL) with standard delimiters: `PID^1^3^2^1`."""
        parts = [self.segment, *(str(number) for number in self[1:])]
        if self.component and not self.repetition:
            parts[3] = "1"
        while parts[-1] == "0":
            parts.pop()
        return "^".join(part if part != "0" else "" for part in parts)

    @classmethod
    def from_err2(cls, text: str) -> Location | None:
        """Read ERR-2 (`PID^1^3`); None if nothing of it can be read."""
        name, *rest = text.split("^")[:6]
        if len(name) != 3 or not all(
            (part.isascii() and part.isdigit()) or not part for part in rest
        ):
            return None
        numbers = [int(part[:6] or 0) for part in rest]
        if numbers:
            numbers[0] = numbers[0] or 1
        return cls(name, *numbers)


@lru_cache(maxsize=4096)
def _parse(path: str) -> Location:
    match = _PATH.fullmatch(path)
    if match is None:
        raise ValueError(f"{path!r} is not a path such as PID-3[2].1")
    segment, *numbers = match.groups()
    occurrence, *others = numbers
    return Location(segment, int(occurrence or 1), *(int(number or 0) for number in others))

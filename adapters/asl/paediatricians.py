"""The paediatricians of a simulated ASL and their places. Invented persons, numbers of ours.

Pure. A paediatrician takes 880 children and 120 more by derogation; brothers and sisters of one
already assisted may exceed both (national collective agreement for paediatricians; a region
sets its own numbers).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

ORDINARY: Final = 880
DEROGATION: Final = 120


@dataclass(slots=True)
class Paediatrician:
    """One paediatrician; `assisted` counts children of before, `own` are those we know, `granted`
    the places beyond the agreement's.
    """

    code: str
    surname: str
    name: str
    assisted: int
    own: set[str] = field(default_factory=set, repr=False)
    granted: int = 0

    @property
    def places(self) -> int:
        """Places left for a child without brothers or sisters here."""
        return max(0, ORDINARY + DEROGATION + self.granted - self.assisted - len(self.own))

    def takes(self, family: Iterable[str]) -> bool:
        """Whether there is a place, or somebody of the family (codes of children) is here."""
        return self.places > 0 or any(child in self.own for child in family)


def invented(granted: int = 0) -> dict[str, Paediatrician]:
    """The register at the beginning; without places `granted` one of them is full."""
    rows = (
        ("PLS001", "BIANCHI", "LAURA", 640),
        ("PLS002", "COLOMBO", "ANDREA", 812),
        ("PLS003", "FERRARI", "GIULIA", 874),
        ("PLS004", "GALLI", "MARCO", 998),
        ("PLS005", "RIVA", "CHIARA", 1000),
        ("PLS006", "SALA", "PAOLO", 701),
    )
    return {
        code: Paediatrician(code, surname, name, n, granted=granted)
        for code, surname, name, n in rows
    }

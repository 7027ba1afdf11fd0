"""The characters that separate, as one message's MSH-1 and MSH-2 say them.

An encoding character that MSH-2 leaves out separates nothing: it is then the empty string.
"""

from __future__ import annotations

from typing import NamedTuple


class Delimiters(NamedTuple):
    """One character each; '' where the message does without (2.1 allows a shorter MSH-2)."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @classmethod
    def of(cls, field: str, encoding: str) -> Delimiters:
        """Read MSH-1 and MSH-2. A character said twice (`^~\\\\&`, a common slip) counts once."""
        distinct = list(dict.fromkeys(char for char in encoding if char != field))[:4]
        return cls(field, *distinct, *[""] * (4 - len(distinct)))

    @property
    def encoding(self) -> str:
        """MSH-2 as these delimiters write it."""
        return self.component + self.repetition + self.escape + self.subcomponent


STANDARD = Delimiters()

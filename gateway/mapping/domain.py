"""What a value can be, as far as can be said before any message.

A domain knows all values that may come (a constant, the cells of a column, a closed HL7 table)
or that nothing is known; and whether the value may be absent. Wide domains hide nothing: what is
not known is not found fault with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Domain:
    """`values`: every text that may come → where it is written (`''` if only here); None: any.

    `present` is True where it can never be absent, `datatype` is the HL7 type of a text that is
    read as it stands (`TS`, `NM`, `ST`), `path` names the field it is read from (`PID-8`).
    """

    values: Mapping[str, str] | None = field(default=None, hash=False)
    present: bool = False
    datatype: str = ""
    path: str = ""


ANY: Final = Domain()
"""Nothing is known."""

"""One thing wrong with a message: where, which code of table 0357, how bad, and a sentence.

The sentence names the field and the rule, never the value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.hl7.location import Location

TABLE_0357 = {
    100: "Segment sequence error",
    101: "Required field missing",
    102: "Data type error",
    103: "Table value not found",
    200: "Unsupported message type",
    201: "Unsupported event code",
    202: "Unsupported processing id",
    203: "Unsupported version id",
    204: "Unknown key identifier",
    205: "Duplicate key identifier",
    206: "Application record locked",
    207: "Application internal error",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`severity` E stops the message where it is of structure, W never does."""

    location: Location
    code: int
    severity: Literal["E", "W"]
    text: str

    @property
    def rejects(self) -> bool:
        """True: AR/CR; False: AE/CE (table 0357: 1xx are errors, 2xx rejections)."""
        return self.code >= 200

    def __str__(self) -> str:
        return f"{self.severity} {self.code} {self.location}: {self.text}"

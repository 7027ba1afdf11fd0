"""An administration's own codes: code, severity, and a short text of ours.

Pure. E stops an operation, W is told beside a result. The codes of Comuni and Agenzia delle
Entrate are ANPR's; each partner's table is in its `errors.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from adapters.simulation.documents import Answer


@dataclass(frozen=True, slots=True)
class Entry:
    """One code of a catalogue."""

    severity: Literal["E", "W"]
    text: str


Catalogue = Mapping[str, Entry]


def refused(catalogue: Catalogue, code: str, field: str = "", **values: str) -> Answer:
    """An answer RESPINTA with one code; `field` is the path it complains of, `values` follow it."""
    return {"esito": "RESPINTA", "errore": [error(catalogue, code, field)], **values}


def error(catalogue: Catalogue, code: str, field: str = "") -> dict[str, str]:
    """An `errore` element; a code that the catalogue lacks is told as it is (a bad day's)."""
    entry = catalogue.get(code, Entry("E", "Errore non catalogato"))
    told = {"codice": code, "tipo": entry.severity, "testo": entry.text}
    return told | ({"campo": field} if field else {})

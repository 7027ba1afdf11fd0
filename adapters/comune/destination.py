"""A Comune as a destination: which operation carries which step, and what its answers mean.

Pure. Names are those of `xsd/comune/NotificaNascita.wsdl`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.answers import fault_of, outcome_of
from gateway.lifecycle import Kind
from gateway.outcomes import Facts, NotFound, Outcome, Rejected, Unavailable

CONTRACT: Final = "comune/NotificaNascita.wsdl"
QUERY: Final = "consultaEsito"

OPERATIONS: Final[Mapping[tuple[str, Kind], str]] = {
    ("comune", Kind.REGISTER): "registraNascita",
    ("comune", Kind.AMEND): "rettificaNascita",
    ("comune", Kind.CANCEL): "annullaNascita",
}


def outcome(facts: Facts) -> Outcome | NotFound:
    """What the Comune's answer means; `facts` come from the answer mapping."""
    return outcome_of(facts)


def fault(code: str, text: str) -> Rejected | Unavailable:
    """What a declared, signed fault of the Comune means."""
    return fault_of(code, text)

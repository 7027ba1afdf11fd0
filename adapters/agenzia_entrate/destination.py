"""Agenzia delle Entrate as a destination: operations, and what its answers mean.

Pure. Names are those of `xsd/agenzia_entrate/CodiceFiscale.wsdl`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.answers import UNAVAILABLE, fault_of, outcome_of
from gateway.lifecycle import Kind
from gateway.outcomes import Facts, NotFound, Outcome, Rejected, Unavailable

CONTRACT: Final = "agenzia_entrate/CodiceFiscale.wsdl"
QUERY: Final = "consultaEsito"

OPERATIONS: Final[Mapping[tuple[str, Kind], str]] = {
    ("codice_fiscale", Kind.REGISTER): "attribuisciCodiceFiscale",
    ("codice_fiscale", Kind.AMEND): "variaDati",
    ("codice_fiscale", Kind.CANCEL): "annullaRichiesta",
}

DOWN: Final = UNAVAILABLE | {"AEE95"}
"""AEE95: the Agenzia's service does not answer; come again later."""


def outcome(facts: Facts) -> Outcome | NotFound:
    """What the Agenzia's answer means; `facts` come from the answer mapping."""
    return outcome_of(facts, DOWN)


def fault(code: str, text: str) -> Rejected | Unavailable:
    """What a declared, signed fault of the Agenzia means."""
    return fault_of(code, text, DOWN)

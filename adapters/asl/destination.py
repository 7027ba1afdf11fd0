"""An ASL as a destination: operations of enrolment and paediatrician, and what answers mean.

Pure. Names are those of `xsd/asl/AnagrafeAssistiti.wsdl`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.answers import fault_of, outcome_of
from gateway.lifecycle import Kind
from gateway.outcomes import Facts, NotFound, Outcome, Rejected, Unavailable

CONTRACT: Final = "asl/AnagrafeAssistiti.wsdl"
QUERY: Final = "consultaEsito"

OPERATIONS: Final[Mapping[tuple[str, Kind], str]] = {
    ("assistito", Kind.REGISTER): "iscriviAssistito",
    ("assistito", Kind.AMEND): "variaAssistito",
    ("assistito", Kind.CANCEL): "cancellaAssistito",
    ("pediatra", Kind.REGISTER): "scegliPediatra",
    ("pediatra", Kind.AMEND): "variaPediatra",
    ("pediatra", Kind.CANCEL): "revocaPediatra",
}


def outcome(facts: Facts) -> Outcome | NotFound:
    """What the ASL's answer means; `facts` come from the answer mapping."""
    return outcome_of(facts)


def fault(code: str, text: str) -> Rejected | Unavailable:
    """What a declared, signed fault of the ASL means."""
    return fault_of(code, text)

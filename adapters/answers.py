"""What the facts of an answer mean, where the three administrations speak alike.

Pure: facts that an answer mapping read, or a declared fault's code, in; an Outcome out. A
partner's own table (operations, codes of being down) is in its `destination.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.outcomes import (
    Accepted,
    Choice,
    Facts,
    Fault,
    NotFound,
    Outcome,
    Rejected,
    Taken,
    Unavailable,
    Unknown,
)

UNAVAILABLE: Final = frozenset({"INDISPONIBILE", "NON_OFFERTA"})
"""The fault codes by which a partner says: not now, or not this. They refuse no document: an
outcome that cannot be asked for is still unknown."""

_ENVELOPE: Final = frozenset({"esito", "idOperazione", "errori"})
_NOTHING: Final[Facts] = {}
_MEMBER: Final = re.compile(r"(?P<group>\w+)\[(?P<number>\d+)\]\.(?P<name>.+)")


def outcome_of(facts: Facts, unavailable: Iterable[str] = UNAVAILABLE) -> Outcome | NotFound:
    """The Outcome that `facts` tell by their `esito`; `Unknown` if it is none of the contract's."""
    match facts.get("esito"):
        case "ACCOLTA":
            own = {name: value for name, value in facts.items() if name not in _ENVELOPE}
            return Accepted(receipt=_ticket(facts), facts=own)
        case "PRESA_IN_CARICO":
            return Taken(ticket=_ticket(facts), facts=dict(facts))
        case "RESPINTA":
            return _refusal(_faults(facts), unavailable, _told(facts))
        case "SCELTA":
            return Choice(tuple(groups(facts, "candidato")))
        case "NON_TROVATA":
            return NotFound()
        case _:
            return Unknown("the answer's esito is none that the contract declares")


def fault_of(
    code: str, text: str, unavailable: Iterable[str] = UNAVAILABLE
) -> Rejected | Unavailable:
    """A declared, signed fault: the partner did nothing, and says whether to come again."""
    return _refusal((Fault(code, text),), unavailable)


def groups(facts: Facts, name: str) -> list[dict[str, str]]:
    """The repeated group `name[1].x`, `name[2].x`… as one mapping each, in their order."""
    found: dict[int, dict[str, str]] = {}
    for key, value in facts.items():
        member = _MEMBER.fullmatch(key)
        if member and member["group"] == name:
            found.setdefault(int(member["number"]), {})[member["name"]] = value
    return [found[number] for number in sorted(found)]


def _told(facts: Facts) -> dict[str, str]:
    """What a refusal tells beside its reasons: the codice fiscale that is already there."""
    beside = (*_ENVELOPE, "protocollo")
    return {
        name: value
        for name, value in facts.items()
        if name not in beside and not _MEMBER.fullmatch(name)
    }


def _refusal(
    faults: tuple[Fault, ...], unavailable: Iterable[str], facts: Facts = _NOTHING
) -> Rejected | Unavailable:
    down = set(unavailable)
    for fault in faults:
        if fault.code in down:
            return Unavailable(reason=fault.code)
    return Rejected(faults, facts)


def _faults(facts: Mapping[str, str]) -> tuple[Fault, ...]:
    told = groups(facts, "errore")
    if told:
        return tuple(Fault(one.get("codice", ""), one.get("testo", "")) for one in told)
    return tuple(Fault(code) for code in re.split(r"[\s,;]+", facts.get("errori", "")) if code)


def _ticket(facts: Facts) -> str:
    return facts.get("protocollo") or facts.get("idOperazione", "")

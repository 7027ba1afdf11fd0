"""A simulated ASL: enrols newborns, lists paediatricians, takes the family's choice.

Pure: signatures, storing and bad days are around it. Families are known by a digest of the
parents' codes. The contract is `xsd/asl`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from hashlib import sha256
from typing import Final

from lxml import etree

from adapters.asl import errors
from adapters.asl.errors import CATALOGUE
from adapters.asl.paediatricians import Paediatrician, invented
from adapters.simulation.administration import Judgement
from adapters.simulation.bad_days import Plan
from adapters.simulation.catalogue import refused
from adapters.simulation.codice_fiscale import is_provisional, is_valid
from adapters.simulation.documents import Answer, at, text
from adapters.simulation.store import Effect

PAEDIATRIC_YEARS: Final = 14
_ASSISTED: Final = ("iscriviAssistito", "variaAssistito", "cancellaAssistito")
_CHOICES: Final = ("scegliPediatra", "variaPediatra", "revocaPediatra")
_CODE: Final = "assistito/generalita/codiceFiscale/codFiscale"
_PARENT: Final = "generalita/codiceFiscale/codFiscale"


class Asl:
    """The rules of `AnagrafeAssistiti`. `forgetful`: without idempotence, it enrols twice;
    `places` are granted to each paediatrician beyond his own.
    """

    catalogue = CATALOGUE
    down = errors.DOWN
    other_body = errors.OTHER_BODY
    services: Mapping[str, str] = dict.fromkeys(_ASSISTED, "assistito") | dict.fromkeys(
        _CHOICES, "pediatra"
    )

    def __init__(
        self, today: Callable[[], date], *, forgetful: bool = False, places: int = 0
    ) -> None:
        self._today, self._forgetful = today, forgetful
        self._paediatricians = invented(places)
        self._child_of: dict[str, str] = {}
        """The child's code by the receipt of an enrolment or of a choice; absent once it ended."""
        self._families: dict[str, frozenset[str]] = {}
        """The parents' digests by the code of an enrolled child."""

    def judge(self, operation: str, body: etree._Element, number: int, plan: Plan) -> Judgement:
        """Enrol, list, choose, change or end."""
        if operation == "elencoPediatri":
            return self._list(body)
        earlier = text(body, "protocollo")
        if at(body, "protocollo") is not None and earlier not in self._child_of:
            return Judgement(refused(CATALOGUE, errors.UNKNOWN_RECEIPT, "protocollo"))
        receipt = f"ASL/{self._today().year}/{number:07d}"
        if operation in ("cancellaAssistito", "revocaPediatra"):
            told = {"esito": "ACCOLTA", "protocollo": receipt}
            return Judgement(told, {"segue": earlier, "codiceFiscale": self._child_of[earlier]})
        if operation in _ASSISTED:
            return self._enrol(body, receipt, earlier)
        return self._choose(body, receipt, earlier)

    def learn(self, effect: Effect) -> None:
        """Take over who is enrolled, of which family, and with whom."""
        if effect.outcome.get("esito") != "ACCOLTA":
            return
        facts, child = effect.facts, effect.facts["codiceFiscale"]
        earlier = self._child_of.pop(facts.get("segue", ""), "")
        if effect.operation in _CHOICES:
            self._leave(earlier)
        elif earlier:
            self._families.pop(earlier, None)
        if effect.operation in ("cancellaAssistito", "revocaPediatra"):
            return
        self._child_of[effect.protocollo] = child
        if effect.operation in _ASSISTED:
            self._families[child] = frozenset(facts.get("famiglia", "").split())
        else:
            self._paediatricians[facts["pediatra"]].own.add(child)

    def _enrol(self, body: etree._Element, receipt: str, earlier: str) -> Judgement:
        code = text(body, _CODE)
        if not is_valid(code) and not is_provisional(code):
            return Judgement(refused(CATALOGUE, errors.BAD_CODE, _CODE))
        # A child is enrolled again only in place of itself, or where a double is not noticed.
        other = code in self._families and self._child_of.get(earlier) != code
        if other and not self._forgetful:
            return Judgement(refused(CATALOGUE, errors.ENROLLED, _CODE))
        told = {
            "esito": "ACCOLTA",
            "protocollo": receipt,
            "codiceAssistibile": f"A{sha256(code.encode()).hexdigest()[:9].upper()}",
        }
        family = " ".join(sorted(_family(body)))
        return Judgement(told, _facts(body, codiceFiscale=code, famiglia=family, segue=earlier))

    def _choose(self, body: etree._Element, receipt: str, earlier: str) -> Judgement:
        child = text(body, "codiceFiscale")
        if child not in self._families:
            return Judgement(refused(CATALOGUE, errors.NOT_ENROLLED, "codiceFiscale"))
        chosen = self._with(child)
        if chosen and not earlier and not self._forgetful:
            return Judgement(refused(CATALOGUE, errors.CHOSEN, "codiceFiscale"))
        found = self._wanted(text(body, "codicePediatra"))
        if found is None:
            return Judgement(refused(CATALOGUE, errors.UNKNOWN_PAEDIATRICIAN, "codicePediatra"))
        if found is not chosen and not found.takes(self._siblings(child)):
            return Judgement(refused(CATALOGUE, errors.FULL, "codicePediatra"))
        told: Answer = {"esito": "ACCOLTA", "protocollo": receipt, "pediatra": _shown(found)}
        facts = _facts(body, codiceFiscale=child, pediatra=found.code, segue=earlier)
        return Judgement(told, facts)

    def _list(self, body: etree._Element) -> Judgement:
        born = date.fromisoformat(text(body, "dataNascita"))
        if _years(born, self._today()) >= PAEDIATRIC_YEARS:
            return Judgement(refused(CATALOGUE, errors.TOO_OLD, "dataNascita"))
        free = [one for one in self._paediatricians.values() if one.places]
        shown = [{**_shown(one), "postiLiberi": str(one.places)} for one in free]
        return Judgement({"esito": "ACCOLTA", "pediatra": shown})

    def _wanted(self, code: str) -> Paediatrician | None:
        """The family's choice, or, without one, whoever has most places left."""
        if code:
            return self._paediatricians.get(code)
        return max(self._paediatricians.values(), key=lambda one: one.places)

    def _with(self, child: str) -> Paediatrician | None:
        return next((p for p in self._paediatricians.values() if child in p.own), None)

    def _leave(self, child: str) -> None:
        for paediatrician in self._paediatricians.values():
            paediatrician.own.discard(child)

    def _siblings(self, child: str) -> list[str]:
        """Enrolled children who share a parent with this one."""
        parents = self._families[child]
        return [
            other for other, theirs in self._families.items() if other != child and parents & theirs
        ]


def _shown(paediatrician: Paediatrician) -> dict[str, str]:
    return {
        "codicePediatra": paediatrician.code,
        "cognome": paediatrician.surname,
        "nome": paediatrician.name,
    }


def _family(body: etree._Element) -> set[str]:
    codes = (text(body, f"{parent}/{_PARENT}") for parent in ("maternita", "paternita"))
    return {sha256(code.encode()).hexdigest()[:16] for code in codes if code}


def _facts(body: etree._Element, **own: str) -> dict[str, str]:
    facts = {"ambiente": text(body, "testataRichiesta/tipoInvio"), **own}
    return {name: value for name, value in facts.items() if value}


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))

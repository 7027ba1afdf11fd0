"""A simulated Comune: takes notifications of births, numbers them, forms the act.

One process plays every comune: `codDestinatario` says which. Pure: signatures, storing and bad
days are around it. Source of the rules: DPR 396/2000; the contract is `xsd/comune`.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from hashlib import sha256
from typing import Final

from holidays import country_holidays
from lxml import etree

from adapters.comune.errors import (
    ANNULLED,
    CATALOGUE,
    DOWN,
    LATE,
    OTHER_BODY,
    UNKNOWN_RECEIPT,
    UNREADABLE,
)
from adapters.simulation.administration import Judgement
from adapters.simulation.bad_days import Plan
from adapters.simulation.catalogue import refused
from adapters.simulation.documents import Answer, at, text
from adapters.simulation.store import Effect

_DECLARATION: Final = "dichiarazioneNascita"
_TERM: Final = timedelta(days=10)
_SUNDAY: Final = 6
_SERVICES: Final = dict.fromkeys(
    ("registraNascita", "rettificaNascita", "annullaNascita"), "comune"
)


class Comune:
    """The rules of `NotificaNascita`. `today` is the day that acts are formed on."""

    catalogue = CATALOGUE
    down = DOWN
    other_body = OTHER_BODY
    services: Mapping[str, str] = _SERVICES

    def __init__(self, today: Callable[[], date]) -> None:
        self._today = today
        self._annulled: dict[str, bool] = {}
        """Every receipt given, and whether it was annulled."""

    def judge(self, operation: str, body: etree._Element, number: int, plan: Plan) -> Judgement:
        """Register, correct or annul; the latter two name the receipt they follow."""
        earlier = text(body, "protocollo")
        if operation != "registraNascita" and self._annulled.get(earlier) is None:
            return Judgement(refused(CATALOGUE, UNKNOWN_RECEIPT, "protocollo"))
        if self._annulled.get(earlier):
            return Judgement(refused(CATALOGUE, ANNULLED, "protocollo"))
        if not _attachments_readable(body):
            return Judgement(refused(CATALOGUE, UNREADABLE, "allegato"))
        if _late(body) and not text(body, f"{_DECLARATION}/ragioniRitardo"):
            return Judgement(refused(CATALOGUE, LATE, f"{_DECLARATION}/ragioniRitardo"))
        answer = self._receipt(body, number)
        if operation != "annullaNascita":
            answer = answer | {"atto": self._act(number)}
        return Judgement(answer, _facts(body, earlier))

    def learn(self, effect: Effect) -> None:
        """Remember the receipt; an annulment ends the one it names and all that led to it."""
        if effect.outcome.get("esito") != "ACCOLTA":
            return
        if effect.operation == "annullaNascita":
            self._annulled[effect.facts["segue"]] = True
        self._annulled[effect.protocollo] = effect.operation == "annullaNascita"

    def _receipt(self, body: etree._Element, number: int) -> dict[str, str | Answer]:
        comune = text(body, "testataRichiesta/codDestinatario")
        year = self._today().year
        return {"esito": "ACCOLTA", "protocollo": f"{comune}/{year}/{number:07d}"}

    def _act(self, number: int) -> Answer:
        today = self._today()
        return {
            "anno": str(today.year),
            "parte": "1",
            "serie": "A",
            "numero": str(number),
            "dataFormazione": today.isoformat(),
        }


def _facts(body: etree._Element, earlier: str) -> dict[str, str]:
    """What tells one document from another, and nobody's name."""
    facts = {
        "destinatario": text(body, "testataRichiesta/codDestinatario"),
        "ambiente": text(body, "testataRichiesta/tipoInvio"),
        "segue": earlier,
        "nato": text(body, "attestazioneNascita/identificativoNato/codice"),
        "ordineNascita": text(body, "attestazioneNascita/parto/ordineNascita"),
        "vitalita": text(body, "attestazioneNascita/vitalita"),
        "madreNonNominata": text(body, "attestazioneNascita/madreNonNominata"),
    }
    return {name: value for name, value in facts.items() if value}


def _late(body: etree._Element) -> bool:
    """Declared after the tenth day, or after the working day that follows it."""
    declared = text(body, f"{_DECLARATION}/dataDichiarazione")
    if not declared:
        return False
    end = date.fromisoformat(text(body, "attestazioneNascita/dataNascita")) + _TERM
    italy = country_holidays("IT", years=(end.year, end.year + 1))
    while end.weekday() == _SUNDAY or end in italy:
        end += timedelta(days=1)
    return date.fromisoformat(declared) > end


def _attachments_readable(body: etree._Element) -> bool:
    return all(_readable(attachment) for attachment in body.findall("{*}allegato"))


def _readable(attachment: etree._Element) -> bool:
    told = text(attachment, "improntaSha256")
    try:
        content = b64decode("".join(text(attachment, "contenuto").split()), validate=True)
    except BadBase64:
        return False
    return at(attachment, "improntaSha256") is None or sha256(content).hexdigest() == told

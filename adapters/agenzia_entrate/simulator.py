"""A simulated Agenzia delle Entrate: gives codici fiscali by the official algorithm.

Pure: signatures, storing and bad days are around it. A person is told from another by surname,
name, sex, day, place and order of birth; of these only a digest is kept. The contract is
`xsd/agenzia_entrate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from itertools import chain, islice
from typing import Final

from lxml import etree

from adapters.agenzia_entrate import errors
from adapters.agenzia_entrate.errors import CATALOGUE
from adapters.simulation.administration import PROVISIONAL, Judgement
from adapters.simulation.bad_days import Plan
from adapters.simulation.catalogue import error, refused
from adapters.simulation.codice_fiscale import (
    compute,
    is_provisional,
    is_valid,
    omocodici,
    provisional,
    without_omocodia,
)
from adapters.simulation.documents import Answer, text
from adapters.simulation.store import Effect

_OPERATIONS: Final = ("attribuisciCodiceFiscale", "variaDati", "annullaRichiesta")
_CODE_FIELD: Final = "generalita/codiceFiscale/codFiscale"
_PLACE_FIELD: Final = "generalita/luogoNascita"


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a request is about. `computed` is the code before any omocodia."""

    key: str
    computed: str = field(repr=False)
    given: str = field(repr=False)


class AgenziaEntrate:
    """The rules of `CodiceFiscale`.

    `belfiore` gives the Belfiore code of an ISTAT code on a day, None if there is none.
    `forgetful`: without idempotence a person known already is given a second code, which is the
    harm that a blind resend does.
    """

    catalogue = CATALOGUE
    down = errors.DOWN
    other_body = errors.OTHER_BODY
    services: Mapping[str, str] = dict.fromkeys(_OPERATIONS, "codice_fiscale")

    def __init__(
        self,
        belfiore: Callable[[str, date], str | None],
        today: Callable[[], date],
        *,
        forgetful: bool = False,
    ) -> None:
        self._belfiore, self._today, self._forgetful = belfiore, today, forgetful
        self._code_of: dict[str, str] = {}
        self._owner_of: dict[str, str] = {}
        self._former: dict[str, str] = {}
        """Whose a code was that is in nobody's hands: others may still know that person by it."""
        self._set_aside: dict[str, str] = {}
        """Whose a code is that nobody asked us for yet: given at the counter, or a candidate's."""
        self._person_of: dict[str, str] = {}
        """The person's key by receipt; empty once the request was annulled."""

    def judge(self, operation: str, body: etree._Element, number: int, plan: Plan) -> Judgement:
        """Give, validate or recompute a code, or annul a request."""
        earlier = text(body, "protocollo")
        if operation != "attribuisciCodiceFiscale" and not self._person_of.get(earlier):
            return Judgement(refused(CATALOGUE, errors.UNKNOWN_RECEIPT, "protocollo"))
        if operation == "annullaRichiesta":
            return self._granted(number, {}, {"segue": earlier})
        try:
            person = self._person(body)
        except LookupError as problem:
            code, path = problem.args
            return Judgement(refused(CATALOGUE, code, path))
        if operation == "variaDati":
            return self._vary(body, person, earlier, number)
        return self._assign(body, person, number, plan)

    def learn(self, effect: Effect) -> None:
        """Take over who has which code; an annulment takes the code back and forgets the person."""
        if effect.outcome.get("esito") != "ACCOLTA":
            return
        earlier = self._person_of.pop(effect.facts.get("segue", ""), "")
        if earlier and (freed := self._code_of.pop(earlier, "")):
            self._former[freed] = self._owner_of.pop(freed, earlier)
        person, code = effect.facts.get("persona", ""), effect.outcome.get("codiceFiscale")
        self._person_of[effect.protocollo] = person
        if person and isinstance(code, str):
            self._code_of[person] = code
            self._owner_of[code] = person

    def _assign(self, body: etree._Element, person: Person, number: int, plan: Plan) -> Judgement:
        kind = text(body, "tipoRichiesta")
        if "several_candidates" in plan and kind != "3":
            count = int(plan["several_candidates"].number("count", 2))
            return Judgement(self._candidates(body, person, count))
        if kind == "3":
            return self._validate(body, person, number)
        known = self._code_of.get(person.key)
        if "already_known" in plan and not known:
            known = self._free_code(person)
            self._set_aside[known] = person.key
        if known and not self._forgetful:
            told = refused(CATALOGUE, errors.ALREADY_KNOWN, "generalita", codiceFiscale=known)
            return Judgement(told)
        definitive = self._code(body, person, number, self._free_code(person))
        if PROVISIONAL in plan:
            for_now = self._provisional(body, person, number)
            return replace(for_now, settled=definitive.answer)
        return self._provisional(body, person, number) if kind == "2" else definitive

    def _vary(self, body: etree._Element, person: Person, earlier: str, number: int) -> Judgement:
        """The code follows the data: it stays where they give the same one."""
        if text(body, "tipoRichiesta") == "3":
            return self._validate(body, person, number, segue=earlier)
        current = self._code_of.get(self._person_of[earlier], "")
        if text(body, "tipoRichiesta") == "2":
            return self._provisional(body, person, number, segue=earlier)
        same = is_valid(current) and without_omocodia(current) == person.computed
        code = current if same else self._free_code(person)
        return self._code(body, person, number, code, segue=earlier)

    def _validate(
        self, body: etree._Element, person: Person, number: int, **facts: str
    ) -> Judgement:
        """Type 3: the code given is the person's, or could be and is nobody's."""
        if not person.given:
            return Judgement(refused(CATALOGUE, errors.MISSING_FIELD, _CODE_FIELD))
        if not is_valid(person.given) and not is_provisional(person.given):
            return Judgement(refused(CATALOGUE, errors.UNUSABLE, _CODE_FIELD))
        known = self._code_of.get(person.key)
        if known not in (None, person.given):
            return Judgement(_wrong_code(errors.OTHER_CODE))
        owner = (self._former | self._owner_of).get(person.given, person.key)
        computed = is_valid(person.given) and without_omocodia(person.given) == person.computed
        if owner != person.key or (known is None and not computed):
            return Judgement(_wrong_code(_difference(person)))
        return self._code(body, person, number, person.given, **facts)

    def _code(
        self, body: etree._Element, person: Person, number: int, code: str, **facts: str
    ) -> Judgement:
        warning: Answer = {}
        if is_valid(code) and code != person.computed:
            warning = {"errore": [error(CATALOGUE, errors.OMOCODE)]}
        told = {**warning, "codiceFiscale": code, "provvisorio": str(len(code) == 11).lower()}
        return self._granted(number, told, _facts(body, person) | facts)

    def _provisional(
        self, body: etree._Element, person: Person, number: int, **facts: str
    ) -> Judgement:
        return self._code(body, person, number, provisional(9_000_000_000 + number), **facts)

    def _granted(self, number: int, told: Answer, facts: Mapping[str, str]) -> Judgement:
        receipt = f"AE/{self._today().year}/{number:07d}"
        return Judgement({"esito": "ACCOLTA", "protocollo": receipt, **told}, facts)

    def _candidates(self, body: etree._Element, person: Person, count: int) -> Answer:
        """Persons with the same names, whose codes a validation will accept."""
        known = self._code_of.get(person.key)
        own = [known] if known else []
        codes = list(islice(chain(own, self._free_codes(person)), count))
        self._set_aside |= dict.fromkeys(codes, person.key)
        shown = {name: text(body, f"generalita/{name}") for name in _NEEDED}
        return {
            "esito": "SCELTA",
            "candidato": [{"codiceFiscale": code, **shown} for code in codes],
        }

    def _free_code(self, person: Person) -> str:
        return next(self._free_codes(person))

    def _free_codes(self, person: Person) -> Iterator[str]:
        """The computed code and its variants, without those that ever were anybody else's."""
        others = (self._former, self._set_aside)
        for code in chain([person.computed], omocodici(person.computed)):
            theirs = any(each.get(code, person.key) != person.key for each in others)
            if code not in self._owner_of and not theirs:
                yield code

    def _person(self, body: etree._Element) -> Person:
        """Raises LookupError(code, path) where a code cannot be computed from the request."""
        parts = {name: text(body, f"generalita/{name}") for name in _NEEDED}
        for name, value in parts.items():
            if not value:
                raise LookupError(errors.MISSING_FIELD, f"generalita/{name}")
        place = _place(body)
        born = date.fromisoformat(parts["dataNascita"])
        belfiore = self._belfiore(place, born)
        if belfiore is None:
            raise LookupError(_unknown(place), _PLACE_FIELD)
        identity = "|".join([*parts.values(), place, text(body, "ordineNascita")])
        return Person(
            key=sha256(identity.upper().encode()).hexdigest(),
            computed=compute(
                parts["cognome"],
                parts["nome"],
                sex=parts["sesso"],
                born=born,
                belfiore=belfiore,
            ),
            given=text(body, _CODE_FIELD),
        )


_NEEDED: Final = ("cognome", "nome", "sesso", "dataNascita")


def _place(body: etree._Element) -> str:
    comune = text(body, f"{_PLACE_FIELD}/comune/codiceIstat")
    return comune or text(body, f"{_PLACE_FIELD}/localita/codiceStato")


def _unknown(place: str) -> str:
    return errors.UNKNOWN_STATE if len(place) == 3 else errors.UNKNOWN_PLACE


def _difference(person: Person) -> str:
    """Which of the Agenzia's codes says best how the code given differs from the data."""
    given, computed = person.given, person.computed
    if not is_valid(given):
        return errors.NOT_COMPUTED
    given = without_omocodia(given)
    if given[6:9] == computed[6:9] and abs(int(given[9:11]) - int(computed[9:11])) == 40:
        return errors.OTHER_SEX
    return errors.OTHER_DATE if given[6:11] != computed[6:11] else errors.NOT_COMPUTED


def _wrong_code(reason: str) -> Answer:
    told = [error(CATALOGUE, code, _CODE_FIELD) for code in (errors.WRONG_CODE, reason)]
    return {"esito": "RESPINTA", "errore": told}


def _facts(body: etree._Element, person: Person) -> dict[str, str]:
    facts = {
        "persona": person.key,
        "tipoRichiesta": text(body, "tipoRichiesta"),
        "ordineNascita": text(body, "ordineNascita"),
        "ambiente": text(body, "testataRichiesta/tipoInvio"),
    }
    return {name: value for name, value in facts.items() if value}

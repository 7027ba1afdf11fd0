"""The cases of life that a family may be in: the messages of each, and what must come of them.

Messages lie in `families/`, one file a case, an empty line between two; all people are invented.
Their days are those of a ward on 6 March 2026: `messages` brings them near today.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

FAMILIES = Path(__file__).parent / "families"

SENT = date(2026, 3, 6)
"""The day on which the samples' last messages are written."""

MILANO, SESTO, BERGAMO = "015146", "015209", "016024"
REGISTERED = ("registraNascita",)
AMENDED = ("registraNascita", "rettificaNascita")
CODE = ("attribuisciCodiceFiscale",)
OF_ASL = ("iscriviAssistito", "scegliPediatra")
ANNULLED = {
    "agenzia_entrate": (*CODE, "annullaRichiesta"),
    "asl": (*OF_ASL, "cancellaAssistito", "revocaPediatra"),
}

_DAY = re.compile(r"(?<![0-9])(2026(?:02|03)[0-3][0-9])")


@dataclass(frozen=True)
class Newborn:
    """What must come of one child, by its number (PID-3).

    `comune`, `agenzia_entrate`, `asl`: what each did, in the words of its contract; `says`: what
    stands in the last document for the Comune, None where it must say nothing.
    """

    number: str
    office: str = MILANO
    comune: Sequence[str] = REGISTERED
    agenzia_entrate: Sequence[str] = CODE
    asl: Sequence[str] = OF_ASL
    back: bool = True
    says: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def documents(self) -> str:
        """What is sent, and to whom."""
        told = [f"Comune {self.office}: {', '.join(self.comune)}"] if self.comune else ["none"]
        told += [f"Agenzia delle Entrate: {', '.join(self.agenzia_entrate)}"] * bool(
            self.agenzia_entrate
        )
        told += [f"ASL: {', '.join(self.asl)}"] * bool(self.asl)
        return "; ".join(told + ["A31"] * self.back)


def _only_comune(number: str, **more: object) -> Newborn:
    return Newborn(number, agenzia_entrate=(), asl=(), back=False, **more)  # type: ignore[arg-type]  # fields of Newborn


@dataclass(frozen=True)
class Life:
    """A case: its name, its file of messages, its children; `then` so many messages are sent when
    all else has settled.
    """

    name: str
    file: str
    children: tuple[Newborn, ...]
    then: int = 0

    @property
    def documents(self) -> str:
        """As the page of the cases tells them: of all its children, once if they are alike."""
        return " / ".join(dict.fromkeys(child.documents for child in self.children))

    def messages(self, today: date) -> list[bytes]:
        """Its messages as if the last had been written yesterday."""
        shift = today - timedelta(days=1) - SENT
        text = _DAY.sub(
            lambda found: f"{datetime.strptime(found[1], '%Y%m%d').date() + shift:%Y%m%d}",
            (FAMILIES / self.file).read_text(encoding="utf-8"),
        )
        return [f"{each.strip()}\n".replace("\n", "\r").encode() for each in text.split("\n\n")]


_PARTO = "attestazioneNascita/parto"
_VITALITA = "attestazioneNascita/vitalita"
_DATI = "datiControllo"
_NATO = "dichiarazioneNascita/generalita"
_MADRE, _PADRE = "dichiarazioneNascita/maternita", "dichiarazioneNascita/paternita"
_NOBODY: Mapping[str, str | None] = {
    "attestazioneNascita/madreNonNominata": "true",
    f"{_NATO}/senzaCognome": "1",
    f"{_NATO}/codiceFiscale/codFiscale": None,
    _MADRE: None,
    _PADRE: None,
    f"{_DATI}/attribuzioneFamiglia": "4",
}


def _order(number: str) -> Mapping[str, str | None]:
    return {f"{_PARTO}/genereParto": "PLURIMO", f"{_PARTO}/ordineNascita": number}


LIVES = (
    Life(
        "single birth, named later",
        "single_birth.hl7",
        (Newborn("F0101", SESTO, says={f"{_DATI}/filiazione": "1", f"{_NATO}/nome": "AURORA"}),),
    ),
    Life(
        "twins, the second first",
        "twins.hl7",
        (Newborn("F0201", says=_order("1")), Newborn("F0202", says=_order("2"))),
    ),
    Life(
        "triplets, in any order",
        "triplets.hl7",
        tuple(Newborn(f"F030{order}", says=_order(f"{order}")) for order in (1, 2, 3)),
    ),
    Life(
        "stillborn",
        "stillborn.hl7",
        (_only_comune("F0401", says={_VITALITA: "NATO_MORTO", f"{_NATO}/senzaNome": "1"}),),
    ),
    Life(
        "died before the declaration (PID-30)",
        "died_pid30.hl7",
        (_only_comune("F0501", says={_VITALITA: "MORTO_PRIMA_DELLA_DICHIARAZIONE"}),),
    ),
    Life(
        "died before the declaration (ABS-14)",
        "died_abs14.hl7",
        (_only_comune("F0601", says={_VITALITA: "MORTO_PRIMA_DELLA_DICHIARAZIONE"}),),
    ),
    Life("mother not named from the start", "unnamed.hl7", (_only_comune("F0701", says=_NOBODY),)),
    Life(
        "the late wish, in a message",
        "late_wish.hl7",
        (Newborn("F0801", comune=AMENDED, says=_NOBODY, **ANNULLED),),
        then=1,
    ),
    Life(
        "the late wish, said to an operator",
        "late_wish_operator.hl7",
        (Newborn("F0901", BERGAMO, comune=AMENDED, says=_NOBODY, **ANNULLED),),
        then=1,
    ),
    Life(
        "unmarried parents, the father recognises",
        "unmarried_with_father.hl7",
        (
            Newborn(
                "F1001",
                SESTO,
                says={f"{_PADRE}/generalita/cognome": "NICOLINI", f"{_DATI}/filiazione": "2"},
            ),
        ),
    ),
    Life(
        "unmarried parents, without the father",
        "unmarried_without_father.hl7",
        (Newborn("F1101", SESTO, says={_PADRE: None, f"{_DATI}/attribuzioneFamiglia": "3"}),),
    ),
    Life(
        "both parents abroad",
        "parents_abroad.hl7",
        (
            Newborn(
                "F1201",
                says={
                    f"{_MADRE}/residenza/localitaEstera/indirizzoEstero/localita/codiceStato": "215"
                },
            ),
        ),
    ),
    Life("mother resident elsewhere", "mother_elsewhere.hl7", (Newborn("F1301", BERGAMO),)),
    Life("the father's Comune", "fathers_comune.hl7", (Newborn("F1401", SESTO),)),
    Life(
        "Comune of birth on request",
        "on_request.hl7",
        (Newborn("F1501", says={"dichiarazioneNascita/comuneRichiesto": MILANO}),),
    ),
    Life(
        "foreign parents with STP and ENI",
        "stp_eni.hl7",
        (
            Newborn(
                "F1601",
                says={
                    f"{_MADRE}/generalita/codiceSTP": "STP0302600000071",
                    f"{_PADRE}/generalita/codiceENI": "ENI0302600000072",
                    f"{_MADRE}/generalita/codiceFiscale/codFiscale": None,
                },
            ),
        ),
    ),
    Life(
        "late declaration, the reasons asked for",
        "late_declaration.hl7",
        (
            Newborn(
                "F1701",
                says={"dichiarazioneNascita/ragioniRitardo": "documenti del padre arrivati tardi"},
            ),
        ),
    ),
    Life(
        "late declaration, with its reasons",
        "late_with_reasons.hl7",
        (
            Newborn(
                "F1801",
                says={"dichiarazioneNascita/ragioniRitardo": "Madre ricoverata in altro ospedale"},
            ),
        ),
    ),
    Life(
        "never declared",
        "never_declared.hl7",
        (_only_comune("F1901", comune=()),),
    ),
    Life("embargo", "embargo.hl7", (Newborn("F2001"),)),
)

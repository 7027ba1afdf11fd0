"""What happens in the demonstration: each child's story, and how it must end.

An expectation is what the administrations must have done, in their own words (operations of
their contracts), once each; nothing more, nothing less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from gateway.demo.people import BERGAMO, SESTO, Child, Parent

BORN = ("registraNascita",)
CODE = ("attribuisciCodiceFiscale",)
CHILD_OF_ASL = ("iscriviAssistito", "scegliPediatra")


@dataclass(frozen=True)
class Ending:
    """What each administration did for the child; `back`: the codice fiscale came back."""

    comune: Sequence[str] = BORN
    agenzia_entrate: Sequence[str] = CODE
    asl: Sequence[str] = CHILD_OF_ASL
    back: bool = True
    state: str = "DECLARED"


NOTHING = Ending((), (), (), back=False)
ONLY_COMUNE = Ending(BORN, (), (), back=False)


@dataclass(frozen=True)
class Story:
    """A child, what is special, and the ending. `choice`: said at the desk, if at all."""

    title: str
    child: Child
    ending: Ending = field(default_factory=Ending)
    choice: str = ""


def stories(today: datetime) -> Mapping[str, Story]:
    """The families of the demonstration, by a short name."""
    told = [*_ordinary(today), *_special(today), *_cancelled(today)]
    return dict(told)


def _ordinary(today: datetime) -> list[tuple[str, Story]]:
    anna = Parent("BIANCHI", "ANNA", "F", date(1993, 5, 15), SESTO)
    marco = Parent("ROSSI", "MARCO", "M", date(1990, 11, 22), SESTO)
    silvia = Parent("NERI", "SILVIA", "F", date(1991, 8, 18), SESTO)
    chiara = Parent("VERDI", "CHIARA", "F", date(1988, 2, 3))
    luca = Parent("COLOMBO", "LUCA", "M", date(1986, 9, 9))
    dialect = {"facility": "SAN_DIALETTO", "dialect": "nnita", "paediatrician": "PLS001"}
    marin = Child("S02", "MARIN", "TOMMASO", "M", _at(today, 2, 2, 5), silvia, **dialect)  # type: ignore[arg-type]  # fields of Child
    twin = {"mother": chiara, "father": luca}
    andrea = Child("S03", "COLOMBO", "ANDREA", "M", _at(today, 1, 21, 15), twin=1, **twin)  # type: ignore[arg-type]  # fields of Child
    bruna = Child("S04", "COLOMBO", "BRUNA", "F", _at(today, 1, 21, 22), twin=2, **twin)  # type: ignore[arg-type]  # fields of Child
    giulia = Child("S01", "ROSSI", "GIULIA", "F", _at(today, 2, 10, 30), anna, marco)
    corrected = Ending(comune=("registraNascita", "rettificaNascita"))
    return [
        (
            "placeholder",
            Story("placeholder name, declared, corrected", giulia, corrected, "PLS001"),
        ),
        ("dialect", Story("dialect hospital; a bed move", marin)),
        ("twin 1", Story("first twin", andrea, choice="PLS002")),
        ("twin 2", Story("second twin; paediatrician left to the ASL", bruna, choice="UFFICIO")),
    ]


def _special(today: datetime) -> list[tuple[str, Story]]:
    elisa = Parent("FERRARI", "ELISA", "F", date(1995, 7, 30), BERGAMO)
    nobody = Parent(*MARKED_NAME, "F", date(1994, 4, 4), street=MARKED_STREET)
    sara = Parent("GALLI", "SARA", "F", date(1992, 3, 9), BERGAMO)
    paola = Parent("RIVA", "PAOLA", "F", date(1989, 6, 1))
    irene = Parent("COSTA", "IRENE", "F", date(1990, 2, 12))
    still = Child("S05", "FERRARI", "", "F", _at(today, 1, 3, 0), elisa, stillborn=True)
    unnamed = Child("S06", MARKED_NAME[0], "BABY", "F", _at(today, 1, 18, 5), nobody, unnamed=True)
    later = Child("S07", "GALLI", "PIETRO", "M", _at(today, 2, 6, 40), sara, paediatrician="PLS001")
    outage = Child("S08", "RIVA", "MARTA", "F", _at(today, 1, 9, 0), paola, paediatrician="PLS001")
    trial = Child("S09", "COSTA", "PROVA", "M", _at(today, 1, 8, 0), irene, processing="T")
    return [
        ("stillborn", Story("stillborn, no name", still, ONLY_COMUNE)),
        ("unnamed", Story("mother who does not want to be named", unnamed, ONLY_COMUNE)),
        ("later", Story("the Comune answers later", later)),
        ("outage", Story("born during an outage of Agenzia delle Entrate", outage)),
        ("trial", Story("MSH-11 = T, never in production", trial, NOTHING)),
    ]


def _cancelled(today: datetime) -> list[tuple[str, Story]]:
    elena = Parent("MORETTI", "ELENA", "F", date(1996, 1, 25))
    laura = Parent("GRECO", "LAURA", "F", date(1987, 10, 10))
    early = Child("S10", "MORETTI", "BABY", "M", _at(today, 1, 11, 0), elena)
    late = Child("S11", "GRECO", "NINA", "F", _at(today, 2, 12, 0), laura, paediatrician="PLS001")
    nothing = Ending((), (), (), back=False, state="CANCELLED")
    annulled = Ending(
        comune=("registraNascita", "annullaNascita"),
        agenzia_entrate=("attribuisciCodiceFiscale", "annullaRichiesta"),
        asl=("iscriviAssistito", "scegliPediatra", "cancellaAssistito", "revocaPediatra"),
        state="CANCELLED",
    )
    return [
        ("cancelled before", Story("cancelled before sending", early, nothing)),
        ("cancelled after", Story("cancelled after sending, confirmed", late, annulled)),
    ]


MARKED_NAME = ("ZZYZXMARK", "QUINZIAMARK")
MARKED_STREET = "VIA SEGRETAMARK 77"
"""The unnamed mother's: no byte of them may be found anywhere afterwards."""


def _at(today: datetime, days: int, hour: int, minute: int) -> datetime:
    day = today - timedelta(days=days)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0, tzinfo=None)


TRANSFER = (
    b"MSH|^~\\&|HIS|SANTA_PROVA|ICARO|ICARO|20260306090000+0100||ADT^A02|DEMOA02|P|2.5\r"
    b"EVN|A02|20260306090000\r"
    b"PID|1||99001^^^HIS^PI||CONTI^PIERA^^^^^L||19600101|F\r"
    b"PV1|1|I|MED^1^1^SANTA_PROVA\r"
)
"""An adult changes bed: no birth."""

BROKEN = b"MSH|^~\\&|HIS|SANTA_PROVA|ICARO|ICARO|20260306||ADT^ZZ9|DEMOZZ9|P|2.5\rPID|1\r"
"""An event that HL7 does not have."""

"""Children invented from a seed, the messages about them, and what must become of each.

Reads nothing of the gateway: what is due of a child is known because its story was invented. The
weight rises with every update, so that each document shows which state of the child it tells.
Nobody here exists.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from gateway.demo.people import BERGAMO, MILANO, SESTO, Child, Parent

HOMES = (MILANO, SESTO, BERGAMO)
HERE = MILANO[0]
"""ISTAT code of the place of birth: every hospital of ours is there."""
DIALECTS = (("SANTA_PROVA", "default"), ("SAN_DIALETTO", "nnita"))
"""MSH-4 and the dialect of each hospital."""

_GIVEN = {"F": ("GIULIA", "BRUNA", "MARTA", "EMMA"), "M": ("ANDREA", "PIETRO", "LUCA", "ALDO")}
_PAEDIATRICIANS = ("PLS001", "PLS002", "PLS006", "")
_LETTERS = "ABCDEFGHILMNOPRSTUVZ"
_CONSONANTS = "BCDFGHLMNPRSTVZ"
_EARLIER = timedelta(hours=6)
"""So long ago the first message was written: each is a second after the one before, and what is of
the future would tell no order.
"""
_ALIKE = 4000
"""Parents who are remembered, so that nobody else has their name and their day of birth."""


@dataclass(frozen=True, slots=True)
class Due:
    """What must be of one child at the end. `comune`: ISTAT code, None: nothing anywhere.

    `also`: other numbers of the same child; `formerly`: the Comune that may have registered it
    before `comune` was competent. `person`: whether Agenzia delle Entrate and the ASL hear of it;
    `taken_back`: what they had is annulled. `weights` and `names` are what the messages said of it,
    in their order; `says`: what stands in the last document for the Comune, '' where nothing may.
    `marks`: what may be found nowhere afterwards; `erased`: nowhere at the gateway, and in nothing
    that is sent after the message `wish`.
    """

    identifier: str
    surname: str
    comune: str | None = None
    also: tuple[str, ...] = ()
    formerly: str = ""
    person: bool = True
    cancelled: bool = False
    taken_back: bool = False
    paediatrician: bool = False
    weights: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    says: Mapping[str, str] = field(default_factory=dict)
    marks: tuple[str, ...] = field(default=(), repr=False)
    erased: tuple[str, ...] = field(default=(), repr=False)
    wish: str = ""

    def plain(self) -> dict[str, Any]:
        """For a line of the hospital's book."""
        return asdict(self)

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Due:
        """From a line of the book."""
        lists = ("also", "weights", "names", "marks", "erased")
        return cls(**{**line, **{name: tuple(line[name]) for name in lists}})

    @property
    def known_as(self) -> tuple[str, ...]:
        """What documents call the child."""
        return (self.identifier, self.surname, *self.also)


@dataclass(frozen=True, slots=True)
class Said:
    """One message, as it goes out; `birth` of a child who is born with it; `pause`: seconds for
    which the hospital has nothing to say before.
    """

    control_id: str
    event: str
    payload: bytes = field(repr=False)
    birth: bool = False
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Family:
    """A story: its messages in the order in which the hospital sends them, and what is due.

    `days`: bad days of administrations that belong to it, as (administration, bad day).
    """

    title: str
    dues: tuple[Due, ...]
    messages: tuple[Said, ...]
    days: tuple[tuple[str, Mapping[str, Any]], ...] = ()


@dataclass(frozen=True, slots=True)
class Telling:
    """A message that is not written yet: of what, and in which state the child is."""

    event: str
    child: Child
    pause: float = 0.0


class Nursery:
    """Children without end, the same for the same seed. `today`: the day of the last message.

    `prefix` (letters) begins every identifier and control id, so that runs do not meet.
    `processing` is MSH-11.
    """

    def __init__(
        self, seed: int, today: datetime, *, prefix: str = "CH", processing: str = "P"
    ) -> None:
        self.chance = random.Random(seed)  # noqa: S311  # invents people, keeps no secret
        self.now = today.replace(microsecond=0, tzinfo=None) - _EARLIER
        self._prefix, self._processing = prefix, processing
        self._people = self._messages = 0
        self._parents: dict[tuple[str, date], None] = {}

    def child(self, **more: Any) -> Child:
        """Another child, named, with its mother and perhaps a father; `more`: fields of Child."""
        chance, word = self.chance, self.word()
        facility, dialect = chance.choice(DIALECTS)
        sex = chance.choice("FM")
        return replace(
            Child(
                identifier=f"{self._prefix}{word}",
                surname=self.surname(word),
                given=chance.choice(_GIVEN[sex]),
                sex=sex,
                born=self.now - timedelta(hours=chance.randint(10, 30)),
                mother=self.parent("F", word, chance.choice(HOMES)),
                father=self.parent("M", word, chance.choice(HOMES))
                if chance.random() < 0.7
                else None,
                facility=facility,
                dialect=dialect,
                paediatrician=chance.choice(_PAEDIATRICIANS),
                weight=chance.randint(2400, 3900),
                processing=self._processing,
            ),
            **more,
        )

    def parent(self, sex: str, word: str, home: tuple[str, str, str, str]) -> Parent:
        """A mother or a father of the child with this word. Their surnames begin alike, so who has
        the name of another was born on another day: a codice fiscale is one person's.
        """
        given = self.chance.choice(("LUCIA", "ANNA") if sex == "F" else ("MARCO", "LUIGI"))
        years = self.chance.randint(20, 45)
        born = (self.now - timedelta(days=365 * years + self.chance.randint(0, 364))).date()
        while (given, born) in self._parents:
            born -= timedelta(days=1)
        self._parents[given, born] = None
        if len(self._parents) > _ALIKE:
            del self._parents[next(iter(self._parents))]
        return Parent(f"{'MADRE' if sex == 'F' else 'PADRE'}{word}", given, sex, born, home)

    def word(self) -> str:
        """Five letters that nobody had before: names may have no digits."""
        self._people += 1
        number, word = self._people, ""
        for _ in range(5):
            number, letter = divmod(number, len(_LETTERS))
            word = _LETTERS[letter] + word
        return word

    def surname(self, word: str, like: str = "") -> str:
        """A surname with this word; the codice fiscale takes its first letters, which others have
        too only after thousands, unless it is to be `like` that of another child.
        """
        number, letters = self._people, ""
        for _ in range(3):
            number, letter = divmod(number, len(_CONSONANTS))
            letters += f"{_CONSONANTS[letter]}I"
        return f"{like[:6] or letters}{word}"

    def number(self) -> str:
        """Another identifier of the hospital."""
        return f"{self._prefix}{self.word()}"

    def written(
        self, title: str, told: Sequence[Telling], dues: Sequence[Due], **more: Any
    ) -> Family:
        """The story with its messages written; `more`: fields of Family."""
        return Family(title, tuple(dues), tuple(self._said(each) for each in told), **more)

    def told(self, title: str, told: Sequence[Telling], **due: Any) -> Family:
        """A story of one child, as its last message leaves it; `due`: what else is due of it."""
        return self.written(title, told, [replace(due_of(told[-1].child, told), **due)])

    def _said(self, told: Telling) -> Said:
        self._messages += 1
        self.now += timedelta(seconds=1)
        control_id = f"{self._prefix}{self._messages:07d}"
        payload = _stamped(told.child.message(told.event), control_id, self.now)
        return Said(control_id, told.event, payload, told.event == "A01", told.pause)


def later(child: Child, **more: Any) -> Child:
    """The same child when something was written of it again."""
    return replace(child, weight=child.weight + 1, **more)


def due_of(child: Child, told: Sequence[Telling], **more: Any) -> Due:
    """As the last message about it leaves a named child of a named mother."""
    states = [each.child for each in told if each.child.surname == child.surname]
    names = [state.given for state in states if state.given not in ("", "BABY")]
    due = Due(
        identifier=child.identifier,
        surname=child.surname,
        comune=child.mother.home[0],
        paediatrician=bool(child.paediatrician),
        weights=tuple(dict.fromkeys(state.weight for state in states)),
        names=tuple(dict.fromkeys(names)),
    )
    return replace(due, **more)


def _stamped(payload: bytes, control_id: str, at: datetime) -> bytes:
    """The message with a control id and clocks of its own."""
    segments = [segment.split("|") for segment in payload.decode().split("\r")]
    moment = f"{at:%Y%m%d%H%M%S}"
    segments[0][6], segments[0][9] = f"{moment}+0100", control_id
    segments[1][2] = moment
    return "\r".join("|".join(fields) for fields in segments).encode()

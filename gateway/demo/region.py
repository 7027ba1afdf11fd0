"""A region's births from a seed: invented families, their messages, and what must become of them.

Reads nothing of the gateway: the messages are written by `people`, and what is due of a child is
known here because the story was invented here. The weight rises with every update, so that each
document shows which state of the child it tells. Nobody here exists.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
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


@dataclass(frozen=True, slots=True)
class Due:
    """What must be of one child at the end. `comune`: ISTAT code, None: nothing anywhere.

    `weights` and `names` are what the messages said of it, in their order; `person`: whether
    Agenzia delle Entrate and the ASL hear of it; `marks`: what may be found nowhere afterwards.
    """

    identifier: str
    surname: str
    comune: str | None = None
    person: bool = True
    cancelled: bool = False
    paediatrician: bool = False
    weights: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    marks: tuple[str, ...] = field(default=(), repr=False)

    def plain(self) -> dict[str, Any]:
        """For a line of the hospital's book."""
        return asdict(self)

    @classmethod
    def of(cls, line: dict[str, Any]) -> Due:
        """From a line of the book."""
        lists = {name: tuple(line[name]) for name in ("weights", "names", "marks")}
        return cls(**{**line, **lists})


@dataclass(frozen=True, slots=True)
class Said:
    """One message, as it goes out; `birth` of a child who is born with it."""

    control_id: str
    event: str
    payload: bytes = field(repr=False)
    birth: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """A story: its messages in the order in which the hospital sends them, and what is due."""

    title: str
    dues: tuple[Due, ...]
    messages: tuple[Said, ...]


class Region:
    """Families without end, the same for the same seed. `today`: the day of the first message.

    `prefix` (letters) begins every identifier and control id, so that runs do not meet.
    `processing` is MSH-11.
    """

    def __init__(
        self, seed: int, today: datetime, *, prefix: str = "CH", processing: str = "P"
    ) -> None:
        self._chance = random.Random(seed)  # noqa: S311  # invents people, keeps no secret
        self._now = today.replace(microsecond=0, tzinfo=None)
        self._prefix, self._processing = prefix, processing
        self._people = self._messages = 0

    def families(self) -> Iterator[Family]:
        """One after another: every story once, then by chance."""
        stories = list(_STORIES)
        while True:
            self._chance.shuffle(stories)
            yield from (self._family(title) for title in stories)

    def family(self, title: str) -> Family:
        """The next family with this story."""
        return self._family(title)

    def _family(self, title: str) -> Family:
        return _STORIES[title](self, title)

    # ------------------------------------------------------------ the stories

    def _single(self, title: str) -> Family:
        child = self._child()
        return self._told(title, child, [("A01", child)])

    def _named_later(self, title: str) -> Family:
        child = self._child()
        unnamed = replace(child, given="BABY", weight=child.weight - 1)
        return self._told(title, child, [("A01", unnamed), ("A31", child)])

    def _corrected(self, title: str) -> Family:
        states = [self._child()]
        for _ in range(self._chance.randint(1, 2)):
            states.append(self._later(states[-1]))
        return self._changed(title, states)

    def _renamed(self, title: str) -> Family:
        # Without a paediatrician: a choice that is on its way while the code changes is refused.
        child = replace(self._child(), paediatrician="")
        other = replace(self._later(child), given=f"{child.given}LIA")
        return self._changed(title, [child, other])

    def _storm(self, title: str) -> Family:
        states = [self._child()]
        for _ in range(8):
            states.append(self._later(states[-1]))
        return self._changed(title, states)

    def _bed_move(self, title: str) -> Family:
        child = self._child()
        return self._told(title, child, [("A01", child), ("A08", replace(child, bed="9"))])

    def _twins(self, title: str) -> Family:
        first = replace(self._child(), twin=1)
        word = self._word()
        second = replace(
            first, identifier=f"{self._prefix}{word}", surname=f"FIGLI{word}", twin=2, given="TEO"
        )
        told = [("A01", first), ("A01", second)]
        self._chance.shuffle(told)
        told.append(("A08", self._later(told[0][1])))
        return self._of(title, told, [self._due(each, told) for each in (first, second)])

    def _stillborn(self, title: str) -> Family:
        child = replace(self._child(), given="", stillborn=True, paediatrician="")
        told = [("A01", child)]
        return self._of(title, told, [replace(self._due(child, told), comune=HERE, person=False)])

    def _unnamed(self, title: str) -> Family:
        child = self._child()
        mother = replace(child.mother, surname=f"SEGRETA{self._word()}", street="VIA NASCOSTA 71")
        surname = f"IGNOTA{self._word()}"
        child = replace(
            child, mother=mother, surname=surname, given="BABY", unnamed=True, paediatrician=""
        )
        marks = (mother.surname, surname, mother.codice_fiscale, mother.street)
        told = [("A01", child), ("A08", self._later(child))]
        due = replace(self._due(child, told), comune=HERE, person=False, names=(), marks=marks)
        return self._of(title, told, [due])

    def _cancelled_before(self, title: str) -> Family:
        child = replace(self._child(), given="BABY")
        told = [("A01", child), ("A11", child)]
        return self._of(title, told, [replace(self._due(child, told), comune=None)])

    def _cancelled_after(self, title: str) -> Family:
        child = self._child()
        told = [("A01", child), ("A11", child)]
        return self._of(title, told, [replace(self._due(child, told), cancelled=True)])

    def _trial(self, title: str) -> Family:
        child = replace(self._child(), processing="T")
        told = [("A01", child)]
        return self._of(title, told, [replace(self._due(child, told), comune=None)])

    def _adult(self, title: str) -> Family:
        """Somebody who changes beds, is written anew and goes home: no birth."""
        adult = replace(self._child(), born=self._now - timedelta(days=20_000))
        told = [(event, adult) for event in ("A02", "A08", "A03", "A13")]
        family = self._of(title, told, [replace(self._due(adult, told), comune=None)])
        grown = tuple(
            replace(said, payload=said.payload.replace(b"|N\r", b"|R\r"), birth=False)
            for said in family.messages
        )
        return replace(family, messages=grown)

    # ------------------------------------------------------------ what they are made of

    def _changed(self, title: str, states: list[Child]) -> Family:
        events = ["A01", *["A08"] * (len(states) - 1)]
        return self._told(title, states[-1], list(zip(events, states, strict=True)))

    def _told(self, title: str, last: Child, told: list[tuple[str, Child]]) -> Family:
        return self._of(title, told, [self._due(last, told)])

    def _of(self, title: str, told: list[tuple[str, Child]], dues: list[Due]) -> Family:
        return Family(title, tuple(dues), tuple(self._said(*each) for each in told))

    def _due(self, child: Child, told: list[tuple[str, Child]]) -> Due:
        """As the last message about it leaves a named child of a named mother."""
        states = [state for _, state in told if state.identifier == child.identifier]
        names = [state.given for state in states if state.given not in ("", "BABY")]
        return Due(
            identifier=child.identifier,
            surname=child.surname,
            comune=child.mother.home[0],
            paediatrician=bool(child.paediatrician),
            weights=tuple(dict.fromkeys(state.weight for state in states)),
            names=tuple(dict.fromkeys(names)),
        )

    def _said(self, event: str, child: Child) -> Said:
        self._messages += 1
        self._now += timedelta(seconds=1)
        control_id = f"{self._prefix}{self._messages:07d}"
        payload = _stamped(child.message(event), control_id, self._now)
        return Said(control_id, event, payload, birth=event == "A01")

    def _later(self, child: Child) -> Child:
        return replace(child, weight=child.weight + 1)

    def _child(self) -> Child:
        chance, word = self._chance, self._word()
        facility, dialect = chance.choice(DIALECTS)
        sex = chance.choice("FM")
        return Child(
            identifier=f"{self._prefix}{word}",
            surname=f"FIGLI{word}",
            given=chance.choice(_GIVEN[sex]),
            sex=sex,
            born=self._now - timedelta(hours=chance.randint(10, 30)),
            mother=self._parent("F", word, chance.choice(HOMES)),
            father=self._parent("M", word, chance.choice(HOMES)) if chance.random() < 0.7 else None,
            facility=facility,
            dialect=dialect,
            paediatrician=chance.choice(_PAEDIATRICIANS),
            weight=chance.randint(2400, 3900),
            processing=self._processing,
        )

    def _parent(self, sex: str, word: str, home: tuple[str, str, str, str]) -> Parent:
        given = self._chance.choice(("LUCIA", "ANNA") if sex == "F" else ("MARCO", "LUIGI"))
        years = self._chance.randint(20, 45)
        born = (self._now - timedelta(days=365 * years + self._chance.randint(0, 364))).date()
        return Parent(f"{'MADRE' if sex == 'F' else 'PADRE'}{word}", given, sex, born, home)

    def _word(self) -> str:
        """Five letters that nobody had before: names may have no digits."""
        self._people += 1
        number, word = self._people, ""
        for _ in range(5):
            number, letter = divmod(number, len(_LETTERS))
            word = _LETTERS[letter] + word
        return word


def _stamped(payload: bytes, control_id: str, at: datetime) -> bytes:
    """The message with a control id and clocks of its own."""
    segments = [segment.split("|") for segment in payload.decode().split("\r")]
    moment = f"{at:%Y%m%d%H%M%S}"
    segments[0][6], segments[0][9] = f"{moment}+0100", control_id
    segments[1][2] = moment
    return "\r".join("|".join(fields) for fields in segments).encode()


_STORIES: dict[str, Callable[[Region, str], Family]] = {
    "single birth": Region._single,
    "named later": Region._named_later,
    "corrected": Region._corrected,
    "renamed": Region._renamed,
    "a storm of updates": Region._storm,
    "a bed move": Region._bed_move,
    "twins in any order": Region._twins,
    "stillborn": Region._stillborn,
    "mother not named": Region._unnamed,
    "cancelled before sending": Region._cancelled_before,
    "cancelled after sending": Region._cancelled_after,
    "a test message": Region._trial,
    "no birth": Region._adult,
}
STORIES = tuple(_STORIES)
"""The titles."""

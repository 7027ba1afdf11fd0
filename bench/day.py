"""A day of a region as messages: what many hospitals say of adults, and the births among it.

Who sends and who judges each make the same day from the same four figures; every message has a
control id of its own. Pure: no socket, no clock. Nobody here exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bench.families import invented
from gateway.demo.people import SESTO, Child
from gateway.demo.region import Due
from gateway.hl7.framing import wrap

MIX = ("A08", "A02", "A31", "A08", "A04", "A02", "A08", "A01", "A02", "A03")
"""What a hospital says of adults, over and over."""

_DAY = 24 * 60 * 60
_BIRTH = timedelta(hours=6)
"""So long before the feed begins was every child born: no term has passed."""
_LETTERS = "ABCDEFGHILMNOPRSTUVZ"


@dataclass(frozen=True)
class Day:
    """`messages`, of which `births`, from `senders`; `begun`: local time of the first."""

    messages: int
    births: int
    senders: int
    begun: datetime

    def __post_init__(self) -> None:
        if not 0 < self.births <= self.messages or self.senders < 1:
            raise ValueError("births are some of the messages")
        sides = {(event, sender): self._adult(event, sender) for event, sender in self._pairs()}
        object.__setattr__(self, "_adults", sides)

    def of(self, sender: int) -> Iterator[tuple[bytes, bytes]]:
        """One sender's messages in their order: control id and block."""
        adults: dict[tuple[str, int], bytes] = self._adults  # type: ignore[attr-defined]  # made above
        for turn, number in enumerate(range(sender, self.messages, self.senders)):
            control_id, child = b"R%08d" % number, self._born_with(number)
            if child is not None:
                yield control_id, wrap(self._birth(child, sender, control_id.decode()))
                continue
            moment = self._moment(number)
            template = adults[MIX[turn % len(MIX)], sender]
            yield control_id, template % (moment, control_id, moment, number // 8, number)

    def children(self) -> Iterator[Child]:
        """Every child that is born."""
        return (self._child(number) for number in range(self.births))

    def dues(self) -> Iterator[Due]:
        """What the administrations must know of each in the end."""
        for child in self.children():
            yield Due(
                child.identifier,
                child.surname,
                comune=SESTO[0],
                weights=(child.weight,),
                names=(child.given,),
            )

    def sender_of(self, birth: int) -> int:
        """Whose child it is."""
        step = self.messages // self.births
        return (birth * step + birth % step) % self.senders

    def _born_with(self, number: int) -> Child | None:
        """Spread over the day, and over the senders."""
        step = self.messages // self.births
        birth, place = divmod(number, step)
        return self._child(birth) if birth < self.births and place == birth % step else None

    def _child(self, birth: int) -> Child:
        born = self.begun - _BIRTH - timedelta(minutes=birth % 600)
        surname = f"NATO{_word(birth)}"
        weight, sex = 2400 + birth % 1600, "FM"[birth % 2]
        child = replace(invented(f"B{birth:05d}"), surname=surname, born=born, sex=sex)
        return replace(child, weight=weight)

    def _birth(self, child: Child, sender: int, control_id: str) -> bytes:
        fields = replace(child, facility=facility(sender)).message("A01").split(b"|", 10)
        return b"|".join([*fields[:9], control_id.encode(), fields[10]])

    def _moment(self, number: int) -> bytes:
        at = self.begun + timedelta(seconds=number * _DAY // self.messages)
        return b"%04d%02d%02d%02d%02d%02d" % (*at.timetuple()[:6],)

    def _pairs(self) -> Iterator[tuple[str, int]]:
        return ((event, sender) for event in set(MIX) for sender in range(self.senders))

    def _adult(self, event: str, sender: int) -> bytes:
        """Somebody grown up, with places for two moments, a control id and two numbers."""
        place = facility(sender)
        return wrap(
            f"MSH|^~\\&|HIS|{place}|ICARO|ICARO|%s+0100||ADT^{event}|%s|P|2.5|||||ITA|UNICODE UTF-8"
            f"\rEVN|{event}|%s\r"
            "PID|1||%07d^^^HIS^PI||CONTI^PIERA^^^^^L||19600101|F|||VIA LARGA 2^^MILANO^MI^20122"
            "^ITA^L^^015146||^PRN^PH^^^02^5550100|||M|||||||N||100\r"
            "NK1|1|CONTI^UGO^^^^^L|SPO^Spouse^HL70063|VIA LARGA 2^^MILANO^MI^20122^ITA|"
            "^PRN^PH^^^02^5550100\r"
            f"PV1|1|I|MED^1^1^{place}||||123^MEDICO^UNO|||MED||||1|||123^MEDICO^UNO|IP"
            "|V%08d^^^HIS^VN\r".encode()
        )


def facility(sender: int) -> str:
    """MSH-4."""
    return f"OSPEDALE_{sender + 1:02d}"


def senders(many: int, return_feed: str) -> str:
    """The hospitals in `icaro.yaml`; what comes back goes to `return_feed` for all of them."""
    return "\n".join(
        f"""\
  - name: ospedale-{number + 1:02d}
    application: HIS
    facility: {facility(number)}
    facts: {{comune: '015146', struttura: '030001', nome: Prova, asl: '321'}}
    return_feed: {{address: '{return_feed}', timeout: 5 s}}"""
        for number in range(many)
    )


def _word(number: int) -> str:
    """Four letters of their own for every number: names may have no digits."""
    word = ""
    for _ in range(4):
        number, letter = divmod(number, len(_LETTERS))
        word = _LETTERS[letter] + word
    return word

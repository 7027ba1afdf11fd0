"""What happens to a birth after its first message: each story with what is due in the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from gateway.demo.families import Story
from gateway.demo.nursery import Family, Nursery, Telling, due_of, later

STORM: Final = 20
"""Updates in a minute."""


def corrected(nursery: Nursery, title: str) -> Family:
    """Once or twice."""
    return _updated(nursery, title, nursery.chance.randint(1, 2))


def storm(nursery: Nursery, title: str) -> Family:
    """More updates than anybody wants to hear of."""
    return _updated(nursery, title, STORM)


def _updated(nursery: Nursery, title: str, times: int) -> Family:
    told = [Telling("A01", nursery.child())]
    for _ in range(times):
        told.append(Telling("A08", later(told[-1].child)))
    return nursery.told(title, told)


def renamed(nursery: Nursery, title: str) -> Family:
    """Another given name, and so another code; the ASL hears of both, and of the paediatrician."""
    child = nursery.child(paediatrician="PLS001")
    pause = nursery.chance.choice((0.0, 1.0, 3.0))
    other = later(child, given=f"{child.given}LIA")
    return nursery.told(title, [Telling("A01", child), Telling("A08", other, pause)])


def bed_move(nursery: Nursery, title: str) -> Family:
    """Nothing that an administration hears of."""
    child = nursery.child()
    return nursery.told(title, [Telling("A01", child), Telling("A08", replace(child, bed="9"))])


def out_of_order(nursery: Nursery, title: str) -> Family:
    """An older message comes after a newer one, or after the birth's own: what is newer stands."""
    told = [Telling("A01", nursery.child())]
    told.append(Telling("A08", later(told[0].child)))
    told.append(Telling("A08", later(told[1].child)))
    written = nursery.told(title, told)
    first, second, third = written.messages
    orders = ((first, third, second), (third, first, second), (second, first, third))
    return replace(written, messages=nursery.chance.choice(orders))


def two_feeds(nursery: Nursery, title: str) -> Family:
    """The ward tells of the birth, the laboratory of what it found."""
    child = nursery.child(facility="SANTA_PROVA", dialect="default")
    found = later(child, application="LIS")
    told = [Telling("A01", child), Telling("A08", found), Telling("A08", later(found))]
    told[-1] = Telling("A08", replace(told[-1].child, application="HIS"))
    return nursery.told(title, told)


def merged(nursery: Nursery, title: str) -> Family:
    """One child in two records: both open, or one of them sent, whichever stays."""
    child = nursery.child()
    given = nursery.chance.choice((child.given, "BABY"))
    known = replace(child, given=given)
    open_record = replace(child, identifier=nursery.number(), given="BABY", weight=child.weight + 1)
    pause = nursery.chance.choice((0.0, 3.0))
    stays, goes = nursery.chance.sample((known, open_record), 2)
    joined = replace(stays, given=child.given, weight=child.weight + 2, replaces=goes.identifier)
    last = replace(joined, weight=child.weight + 3, replaces="")
    told = [Telling("A01", known), Telling("A01", open_record, pause)]
    told += [Telling("A40", joined), Telling("A08", last)]
    return nursery.told(title, told, also=(goes.identifier,))


def renumbered(nursery: Nursery, title: str) -> Family:
    """Another number for the child, and a message that still says the old one."""
    child = nursery.child()
    number = nursery.number()
    moved = later(child, identifier=number, replaces=child.identifier)
    told = [Telling("A01", child), Telling("A47", moved, nursery.chance.choice((0.0, 2.0)))]
    told.append(Telling("A08", later(moved, replaces="")))
    told.append(Telling("A08", later(told[-1].child, identifier=child.identifier)))
    told.append(Telling("A08", later(told[-1].child, identifier=number)))
    return nursery.told(title, told, also=(child.identifier,))


def cancelled_before(nursery: Nursery, title: str) -> Family:
    """Nobody ever hears of it."""
    child = nursery.child(given="BABY")
    return nursery.told(title, [Telling("A01", child), Telling("A11", child)], comune=None)


def cancelled_after(nursery: Nursery, title: str) -> Family:
    """What was sent is annulled on a person's word."""
    child = nursery.child()
    pause = nursery.chance.choice((0.0, 1.0, 4.0))
    told = [Telling("A01", child), Telling("A11", child, pause)]
    return nursery.told(title, told, cancelled=True)


def trial(nursery: Nursery, title: str) -> Family:
    """A test message never reaches production."""
    child = nursery.child(processing="T")
    return nursery.told(title, [Telling("A01", child)], comune=None)


def adult(nursery: Nursery, title: str) -> Family:
    """Somebody who changes beds, is written anew and goes home: no birth."""
    somebody = nursery.child(born=nursery.now - timedelta(days=20_000))
    told = [Telling(event, somebody) for event in ("A02", "A08", "A03", "A13")]
    family = nursery.written(title, told, [due_of(somebody, told, comune=None)])
    grown = tuple(
        replace(said, payload=said.payload.replace(b"|N\r", b"|R\r"), birth=False)
        for said in family.messages
    )
    return replace(family, messages=grown)


CHANGES: Final[Mapping[str, Story]] = {
    "corrected": corrected,
    "a storm of updates": storm,
    "renamed": renamed,
    "a bed move": bed_move,
    "messages out of order": out_of_order,
    "two feeds": two_feeds,
    "two records of one child": merged,
    "another number": renumbered,
    "cancelled before sending": cancelled_before,
    "cancelled after sending": cancelled_after,
    "a test message": trial,
    "no birth": adult,
}

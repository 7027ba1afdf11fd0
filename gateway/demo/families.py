"""Births and what is special about them: each story with its messages and what is due of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from gateway.demo.nursery import HERE, Family, Nursery, Telling, due_of, later
from gateway.demo.people import MILANO, SESTO

Story = Callable[[Nursery, str], Family]

_PARTO: Final = "attestazioneNascita/parto"
_DECLARATION: Final = "dichiarazioneNascita"
NOBODY: Final = {
    "attestazioneNascita/madreNonNominata": "true",
    f"{_DECLARATION}/maternita": "",
    f"{_DECLARATION}/paternita": "",
}
"""Of a mother who is not named."""
LATE: Final = timedelta(days=25)
REASONS: Final = "DOCUMENTI ARRIVATI TARDI"
"""What a person says of a declaration that came late."""


def single(nursery: Nursery, title: str) -> Family:
    """Named at birth."""
    return nursery.told(title, [Telling("A01", nursery.child())])


def named_later(nursery: Nursery, title: str) -> Family:
    """Nothing is sent before the parents declare."""
    child = nursery.child()
    unnamed = replace(child, given="BABY", weight=child.weight - 1)
    return nursery.told(title, [Telling("A01", unnamed), Telling("A31", child)])


def twins(nursery: Nursery, title: str) -> Family:
    """Two, the second perhaps first."""
    return _multiple(nursery, title, 2)


def triplets(nursery: Nursery, title: str) -> Family:
    """Three, in any order."""
    return _multiple(nursery, title, 3)


def _multiple(nursery: Nursery, title: str, number: int) -> Family:
    first = nursery.child(given="ADA", sex="F", twin=1)
    children = [first]
    for order, given in enumerate(("TEA", "EVA")[: number - 1], 2):
        surname = nursery.surname(nursery.word())
        mine = f"{first.identifier}{order}"
        children.append(replace(first, identifier=mine, surname=surname, given=given, twin=order))
    told = [Telling("A01", child) for child in children]
    nursery.chance.shuffle(told)
    told.append(Telling("A08", later(told[0].child)))
    orders = {f"{_PARTO}/genereParto": "PLURIMO"}
    dues = [
        due_of(child, told, says=orders | {f"{_PARTO}/ordineNascita": str(child.twin)})
        for child in children
    ]
    return nursery.written(title, told, dues)


def stillborn(nursery: Nursery, title: str) -> Family:
    """The Comune of birth alone; no name."""
    child = nursery.child(given="", stillborn=True, paediatrician="")
    says = {"attestazioneNascita/vitalita": "NATO_MORTO"}
    return nursery.told(title, [Telling("A01", child)], comune=HERE, person=False, says=says)


def died(nursery: Nursery, title: str) -> Family:
    """Before the declaration: by PID-30, or by how it was discharged."""
    child = nursery.child(given="BABY", paediatrician="")
    if nursery.chance.random() < 0.5:
        dead = later(child, given="ADA", died=True)
        told = [Telling("A01", child), Telling("A31", dead)]
    else:
        gone = later(child, discharge="20")
        told = [Telling("A01", child), Telling("A03", gone)]
        told.append(Telling("A31", later(gone, given="ADA")))
    says = {"attestazioneNascita/vitalita": "MORTO_PRIMA_DELLA_DICHIARAZIONE"}
    return nursery.told(title, told, comune=HERE, person=False, says=says)


def unnamed(nursery: Nursery, title: str) -> Family:
    """The mother does not want to be named, and says so from the start."""
    child = nursery.child(given="BABY", unnamed=True, paediatrician="")
    word = nursery.word()
    mother = replace(child.mother, surname=f"SEGRETA{word}", street="VIA NASCOSTA 71")
    child = replace(child, mother=mother, surname=f"IGNOTA{word}")
    marks = (mother.surname, child.surname, mother.codice_fiscale, mother.street)
    told = [Telling("A01", child), Telling("A08", later(child))]
    more = {"comune": HERE, "person": False, "names": (), "marks": marks}
    return nursery.told(title, told, says=NOBODY, **more)


def late_wish(nursery: Nursery, title: str) -> Family:
    """She says so when all or some of it was sent: what the Comune has is corrected, the others
    annul on a person's word.
    """
    child = nursery.child()
    word = nursery.word()
    mother = replace(child.mother, surname=f"TARDIVA{word}", street=f"VIA RIPENSATA {word}")
    child = replace(child, mother=mother, surname=f"PRIMA{word}")
    pause = nursery.chance.choice((0.0, 2.0, 5.0))
    told = [Telling("A01", child), Telling("A08", later(child, unnamed=True), pause)]
    if nursery.chance.random() < 0.5:  # a message that forgets the wish names nobody
        told.append(Telling("A08", later(told[-1].child, unnamed=False)))
    more = {"comune": HERE, "formerly": mother.home[0], "names": (), "taken_back": True}
    erased = (mother.surname, child.surname, mother.codice_fiscale, mother.street)
    family = nursery.told(title, told, says=NOBODY, erased=erased, **more)
    (due,) = family.dues
    return replace(family, dues=(replace(due, wish=family.messages[1].control_id),))


def unmarried(nursery: Nursery, title: str) -> Family:
    """The father appears if he recognises the child, and only then."""
    child = nursery.child()
    word = child.identifier[-5:]
    recognises = nursery.chance.random() < 0.5
    child = replace(
        child,
        mother=replace(child.mother, married=False),
        father=replace(nursery.parent("M", word, SESTO), married=False),
        wishes="|Y|BTH|1" if recognises else "|N|MTH|2",
    )
    father = f"{_DECLARATION}/paternita"
    named = {f"{father}/generalita/cognome": f"PADRE{word}"} if recognises else {father: ""}
    says = {**named, "datiControllo/filiazione": "2"} if recognises else named
    return nursery.told(title, [Telling("A01", child)], says=says)


def foreigners(nursery: Nursery, title: str) -> Family:
    """A mother from abroad with an STP code; the father with an ENI code, at home or abroad too."""
    child = nursery.child()
    word = child.identifier[-5:]
    abroad = ("999436", "FES", "", "Z330")
    home = nursery.chance.choice((MILANO, SESTO, None))
    code = f"03026{nursery.chance.randint(0, 99_999_999):08d}"
    mother = replace(child.mother, home=abroad, country="MAR", citizen="436^Marocchina^ISTAT")
    father = nursery.parent("M", word, home or abroad)
    father = replace(father, country="ITA" if home else "MAR", citizen="235^Rumena^ISTAT")
    child = replace(
        child,
        mother=replace(mother, number=f"STP{code}"),
        father=replace(father, number=f"ENI{code}"),
    )
    says = {
        f"{_DECLARATION}/maternita/generalita/codiceSTP": f"STP{code}",
        f"{_DECLARATION}/paternita/generalita/codiceENI": f"ENI{code}",
    }
    comune = home[0] if home else HERE
    return nursery.told(title, [Telling("A01", child)], comune=comune, says=says)


def on_request(nursery: Nursery, title: str) -> Family:
    """The parents ask for the Comune of birth."""
    child = nursery.child(wishes=HERE)
    says = {f"{_DECLARATION}/comuneRichiesto": HERE}
    return nursery.told(title, [Telling("A01", child)], comune=HERE, says=says)


def late_with_reasons(nursery: Nursery, title: str) -> Family:
    """Declared after the term, and the hospital says why."""
    return _late(nursery, title, REASONS)


def late_declaration(nursery: Nursery, title: str) -> Family:
    """Declared after the term: the document waits until a person says why."""
    return _late(nursery, title, "")


def _late(nursery: Nursery, title: str, reasons: str) -> Family:
    born = nursery.now - LATE
    declared = born + timedelta(days=18)
    child = nursery.child(born=born, wishes=f"||BTH|1|{declared:%Y%m%d}|{reasons}".rstrip("|"))
    says = {f"{_DECLARATION}/ragioniRitardo": REASONS}
    return nursery.told(title, [Telling("A01", child)], says=says)


def one_code(nursery: Nursery, title: str) -> Family:
    """Omocodia: two children to whom one code would belong; one of them has a number of eleven
    digits until the definitive code comes.
    """
    first = nursery.child()
    word = nursery.word()
    other = replace(
        first,
        identifier=f"{first.identifier}2",
        surname=nursery.surname(word, like=first.surname),
        mother=nursery.parent("F", word, first.mother.home),
        father=None,
    )
    told = [Telling("A01", first), Telling("A01", other)]
    match = {"cognome": other.surname, "operation": "attribuisciCodiceFiscale"}
    after = nursery.chance.choice((1, 4, None))
    provisional = {"name": "provisional", "match": match, "options": {"after": after}}
    refused = {"name": "refuse", "match": match, "times": 1, "options": {"codice": "EAA50"}}
    days = [{**provisional, "times": 2}]
    days += [refused] if nursery.chance.random() < 0.5 else []
    return nursery.written(
        title,
        told,
        [due_of(first, told), due_of(other, told)],
        days=tuple(("agenzia_entrate", day) for day in days),
    )


def code_issued(nursery: Nursery, title: str) -> Family:
    """The parents went to the counter: asked for again as validation."""
    child = nursery.child()
    match = {"cognome": child.surname, "operation": "attribuisciCodiceFiscale"}
    told = [Telling("A01", child)]
    day = {"name": "already_known", "times": 1, "match": match}
    return nursery.written(title, told, [due_of(child, told)], days=(("agenzia_entrate", day),))


def candidates(nursery: Nursery, title: str) -> Family:
    """Several persons could be meant: a person chooses."""
    child = nursery.child()
    match = {"cognome": child.surname, "operation": "attribuisciCodiceFiscale"}
    told = [Telling("A01", child)]
    day = {"name": "several_candidates", "times": 1, "match": match}
    return nursery.written(title, told, [due_of(child, told)], days=(("agenzia_entrate", day),))


BIRTHS: Final[Mapping[str, Story]] = {
    "single birth": single,
    "named later": named_later,
    "twins in any order": twins,
    "triplets in any order": triplets,
    "stillborn": stillborn,
    "died before the declaration": died,
    "mother not named": unnamed,
    "the late wish": late_wish,
    "unmarried parents": unmarried,
    "foreign parents with STP and ENI": foreigners,
    "Comune of birth on request": on_request,
    "late declaration with its reasons": late_with_reasons,
    "late declaration": late_declaration,
    "one code for two": one_code,
    "code issued already": code_issued,
    "several candidates": candidates,
}

"""What the administrations' own logs say became of each child, held against what was due.

Reads their folders (`effects.jsonl` and the documents as they came) and nothing of the gateway.
Every sentence it gives back is a promise that was broken; none means that all were kept.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from lxml import etree

from gateway.demo.region import Due
from gateway.demo.stage import ADMINISTRATIONS
from gateway.xml import parse

REGISTER = {
    "registraNascita": "comune",
    "attribuisciCodiceFiscale": "codice_fiscale",
    "iscriviAssistito": "assistito",
    "scegliPediatra": "pediatra",
}
AMEND = {
    "rettificaNascita": "comune",
    "variaDati": "codice_fiscale",
    "variaAssistito": "assistito",
    "variaPediatra": "pediatra",
}
CANCEL = {
    "annullaNascita": "comune",
    "annullaRichiesta": "codice_fiscale",
    "cancellaAssistito": "assistito",
    "revocaPediatra": "pediatra",
}
PRACTICE = {**REGISTER, **AMEND, **CANCEL}
"""Operation → what it is about."""


@dataclass(frozen=True, slots=True)
class Done:
    """One effect at an administration; `child` is who it is about, as the document tells."""

    administration: str
    operation: str
    operation_id: str
    message_id: str
    receipt: str
    office: str
    follows: str
    child: str = field(repr=False)
    weight: int | None = None
    name: str | None = field(default=None, repr=False)


def effects(simulators: Path) -> list[Done]:
    """Everything that every administration under this folder did, in its order."""
    found: list[Done] = []
    children: dict[str, str] = {}
    for administration in ADMINISTRATIONS:  # in this order: a code is given before it is used
        for line in _lines(simulators / administration / "effects.jsonl"):
            path = simulators / administration / "documents" / f"{line['seq']:06d}.xml"
            done = _done(administration, line, parse(path.read_bytes()), children)
            children[done.receipt] = done.child
            for told in (line["answer"], line["outcome"]):
                if "codiceFiscale" in told:
                    children[str(told["codiceFiscale"])] = done.child
            found.append(done)
    return found


def broken(dues: Iterable[Due], done: Sequence[Done]) -> Iterator[str]:
    """Every promise about these children that the effects break."""
    yield from _once_an_operation(done)
    of_child: dict[str, list[Done]] = defaultdict(list)
    for each in done:
        of_child[each.child].append(each)
    known: set[str] = set()
    for due in dues:
        known |= {due.identifier, due.surname}
        mine = of_child[due.identifier] + of_child[due.surname]
        yield from (f"{due.identifier}: {fault}" for fault in _of(due, mine))
    strangers = {each.operation for each in done if each.child not in known}
    yield from (f"{operation} was done for somebody unknown" for operation in sorted(strangers))


def _of(due: Due, mine: Sequence[Done]) -> Iterator[str]:
    wanted = _wanted(due)
    for practice in PRACTICE_NAMES:
        chain = [each for each in mine if PRACTICE[each.operation] == practice]
        if practice not in wanted and chain:
            yield f"{practice} does not concern it, and was told"
        elif practice in wanted or chain:
            yield from (f"{practice}: {fault}" for fault in _chain(due, practice, chain))


def _wanted(due: Due) -> set[str]:
    if due.comune is None:
        return set()
    person = {"codice_fiscale", "assistito"} if due.person else set()
    return {"comune"} | person | ({"pediatra"} if due.person and due.paediatrician else set())


def _chain(due: Due, practice: str, chain: Sequence[Done]) -> Iterator[str]:
    registered = [each for each in chain if each.operation in REGISTER]
    if due.cancelled:
        if chain and chain[-1].operation not in CANCEL:
            yield "stands although the birth was cancelled"
        if len(registered) > 1:
            yield f"registered {len(registered)} times"
        return
    if not chain:
        yield "never arrived"
        return
    if len(registered) != 1 or chain[0] is not registered[0]:
        yield f"registered {len(registered)} times"
    if any(each.operation in CANCEL for each in chain):
        yield "taken back, and nobody asked for it"
    if any(b.follows != a.receipt for a, b in pairwise(chain)):
        yield "an amendment does not follow what stood before it"
    if practice == "comune":
        yield from _comune(due, chain)
    else:
        yield from _in_order([each.name for each in chain], due.names, "name")


def _comune(due: Due, chain: Sequence[Done]) -> Iterator[str]:
    if any(each.office != due.comune for each in chain):
        yield "went to another Comune than its own"
    yield from _in_order([each.weight for each in chain], due.weights, "weight")
    yield from _in_order([each.name for each in chain], due.names, "name")


def _in_order(told: Sequence[object], said: Sequence[object], what: str) -> Iterator[str]:
    """What was told must be some of what was said, in its order, with the last at the end."""
    told = [each for each in told if each is not None]
    if not told or not said:
        return
    if not set(told) <= set(said):
        yield f"a {what} that nobody said"
        return
    places = [said.index(each) for each in told]
    if places != sorted(places):
        yield f"an older {what} came after a newer one"
    if told[-1] != said[-1]:
        yield f"not its last {what}"


PRACTICE_NAMES = tuple(dict.fromkeys(REGISTER.values()))


def _once_an_operation(done: Sequence[Done]) -> Iterator[str]:
    times = Counter((each.administration, each.operation_id) for each in done)
    for (administration, operation_id), number in times.items():
        if number > 1:
            yield f"{administration} did {operation_id} {number} times"


def _done(
    administration: str, line: Mapping[str, Any], body: etree._Element, children: Mapping[str, str]
) -> Done:
    facts, follows = line["facts"], line["facts"].get("segue", "")
    child = facts.get("nato") or _text(body, "assistito/generalita/cognome")
    child = child or _text(body, "generalita/cognome") or children.get(follows, "")
    weight = _text(body, "attestazioneNascita/parto/pesoGrammi")
    name = next((found for path in _NAMES if (found := _text(body, path))), None)
    return Done(
        administration=administration,
        operation=line["operation"],
        operation_id=line["idOperazione"],
        message_id=line["messageId"],
        receipt=line["protocollo"],
        office=facts.get("destinatario", ""),
        follows=follows,
        child=child or children.get(facts.get("codiceFiscale", ""), ""),
        weight=int(weight) if weight else None,
        name=name,
    )


_NAMES = ("dichiarazioneNascita/generalita/nome", "generalita/nome", "assistito/generalita/nome")


def _text(body: etree._Element, path: str) -> str:
    return body.findtext("/".join(f"{{*}}{name}" for name in path.split("/"))) or ""


def _lines(path: Path) -> list[dict[str, Any]]:
    """Whole lines only: one cut by a crash was never answered."""
    content = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]

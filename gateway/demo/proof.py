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
    """One effect at an administration; `child` is who it is about, as the document tells; `code`
    the codice fiscale that it tells, or was told.
    """

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
    code: str = field(default="", repr=False)
    at: str = ""
    body: etree._Element | None = field(default=None, repr=False, compare=False)


def effects(simulators: Path) -> list[Done]:
    """Everything that every administration under this folder did, in its order."""
    found: list[Done] = []
    for administration in ADMINISTRATIONS:
        children: dict[str, str] = {}
        """Who has a receipt, or a code, as this administration itself was told."""
        for line in _lines(simulators / administration / "effects.jsonl"):
            path = simulators / administration / "documents" / f"{line['seq']:06d}.xml"
            done = _done(administration, line, parse(path.read_bytes()), children)
            children |= {known: done.child for known in (done.receipt, done.code) if known}
            found.append(done)
    return found


def broken(dues: Iterable[Due], done: Sequence[Done]) -> Iterator[str]:
    """Every promise about these children that the effects break."""
    yield from _once_an_operation(done)
    dues = list(dues)
    owner = {name: due.identifier for due in dues for name in due.known_as}
    of_child: dict[str, list[Done]] = defaultdict(list)
    for each in done:
        of_child[owner.get(each.child, "")].append(each)
    for due in dues:
        mine = of_child[due.identifier]
        yield from (f"{due.identifier}: {fault}" for fault in _of(due, mine))
    for operation in sorted({each.operation for each in of_child[""]}):
        yield f"{operation} was done for somebody unknown"


def _of(due: Due, mine: Sequence[Done]) -> Iterator[str]:
    wanted = _wanted(due)
    chains = {
        practice: [each for each in mine if PRACTICE[each.operation] == practice]
        for practice in PRACTICE_NAMES
    }
    for practice, chain in chains.items():
        if due.cancelled or (due.taken_back and practice != "comune"):
            yield from (f"{practice}: {fault}" for fault in _taken_back(chain))
        elif practice in wanted:
            yield from (f"{practice}: {fault}" for fault in _chain(due, practice, chain))
        elif chain:
            yield f"{practice} does not concern it, and was told"
    if due.person and not (due.cancelled or due.taken_back):
        yield from _one_code(chains)


def _wanted(due: Due) -> set[str]:
    if due.comune is None:
        return set()
    person = {"codice_fiscale", "assistito"} if due.person else set()
    return {"comune"} | person | ({"pediatra"} if due.person and due.paediatrician else set())


def _taken_back(chain: Sequence[Done]) -> Iterator[str]:
    if chain and chain[-1].operation not in CANCEL:
        yield "stands although it was taken back"
    registered = sum(each.operation in REGISTER for each in chain)
    if registered > 1:
        yield f"registered {registered} times"
    yield from _followed(chain)


def _chain(due: Due, practice: str, chain: Sequence[Done]) -> Iterator[str]:
    if not chain:
        yield "never arrived"
        return
    registered = [each for each in chain if each.operation in REGISTER]
    if len(registered) != 1 or chain[0] is not registered[0]:
        yield f"registered {len(registered)} times"
    if any(each.operation in CANCEL for each in chain):
        yield "taken back, and nobody asked for it"
    yield from _followed(chain)
    yield from _in_order([each.name for each in chain], due.names, "name")
    if practice == "comune":
        yield from _comune(due, chain)


def _followed(chain: Sequence[Done]) -> Iterator[str]:
    if any(b.follows != a.receipt for a, b in pairwise(chain)):
        yield "an amendment does not follow what stood before it"


def _comune(due: Due, chain: Sequence[Done]) -> Iterator[str]:
    offices = {each.office for each in chain}
    # Who registered it corrects it, also where another Comune is competent now.
    if len(offices) != 1 or not offices <= {due.comune, due.formerly or due.comune}:
        yield "went to another Comune than its own"
    yield from _in_order([each.weight for each in chain], due.weights, "weight")
    if chain[-1].body is not None:
        yield from _said(due, chain[-1].body)


def _said(due: Due, body: etree._Element) -> Iterator[str]:
    for path, said in due.says.items():
        if (_text(body, path) or _there(body, path)) != said:
            yield f"the last document does not say what is due at {path}"


def _one_code(chains: Mapping[str, Sequence[Done]]) -> Iterator[str]:
    """Who was told a codice fiscale knows the one that counts now."""
    given = chains["codice_fiscale"][-1].code if chains["codice_fiscale"] else ""
    for practice in ("assistito", "pediatra"):
        chain = chains[practice]
        if given and chain and chain[-1].code not in ("", given):
            yield f"{practice}: not its last codice fiscale"


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
    code = str(line["outcome"].get("codiceFiscale", "")) or facts.get("codiceFiscale", "")
    return Done(
        administration=administration,
        operation=line["operation"],
        operation_id=line["idOperazione"],
        message_id=line["messageId"],
        receipt=line["protocollo"] or str(line["outcome"].get("protocollo", "")),
        office=facts.get("destinatario", ""),
        follows=follows,
        child=child or children.get(code, ""),
        weight=int(weight) if weight else None,
        name=next((found for path in _NAMES if (found := _text(body, path))), None),
        code=code,
        at=line["at"],
        body=body,
    )


_NAMES = ("dichiarazioneNascita/generalita/nome", "generalita/nome", "assistito/generalita/nome")


def _text(body: etree._Element, path: str) -> str:
    return body.findtext("/".join(f"{{*}}{name}" for name in path.split("/"))) or ""


def _there(body: etree._Element, path: str) -> str:
    """A word if there is such an element, though it has no text of its own."""
    found = body.find("/".join(f"{{*}}{name}" for name in path.split("/")))
    return "" if found is None else "(an element)"


def _lines(path: Path) -> list[dict[str, Any]]:
    """Whole lines only: one cut by a crash was never answered."""
    content = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]

"""What became of the births of a day: the administrations' own logs, and what came back.

Waits until everything has arrived, then holds it against what was due (`gateway.demo.proof`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial

from bench.day import Day, facility
from gateway.demo.hospital import ReturnFeed
from gateway.demo.proof import broken, effects
from gateway.demo.stage import ADMINISTRATIONS, Stage
from gateway.errors import StageError
from gateway.hl7.message import Message

ASSIGNED = "attribuisciCodiceFiscale"
SECONDS = 120.0
_CODE = re.compile(rb"([A-Z0-9]{16})\^\^\^[^|~]*NNITA")


def faults(stage: Stage, back: ReturnFeed, day: Day) -> list[str]:
    """Every birth that did not arrive as it must."""
    found: list[str] = []
    try:
        _wait(stage, back, 4 * day.births)
    except StageError as error:
        found.append(str(error))
    found += broken(day.dues(), effects(stage.folder / "simulators"))
    return found + list(_not_back(stage, list(back.messages), day))


def _wait(stage: Stage, back: ReturnFeed, wanted: int) -> None:
    """As long as more and more arrives."""
    while (there := _arrived(stage, back)) < wanted:
        more = partial(_more, stage, back, there)
        stage.wait_for(more, "the next birth", seconds=SECONDS)


def _more(stage: Stage, back: ReturnFeed, than: int) -> bool:
    return _arrived(stage, back) > than


def _arrived(stage: Stage, back: ReturnFeed) -> int:
    """Effects, and children whose codice fiscale came back."""
    children = {message.get("PID-3[1].1") for message in list(back.messages)}
    return sum(len(stage.effects(name)) for name in ADMINISTRATIONS) + len(children)


def _not_back(stage: Stage, messages: list[Message], day: Day) -> Iterator[str]:
    """Each child's code, as its administration gave it, must have come to its own hospital.

    Once, or once more when what followed it (the receipts of the others) was known.
    """
    lines = {line["idOperazione"]: line for line in stage.effects("agenzia_entrate")}
    done = (each for each in effects(stage.folder / "simulators") if each.operation == ASSIGNED)
    codes = {e.child: _assigned(lines[e.operation_id]) for e in done if e.operation_id in lines}
    came = Counter(map(_told, messages))
    for birth, child in enumerate(day.children()):
        wanted = (child.identifier, codes.get(child.surname, ""), facility(day.sender_of(birth)))
        if not came.pop(wanted, 0):
            yield f"{child.identifier}: its codice fiscale did not come back"
    if came:
        yield f"{came.total()} messages came back that nobody expected"
    if len({message.control_id for message in messages}) < len(messages):
        yield "one and the same message came back twice"


def _assigned(line: dict[str, dict[str, str]]) -> str:
    return line["outcome"].get("codiceFiscale") or line["answer"].get("codiceFiscale", "")


def _told(message: Message) -> tuple[str, str, str]:
    """Child, codice fiscale and the hospital it is for."""
    code = _CODE.search(message.raw)
    where = message.get("MSH-6.1") or ""
    return message.get("PID-3[1].1") or "", code[1].decode() if code else "", where

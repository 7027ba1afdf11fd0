"""The right state after a life with a death in it: what must hold, and how it is looked at.

From the hospital's own count, the administrations' own logs, what the hospital's listener read,
and the journal. Each finding is a sentence; none is good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gateway.demo.stage import ADMINISTRATIONS
from gateway.journal import Keyring, SubmissionRow, View
from gateway.journal.verification import verify
from gateway.lifecycle import Status
from gateway.xml import canonical, parse
from tests.journey.crash.life import WEIGHT, Life
from tests.journey.theatre import journal, journal_url, sql

DOCUMENTS = {
    "comune": ["registraNascita", "rettificaNascita"],
    "agenzia_entrate": ["attribuisciCodiceFiscale"],
    "asl": ["iscriviAssistito", "scegliPediatra"],
}
"""What each administration does for this child, once each, in this order."""


def findings(life: Life) -> list[str]:
    """Everything that is not as it must be."""
    with journal(life.lane.stage) as view:
        rows = view.submissions(limit=1000)
        found = [
            *_messages(life),
            *_stuck(rows),
            *_effects(life, view, rows),
            *_came_back(life, view, rows),
        ]
    return [*found, *_evidence(life)]


def _messages(life: Life) -> Iterator[str]:
    """What the hospital said, however often, is one message of one case."""
    stored = Counter(row[0] for row in sql(life.lane.stage, "SELECT control_id FROM messages"))
    for control_id, times in life.sent.items():
        if stored[control_id] != 1:
            yield f"a message sent {times} times is stored {stored[control_id]} times"
    again = life.sent.total() - len(life.sent)
    if again > len(life.deaths):
        yield f"{again} messages were sent again after {len(life.deaths)} deaths"
    cases = len(sql(life.lane.stage, "SELECT id FROM cases"))
    if cases != 1:
        yield f"{cases} cases of one child"


def _stuck(rows: list[SubmissionRow]) -> Iterator[str]:
    for row in rows:
        if row.status not in (Status.ACCEPTED, Status.WITHDRAWN, Status.REPLACED):
            yield f"{row.step} {row.kind} is left {row.status}"


def _effects(life: Life, view: View, rows: list[SubmissionRow]) -> Iterator[str]:
    """Each document once in effect, in its last state, and exactly as it was committed."""
    sent = _sent(view, rows)
    for administration in ADMINISTRATIONS:
        done = life.effects(administration)
        operations = [str(effect["operation"]) for effect in done]
        if operations != DOCUMENTS[administration]:
            yield f"{administration} did {operations}"
        for effect in done:
            document = _document(life, administration, int(str(effect["seq"])))
            committed = sent.get(str(effect["messageId"]))
            if committed is None:
                yield f"{effect['operation']} reached {administration}, and was never committed"
            elif _body(committed) != document:
                yield f"{effect['operation']} is not what was committed"
            if effect["operation"] == "rettificaNascita" and f">{WEIGHT}<".encode() not in document:
                yield "the correction does not say what was corrected"


def _came_back(life: Life, view: View, rows: list[SubmissionRow]) -> Iterator[str]:
    """The hospital read nothing that was not committed, and last the newest A31 of all."""
    sent = [
        (each.created_at, view.envelope(each.id) or b"")
        for row in rows
        if row.partner == "ospedale"
        for each in view.attempts(row.id)
    ]
    read = [message.raw for message in life.lane.back.messages]
    if not {bytes(each) for each in read} <= {envelope for _, envelope in sent}:
        yield "the hospital read an A31 that was never committed"
    (effect,) = life.effects("agenzia_entrate") or [{}]
    outcome = effect.get("outcome")
    code = str(outcome.get("codiceFiscale", "?")) if isinstance(outcome, dict) else "?"
    if not read or code.encode() not in read[-1] or read[-1] != max(sent)[1]:
        yield "the hospital's last A31 is not the newest, with the codice fiscale"


def _evidence(life: Life) -> Iterator[str]:
    keys = life.lane.stage.folder / "keys"
    keyring = Keyring.load(keys / "master.key", checkpoint_key=keys / "checkpoint.key")
    for finding in verify(journal_url(life.lane.stage), keyring.public_key):
        yield f"evidence: {finding}"


def _sent(view: View, rows: list[SubmissionRow]) -> dict[str, bytes]:
    """Message id → envelope, of every attempt."""
    return {
        each.message_id: view.envelope(each.id) or b""
        for row in rows
        for each in view.attempts(row.id)
    }


def _document(life: Life, administration: str, number: int) -> bytes:
    folder: Path = life.lane.stage.folder / "simulators" / administration / "documents"
    return (folder / f"{number:06d}.xml").read_bytes()


def _body(envelope: bytes) -> bytes:
    body = next(parse(envelope).iter("{*}Body"))
    (content,) = (each for each in body if isinstance(each.tag, str))
    return canonical(content)

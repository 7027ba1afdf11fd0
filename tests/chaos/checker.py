"""Proves a run from what it left: the hospital's book, the administrations' logs, the raw files.

Asks no process. Each sentence it gives is a broken promise. What a status or an evidence entry is
called is read from the tables themselves, not through the gateway's own reading of them.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Any

from lxml import etree

from gateway.demo.proof import Done, broken, effects
from gateway.demo.region import Due
from gateway.journal import Keyring
from gateway.journal.inspection import check as inspect
from gateway.journal.verification import examine
from tests.chaos.deployment import HOLD
from tests.journey.theatre import Theatre, in_the_journal, journal_url, on_the_disk, sql

SKEW = 1.0
"""Seconds at both ends of a fault in which an acknowledgment may belong to before or after it."""

ON_ITS_WAY = 12.0
"""Seconds for which what was sent before may still arrive: an envelope lives for six here."""


@dataclass(frozen=True)
class Left:
    """What a run left, as plain lines; `kinds`: what each administration promises.

    `servers`: the folders of its PostgreSQL servers, with their files, WAL and logs.
    """

    stage: Theatre
    book: list[dict[str, Any]]
    faults: list[dict[str, Any]]
    kinds: Mapping[str, str]
    servers: Sequence[Path] = ()

    @classmethod
    def by(cls, stage: Theatre, kinds: Mapping[str, str], servers: Sequence[Path] = ()) -> Left:
        """Read it all. `stage` names the folder and the database; no node need run."""
        book = lines(stage.folder / "hospital" / "book.jsonl")
        return cls(stage, book, lines(stage.folder / "faults.jsonl"), kinds, servers)

    @property
    def dues(self) -> list[Due]:
        """What is due of every child of whom a message left."""
        return [
            Due.of(due) for line in self.book if line["what"] == "family" for due in line["dues"]
        ]

    def ids(self, what: str) -> list[str]:
        """Control ids of these lines, as often as they come."""
        return [line["control_id"] for line in self.book if line["what"] == what]


def check(left: Left) -> list[str]:
    """Every promise that the run broke."""
    return [
        *_acknowledged(left),
        *broken(left.dues, effects(left.stage.folder / "simulators")),
        *_known_effects(left),
        *_without_an_exit(left),
        *_doubts(left),
        *_asked_too_early(left),
        *unsynced(left),
        *early_choices(left),
        *named_after_wish(left),
        *_erased(left),
        *_personal(left),
        *_evidence(left),
    ]


def _acknowledged(left: Left) -> Iterator[str]:
    stored = Counter(
        row[0] for row in sql(left.stage, "SELECT control_id FROM messages WHERE accepted")
    )
    acknowledged = set(left.ids("acknowledged"))
    for each in sorted(acknowledged):
        if stored[each] != 1:
            yield f"message {each} was acknowledged and is stored {stored[each]} times"
    for each in sorted(set(left.ids("sent")) - acknowledged):
        yield f"message {each} was never acknowledged"


def _known_effects(left: Left) -> Iterator[str]:
    """Whatever was done is what the journal says was accepted, by bytes that it had before."""
    accepted = set(
        sql(left.stage, "SELECT partner, operation_id FROM submissions WHERE status = 'ACCEPTED'")
    )
    written = {row[0] for row in sql(left.stage, "SELECT message_id FROM attempts")}
    done = effects(left.stage.folder / "simulators")
    for each in done:
        if each.message_id not in written:
            who = f"{each.administration} did {each.operation_id}"
            yield f"{who}, whose bytes were never written down"
    did = {(each.administration, each.operation_id) for each in done}
    for partner, operation_id in sorted(did ^ accepted):
        who = "did it" if (partner, operation_id) in did else "did not"
        yield f"{partner}: {operation_id}: the administration {who}, the journal says otherwise"


def _without_an_exit(left: Left) -> Iterator[str]:
    for step, status, reason, count in sql(
        left.stage,
        "SELECT step, status, coalesce(reason, ''), count(*) FROM submissions WHERE status NOT IN "
        "('ACCEPTED', 'REPLACED', 'WITHDRAWN') GROUP BY step, status, reason",
    ):
        if (status, reason) != ("WAITING", "CHOICE"):  # the family may still choose
            yield f"{count} of {step} ended {status} {reason}"


def _doubts(left: Left) -> Iterator[str]:
    """A doubt at a partner of whom nothing can be known ended by a person's word, or by its own."""
    partner = dict(sql(left.stage, "SELECT id, partner FROM submissions"))
    resolved = set(_said_by_persons(left))
    for submission, entries in _moves(left).items():
        if left.kinds.get(partner.get(submission, "")) != "neither":
            continue
        for entry in entries:
            if entry["from"] == "IN_DOUBT" and entry["to"] not in ("HELD", "ACCEPTED", "REJECTED"):
                yield f"{submission}: a doubt at a partner of the last kind became {entry['to']}"
        released = any(each["from"] == "HELD" and each["to"] == "READY" for each in entries)
        if released and submission not in resolved:
            yield f"{submission}: a doubt ended, and no person said how"


def _said_by_persons(left: Left) -> Iterator[str]:
    said = sql(
        left.stage,
        "SELECT subjects, note FROM evidence WHERE what IN "
        "('submission.resolved', 'submission.confirmed', 'submission.chosen')",
    )
    for subjects, note in said:
        if json.loads(note).get("person") and json.loads(note).get("reason"):
            yield from json.loads(subjects)


def _moves(left: Left) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for subjects, note in sql(
        left.stage,
        "SELECT subjects, note FROM evidence WHERE what = 'submission.moved' "
        "ORDER BY at, node, seq",
    ):
        for subject in json.loads(subjects):
            found[subject].append(json.loads(note))
    return found


def _asked_too_early(left: Left) -> Iterator[str]:
    """A doubt is asked about only once no attempt can be accepted any more."""
    expires: dict[str, list[tuple[str, str]]] = defaultdict(list)
    made_at = "SELECT submission_id, created_at, expires_at FROM attempts"
    for row, *times in sql(left.stage, made_at):
        expires[row].append((times[0], times[1] or ""))
    status: dict[str, str] = {}
    for at, what, subjects, note in sql(
        left.stage,
        "SELECT at, what, subjects, note FROM evidence WHERE what IN ('submission.moved', "
        "'submission.asked') ORDER BY at, node, seq",
    ):
        for subject in json.loads(subjects):
            if what == "submission.moved":
                status[subject] = json.loads(note)["to"]
            elif status.get(subject) == "IN_DOUBT" and any(
                made <= at < end for made, end in expires[subject]
            ):
                yield f"{subject} was asked about while its original could still be accepted"


def unsynced(left: Left) -> Iterator[str]:
    """Where nothing can reach the disk, nothing may be acknowledged. With a standby, what was
    written before the fault may have waited since for the standby's word: of a pair, only what was
    received in the fault counts.
    """
    received: dict[str, float] = {}
    if left.servers:
        stored = sql(left.stage, "SELECT control_id, received_at FROM messages WHERE accepted")
        received = {each: datetime.fromisoformat(at).timestamp() for each, at in stored}
    for fault in left.faults:
        if fault["kind"] not in ("fsync error", "disk full") or not fault.get("whole"):
            continue
        began, ended = fault["from"] + SKEW, fault["to"]
        inside = [
            line["control_id"]
            for line in left.book
            if line["what"] == "acknowledged" and began < line["at"] < ended
        ]
        for each in inside:
            if received.get(each, began) >= fault["from"]:
                yield f"message {each} was acknowledged during: {fault['kind']}"


def early_choices(left: Left) -> Iterator[str]:
    """No choice of a paediatrician went before its embargo's end."""
    said: dict[str, float] = {}
    for line in left.book:
        if line["what"] == "sent":
            said.setdefault(line["control_id"], line["at"])
    born = {
        name: min(at for each in line["messages"] if (at := said.get(each, inf)))
        for line in left.book
        if line["what"] == "family"
        for due in line["dues"]
        for name in Due.of(due).known_as
    }
    for each in effects(left.stage.folder / "simulators"):
        if each.operation == "scegliPediatra" and _at(each) < born.get(each.child, 0) + HOLD:
            yield f"a choice was sent {HOLD:g} s after the birth or earlier: {each.operation_id}"


def _at(done: Done) -> float:
    return datetime.fromisoformat(done.at).timestamp()


def named_after_wish(left: Left) -> Iterator[str]:
    """After a late wish nothing that is sent names her."""
    acknowledged = {
        line["control_id"]: line["at"] for line in left.book if line["what"] == "acknowledged"
    }
    wishes = [due for due in left.dues if due.erased]
    done = effects(left.stage.folder / "simulators")
    for due in wishes:
        since = acknowledged.get(due.wish, inf) + ON_ITS_WAY
        for each in done:
            if _at(each) > since and each.body is not None:
                text = etree.tostring(each.body, encoding="unicode")
                if any(mark in text for mark in due.erased):
                    yield f"{due.identifier}: {each.operation} names her after her wish"


def _erased(left: Left) -> Iterator[str]:
    """Nor does anything at the gateway; administrations may keep what they were told before."""
    places = ("hospital/", "simulators/")
    yield from _found(left, [mark for due in left.dues for mark in due.erased], places)


def _personal(left: Left) -> Iterator[str]:
    # The hospital's own book is the one place that may know them.
    yield from _found(left, [mark for due in left.dues for mark in due.marks], ("hospital/",))


def _found(left: Left, marks: Sequence[str], allowed: tuple[str, ...]) -> Iterator[str]:
    if not marks:
        return
    for place in on_the_disk(left.stage.folder, marks):
        if not place.startswith(allowed):
            yield f"of an unnamed mother in {place.partition(': ')[0]}"
    for folder in left.servers:
        for place in on_the_disk(folder, marks):
            yield f"of an unnamed mother in {folder.name}/{place.partition(': ')[0]}"
    for place in in_the_journal(left.stage, marks):
        yield f"of an unnamed mother, encrypted, in {place.partition(': ')[0]}"


def _evidence(left: Left) -> Iterator[str]:
    """The chains, held against what each node signed elsewhere; then ciphertexts and exits."""
    keys = left.stage.folder / "keys"
    keyring = Keyring.load(keys / "master.key", checkpoint_key=keys / "checkpoint.key")
    found = {f"journal: {each}" for each in inspect(journal_url(left.stage), keyring)}
    for file in sorted(left.stage.folder.glob("checkpoints-*")):
        report = examine(journal_url(left.stage), keyring.public_key, file)
        found |= {f"evidence against {file.name}: {each}" for each in report.findings}
    yield from sorted(found)


def lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file of ours; none if it is not there."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

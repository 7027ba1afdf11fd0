"""A maternity ward with several lines, a gateway that dies, and what must hold afterwards.

The hospital sends again only what it read no acknowledgment of. Administrations answer slowly, so
that every death has something on the wire whose effect is there and whose answer is not.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

from gateway.demo.hospital import Feed, read
from gateway.demo.people import Child
from gateway.demo.stage import ADMINISTRATIONS
from gateway.hl7.message import Message
from gateway.lifecycle import Status
from tests.journey.lines import Lines
from tests.journey.theatre import Theatre, documents, settle, sql, submissions

REGISTRATIONS = {
    "comune": "registraNascita",
    "agenzia_entrate": "attribuisciCodiceFiscale",
    "asl": "iscriviAssistito",
}
"""What an administration does once for a child, whatever else it does."""

SLOW = {"name": "slow", "options": {"seconds": 0.15}}
"""The effect is there, the answer is not: the moment in which to die."""


class CountedFeed(Feed):
    """A feed that counts how often it sent each control id."""

    def __init__(self, port: int, sent: Counter[str]) -> None:
        super().__init__(port, timeout=30)
        self.sent = sent

    def _exchange(self, payload: bytes) -> bytes:
        self._connected()  # while nobody listens, nothing is sent
        self.sent[Message.parse(payload).control_id] += 1
        return super()._exchange(payload)


class Maternity(Lines):
    """Connections of a hospital, each with its own thread; what waits is sent in turn.

    Every third child is corrected as soon as it is taken.
    """

    def __init__(self, stage: Theatre, connections: int = 4) -> None:
        super().__init__()
        feeds = [CountedFeed(stage.mllp, self.sent) for _ in range(connections)]
        self.open([partial(_tell, feed) for feed in feeds])


def _tell(feed: CountedFeed, births: Iterator[Child]) -> None:
    try:
        for child in births:
            messages = [child.message("A01")]
            if int(child.identifier[1:]) % 3 == 0:
                messages.append(child.message("A08", weight=3999))
            for message in messages:
                reply = read(feed.send(message, patience=120))
                assert reply is not None
                assert reply.code == "AA"
    finally:
        feed.close()


def dice() -> random.Random:
    """Random moments; ICARO_SEED repeats those of an earlier run."""
    seed = int(os.environ.get("ICARO_SEED") or random.SystemRandom().randrange(2**32))
    print(f"ICARO_SEED={seed}")
    return random.Random(seed)


def die(stage: Theatre, after: float) -> None:
    """Die at a moment, and live again."""
    time.sleep(after)  # the moment is the test, it waits for nothing
    stage.kill("gateway")
    stage.start_gateway()


def slow(stage: Theatre) -> None:
    """Every administration stores, and answers late."""
    for name in ADMINISTRATIONS:
        stage.control(name, "POST", "/bad-day", SLOW)


def quick(stage: Theatre) -> None:
    """They answer at once again."""
    for name in ADMINISTRATIONS:
        stage.control(name, "DELETE", "/bad-day?name=slow")


def lost_answers(stage: Theatre) -> int:
    """How many attempts ended with the process that made them."""
    return int(sql(stage, "SELECT count(*) FROM attempts WHERE ended_at IS NULL")[0][0])


def every_effect_is_single_and_known(stage: Theatre) -> None:
    """Assert: one effect an operation id, and exactly those that the journal has as accepted."""
    rows = submissions(stage)
    for administration in ADMINISTRATIONS:
        done = Counter(effect["idOperazione"] for effect in stage.effects(administration))
        assert {each: n for each, n in done.items() if n != 1} == {}, administration
        accepted = {
            row.operation_id
            for row in rows
            if row.partner == administration and row.status is Status.ACCEPTED
        }
        assert set(done) == accepted, administration


def registrations(stage: Theatre, children: list[Child]) -> Counter[tuple[str, str]]:
    """How often each (surname, operation) was done, by the documents themselves."""
    done: Counter[tuple[str, str]] = Counter()
    for administration, operation in REGISTRATIONS.items():
        for effect, document in documents(stage, administration):
            if effect["operation"] == operation:
                done.update(
                    (child.surname, operation)
                    for child in children
                    if f">{child.surname}<" in document
                )
    return done


def every_child_is_registered_once(stage: Theatre, children: list[Child]) -> None:
    """Assert, from the documents themselves: each child once at each administration."""
    done = registrations(stage, children)
    wanted = {(c.surname, operation) for c in children for operation in REGISTRATIONS.values()}
    assert done == dict.fromkeys(wanted, 1)
    chosen = [e for e in stage.effects("asl") if e["operation"] == "scegliPediatra"]
    assert len(chosen) >= len(children)


def every_message_is_stored_once(stage: Theatre, sent: Counter[str]) -> None:
    """Assert: what was sent, however often, is one message in the journal."""
    stored = Counter(row[0] for row in sql(stage, "SELECT control_id FROM messages"))
    assert {each: stored[each] for each in sent if stored[each] != 1} == {}


def evidence_is_good(stage: Theatre) -> None:
    """Assert by the real verb, which fails the test with its findings."""
    told = stage.icaro("evidence", "verify", "-c", str(stage.folder / "icaro.yaml"))
    assert "good: nothing was changed" in told


def storm(stage: Theatre, deaths: int, longest: float = 1.2) -> Maternity:
    """Births, and so many deaths at random moments among them; all is sent when this returns."""
    chance = dice()
    slow(stage)
    maternity = Maternity(stage)
    for _ in range(deaths):
        maternity.births(6)
        die(stage, chance.uniform(0.0, longest))
    maternity.close()
    quick(stage)
    return maternity


def something_was_under_way(stage: Theatre, *sent: Counter[str]) -> None:
    """Assert: the deaths did not all come in a pause."""
    lost = lost_answers(stage)
    again = sum(each.total() - len(each) for each in sent)
    print(f"{lost} answers lost, {again} messages sent again")
    assert lost + again > 0


def everything_is_done_once(stage: Theatre, maternity: Maternity) -> None:
    """Assert: what the hospital said reached every administration, and nothing twice."""
    statuses = {row.status for row in settle(stage)}
    assert statuses <= {Status.ACCEPTED, Status.REPLACED, Status.WITHDRAWN}
    every_effect_is_single_and_known(stage)
    every_child_is_registered_once(stage, maternity.children)
    every_message_is_stored_once(stage, maternity.sent)
    evidence_is_good(stage)

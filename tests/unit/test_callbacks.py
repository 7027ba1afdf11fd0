"""Outcomes that a partner brings later: stored once, believed from who may speak, applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.answers import outcome_of
from gateway.callbacks import Callbacks
from gateway.errors import Fenced, JournalError, LifecycleError
from gateway.lifecycle import Status
from gateway.outcomes import Facts, NotFound, Outcome, Taken
from gateway.partners import Entry
from tests.births import GIULIA, OFFICES, House, entry, now, run

KEYS = {"ca": Path("comune.pem"), "signer": "CN=firma"}
OTHER_KEYS = {"ca": Path("altro.pem"), "signer": "CN=firma"}
ALARMS: list[tuple[str, str]] = []
"""Path and class of every alarm of a test."""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A birth whose Comune has taken the notification and will answer later."""
    ALARMS.clear()
    keyed = [replace(each, **KEYS) if each.partner == "comune" else each for each in OFFICES]
    more = entry("comune", "108033", **OTHER_KEYS)
    with House(tmp_path, offices=(*keyed, more)) as house:
        house.office.says["comune"] = [Taken("T/1")]
        house.hears(GIULIA.message("A01"))
        house.works()
        assert house.status("comune") is Status.TAKEN
        yield house


def callbacks(
    house: House, outcome: Callable[[Facts], Outcome | NotFound] = outcome_of
) -> Callbacks:
    """The callbacks of a house; a body is its facts, `name=value` a line."""
    return Callbacks(
        house.journal,
        house.casebook,
        house.aftermath,
        house.directory,
        _facts,
        outcome,
        now,
        lambda path, error: ALARMS.append((path, type(error).__name__)),
    )


def _facts(body: bytes) -> Facts | None:
    if body == b"?":
        return None
    return dict(line.split("=", 1) for line in body.decode().splitlines())


def brought(
    house: House, body: bytes, *, operation: str = "", office: str = "015209", message: str = "m1"
) -> list[str]:
    """What came of a callback, and of all before it."""
    found = callbacks(house)
    caller: Entry | None = house.directory.entry("comune", office)
    assert caller is not None
    operation = operation or house.last("comune").operation_id
    run(found.store(caller, message, operation, body))
    while run(found.apply_stored()):
        pass
    return told(house)


def told(house: House) -> list[str]:
    """What came of every callback, in order."""
    entries = house.look(lambda view: view.evidence(limit=1000))
    return [str(each.note["outcome"]) for each in entries if each.what == "callback.applied"]


ACCEPTED = b"esito=ACCOLTA\nprotocollo=015209/2026/1"


def test_an_outcome_that_comes_later_ends_the_wait(house: House):
    """The submission is accepted with the receipt that the callback brought."""
    assert brought(house, ACCEPTED) == ["applied"]
    row = house.last("comune")
    assert (row.status, row.receipt) == (Status.ACCEPTED, "015209/2026/1")


def test_an_outcome_of_before_her_wish_is_applied_and_not_kept(house: House):
    """She wished not to be named since: what it answers named her, so its bytes may."""
    house.hears(replace(GIULIA, unnamed=True).message("A08"))
    row = house.rows("comune")[0]
    assert brought(house, ACCEPTED, operation=row.operation_id) == ["applied"]
    assert house.rows("comune")[0].status is Status.ACCEPTED
    evidence = house.look(lambda view: view.evidence(limit=1000))
    (kept,) = (each.subjects[0] for each in evidence if each.what == "callback.stored")
    assert house.look(lambda view: view.callback_body(kept)) is None


def test_a_repeated_outcome_is_recognised(house: House):
    """The same MessageID twice is kept once and applied once."""
    brought(house, ACCEPTED)
    assert brought(house, ACCEPTED) == ["applied"]


def test_a_refusal_may_come_later_too(house: House):
    """RESPINTA with its codes makes it REJECTED."""
    refused = b"esito=RESPINTA\nerrori=COM001"
    assert brought(house, refused) == ["applied"]
    assert house.status("comune") is Status.REJECTED


def test_what_says_neither_yes_nor_no_changes_nothing(house: House):
    """'Taken' by callback is kept and told, and the wait goes on."""
    assert brought(house, b"esito=PRESA_IN_CARICO\nprotocollo=T/2") == ["no outcome"]
    assert house.status("comune") is Status.TAKEN


def kept(house: House) -> list[tuple[bytes | None, str | None]]:
    """Of every callback, in order: its body, and the submission that it is of."""
    evidence = house.look(lambda view: view.evidence(limit=1000))
    ids = [each.subjects[0] for each in evidence if each.what == "callback.stored"]
    return [
        house.look(lambda view, i=each: (view.callback_body(i), view.callback(i).submission_id))
        for each in ids
    ]


def test_what_fits_nothing_is_kept_and_told(house: House):
    """An unknown operation stays in the inbox with its reason; nobody is called for it."""
    assert brought(house, ACCEPTED, operation="of-nobody") == ["unknown operation"]
    assert house.status("comune") is Status.TAKEN
    assert kept(house) == [(ACCEPTED, None)]
    assert ALARMS == []


def unforeseen(facts: Facts) -> Outcome | NotFound:
    """As `outcome_of`, but there is one protocol that it breaks on."""
    if facts.get("protocollo") == "X":
        raise LifecycleError("nobody thought of it")
    return outcome_of(facts)


BROKEN = {b"?": ("unreadable", "VerificationError"), b"protocollo=X": 2 * ("LifecycleError",)}
"""Bodies that cannot be applied, what is told of them, and the class of the alarm."""


def broke(house: House, body: bytes, office: str = "015209") -> None:
    """One of them came for the birth's first notification."""
    found, caller = callbacks(house, unforeseen), house.directory.entry("comune", office)
    assert caller is not None
    run(found.store(caller, "m1", house.rows("comune")[0].operation_id, body))
    assert run(found.apply_stored()) == 1


@pytest.mark.parametrize("body", BROKEN)
def test_what_cannot_be_applied_raises_an_alarm(house: House, body: bytes):
    """It was acknowledged and will not come again; the wait goes on, and a person is told."""
    broke(house, body)
    said, error = BROKEN[body]
    assert (told(house), ALARMS) == ([said], [("callback", error)])
    assert house.status("comune") is Status.TAKEN


@pytest.mark.parametrize("body", BROKEN)
def test_what_cannot_be_applied_goes_with_its_case(house: House, body: bytes):
    """It may name the child: destroying the case's key reaches it."""
    broke(house, body)
    assert kept(house) == [(body, house.last("comune").id)]
    house.do(lambda unit: unit.destroy_key(house.case().id))
    assert kept(house) == [(None, house.last("comune").id)]


@pytest.mark.parametrize("body", BROKEN)
def test_what_cannot_be_applied_is_not_kept_after_her_wish(house: House, body: bytes):
    """She wished not to be named since: what it answers named her, so its bytes may."""
    house.hears(replace(GIULIA, unnamed=True).message("A08"))
    broke(house, body)
    assert kept(house) == [(None, house.rows("comune")[0].id)]


@pytest.mark.parametrize("body", BROKEN)
def test_what_another_office_sends_is_of_no_case(house: House, body: bytes):
    """Read or not, who may not speak of a case adds nothing to it."""
    broke(house, body, office="108033")
    assert (told(house), kept(house), ALARMS) == (["another office"], [(body, None)], [])


@pytest.mark.parametrize("body", BROKEN)
def test_what_cannot_be_applied_to_a_destroyed_case_leaves_no_body(house: House, body: bytes):
    """There is no key to keep it under, and nothing that a person could do."""
    house.do(lambda unit: unit.destroy_key(house.case().id))
    broke(house, body)
    assert (told(house), ALARMS) == (["content destroyed"], [])
    assert kept(house) == [(None, house.rows("comune")[0].id)]


def test_an_office_with_the_same_keys_may_speak(house: House):
    """One system that serves several comuni signs for all of them with one key."""
    assert brought(house, ACCEPTED, office="016024") == ["applied"]


def test_another_office_is_not_believed(house: House):
    """Who never got the document cannot say what became of it."""
    assert brought(house, ACCEPTED, office="108033") == ["another office"]
    assert house.status("comune") is Status.TAKEN


def test_an_office_that_left_the_directory_is_not_believed(house: House, tmp_path: Path):
    """What is stored is judged by the directory of the moment when it is applied."""
    found = callbacks(house)
    gone = entry("comune", "999999", **KEYS)
    run(found.store(gone, "m9", house.last("comune").operation_id, ACCEPTED))
    assert run(found.apply_stored()) == 1
    assert house.status("comune") is Status.TAKEN


def test_a_case_whose_content_was_destroyed_learns_nothing_more(house: House):
    """The callback is told and its body dropped; nothing of the child is written again."""
    operation = house.last("comune").operation_id
    house.do(lambda unit: unit.destroy_key(house.case().id))
    assert brought(house, ACCEPTED, operation=operation) == ["content destroyed"]


def test_what_can_never_be_applied_stops_nobody(house: House):
    """An outcome that no table foresees is told by its class, and the next one is applied."""
    found = callbacks(house, unforeseen)
    office, operation = house.directory.entry("comune", "015209"), house.last("comune").operation_id
    assert office is not None
    for message, body in (("m1", b"esito=ACCOLTA\nprotocollo=X"), ("m2", ACCEPTED)):
        run(found.store(office, message, operation, body))
    assert run(found.apply_stored()) == 2
    assert told(house) == ["LifecycleError", "applied"]
    assert house.status("comune") is Status.ACCEPTED


def test_without_a_journal_a_callback_waits(house: House):
    """What cannot be written is not told as applied: it stays in the inbox for the next time."""

    def full(facts: Facts) -> Outcome | NotFound:
        raise JournalError("the disk is full")

    office = house.directory.entry("comune", "015209")
    assert office is not None
    run(callbacks(house).store(office, "m1", house.last("comune").operation_id, ACCEPTED))
    with pytest.raises(JournalError):
        run(callbacks(house, full).apply_stored())
    assert run(callbacks(house).apply_stored()) == 1
    assert told(house) == ["applied"]


def test_another_node_may_be_first(house: House):
    """What somebody else moved at the same moment is looked for again, and nothing is lost."""

    def fenced(facts: Facts) -> Outcome | NotFound:
        raise Fenced("moved meanwhile")

    office = house.directory.entry("comune", "015209")
    assert office is not None
    run(callbacks(house).store(office, "m1", house.last("comune").operation_id, ACCEPTED))
    assert run(callbacks(house, fenced).apply_stored()) == 1
    assert told(house) == []
    assert run(callbacks(house).apply_stored()) == 1

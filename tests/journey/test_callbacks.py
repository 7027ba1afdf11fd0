"""Outcomes that come later: stored before they are acknowledged, believed only from who may speak.

The administrations' own callbacks come from the simulators; forged, repeated and stray ones are
posted here with the keys of a party.
"""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest
from lxml import etree

from adapters.doorway import CALLBACKS, OBSERVATION, Room
from adapters.simulation.callbacks import notification
from gateway import shipped
from gateway.demo.people import Child
from gateway.journal import SubmissionRow
from gateway.lifecycle import Status
from gateway.soap.contract import Contract
from tests.journey.theatre import Theatre, newborn, sql
from tests.journey.watching import Ward
from tests.journey.wire import Answered, Party, altered, fresh_id

pytestmark = pytest.mark.journey

CONTRACT = Contract.load(shipped.xsd() / "gateway/RicezioneEsiti.wsdl", shipped.xsd())
OPERATION = CONTRACT.operations["notificaEsito"]
OFFICE = {"comune": "comune/015146", "agenzia_entrate": "agenzia_entrate/AE", "asl": "asl/321"}


@pytest.fixture
def ward(sqlite_stage: Theatre) -> Ward:
    """The stage, without bad days left over."""
    found = Ward(sqlite_stage)
    for administration in OFFICE:
        found.good_day(administration)
    return found


def owed(ward: Ward, step: str = "comune", **options: object) -> tuple[Child, SubmissionRow]:
    """A birth whose Comune has taken it and will answer when told to."""
    child = newborn()
    ward.bad_day("comune", "answer_later", child, after=None, **options)
    ward.born(child)
    return child, ward.await_status(child, step, Status.TAKEN)


def url(ward: Ward, office: str) -> str:
    """The gateway's address for an office's outcomes."""
    return f"https://127.0.0.1:{ward.stage.callbacks}/esiti/{office}"


def say(
    ward: Ward,
    operation_id: str,
    *,
    signer: str = "comune",
    office: str | None = None,
    message_id: str | None = None,
    **outcome: Any,
) -> Answered:
    """A callback in the name of `signer`, to the address of its office or of another's."""
    party = Party(ward.stage.folder / "certs", signer, "gateway")
    to = url(ward, office or OFFICE[signer])
    return party.post(to, letter(party, to, operation_id, message_id, **outcome))


def letter(
    party: Party, to: str, operation_id: str, message_id: str | None = None, **outcome: Any
) -> bytes:
    """A signed callback."""
    told = {"idOperazione": operation_id, "esito": "ACCOLTA", "protocollo": "P/1", **outcome}
    body = notification(OPERATION.request, told, "comune")
    return party.envelope(body, to, OPERATION.action, message_id=message_id or fresh_id())


def inbox(ward: Ward, operation_id: str) -> list[str | None]:
    """What came of every callback stored for an operation."""
    statement = "SELECT outcome FROM inbox WHERE operation_id = ? ORDER BY received_at"
    return [outcome for (outcome,) in sql(ward.stage, statement, operation_id)]


def test_an_outcome_that_comes_later_completes_the_step(ward: Ward) -> None:
    """TAKEN with ticket and deadline; then the callback's facts, and nothing is sent twice."""
    child, row = owed(ward)
    (effect,) = ward.effects(row)
    assert row.ticket == effect["protocollo"]
    assert row.deadline_at is not None
    assert "comune" not in ward.context(child).facts
    ward.stage.control("comune", "POST", "/callback-now", {})
    ward.await_status(child, "comune", Status.ACCEPTED)
    facts = ward.context(child).facts["comune"]
    assert facts["attoNumero"] == effect["outcome"]["atto"]["numero"]
    found = ward.one(child, "comune")
    assert found.way == ("READY", "SUBMITTING", "TAKEN", "ACCEPTED")
    assert len(ward.effects(found.row)) == 1
    told = [entry.what for entry in ward.evidence(found.row.id)]
    assert "callback.applied" in told


def test_a_refusal_that_comes_later_is_kept_with_its_reasons(ward: Ward) -> None:
    """REJECTED, with the partner's code, where a person looks."""
    child, row = owed(ward, codice="COM003")
    ward.stage.control("comune", "POST", "/callback-now", {})
    ward.await_status(child, "comune", Status.REJECTED)
    shown = ward.told("submission", "show", row.id)
    assert [fault["code"] for fault in shown["faults"]] == ["COM003"]


def test_an_outcome_that_comes_twice_counts_once(ward: Ward) -> None:
    """Both are acknowledged, the second changes nothing: no correction, no second A31."""
    child = newborn()
    ward.bad_day("comune", "callback_twice", child, after=0.2)
    ward.born(child)
    ward.await_status(child, "riscontro", Status.ACCEPTED)
    row = ward.await_status(child, "comune", Status.ACCEPTED)
    ward.until(lambda: inbox(ward, row.operation_id) == ["applied", "applied"], "both callbacks")
    assert ward.one(child, "comune").way == ("READY", "SUBMITTING", "TAKEN", "ACCEPTED")
    assert set(ward.effects_of(child).values()) == {1}


def test_the_same_callback_is_recognised_also_after_a_restart(ward: Ward) -> None:
    """Its MessageID is refused at the door while remembered there, and by the journal for ever."""
    child, row = owed(ward)
    message_id = fresh_id()
    first = say(ward, row.operation_id, message_id=message_id)
    assert (first.status, first.element) == (200, "RispostaNotificaEsito")
    ward.await_status(child, "comune", Status.ACCEPTED)
    assert say(ward, row.operation_id, message_id=message_id, protocollo="P/2").status == 500
    ward.stage.stop("gateway")
    ward.stage.start_gateway()
    assert say(ward, row.operation_id, message_id=message_id, protocollo="P/2").status == 200
    assert inbox(ward, row.operation_id) == ["applied"]
    assert ward.one(child, "comune").row.receipt == "P/1"


def test_a_callback_while_the_gateway_is_down_is_not_lost(ward: Ward) -> None:
    """The administration tries again until the gateway says, signed, that it has it."""
    child, row = owed(ward)
    ward.stage.kill("gateway")
    ward.stage.control("comune", "POST", "/callback-now", {})
    time.sleep(0.3)
    ward.stage.start_gateway()
    ward.await_status(child, "comune", Status.ACCEPTED)
    assert inbox(ward, row.operation_id) == ["applied"]


def test_what_a_death_left_unapplied_is_applied_at_the_start(ward: Ward) -> None:
    """Stored and acknowledged is enough: whoever dies after that applies it in its next life."""
    child, row = owed(ward)
    assert say(ward, row.operation_id).status == 200
    ward.await_status(child, "comune", Status.ACCEPTED)
    ward.stage.stop("gateway")
    # As if the commit that applied it had not been: back to what the first commit had left.
    sql(ward.stage, "UPDATE inbox SET applied_at = NULL WHERE operation_id = ?", row.operation_id)
    sql(ward.stage, "UPDATE submissions SET status = 'TAKEN' WHERE id = ?", row.id)
    ward.stage.start_gateway()
    ward.await_status(child, "comune", Status.ACCEPTED)


def test_only_who_got_the_document_tells_what_became_of_it(ward: Ward) -> None:
    """The ASL, with its own good keys at its own address, cannot speak for the Comune: what it
    says is kept, and moves nothing.
    """
    child, row = owed(ward)
    assert say(ward, row.operation_id, signer="asl").status == 200
    ward.until(lambda: inbox(ward, row.operation_id) == ["another office"], "it to be judged")
    assert ward.one(child, "comune").row.status is Status.TAKEN
    assert "comune" not in ward.context(child).facts


def test_another_partys_signature_is_not_heard(ward: Ward) -> None:
    """At the Comune's address only the Comune's signature is believed; the refusal is signed, an
    alarm is raised, and nothing is stored.
    """
    child, row = owed(ward)
    answer = say(ward, row.operation_id, signer="asl", office=OFFICE["comune"])
    assert (answer.status, answer.element) == (500, "Fault")
    assert inbox(ward, row.operation_id) == []
    assert ward.one(child, "comune").row.status is Status.TAKEN
    assert "event=alarm path=callback" in ward.log()


@pytest.mark.parametrize("what", ["changed", "unsigned", "breaks the contract", "no XML"])
def test_a_callback_that_cannot_be_believed_is_refused(ward: Ward, what: str) -> None:
    """Nothing of it is stored, and the submission waits on."""
    child, row = owed(ward)
    party = Party(ward.stage.folder / "certs", "comune", "gateway")
    to = url(ward, OFFICE["comune"])
    good = letter(party, to, row.operation_id)
    wrong = {
        "changed": good.replace(b"P/1", b"P/9"),
        "unsigned": altered(good, lambda root: _drop(root, "Signature")),
        "breaks the contract": letter(party, to, row.operation_id, esito="FORSE"),
        "no XML": b"<soap",
    }[what]
    answer = party.post(to, wrong, action=OPERATION.action)
    assert (answer.status, answer.element) == (500, "Fault")
    assert inbox(ward, row.operation_id) == []
    assert ward.one(child, "comune").row.status is Status.TAKEN


def _drop(root: etree._Element, name: str) -> None:
    found = next(root.iter(f"{{*}}{name}"))
    parent = found.getparent()
    assert parent is not None
    parent.remove(found)


def test_a_callback_about_nothing_is_kept_and_moves_nothing(ward: Ward) -> None:
    """An operation id that is not ours: acknowledged, so that it is not told for ever; kept."""
    stray = str(uuid4())
    assert say(ward, stray).status == 200
    ward.until(lambda: inbox(ward, stray) == ["unknown operation"], "it to be judged")


def test_a_callback_that_its_mapping_cannot_read_is_of_its_case_and_raises_an_alarm(
    ward: Ward,
) -> None:
    """The contract allows a codice fiscale whose check letter is wrong. It is acknowledged, so a
    person is told; what it says of the child goes when the child's case does.
    """
    child, row = owed(ward)
    alarm = "event=alarm path=callback error=VerificationError"
    before = ward.log().count(alarm)
    assert say(ward, row.operation_id, codiceFiscale="RSSGLI26C49H501A").status == 200
    ward.until(lambda: inbox(ward, row.operation_id) == ["unreadable"], "it to be judged")
    ward.until(lambda: ward.log().count(alarm) > before, "the alarm")
    assert ward.one(child, "comune").row.status is Status.TAKEN
    statement = "SELECT submission_id FROM inbox WHERE operation_id = ?"
    assert sql(ward.stage, statement, row.operation_id) == [(row.id,)]


def test_a_callback_for_what_was_never_sent_moves_nothing(ward: Ward) -> None:
    """A good signature about a document that is still waiting: no effect without a sending."""
    child = newborn(paediatrician="")
    ward.born(child)
    ward.await_status(child, "assistito", Status.ACCEPTED)
    row = ward.one(child, "pediatra").row
    assert (row.status, row.reason) == (Status.WAITING, "CHOICE")
    assert say(ward, row.operation_id, signer="asl").status == 200
    ward.until(lambda: inbox(ward, row.operation_id) == ["stray"], "it to be judged")
    assert ward.one(child, "pediatra").row.status is Status.WAITING


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "comune/015146", 405),
        ("POST", "comune/999999", 404),
        ("POST", "comune", 404),
        ("POST", "ospedale/santa-prova", 404),
    ],
)
def test_nobody_else_is_served(ward: Ward, method: str, path: str, status: int) -> None:
    """POST only, and only at the address of an office of the directory."""
    party = Party(ward.stage.folder / "certs", "comune", "gateway")
    assert party.post(url(ward, path), b"", method).status == status


@pytest.mark.parametrize(("port", "room"), [("callbacks", CALLBACKS), ("http", OBSERVATION)])
def test_one_address_cannot_take_every_connection(ward: Ward, port: str, room: Room) -> None:
    """Who opens more than its share is hung up on, without TLS; then there is room again."""
    where = ("127.0.0.1", getattr(ward.stage, port))
    with ExitStack() as flood:
        calls = [
            flood.enter_context(socket.create_connection(where, 10)) for _ in range(room.per_peer)
        ]
        over = flood.enter_context(socket.create_connection(where, 10))
        assert hung_up(over, 10)
        assert not hung_up(calls[0], 0.1)

    def room_again() -> bool:
        with socket.create_connection(where, 10) as call:
            return not hung_up(call, 0.3)

    ward.until(room_again, "room for another call")
    assert f"event=connections_full listener={port} peer=127.0.0.1" in ward.log()


def hung_up(call: socket.socket, seconds: float) -> bool:
    """Whether the other side ends it within so many seconds, without a word."""
    call.settimeout(seconds)
    try:
        return call.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False

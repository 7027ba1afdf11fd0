"""Application acknowledgments: kept with the message, told in order, told again until told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from gateway.agreements import ApplicationAcks
from gateway.courier import LONGEST_WAIT, POLL, Courier, Told, wait_after
from gateway.errors import GatewayError
from gateway.hl7.acknowledgment import Reply, read_acknowledgment
from gateway.hl7.message import Message
from gateway.journal import Unit
from gateway.journal.tellings import MOST
from gateway.units import Address
from tests.births import GIULIA, SENDER, House, now, run

ACKS = ApplicationAcks(address=Address("127.0.0.1", 2601))
ENHANCED = SENDER.model_copy(update={"application_acks": ACKS})


def transfer(control_id: str, asks: str = "AL|AL", pid: str = "PID|1||9^^^H^PI") -> bytes:
    """A message about nobody we know, in enhanced mode."""
    head = f"MSH|^~\\&|HIS|SANTA_PROVA|ICARO|R|20260306||ADT^A02|{control_id}|P|2.5|||{asks}"
    return f"{head}\r{pid}\r".encode()


def nameless(control_id: str) -> bytes:
    """A birth whose child has no identifier: readable, and yet it cannot be taken."""
    message = Message.parse(GIULIA.message("A01"))
    lines = [segment.line for segment in message]
    msh = lines[0].split("|")
    msh[9], msh[14:16] = control_id, []
    lines[0] = "|".join([*msh[:12], "", "", "AL", "AL"])
    pid = next(n for n, line in enumerate(lines) if line.startswith("PID"))
    fields = lines[pid].split("|")
    fields[3] = ""
    lines[pid] = "|".join(fields)
    return ("\r".join(lines) + "\r").encode()


class Hospital:
    """What arrives at the hospital's own port; `says` in turn, then TOLD."""

    def __init__(self, *says: Told) -> None:
        self.says = list(says)
        self.heard: list[Reply] = []
        self.payloads: list[bytes] = []

    async def tell(self, sender: str, payload: bytes) -> Told:
        """The courier's way here."""
        self.payloads.append(payload)
        self.heard.append(read_acknowledgment(payload))
        return self.says.pop(0) if self.says else "TOLD"


class Office:
    """A courier with its clock and its alarms."""

    def __init__(self, house: House, hospital: Hospital) -> None:
        self.clock = Clock()
        self.alarms: list[str] = []
        self.courier = Courier(
            self.clock, house.journal, now, hospital.tell, lambda what, _: self.alarms.append(what)
        )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A gateway with one hospital in enhanced mode."""
    with House(tmp_path, sender=ENHANCED) as made:
        yield made


def hears(house: House, message: bytes) -> str:
    """What the first connection says at once."""
    answer = run(house.intake.accept(message))
    return "" if answer is None else read_acknowledgment(answer).code


def waiting(house: House, state: str = "WAITING") -> list[str]:
    """Control ids of the messages whose application acknowledgment is not told."""
    with house.journal.view() as view:
        return [each.control_id for each in view.tellings(state)]


def due_now(house: House) -> None:
    """Let all that waits be due."""
    ids = []
    with house.journal.view() as view:
        ids = [each.id for each in view.tellings()]
    house.journal.run(lambda unit: unit.tell_again(ids, timedelta(0)))


def test_accepted_at_once_and_the_rest_later(house: House) -> None:
    """CA on the connection, AA on the hospital's own port, naming the message; none waits then."""
    hospital = Hospital()
    assert [hears(house, transfer(each)) for each in ("1", "2", "3")] == ["CA"] * 3
    assert waiting(house) == ["1", "2", "3"]
    Office(house, hospital).courier.wake()
    assert [(each.code, each.control_id) for each in hospital.heard] == [
        ("AA", "1"),
        ("AA", "2"),
        ("AA", "3"),
    ]
    assert waiting(house) == []
    header = Message.parse(hospital.payloads[0]).msh
    assert (header.text(15), header.text(16)) == ("AL", "NE")
    with house.journal.view() as view:
        assert "acknowledgment.told" in [each.what for each in view.evidence()]


def test_nothing_is_lost_when_the_process_dies_before_it_is_told(tmp_path: Path) -> None:
    """The next life tells it; a message that comes again adds no second one."""
    with House(tmp_path, sender=ENHANCED) as house:
        hears(house, transfer("1"))
    with House(tmp_path, sender=ENHANCED) as house:
        assert hears(house, transfer("1")) == "CA"
        hospital = Hospital()
        Office(house, hospital).courier.wake()
        assert [each.control_id for each in hospital.heard] == ["1"]


def test_what_was_not_surely_told_is_told_again_in_order(house: House) -> None:
    """The same bytes; those behind it wait their turn."""
    for each in ("1", "2"):
        hears(house, transfer(each))
    hospital = Hospital("LATER", "LATER")
    office = Office(house, hospital)
    office.courier.wake()
    assert waiting(house) == ["1", "2"]
    due_now(house)
    office.clock.advance(POLL)
    due_now(house)
    office.clock.advance(POLL)
    assert [each.control_id for each in hospital.heard] == ["1", "1", "1", "2"]
    assert hospital.payloads[0] == hospital.payloads[1] == hospital.payloads[2]
    assert waiting(house) == []


def test_until_it_is_due_it_is_not_told(house: House) -> None:
    """A hospital that is away is not called at every poll, and waits are bounded."""
    hears(house, transfer("1"))
    hospital = Hospital("LATER")
    office = Office(house, hospital)
    office.courier.wake()
    office.clock.advance(POLL)
    assert len(hospital.heard) == 1
    assert wait_after(1) < wait_after(2) < wait_after(40) == LONGEST_WAIT


def test_what_the_hospital_refuses_is_for_a_person(house: House) -> None:
    """It stays, an alarm tells of it, and those behind it go on."""
    for each in ("1", "2"):
        hears(house, transfer(each))
    office = Office(house, Hospital("REFUSED"))
    office.courier.wake()
    assert (waiting(house), waiting(house, "REFUSED")) == ([], ["1"])
    assert office.alarms == ["application_acks"]


def test_content_that_is_refused_is_told_later(house: House) -> None:
    """CA on the connection, because it is kept; AE with code and place on the other."""
    assert hears(house, nameless("77")) == "CA"
    hospital = Hospital()
    Office(house, hospital).courier.wake()
    (reply,) = hospital.heard
    assert (reply.code, reply.control_id) == ("AE", "77")
    assert reply.errors[0].startswith("101 PID^1^3")


def test_structure_that_is_refused_is_told_at_once(house: House) -> None:
    """CR: nothing was taken, so nothing comes later."""
    assert hears(house, transfer("1").replace(b"ADT^A02", b"ORU^R01")) == "CR"
    assert waiting(house) == []


@pytest.mark.parametrize(("asks", "wanted"), [("AL|NE", []), ("AL|SU", ["1"]), ("AL|ER", [])])
def test_only_what_is_asked_for_is_told(house: House, asks: str, wanted: list[str]) -> None:
    """MSH-16 decides."""
    hears(house, transfer("1", asks))
    assert waiting(house) == wanted


def test_one_hospital_that_is_away_delays_no_other(house: House) -> None:
    """Each has its own row."""
    add = house.journal.run
    add(lambda unit: unit.add_telling("away", "1", b"MSH|^~\\&|\rMSA|AA|1\r"))
    add(lambda unit: unit.add_telling("there", "2", b"MSH|^~\\&|\rMSA|AA|2\r"))
    told: list[str] = []

    async def tell(sender: str, payload: bytes) -> Told:
        told.append(sender)
        return "LATER" if sender == "away" else "TOLD"

    courier = Courier(Clock(), house.journal, now, tell, lambda *_: None)
    courier.wake()
    assert sorted(told) == ["away", "there"]
    assert waiting(house) == ["1"]


def test_however_much_waits_for_one_the_others_hear_theirs(house: House) -> None:
    """A long row of a hospital that is away does not hide what waits for another."""

    def fill(unit: Unit) -> None:
        for number in range(MOST + 1):
            unit.add_telling("away", str(number), b"MSH|^~\\&|\rMSA|AA|1\r")
        unit.add_telling("there", "last", b"MSH|^~\\&|\rMSA|AA|2\r")

    house.journal.run(fill)
    taken = house.journal.run(lambda unit: unit.take_tellings(timedelta(minutes=1), 1))
    assert [(each.sender, each.control_id) for each in taken] == [("away", "0"), ("there", "last")]


def test_two_nodes_do_not_take_the_same(house: House) -> None:
    """What one has taken is its own for the time of the lease."""
    for each in ("1", "2"):
        hears(house, transfer(each))
    lease = timedelta(minutes=1)
    first = house.journal.run(lambda unit: unit.take_tellings(lease, 1))
    second = house.journal.run(lambda unit: unit.take_tellings(lease, 1))
    assert ([each.control_id for each in first], second) == (["1"], [])


def test_what_an_earlier_life_had_taken_is_told_at_the_start(house: House) -> None:
    """Its lease need not run out: the node that took it is the one that begins."""
    hears(house, transfer("1"))
    house.journal.run(lambda unit: unit.take_tellings(timedelta(minutes=9), 1))
    hospital = Hospital()
    office = Office(house, hospital)
    office.courier.wake()
    assert hospital.heard == []
    run(office.courier.start())
    office.clock.advance(POLL)
    assert [each.control_id for each in hospital.heard] == ["1"]


def test_a_failure_is_an_alarm_and_nothing_is_lost(house: House) -> None:
    """Whatever telling raises: the row stays."""
    hears(house, transfer("1"))

    async def broken(sender: str, payload: bytes) -> Told:
        raise GatewayError("a broken way")

    alarms: list[str] = []
    courier = Courier(Clock(), house.journal, now, broken, lambda what, _: alarms.append(what))
    courier.wake()
    assert (alarms, waiting(house)) == (["application_acks"], ["1"])
    run(courier.stop())

"""A day of a region: what makes it fair to measure with."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest

from bench.day import MIX, Day, facility
from gateway.hl7.conformance import structure
from gateway.hl7.framing import BlockReader
from gateway.hl7.message import Message

DAY = Day(3_200, 65, 64, datetime(2026, 11, 22, 8))


def told(day: Day) -> list[tuple[int, bytes, Message]]:
    """Everything that is sent: sender, control id, message."""
    return [
        (sender, control_id, Message.parse(payload))
        for sender in range(day.senders)
        for control_id, block in day.of(sender)
        for payload in BlockReader().feed(block)
    ]


def test_every_message_has_a_control_id_of_its_own() -> None:
    """The duplicate filter is real: what comes twice would not be stored."""
    day = told(DAY)
    assert len({given for _, given, _ in day}) == len(day) == DAY.messages
    assert all(message.control_id_raw == given for _, given, message in day)


def test_every_message_is_one_that_the_gateway_takes() -> None:
    """From the hospital that says it sends it, in order, and with nothing that refuses it."""
    day = told(DAY)
    for sender, _, message in day:
        assert structure(message) == []
        assert message.sending_facility == facility(sender)
    assert {message.event for _, _, message in day} == set(MIX)


def test_births_are_spread_over_the_day_and_the_hospitals() -> None:
    """Each once, at the hospital that the day names, none near another."""
    born = {
        message.get("PID-3[1].1"): (sender, int(control_id[1:]))
        for sender, control_id, message in told(DAY)
        if message.get("PV1-4[1]") == "N"
    }
    children = [child.identifier for child in DAY.children()]
    assert sorted(born) == children
    assert [born[each][0] for each in children] == [DAY.sender_of(n) for n in range(DAY.births)]
    whole = Day(2_000_000, 400, 64, DAY.begun)
    assert {whole.sender_of(birth) for birth in range(400)} == set(range(64))
    places = sorted(place for _, place in born.values())
    step = DAY.messages // DAY.births
    assert all(0 < b - a < 2 * step for a, b in pairwise(places))


def test_children_are_all_different_and_the_same_again() -> None:
    """Who judges makes them anew: by name nobody may be taken for another."""
    again = Day(DAY.messages, DAY.births, DAY.senders, DAY.begun)
    assert list(again.children()) == list(DAY.children())
    assert len({due.surname for due in DAY.dues()}) == DAY.births
    assert told(again)[0][2].raw == told(DAY)[0][2].raw


@pytest.mark.parametrize(("messages", "births", "senders"), [(10, 11, 1), (10, 0, 1), (10, 1, 0)])
def test_a_day_that_cannot_be_is_none(messages: int, births: int, senders: int) -> None:
    """More births than messages, no birth, nobody who sends."""
    with pytest.raises(ValueError, match="births"):
        Day(messages, births, senders, DAY.begun)

"""The status table."""

import pytest

from gateway.errors import LifecycleError
from gateway.lifecycle import (
    FINAL,
    MEANINGS,
    REPLACEABLE,
    TRANSITIONS,
    Event,
    Status,
    after,
    may_be_replaced,
)


def test_a_pair_that_nobody_allowed_raises():
    """An event at a moment nobody thought of is an error, not a silent change."""
    with pytest.raises(LifecycleError, match="SUBMIT cannot happen to a submission that is ACC"):
        after(Status.ACCEPTED, Event.SUBMIT)


def test_a_pair_of_the_table_gives_its_status():
    """A lost answer leaves the submission in doubt."""
    assert after(Status.SUBMITTING, Event.ANSWER_LOST) is Status.IN_DOUBT


def test_every_status_can_be_reached_and_has_a_meaning():
    """No status is a leftover."""
    reached = set(TRANSITIONS.values()) | {Status.WAITING, Status.READY}
    assert reached == set(Status) == set(MEANINGS)


def test_every_open_status_has_an_exit():
    """No submission is stuck: what is not at its end can reach it."""
    for status in set(Status) - FINAL:
        assert any(s is status and to is not status for (s, _), to in TRANSITIONS.items())


def test_a_doubt_never_leads_back_to_the_wire_by_itself():
    """In doubt, only a proof, the partner's promise or a person makes it READY again."""
    back = {
        event
        for (status, event), to in TRANSITIONS.items()
        if status is Status.IN_DOUBT and to is Status.READY
    }
    assert back == {Event.RETRY_SAFE, Event.ASKED_NOT_FOUND, Event.RESOLVED_NOT_RECEIVED}


def test_every_event_happens_somewhere():
    """No event is a leftover."""
    assert {event for _, event in TRANSITIONS} == set(Event)


@pytest.mark.parametrize("status", sorted(REPLACEABLE - {Status.REJECTED}))
def test_what_may_have_been_received_is_not_replaced(status):
    """Whatever may be at the partner is not replaced while nobody knows."""
    assert may_be_replaced(status, maybe_received=False)
    assert not may_be_replaced(status, maybe_received=True)


def test_a_rejected_one_has_its_answer():
    """A refusal is an answer: a new message replaces it."""
    assert may_be_replaced(Status.REJECTED, maybe_received=True)
    on_the_way = (Status.SUBMITTING, Status.IN_DOUBT, Status.TAKEN)
    assert not any(may_be_replaced(status, maybe_received=False) for status in on_the_way)


def test_what_may_be_with_the_provider_never_goes_to_it_again():
    """Only a mail that it surely has not leads back to one that goes."""
    ways = {
        (status, event)
        for (status, event), to in TRANSITIONS.items()
        if to in (Status.TO_MAIL, Status.MAILING)
    }
    assert ways == {
        (Status.DEAD, Event.MAIL),
        (Status.TO_MAIL, Event.SUBMIT),
        (Status.MAILING, Event.MAIL_LATER),
    }
    on_the_way = (Status.MAILING, Status.MAILED)
    assert not any(may_be_replaced(status, maybe_received=False) for status in on_the_way)

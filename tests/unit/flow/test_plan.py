"""The table 'a new message for a case whose step already has a submission', row by row."""

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.flow.plan import (
    Move,
    Open,
    Past,
    Reason,
    Turn,
    Wait,
    Wish,
    may_stand,
    on_cancel,
    on_facts,
    on_message,
    on_turn,
    standing,
)
from gateway.lifecycle import FINAL, TRANSITIONS, Event, Kind, Status

WANTED = Wish(wanted=True, endpoint="015146")
REPLACED = [
    Status.WAITING,
    Status.READY,
    Status.INVALID,
    Status.REJECTED,
    Status.DEAD,
    Status.HELD,
    Status.DEFERRED,
]
ON_THE_WAY = [Status.SUBMITTING, Status.IN_DOUBT, Status.TAKEN]


def past(status: Status, kind: Kind = Kind.REGISTER, received: bool = False, id: str = "a") -> Past:
    return Past(id, kind, status, received, "015146")


def test_a_first_message_opens_a_registration():
    """A step without a submission gets a registration that may go at once."""
    assert on_message(WANTED, []) == [Open(Kind.REGISTER, Status.READY, "015146")]


@pytest.mark.parametrize("status", REPLACED)
def test_what_surely_never_arrived_is_replaced(status):
    """A new message replaces what the partner surely does not have."""
    assert on_message(WANTED, [past(status)]) == [
        Move("a", status, Event.REPLACE, Reason.NEW_MESSAGE),
        Open(Kind.REGISTER, Status.READY, "015146"),
    ]


@pytest.mark.parametrize("status", [Status.READY, Status.DEAD, Status.HELD, Status.DEFERRED])
def test_what_may_have_arrived_is_waited_for(status):
    """A new message never replaces what the partner may have: it would register the child twice."""
    assert on_message(WANTED, [past(status, received=True)]) == [
        Open(Kind.REGISTER, Status.WAITING, "015146", None, Reason.PREDECESSOR)
    ]


@pytest.mark.parametrize("status", ON_THE_WAY)
def test_a_message_waits_behind_what_is_on_the_way(status):
    """While an answer is awaited, the new document stands behind it."""
    assert on_message(WANTED, [past(status)]) == [
        Open(Kind.REGISTER, Status.WAITING, "015146", None, Reason.PREDECESSOR)
    ]


def test_a_message_after_acceptance_amends():
    """What stands at the partner is amended, naming what it amends."""
    assert on_message(WANTED, [past(Status.ACCEPTED)]) == [
        Open(Kind.AMEND, Status.READY, "015146", "a")
    ]


def test_a_second_message_replaces_the_one_that_waits_behind():
    """Twenty updates while one is on the way leave one waiting."""
    chain = [past(Status.SUBMITTING), past(Status.WAITING, id="b")]
    assert on_message(WANTED, chain) == [
        Move("b", Status.WAITING, Event.REPLACE, Reason.NEW_MESSAGE),
        Open(Kind.REGISTER, Status.WAITING, "015146", None, Reason.PREDECESSOR),
    ]


def test_without_an_amend_mapping_nothing_is_amended():
    """A step that cannot amend leaves what stands alone."""
    assert on_message(Wish(wanted=True, can_amend=False), [past(Status.ACCEPTED)]) == []


@pytest.mark.parametrize("waits", [Reason.DECLARATION, Reason.NEEDS, Reason.CHOICE])
def test_a_step_that_lacks_something_waits_and_says_why(waits):
    """A submission that cannot go yet says what it waits for."""
    (opened,) = on_message(Wish(wanted=True, waits=waits), [])
    assert (opened.status, opened.reason) == (Status.WAITING, waits)


@pytest.mark.parametrize("refusal", [Reason.NOT_IN_DIRECTORY, Reason.NO_ROUTE])
def test_a_step_without_a_partner_is_invalid(refusal):
    """A Comune that is not in the directory is a finding, not a guess."""
    (opened,) = on_message(Wish(wanted=True, refusal=refusal), [])
    assert (opened.status, opened.reason) == (Status.INVALID, refusal)


def test_a_test_message_is_withdrawn_before_a_production_partner():
    """What is not production never reaches a production partner."""
    (opened,) = on_message(Wish(wanted=True, refusal=Reason.NOT_PRODUCTION), [])
    assert opened.status is Status.WITHDRAWN


def test_another_competent_office_is_a_persons_decision():
    """When the residence moves after registration, nothing goes before a person confirms."""
    moved = Wish(wanted=True, endpoint="016024")
    (opened,) = on_message(moved, [past(Status.ACCEPTED)])
    assert (opened.status, opened.reason, opened.endpoint) == (
        Status.HELD,
        Reason.ROUTE_CHANGED,
        "015146",
    )


def test_a_death_amends_nothing_by_itself():
    """What stands was told of a living child: a person decides, now or when its turn comes."""
    dead = WANTED._replace(died=True, settles_at=LATER)
    (opened,) = on_message(dead, [past(Status.ACCEPTED)])
    assert opened == Open(Kind.AMEND, Status.HELD, "015146", "a", Reason.DEATH)
    (turn,) = on_turn(dead, [past(Status.ACCEPTED), past(Status.WAITING, id="b")])
    assert (turn.kind, turn.event, turn.reason) == (Kind.AMEND, Event.HOLD, Reason.DEATH)


def test_a_death_of_which_nobody_heard_otherwise_is_told():
    """Where nothing stands there is nothing to amend: it is registered as it is."""
    dead = WANTED._replace(died=True)
    assert on_message(dead, []) == [Open(Kind.REGISTER, Status.READY, "015146")]


@pytest.mark.parametrize("status", REPLACED)
def test_a_cancellation_withdraws_what_never_arrived(status):
    """What was not sent is withdrawn, and nobody is asked."""
    assert on_cancel(WANTED, [past(status)]) == [
        Move("a", status, Event.WITHDRAW, Reason.CANCELLED)
    ]


@pytest.mark.parametrize("status", ON_THE_WAY)
def test_a_cancellation_waits_behind_what_is_on_the_way(status):
    """A cancellation of what may be at the partner waits for the answer."""
    assert on_cancel(WANTED, [past(status)]) == [
        Open(Kind.CANCEL, Status.WAITING, "015146", "a", Reason.PREDECESSOR)
    ]


def test_a_cancellation_of_what_stands_waits_for_a_person():
    """What was registered is annulled only when a person confirms it."""
    assert on_cancel(WANTED, [past(Status.ACCEPTED)]) == [
        Open(Kind.CANCEL, Status.HELD, "015146", "a", Reason.CONFIRM)
    ]


def test_a_second_cancellation_changes_nothing():
    """An A11 that comes twice cancels once."""
    chain = [past(Status.ACCEPTED), past(Status.HELD, Kind.CANCEL, id="b")]
    assert on_cancel(WANTED, chain) == []


def test_a_step_that_cannot_be_cancelled_is_left():
    """An A31 that was acknowledged is not taken back."""
    assert on_cancel(Wish(wanted=True, can_cancel=False), [past(Status.ACCEPTED)]) == []


def test_an_unwanted_step_is_cancelled():
    """A child that turns out to be stillborn: what was sent to the ASL waits for a person."""
    assert on_message(Wish(wanted=False), [past(Status.ACCEPTED)]) == [
        Open(Kind.CANCEL, Status.HELD, "015146", "a", Reason.CONFIRM)
    ]


def test_an_unwanted_step_that_never_was_stays_away():
    """Nothing is opened for a step that is not wanted."""
    assert on_message(Wish(wanted=False), []) == []


def test_the_waiting_one_registers_after_a_rejection():
    """Behind a rejected registration comes a registration, and nobody need mend the first."""
    chain = [past(Status.REJECTED), past(Status.WAITING, id="b")]
    assert on_turn(WANTED, chain) == [
        Move("a", Status.REJECTED, Event.REPLACE, Reason.NEW_MESSAGE),
        Turn("b", Kind.REGISTER, "015146", None),
    ]


def test_the_waiting_one_amends_after_an_acceptance():
    """Behind an accepted registration comes an amendment of it."""
    chain = [past(Status.ACCEPTED), past(Status.WAITING, id="b")]
    assert on_turn(WANTED, chain) == [Turn("b", Kind.AMEND, "015146", "a")]


def test_the_waiting_one_stays_behind_an_open_predecessor():
    """Submissions of one step go strictly in order."""
    chain = [past(Status.IN_DOUBT), past(Status.WAITING, id="b")]
    assert on_turn(WANTED, chain) == []


def test_the_waiting_one_is_held_if_the_office_changed():
    """An amendment whose office changed while it waited is a person's decision."""
    chain = [past(Status.ACCEPTED), past(Status.WAITING, id="b")]
    (turn,) = on_turn(Wish(wanted=True, endpoint="016024"), chain)
    assert (turn.event, turn.reason) == (Event.HOLD, Reason.ROUTE_CHANGED)


def test_a_waiting_cancellation_is_held_after_an_acceptance():
    """It ended accepted: now a person confirms the cancellation."""
    chain = [past(Status.ACCEPTED), past(Status.WAITING, Kind.CANCEL, id="b")]
    assert on_turn(WANTED, chain) == [
        Turn("b", Kind.CANCEL, "015146", "a", Event.HOLD, Reason.CONFIRM)
    ]


def test_a_waiting_cancellation_ends_after_a_rejection():
    """It ended rejected: there is nothing to cancel."""
    chain = [past(Status.REJECTED), past(Status.WAITING, Kind.CANCEL, id="b")]
    assert on_turn(WANTED, chain) == [
        Move("a", Status.REJECTED, Event.WITHDRAW, Reason.NEW_MESSAGE),
        Move("b", Status.WAITING, Event.WITHDRAW, Reason.NOT_WANTED),
    ]


@pytest.mark.parametrize(
    ("wish", "event"),
    [
        (Wish(wanted=False), Event.WITHDRAW),
        (Wish(wanted=True, refusal=Reason.NOT_PRODUCTION), Event.WITHDRAW),
        (Wish(wanted=True, refusal=Reason.NOT_IN_DIRECTORY), Event.UNTRANSLATABLE),
    ],
)
def test_a_waiting_one_whose_turn_comes_to_nothing(wish, event):
    """When its turn comes, a submission that cannot go says why."""
    (move,) = on_turn(wish, [past(Status.WAITING)])
    assert move.event is event


def test_an_embargo_that_was_made_longer_rings_again():
    """What waits gets the new end, or nothing would ever end it; the same end changes nothing."""
    end = datetime(2026, 3, 12, tzinfo=UTC)
    longer = Wish(wanted=True, waits=Reason.EMBARGO, due_at=end)
    rung = past(Status.WAITING)._replace(reason="EMBARGO")
    assert on_turn(longer, [rung]) == [Wait("a", Reason.EMBARGO, end)]
    assert on_turn(longer, [rung._replace(due_at=end)]) == []


def test_what_waits_for_something_else_does_not_ring():
    """An embargo's end is no reason to look at what lacks a fact."""
    lacking = Wish(wanted=True, waits=Reason.NEEDS, due_at=datetime(2026, 3, 12, tzinfo=UTC))
    held = past(Status.WAITING)._replace(reason="EMBARGO")
    assert on_turn(lacking, [held]) == [Wait("a", Reason.NEEDS)]


@pytest.mark.parametrize("waits", [Reason.NEEDS, Reason.EMBARGO])
def test_a_waiting_one_that_still_lacks_something_waits_on(waits):
    """Nothing moves before its time."""
    assert on_turn(Wish(wanted=True, waits=waits), [past(Status.WAITING)]) == []


def test_new_facts_amend_what_stands():
    """A corrected codice fiscale amends the enrolment that was made with the old one."""
    assert on_facts(WANTED, [past(Status.ACCEPTED)]) == [
        Open(Kind.AMEND, Status.READY, "015146", "a", Reason.NEW_FACTS)
    ]


@pytest.mark.parametrize("status", [Status.READY, Status.HELD])
def test_new_facts_leave_what_was_not_made(status):
    """A document that was not made yet reads the facts when it is made."""
    assert on_facts(WANTED, [past(status)]) == []


@pytest.mark.parametrize(
    "status", [Status.READY, Status.DEFERRED, Status.INVALID, Status.REJECTED, Status.DEAD]
)
def test_new_facts_replace_what_was_made_without_them_and_had_no_effect(status):
    """Refused, not buildable, or never arrived: made again of what is known now."""
    assert on_facts(WANTED, [past(status)._replace(made=True)]) == [
        Move("a", status, Event.REPLACE, Reason.NEW_FACTS),
        Open(Kind.REGISTER, Status.READY, "015146", None, Reason.NEW_FACTS),
    ]


def test_new_facts_never_replace_what_may_have_arrived():
    """It may go again as it is; what is new stands behind it."""
    (opened,) = on_facts(WANTED, [past(Status.READY, received=True)._replace(made=True)])
    assert (opened.status, opened.reason) == (Status.WAITING, Reason.PREDECESSOR)


def test_new_facts_let_the_waiting_one_go():
    """The step that needed the fact goes on."""
    assert on_facts(WANTED, [past(Status.WAITING)]) == [Turn("a", Kind.REGISTER, "015146", None)]


def test_new_facts_queue_behind_what_is_on_the_way():
    """An amendment for new facts stands behind the document that is being sent."""
    (opened,) = on_facts(WANTED, [past(Status.SUBMITTING)])
    assert (opened.status, opened.reason) == (Status.WAITING, Reason.PREDECESSOR)


def test_new_facts_after_a_cancellation_change_nothing():
    """What is being annulled is not amended."""
    chain = [past(Status.ACCEPTED), past(Status.HELD, Kind.CANCEL, id="b")]
    assert on_facts(WANTED, chain) == []
    assert on_facts(WANTED, []) == []


@pytest.mark.parametrize("status", [Status.READY, Status.DEFERRED, Status.DEAD])
def test_what_never_arrived_gives_way_to_what_waits_behind_it(status):
    """The doubt ended with 'not received' while a newer one waited: the old one is not sent."""
    chain = [past(status)._replace(made=True), past(Status.WAITING, id="b")]
    assert on_turn(WANTED, chain) == [
        Move("a", status, Event.REPLACE, Reason.NEW_MESSAGE),
        Turn("b", Kind.REGISTER, "015146", None),
    ]


def test_what_never_arrived_is_not_sent_to_be_cancelled():
    """The birth was taken back meanwhile: neither goes."""
    chain = [past(Status.READY), past(Status.WAITING, Kind.CANCEL, id="b")]
    assert on_turn(WANTED, chain) == [
        Move("a", Status.READY, Event.WITHDRAW, Reason.NEW_MESSAGE),
        Move("b", Status.WAITING, Event.WITHDRAW, Reason.NOT_WANTED),
    ]


@pytest.mark.parametrize("status", [Status.READY, Status.DEFERRED, Status.DEAD, Status.HELD])
def test_what_may_have_arrived_gives_way_to_nothing(status):
    """It goes again as it is, or a person asks; what is newer waits."""
    assert on_turn(WANTED, [past(status, received=True), past(Status.WAITING, id="b")]) == []


def test_after_an_annulment_nothing_stands():
    """A registration after an accepted cancellation is a registration."""
    chain = [past(Status.ACCEPTED), past(Status.ACCEPTED, Kind.CANCEL, id="b")]
    assert standing(chain) is None


pasts = st.builds(
    Past,
    id=st.uuids().map(str),
    kind=st.sampled_from(Kind),
    status=st.sampled_from(Status),
    maybe_received=st.booleans(),
    endpoint=st.sampled_from(["015146", "016024"]),
)
wishes = st.builds(
    Wish,
    wanted=st.booleans(),
    endpoint=st.sampled_from(["015146", "016024"]),
    waits=st.sampled_from([Reason.NONE, Reason.NEEDS]),
    refusal=st.sampled_from([Reason.NONE, Reason.NOT_IN_DIRECTORY, Reason.NOT_PRODUCTION]),
    can_amend=st.booleans(),
    can_cancel=st.booleans(),
    died=st.booleans(),
)


@given(wishes, st.lists(pasts, max_size=5))
def test_a_plan_asks_only_for_what_the_table_of_statuses_allows(wish, chain):
    """Whatever the chain, every directive is a pair that the status table has."""
    by_id = {each.id: each for each in chain}
    for decide in (on_message, on_cancel, on_facts, on_turn):
        for directive in decide(wish, chain):
            if isinstance(directive, Move):
                assert by_id[directive.submission].status is directive.expect
                assert (directive.expect, directive.event) in TRANSITIONS
            elif isinstance(directive, Turn):
                assert (by_id[directive.submission].status, directive.event) in TRANSITIONS


@given(wishes, st.lists(pasts, max_size=5))
def test_nothing_goes_while_an_earlier_one_is_open(wish, chain):
    """A submission is made READY only if every earlier one of its step is at its end or gone."""
    for decide in (on_message, on_cancel, on_facts):
        directives = decide(wish, chain)
        moved = {d.submission for d in directives if isinstance(d, Move)}
        for directive in directives:
            if isinstance(directive, Open) and directive.status is Status.READY:
                assert all(each.status in FINAL or each.id in moved for each in chain)


def test_every_callback_has_its_row():
    """A callback can come in any status, early, late or repeated."""
    for status, event in product(Status, (Event.CALLBACK_ACCEPTED, Event.CALLBACK_REJECTED)):
        assert (status, event) in TRANSITIONS


SOON, LATER = datetime(2026, 3, 1, 10, 1, tzinfo=UTC), datetime(2026, 3, 1, 10, 2, tzinfo=UTC)
SETTLING = WANTED._replace(settles_at=LATER)


def test_an_amendment_settles_and_a_registration_does_not():
    """A birth goes at once; what corrects it waits for the rest of the storm."""
    assert on_message(SETTLING, []) == [Open(Kind.REGISTER, Status.READY, "015146")]
    (amend,) = on_message(SETTLING, [past(Status.ACCEPTED)])
    assert amend == Open(Kind.AMEND, Status.READY, "015146", "a", due_at=LATER)


def test_the_time_runs_from_the_first_news():
    """Each later message takes the place of the one before it, and its hour."""
    settling = past(Status.READY, Kind.AMEND, id="b")._replace(due_at=SOON)
    moved, amend = on_message(SETTLING, [past(Status.ACCEPTED), settling])
    assert moved == Move("b", Status.READY, Event.REPLACE, Reason.NEW_MESSAGE)
    assert amend == Open(Kind.AMEND, Status.READY, "015146", "a", due_at=SOON)


def test_what_waited_for_its_predecessor_settles():
    """The rest of the storm may still be under way."""
    waiting = past(Status.WAITING, Kind.AMEND, id="b")
    (turn,) = on_turn(SETTLING, [past(Status.ACCEPTED), waiting])
    assert turn == Turn("b", Kind.AMEND, "015146", "a", due_at=LATER)


@pytest.mark.parametrize(
    ("chain", "stands"),
    [
        ([], False),
        ([past(Status.READY)], False),
        ([past(Status.REJECTED)], False),
        ([past(Status.WITHDRAWN)], False),
        ([past(Status.ACCEPTED)], True),
        ([past(Status.SUBMITTING)], True),
        ([past(Status.DEFERRED, received=True)], True),
        ([past(Status.ACCEPTED), past(Status.READY, Kind.AMEND, id="b")], True),
        ([past(Status.ACCEPTED), past(Status.ACCEPTED, Kind.CANCEL, id="b")], False),
    ],
)
def test_what_may_stand_at_a_partner(chain, stands):
    """Of two records of one child the one that may be registered lives on."""
    assert may_stand(chain) is stands

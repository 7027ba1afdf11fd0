"""Which bad days bite which calls, and for how long."""

from __future__ import annotations

import pytest

from adapters.simulation.bad_days import CATALOGUE, BadDay, BadDays, Bites


def test_a_bad_day_bites_until_its_times_are_used() -> None:
    """`times` counts calls that were bitten; afterwards the day is over."""
    days = BadDays()
    days.add(BadDay("garbage", times=2))
    bitten = [bool(days.plan(lambda _: "")) for _ in range(4)]
    assert bitten == [True, True, False, False]
    assert days.state() == []


def test_without_times_it_bites_until_switched_off() -> None:
    """A day without times ends when somebody ends it, by name or all at once."""
    days = BadDays()
    days.add(BadDay("garbage"))
    days.add(BadDay("slow"))
    assert set(days.plan(lambda _: "")) == {"garbage", "slow"}
    days.clear("garbage")
    assert set(days.plan(lambda _: "")) == {"slow"}
    days.clear()
    assert days.plan(lambda _: "") == {}


def test_a_match_compares_every_value() -> None:
    """A day bites only calls that have all the values it names."""
    days = BadDays()
    days.add(BadDay("slow", times=1, match={"cognome": "ROSSI", "operation": "echo"}))
    assert not days.plan({"cognome": "ROSSI", "operation": "x"}.__getitem__)
    assert days.plan({"cognome": "ROSSI", "operation": "echo"}.__getitem__)


def test_two_days_of_one_name_are_used_one_after_the_other() -> None:
    """A call uses up one day of a name, not both."""
    days = BadDays()
    days.add(BadDay("refuse", times=1, options={"codice": "A"}))
    days.add(BadDay("refuse", times=1, options={"codice": "B"}))
    used = [days.plan(lambda _: "")["refuse"].options["codice"] for _ in range(2)]
    assert used == ["A", "B"]


def test_days_of_the_port_bite_no_call() -> None:
    """A listener's day is shown by the port, and no call uses it up."""
    days = BadDays()
    days.add(BadDay("refuse_connections", times=1))
    assert days.plan(lambda _: "") == {}
    shown = days.listener()
    assert shown is not None
    assert shown.name == "refuse_connections"


@pytest.mark.parametrize(
    ("name", "options"), [("nobody", {}), ("slow", {"codice": 1}), ("other_host", {})]
)
def test_what_nobody_knows_is_refused(name: str, options: dict[str, object]) -> None:
    """Unknown names and options, and a missing folder, are told at once."""
    with pytest.raises(ValueError, match=name):
        BadDay(name, options=options)


def test_a_day_that_cannot_be_switched_on_stays_off() -> None:
    """If the change fails, the day is not there."""

    def fail() -> None:
        raise RuntimeError

    days = BadDays(fail)
    with pytest.raises(RuntimeError):
        days.add(BadDay("slow"))
    assert days.state() == []


def test_the_catalogue_has_the_days_that_the_issue_names() -> None:
    """Every bad day that was promised is there, and says when it bites."""
    promised = {
        *("slow", "refuse", "fault_after_storing", "drop_after_storing", "garbage"),
        *("wrong_signature", "unsigned_fault", "outage", "several_candidates", "answer_later"),
        *("callback_before_reply", "callback_twice", "html", "http_500", "empty", "endless"),
        *("expired_certificate", "other_host"),
    }
    assert promised <= set(CATALOGUE)
    assert {kind.bites for kind in CATALOGUE.values()} == set(Bites)

"""The clocks of a case: terms that run, end soon or have passed, embargoes, late declarations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clocks import Standing, days_of, embargo_end, is_late, owes, owing, running, today
from gateway.demo.people import Child
from gateway.flow.context import Context
from gateway.flow.terms import Days
from gateway.journal import CaseRow
from gateway.lifecycle import Status
from gateway.outcomes import Fault, Rejected, Taken, Unavailable
from tests.births import GIULIA, ROOT, House, flow_of

ROME = ZoneInfo("Europe/Rome")
TODAY = datetime.now(ROME).date()
FLOW = flow_of()
MILANO = "015146"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node."""
    with House(tmp_path) as made:
        yield made


def born(days_ago: int, **more: object) -> Child:
    """A child born so many days ago, with a name unless it is said otherwise."""
    moment = datetime.combine(TODAY - timedelta(days=days_ago), datetime.min.time())
    return replace(GIULIA, born=moment.replace(hour=12), **more)  # type: ignore[arg-type]  # fields of Child


def row(opened: str, declared: str | None = None, state: str = "OPEN") -> CaseRow:
    """A case opened, and perhaps declared, on a day."""
    values = dict.fromkeys(CaseRow.__dataclass_fields__)
    values |= {"id": "c", "state": state, "opened_at": _noon(opened)}
    values["declared_at"] = _noon(declared) if declared else None
    return CaseRow(**values)  # type: ignore[arg-type]  # what the clocks do not read is None


def _noon(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00+01:00")


def standings(house: House, on: date = TODAY) -> list[tuple[str, Standing]]:
    """Every term that runs, with how it stands on a day."""
    found = house.look(lambda view: list(owing(view, house.flow, on)))
    return [(term.name, term.standing) for each in found for term in each.running]


def test_a_day_is_a_day_in_italy():
    """Half an hour before midnight in London is tomorrow in Rome."""
    assert today(datetime(2026, 3, 1, 23, 30, tzinfo=UTC)) == date(2026, 3, 2)


def test_a_birth_that_is_not_declared_owes_both_terms(house: House):
    """Of the parents: near its end the one, running the other; later both have passed."""
    house.hears(born(2, given="BABY").message("A01"))
    (centre, near), (comune, runs) = standings(house, TODAY + timedelta(days=1))
    assert (centre, comune) == ("declare at the birth centre", "declare at the Comune")
    assert near in (Standing.NEAR, Standing.RUNS), "a holiday may have moved it"
    assert runs is Standing.RUNS
    later = standings(house, TODAY + timedelta(days=30))
    assert {standing for _, standing in later} == {Standing.PASSED}


def test_the_warning_comes_when_the_flow_says(tmp_path: Path):
    """`warn: 9 days` is near at once."""
    text = (ROOT / "mappings" / "nascita.flow.yaml").read_text(encoding="utf-8")
    flow = flow_of(text.replace("warn: 1 day", "warn: 20 days"), tmp_path)
    with House(tmp_path, flow=flow) as house:
        house.hears(born(1, given="BABY").message("A01"))
        assert {standing for _, standing in standings(house)} == {Standing.NEAR}


def test_a_declared_birth_owes_until_the_comune_has_it(house: House):
    """While the declaration is on its way the gateway's own term runs, and then no longer: who has
    it in charge, or has yet to hear which paediatrician the family chooses, is owed nothing.
    """
    house.office.says["comune"] = [Unavailable("REFUSED"), Taken("T/1")]
    house.hears(born(1).message("A01"))
    assert owed(house)
    house.works(1)
    assert house.status("comune") is Status.DEFERRED
    assert owed(house), "the Comune has not got it"
    house.works(1)
    while house.status("comune") is not Status.TAKEN:
        house.works(1)
    assert not owed(house)
    house.hears(born(1).message("A08", weight=3260))
    assert house.steps()["comune"][-1] == "register WAITING PREDECESSOR"
    assert not owed(house), "what corrects it is no declaration"


def test_an_answer_that_refuses_the_declaration_ends_no_term(house: House):
    """It still has to be transmitted; once accepted, what the family has yet to choose is not."""
    house.office.says["comune"] = [Rejected((Fault("COM001"),))]
    house.hears(born(1).message("A01"))
    house.works()
    assert owed(house)
    house.hears(born(1).message("A08", weight=3260))
    house.works()
    assert house.steps()["pediatra"][-1] == "register WAITING CHOICE"
    assert not owed(house)


def test_a_cancelled_birth_owes_nothing(house: House):
    """There is nothing to transmit any more."""
    house.hears(born(1).message("A01"))
    house.hears(born(1).message("A11"))
    assert not owed(house)


def owed(house: House) -> bool:
    """Whether the term to transmit runs; asked of one case and of all, which say the same."""
    found = standings(house)
    assert found in ([], [("transmit", Standing.RUNS)])
    assert owes(FLOW, house.rows()) is bool(found) or house.case().state == "CANCELLED"
    return bool(found)


def test_all_cases_are_looked_through(house: House, monkeypatch: pytest.MonkeyPatch):
    """Page after page, each once."""
    monkeypatch.setattr("gateway.clocks._PAGE", 2)
    for number in range(5):
        house.hears(born(2, given="BABY", identifier=f"P{number}").message("A01"))
    found = house.look(lambda view: [each.row.id for each in owing(view, house.flow, TODAY)])
    assert len(found) == len(set(found)) == 5


def test_a_case_of_an_earlier_release_has_its_terms_too(house: House):
    """Its context keeps no days: the dossier says when the child was born."""
    house.hears(born(2, given="BABY").message("A01"))
    bare = replace(house.case(), context=Context().encode())
    assert [each.name for each in running(FLOW, bare, TODAY, owes=True)] == [
        "declare at the birth centre",
        "declare at the Comune",
    ]
    assert running(FLOW, replace(bare, dossier=None), TODAY, owes=True) == ()


SAID = {"born": "2026-03-02", "centre": MILANO, "comune": "015209"}


@pytest.mark.parametrize(
    ("said", "opened", "declared", "late"),
    [
        ({}, "2026-03-03", "2026-03-12", False),  # the tenth day
        ({}, "2026-03-03", "2026-03-13", True),  # watched, and it did not come in time
        ({}, "2026-03-20", "2026-03-20", False),  # came here late: nobody says when declared
        ({"declared_on": "2026-03-11"}, "2026-03-20", "2026-03-20", False),
        ({"declared_on": "2026-03-13"}, "2026-03-20", "2026-03-20", True),
        ({"declared_on": "2026-03-13"}, "2026-03-03", None, False),  # not declared yet
        ({"born": ""}, "2026-03-03", "2026-03-30", False),  # nobody knows the day of birth
    ],
)
def test_a_declaration_is_late_when_that_is_known(
    said: dict[str, str], opened: str, declared: str | None, late: bool
):
    """By the day that a message says, or because the gateway had the case in time."""
    assert is_late(FLOW, row(opened, declared), SAID | said) is late


def test_the_day_that_the_hospital_says_counts_for_the_transmission():
    """Ten days from the declaration, not from when the gateway heard of it."""
    said = {**SAID, "declared_on": "2026-03-04"}
    assert days_of(row("2026-03-06", "2026-03-06"), said) == Days(
        date(2026, 3, 2), date(2026, 3, 4), MILANO, "015209"
    )
    assert days_of(row("2026-03-06"), {}) is None


def test_an_embargo_from_birth_counts_whole_days():
    """The day of birth does not count: ten days later, at the midnight that ends the tenth."""
    opened = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
    ten = timedelta(days=10)
    assert embargo_end(ten, "opening", opened, SAID) == opened + ten
    end = embargo_end(ten, "birth", opened, SAID)
    assert end == datetime(2026, 3, 13, 0, 0, tzinfo=ROME)
    assert embargo_end(ten, "birth", opened, {}) == opened + ten


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 30))
def test_an_embargo_from_birth_ends_at_midnight_in_rome(day: date, length: int):
    """Also over the days on which the clocks change."""
    opened = datetime.combine(day, datetime.min.time(), ROME)
    end = embargo_end(timedelta(days=length), "birth", opened, {"born": day.isoformat()})
    assert end.astimezone(ROME) == datetime.combine(
        day + timedelta(days=length + 1), datetime.min.time(), ROME
    )

"""The stories of a region: each is told by messages that a gateway understands as it was meant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from adapters.simulation.bad_days import CATALOGUE
from gateway.demo.families import REASONS
from gateway.demo.region import ALONE, STORIES, Due, Region
from gateway.journal import SubmissionRow, Unit
from gateway.lifecycle import DONE, Status
from tests.births import PERSON, House

CODES = ("one code for two", "code issued already", "several candidates")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node whose offices accept everything."""
    with House(tmp_path) as made:
        yield made


def region(seed: int) -> Region:
    """One whose children are born now."""
    return Region(seed, datetime.now())


def decided(house: House, unit: Unit, row: SubmissionRow) -> None:
    """What only a person can do."""
    if row.reason == "LATE":
        house.desk.choose(unit, row.case_id, {"ragioniRitardo": REASONS}, PERSON)
    elif row.status is Status.HELD:
        house.desk.confirm(unit, row.id, PERSON)


# A second feed needs a sender of its own.
@pytest.mark.parametrize("title", [each for each in STORIES if each != "two feeds"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_story_ends_as_it_is_due(house: House, title: str, seed: int) -> None:
    """Its messages are taken; each child is registered once, at the Comune that is due, and others
    hear of it only where they should.
    """
    family = region(seed).family(title)
    for said in family.messages:
        payload = said.payload.replace(b"|SAN_DIALETTO|", b"|SANTA_PROVA|")
        assert house.hears(payload.replace(b"^2^SAN_DIALETTO", b"^2^SANTA_PROVA")) == "AA"
        house.works()
    for row in house.look(lambda view: view.submissions()):
        house.do(lambda unit, each=row: decided(house, unit, each))
    house.works()
    rows = house.look(lambda view: view.submissions())
    assert all(row.status in DONE or row.reason == "CHOICE" for row in rows)
    registered = [
        row
        for row in rows
        if row.step == "comune" and row.kind == "register" and row.status is Status.ACCEPTED
    ]
    wanted = [due for due in family.dues if due.comune and not due.cancelled]
    assert len(registered) == len([due for due in family.dues if due.comune])
    for due in wanted:
        assert {row.endpoint for row in registered} <= {due.comune, due.formerly or due.comune}
    others = {row.step for row in rows if row.status is Status.ACCEPTED} - {"comune"}
    assert bool(others) is any(due.person and due.comune for due in family.dues)


def test_what_is_due_goes_through_a_book() -> None:
    """As a line of JSON and back, nothing is lost."""
    for title in STORIES:
        for due in region(3).family(title).dues:
            assert Due.of(due.plain()) == due


def test_a_bad_day_of_a_story_is_one_that_administrations_have() -> None:
    """And meets the child of the story alone."""
    for title in CODES:
        family = region(4).family(title)
        assert family.days
        for _, day in family.days:
            assert day["name"] in CATALOGUE
            assert day["match"]["cognome"] in {due.surname for due in family.dues}


def test_no_two_children_would_have_one_code_but_by_their_story() -> None:
    """Surnames differ in the letters that a codice fiscale takes."""
    families = region(5).families([title for title in STORIES if title != "one code for two"])
    dues = [due for _ in range(150) for due in next(families).dues]
    letters = [due.surname[:6] for due in dues if due.person and due.comune and not due.erased]
    assert len(set(letters)) == len(letters)
    first, second = region(5).family("one code for two").dues
    assert first.surname[:6] == second.surname[:6]


def test_no_two_mothers_have_one_code() -> None:
    """What may be found of one of them after her wish is never another's."""
    families = region(5).families(["the late wish"])
    codes = [next(families).dues[0].erased[2] for _ in range(400)]
    assert len(set(codes)) == len(codes)


def test_stories_that_need_somebody_are_told_apart() -> None:
    """`icaro soak` tells only those that end well by their messages alone."""
    assert set(ALONE) < set(STORIES)
    assert not {"the late wish", "late declaration", "two feeds", *CODES} & set(ALONE)

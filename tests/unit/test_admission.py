"""Births that were kept for a person, and what a person's word makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gateway.admission import admit, dismiss
from gateway.desk import Person
from gateway.errors import NotFound, NotPossible
from gateway.journal import rejects
from gateway.keeping import Retention
from gateway.upkeep import due, purge
from tests.births import CHIARA, GIULIA, PERSON, SENDER, House

LIMITED = SENDER.model_copy(update={"births_since": date(2026, 3, 2)})


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node that was switched on the day after GIULIA was born."""
    with House(tmp_path, sender=LIMITED) as made:
        yield made


def kept(house: House) -> list[str]:
    return [row.id for row in house.look(lambda view: view.asides())]


def let_in(house: House, reject_id: str, person: Person = PERSON) -> str:
    return house.do(lambda unit: admit(house.casebook, unit, reject_id, person))


def test_a_person_lets_a_birth_of_before_in(house: House) -> None:
    """The case opens as if the message came now, and the evidence says who wanted it."""
    house.hears(GIULIA.message("A08"))
    (one,) = kept(house)
    case = let_in(house, one)
    assert house.steps(case)["comune"] == ["register READY"]
    (entry,) = house.look(lambda view: view.evidence(subject=one))[1:]
    assert (entry.what, entry.note["person"]) == ("case.admitted", PERSON.name)
    house.works()
    assert house.office.got("comune") == ["register"]


def test_a_second_message_of_it_amends(house: House) -> None:
    """Two were kept of one child: the second does not open another case."""
    house.hears(GIULIA.message("A08"))
    house.hears(GIULIA.message("A08", weight=3999))
    newer, older = kept(house)
    assert let_in(house, older) == let_in(house, newer)
    house.works()
    assert house.office.got("comune") == ["register"]
    assert b"3999" in house.office.last("comune")


def test_what_was_refused_is_no_birth(house: House) -> None:
    """A message that was answered AR waits for the hospital, not for a person here."""
    house.hears(b"MSH|^~\\&|HIS|SANTA_PROVA|||20260302||ADT^A01^X|1|P|9.9\r")
    (row,) = house.look(lambda view: view.rejects())
    assert kept(house) == []
    with pytest.raises(NotPossible):
        let_in(house, row.id)


def test_a_birth_with_its_papers_is_kept_whole(house: House) -> None:
    """A signed paper is larger than what is kept of a refused message; it goes into the case."""
    paper = b"OBX|9|ED|PAPER^declaration||^AP^PDF^Base64^" + b"QUJD" * 50_000 + b"\r"
    house.hears(GIULIA.message("A08") + paper)
    (one,) = kept(house)
    body = house.look(lambda view: view.reject_body(one)) or b""
    assert body.endswith(paper)
    case = let_in(house, one)
    (message,) = house.look(lambda view: view.messages(case))
    assert house.look(lambda view: view.message_body(message.id)) == body
    assert paper.strip() in (house.case().dossier or b"")


def test_no_refused_message_drops_a_birth(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every NAK keeps its bytes, and the oldest of those go: a birth had its AA and stays."""
    oldest = rejects._OLDEST_KEPT.offset(1)
    monkeypatch.setattr("gateway.journal.rejects._OLDEST_KEPT", oldest)
    house.hears(GIULIA.message("A08"))
    for number in range(5):
        house.do(lambda unit, body=b"%d" % number: unit.add_reject(sender="his", body=body))
    house.hears(CHIARA.message("A08").replace(b"20260304", b"20260228"))
    assert len(house.look(lambda view: view.rejects())) == 2
    assert len(kept(house)) == 2
    assert let_in(house, kept(house)[1])


def test_a_birth_that_was_let_in_waits_no_more(house: House) -> None:
    """Its bytes are the case's now, under its key, and no second person is asked."""
    house.hears(GIULIA.message("A08"))
    (one,) = kept(house)
    let_in(house, one)
    assert kept(house) == []
    with pytest.raises(NotFound):
        let_in(house, one)


def test_a_person_dismisses_a_birth_that_was_told(house: House) -> None:
    """Its bytes go; who said so, and why, stays."""
    house.hears(GIULIA.message("A08"))
    (one,) = kept(house)
    house.do(lambda unit: dismiss(unit, one, PERSON))
    assert kept(house) == []
    assert house.look(lambda view: view.cases()) == []
    entry = house.look(lambda view: view.evidence(subject=one))[-1]
    assert (entry.what, entry.note) == (
        "birth.dismissed",
        {"person": PERSON.name, "reason": PERSON.reason},
    )
    with pytest.raises(NotFound):
        house.look(lambda view: view.reject_body(one))


def test_what_was_refused_is_not_dismissed(house: House) -> None:
    """The bytes of a NAK are for the HIS team."""
    refused = house.do(lambda unit: unit.add_reject(sender="his", body=b"nonsense"))
    with pytest.raises(NotPossible):
        house.do(lambda unit: dismiss(unit, refused, PERSON))
    assert house.look(lambda view: view.reject_body(refused)) == b"nonsense"


def test_a_mother_who_was_unnamed_since_stays_unnamed(house: House) -> None:
    """A message of before her wish adds nothing of hers to the case."""
    house.hears(GIULIA.message("A08"))
    house.hears(replace(GIULIA, unnamed=True).message("A08"))
    wish, before = kept(house)
    case = let_in(house, wish)
    let_in(house, before)
    said = [house.case().dossier or b""]
    for row in house.look(lambda view: view.messages(case)):
        said.append(house.look(lambda view, row=row: view.message_body(row.id)) or b"")
    assert not any(GIULIA.mother.surname.encode() in each for each in said)


@pytest.mark.parametrize(
    ("retention", "left"),
    [({"rejects": timedelta(days=30)}, 1), ({"cases": timedelta(days=30)}, 0)],
)
def test_what_nobody_decided_goes_with_the_cases(
    house: House, retention: dict[str, timedelta], left: int
) -> None:
    """After `retention.cases`, and never with the refused bytes; the purge is told of."""
    house.hears(GIULIA.message("A08"))
    policy, later = Retention(**retention), datetime.now(UTC) + timedelta(days=31)
    would = sum(due(house.journal, policy, later, 10).values())
    assert purge(house.journal, policy, later).total() == would == 1 - left
    assert len(kept(house)) == left


def test_nobody_is_let_in_by_a_number_that_is_none(house: House) -> None:
    """An id that is not there is told as such."""
    with pytest.raises(NotFound):
        let_in(house, "18a5")

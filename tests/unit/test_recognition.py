"""What a message is to the gateway, told on a real journal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from gateway.flow.context import Context
from gateway.hl7.dossier import Dossier
from gateway.lifecycle import Status
from tests.births import GIULIA, SENDER, House, written


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node with offices in production."""
    with House(tmp_path) as made:
        yield made


def said(house: House) -> dict[str, str]:
    """A few fields of the newest case."""
    message = Dossier.decode(house.case().dossier or b"").message
    return {path: message.get(path) or "" for path in ("PID-5[1].2", "OBX-5", "PV1-36")}


def kinds(house: House) -> list[str]:
    return [receipt.kind for receipt in house.receipts]


# ---------------------------------------------------------------- which events mean something


@pytest.mark.parametrize("event", ["A02", "A13", "A03"])
def test_what_moves_or_discharges_a_child_means_nothing(house: House, event: str) -> None:
    """A transfer, a discharge and its cancellation are acknowledged and change nothing."""
    house.hears(GIULIA.message("A01"))
    version = house.case().version
    assert house.hears(GIULIA.message(event, weight=1111)) == "AA"
    assert kinds(house) == ["birth", "other"]
    assert house.case().version == version


@pytest.mark.parametrize("code", ["20", "40", "41", "42"])
def test_a_discharge_of_a_dead_child_counts(house: House, code: str) -> None:
    """PV1-36 says that the child died: the offices of the living never hear of it."""
    house.hears(GIULIA.message("A01"))
    discharge = b"|N" + b"|" * 32 + code.encode() + b"\rOBX"
    message = GIULIA.message("A03").replace(b"|N\rOBX", discharge)
    assert house.hears(message) == "AA"
    assert said(house)["PV1-36"] == code
    house.works()
    assert house.office.got("codice_fiscale") == house.office.got("assistito") == []
    assert house.office.got("comune") == ["register"]


def test_a_discharge_that_says_dead_in_pid_counts(house: House) -> None:
    """PID-30, where a hospital writes no PV1-36."""
    house.hears(GIULIA.message("A01"))
    house.hears(GIULIA.message("A03", stillborn=True))
    house.works()
    assert house.office.got("codice_fiscale") == []


@pytest.mark.parametrize("event", ["A01", "A08", "A11", "A40"])
def test_of_a_case_whose_key_is_gone_nothing_more_is_heard(house: House, event: str) -> None:
    """Retention ended it: what comes of that child is acknowledged, and the feed goes on."""
    house.hears(GIULIA.message("A01"))
    gone = house.case()
    house.do(lambda unit: unit.destroy_key(gone.id))
    other = replace(GIULIA, identifier="ANOTHER") if event == "A40" else GIULIA
    message = other.message(event, weight=1111)
    message = message.replace(b"PV1|", b"MRG|%s^^^HIS^PI\rPV1|" % GIULIA.identifier.encode(), 1)
    assert house.hears(message) == "AA"
    assert kinds(house)[-1] == "other"
    assert house.case().version == gone.version + 1


@pytest.mark.parametrize(("event", "kind"), [("A01", "birth"), ("A08", "other")])
def test_who_is_admitted_again_after_a_cancellation_is_a_birth(
    house: House, event: str, kind: str
) -> None:
    """Also where the key of the cancelled case is gone; an update alone opens nothing."""
    house.hears(GIULIA.message("A01"))
    house.hears(GIULIA.message("A11"))
    house.do(lambda unit: unit.destroy_key(house.case().id))
    assert house.hears(GIULIA.message(event, weight=1111)) == "AA"
    assert kinds(house)[-1] == kind


def test_an_update_of_nobody_means_nothing(house: House) -> None:
    """An A31 that is no birth, about a child whose case was never opened, opens none."""
    message = GIULIA.message("A31").replace(b"|N\rOBX", b"|R\rOBX")
    assert house.hears(message) == "AA"
    assert kinds(house) == ["other"]


def test_an_update_that_is_a_birth_opens_a_case(house: House) -> None:
    """Where the admission was lost, or never sent, the first A08 that says newborn is the birth."""
    assert house.hears(GIULIA.message("A08")) == "AA"
    assert kinds(house) == ["birth"]


# ---------------------------------------------------------------- births of before


@pytest.mark.parametrize(
    "limit", [{"births_since": date(2026, 3, 2)}, {"births_within": timedelta(days=1)}]
)
def test_a_birth_of_before_is_kept_for_a_person(tmp_path: Path, limit: dict[str, object]) -> None:
    """It opens no case and nobody hears of it, but its bytes are there, with the reason."""
    with House(tmp_path, sender=SENDER.model_copy(update=limit)) as house:
        assert house.hears(GIULIA.message("A08")) == "AA"
        assert kinds(house) == ["aside"]
        assert house.look(lambda view: view.cases()) == []
        (kept,) = house.look(lambda view: view.asides())
        body = house.look(lambda view: view.reject_body(kept.id)) or b""
        assert b"GIULIA" in body
        assert kept.sender == SENDER.name


def test_an_unnamed_mother_of_before_is_kept_without_her_data(tmp_path: Path) -> None:
    """What is kept for a person holds no more than what may be stored."""
    sender = SENDER.model_copy(update={"births_since": date(2026, 3, 2)})
    with House(tmp_path, sender=sender) as house:
        house.hears(replace(GIULIA, unnamed=True).message("A08"))
        (kept,) = house.look(lambda view: view.asides())
        body = house.look(lambda view: view.reject_body(kept.id)) or b""
        assert GIULIA.mother.surname.encode() not in body


def test_a_case_that_is_there_goes_on_whatever_the_limit(tmp_path: Path) -> None:
    """The limit is for opening: an update of a known child is used."""
    with House(tmp_path) as house:
        house.hears(GIULIA.message("A01"))
    sender = SENDER.model_copy(update={"births_since": date(2026, 3, 2)})
    with House(tmp_path, sender=sender) as house:
        house.hears(GIULIA.message("A08", weight=3999))
        assert said(house)["OBX-5"] == "3999"


@pytest.mark.parametrize("day", [date(2026, 3, 1), date(2020, 1, 1)])
def test_the_first_day_is_of_the_gateway(tmp_path: Path, day: date) -> None:
    """Who is born on the day itself, or later, has a case."""
    with House(tmp_path, sender=SENDER.model_copy(update={"births_since": day})) as house:
        house.hears(GIULIA.message("A08"))
        assert kinds(house) == ["birth"]


# ---------------------------------------------------------------- out of order, and two feeds


def test_an_older_message_takes_nothing_back(house: House) -> None:
    """An A08 that was overtaken fills what nobody said since, and a finding tells of it."""
    house.hears(written(GIULIA.message("A01", given="BABY"), 0))
    house.hears(written(GIULIA.message("A08", weight=3300), 60))
    house.hears(written(GIULIA.message("A08", given="BABY", weight=3100), 30))
    assert said(house) == {"PID-5[1].2": "GIULIA", "OBX-5": "3300", "PV1-36": ""}
    assert [each.code for each in house.context().findings] == ["OUT_OF_ORDER"]
    house.works()
    assert b"3300" in house.office.last("comune")


def test_a_sender_without_a_clock_is_believed_as_it_comes(house: House) -> None:
    """A moment of the future, or none, is no moment."""
    house.hears(written(GIULIA.message("A01"), 0))
    house.hears(written(GIULIA.message("A08", weight=3200), 60 * 24 * 365 * 40))
    house.hears(written(GIULIA.message("A08", weight=3300), 60))
    assert said(house)["OBX-5"] == "3300"


def test_a_cancellation_that_overtakes_the_birth_still_cancels(house: House) -> None:
    """The A11 came first: the A01 it takes back is told to nobody."""
    house.hears(written(GIULIA.message("A11"), 30))
    assert house.case().state == "CANCELLED"
    house.hears(written(GIULIA.message("A01"), 0))
    assert [case.state for case in house.look(lambda view: view.cases())] == ["CANCELLED"]
    assert house.steps() == {}
    assert [each.code for each in house.context().findings] == ["AFTER_CANCELLATION"]


def test_an_admission_after_the_cancellation_is_another_birth(house: House) -> None:
    """Written later than the A11, it is no overtaken one."""
    house.hears(written(GIULIA.message("A01"), 0))
    house.hears(written(GIULIA.message("A11"), 30))
    house.hears(written(GIULIA.message("A01"), 60))
    assert house.case("DECLARED")
    assert len(house.look(lambda view: view.cases())) == 2


def test_a_cancellation_older_than_the_admission_is_not_used(house: House) -> None:
    """The child was admitted again before the old cancellation came."""
    house.hears(written(GIULIA.message("A01"), 60))
    house.hears(written(GIULIA.message("A11"), 30))
    assert house.case().state == "DECLARED"
    assert [each.code for each in house.context().findings] == ["OUT_OF_ORDER"]


@pytest.mark.parametrize("event", ["A08", "A31"])
def test_a_cancellation_older_than_the_admission_stays_unused(house: House, event: str) -> None:
    """Whatever came after the newest admission: it is that which the cancellation is older than."""
    house.hears(written(GIULIA.message("A01"), 0))
    house.hears(written(GIULIA.message("A01"), 60))
    house.hears(written(GIULIA.message(event, weight=3300), 90))
    house.hears(written(GIULIA.message("A11"), 30))
    assert house.case().state == "DECLARED"
    assert house.steps()["comune"][-1] == "register READY"


def test_a_cancellation_of_the_newest_admission_cancels_whatever_was_updated(house: House) -> None:
    """Older than an update of that admission, it takes it back all the same."""
    house.hears(written(GIULIA.message("A01"), 0))
    house.hears(written(GIULIA.message("A01"), 60))
    house.hears(written(GIULIA.message("A08", weight=3300), 120))
    house.hears(written(GIULIA.message("A11"), 90))
    assert house.case().state == "CANCELLED"


def test_a_case_of_an_earlier_release_knows_its_newest_message(house: House) -> None:
    """It kept no moment of its admission: the newest message tells, as it did."""
    house.hears(written(GIULIA.message("A01"), 60))
    case = house.case()
    before = Context(days=house.context().days).encode()
    house.do(lambda unit: unit.save_case(case.id, case.version, context=before))
    house.hears(written(GIULIA.message("A11"), 30))
    assert house.case().state == "DECLARED"


def test_a_late_wish_not_to_be_named_holds(house: House) -> None:
    """Even in a message that newer ones overtook: what is once said cannot be unsaid by order."""
    house.hears(written(GIULIA.message("A01"), 0))
    house.hears(written(GIULIA.message("A08").replace(b"|N\rOBX", b"|N\rPV2|\rOBX"), 60))
    house.hears(written(replace(GIULIA, unnamed=True).message("A08"), 30))
    assert house.context().anonymous
    assert GIULIA.mother.surname.encode() not in (house.case().dossier or b"")


def test_two_feeds_tell_of_one_child(tmp_path: Path) -> None:
    """The laboratory's own MSH-3 speaks of the births of the ward."""
    second = SENDER.model_copy(
        update={"name": "laboratorio", "application": "LIS", "cases_of": SENDER.name}
    )
    with House(tmp_path, others=(second,)) as house:
        house.hears(written(GIULIA.message("A01"), 0))
        message = written(GIULIA.message("A08", weight=3456), 10)
        house.hears(message.replace(b"|HIS|SANTA", b"|LIS|SANTA"))
        assert kinds(house) == ["birth", "amend"]
        assert said(house)["OBX-5"] == "3456"
        assert house.case().sender == SENDER.name
        assert house.last("comune").status is Status.READY


def test_a_second_feed_may_be_the_first_to_tell(tmp_path: Path) -> None:
    """The case it opens is the other's: its facts, its return feed."""
    second = SENDER.model_copy(
        update={"name": "laboratorio", "application": "LIS", "cases_of": SENDER.name}
    )
    with House(tmp_path, others=(second,)) as house:
        house.hears(GIULIA.message("A01").replace(b"|HIS|SANTA", b"|LIS|SANTA"))
        house.hears(GIULIA.message("A08"))
        assert kinds(house) == ["birth", "amend"]
        assert house.case().sender == SENDER.name

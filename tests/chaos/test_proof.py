"""The proof itself: from logs it tells what is missing, double, old or misplaced."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import islice

import pytest
from lxml import etree

from gateway.demo.proof import Done, broken
from gateway.demo.region import STORIES, Due, Region

DUE = Due("C1", "FIGLIA", "015146", weights=(3000, 3001), names=("ANNA",))


def effect(administration: str, operation: str, number: int, **more: object) -> Done:
    """An effect about the child; its receipt is its number."""
    office = "015146" if administration == "comune" else ""
    done = Done(
        administration, operation, f"op-{number}", f"m-{number}", f"r-{number}", office, "", "C1"
    )
    return replace(done, **more)  # type: ignore[arg-type]  # the test names our fields


GOOD = [
    effect("comune", "registraNascita", 1, weight=3000, name="ANNA"),
    effect("comune", "rettificaNascita", 2, weight=3001, name="ANNA", follows="r-1"),
    effect("agenzia_entrate", "attribuisciCodiceFiscale", 3, name="ANNA", child="FIGLIA"),
    effect("asl", "iscriviAssistito", 4, name="ANNA", child="FIGLIA"),
]


def test_a_child_of_whom_everything_is_there() -> None:
    """What went as it must breaks nothing."""
    assert list(broken([DUE], GOOD)) == []


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (GOOD[:2] + GOOD[3:], "codice_fiscale: never arrived"),
        ([*GOOD, replace(GOOD[0], operation_id="op-9")], "registered 2 times"),
        ([*GOOD, GOOD[3]], "did op-4 2 times"),
        (GOOD[:1] + GOOD[2:], "not its last weight"),
        ([replace(GOOD[0], weight=3001), replace(GOOD[1], weight=3000), *GOOD[2:]], "an older"),
        ([replace(GOOD[0], office="016024"), *GOOD[1:]], "another Comune"),
        ([GOOD[0], replace(GOOD[1], follows="r-7"), *GOOD[2:]], "does not follow"),
        ([*GOOD, effect("comune", "annullaNascita", 5, follows="r-2")], "taken back"),
        ([*GOOD, effect("asl", "scegliPediatra", 6)], "pediatra does not concern it"),
        ([*GOOD, effect("asl", "iscriviAssistito", 7, child="ALTRI")], "somebody unknown"),
    ],
)
def test_every_way_of_being_wrong_is_told(done: list[Done], said: str) -> None:
    """Missing, double, old, out of order, elsewhere, taken back, unasked, unknown."""
    assert [each for each in broken([DUE], done) if said in each]


def test_a_cancelled_birth_must_not_stand() -> None:
    """What was cancelled is taken back wherever it was told."""
    found = list(broken([replace(DUE, cancelled=True)], GOOD))
    assert "C1: comune: stands although it was taken back" in found


CODED = [
    replace(GOOD[2], code="OLD"),
    replace(GOOD[2], operation="variaDati", operation_id="op-5", receipt="r-5", code="NEW"),
    replace(GOOD[3], code="OLD"),
]


def test_whoever_was_told_a_code_must_know_the_last_one() -> None:
    """Another name gives another code: the ASL must hear of it too."""
    told = [*GOOD[:2], CODED[0], replace(CODED[1], follows="r-3"), CODED[2]]
    assert list(broken([DUE], told)) == ["C1: assistito: not its last codice fiscale"]
    amended = replace(CODED[2], operation="variaAssistito", operation_id="op-6", follows="r-4")
    assert list(broken([DUE], [*told, replace(amended, code="NEW")])) == []


def test_what_is_special_must_stand_in_the_last_document() -> None:
    """The Comune's last document says it, and nothing of what may not stand there."""
    due = replace(DUE, says={"vitalita": "NATO_MORTO", "maternita": ""})
    body = etree.fromstring("<a><vitalita>NATO_MORTO</vitalita></a>")
    assert list(broken([due], [GOOD[0], replace(GOOD[1], body=body), *GOOD[2:]])) == []
    body.append(etree.Element("maternita"))
    found = list(broken([due], [GOOD[0], replace(GOOD[1], body=body), *GOOD[2:]]))
    assert found == ["C1: comune: the last document does not say what is due at maternita"]


def test_after_a_late_wish_the_others_annul_and_the_comune_corrects() -> None:
    """What others have may not stand; at the Comune that had it before it is corrected."""
    due = replace(DUE, taken_back=True, comune="016024", formerly="015146")
    found = list(broken([due], GOOD))
    assert found == [
        "C1: codice_fiscale: stands although it was taken back",
        "C1: assistito: stands although it was taken back",
    ]
    cancelled = [
        effect("agenzia_entrate", "annullaRichiesta", 5, child="FIGLIA", follows="r-3"),
        effect("asl", "cancellaAssistito", 6, child="FIGLIA", follows="r-4"),
    ]
    assert list(broken([due], [*GOOD, *cancelled])) == []


def test_a_child_of_two_records_is_one_child() -> None:
    """Both numbers are its own: a second registration under the other is one too many."""
    due = replace(DUE, also=("C2",))
    moved = replace(GOOD[1], child="C2")
    assert list(broken([due], [GOOD[0], moved, *GOOD[2:]])) == []
    double = replace(GOOD[0], child="C2", operation_id="op-9", receipt="r-9")
    assert "C1: comune: registered 2 times" in list(broken([due], [*GOOD, double]))


def test_the_same_seed_tells_the_same_stories() -> None:
    """A run can be played again; another seed tells others; every story is told once in a turn."""
    day = datetime(2026, 3, 6, 9, 0)
    first, again, other = (
        [(f.title, f.dues) for f in islice(Region(seed, day).families(), len(STORIES))]
        for seed in (7, 7, 8)
    )
    assert first == again != other
    assert sorted(title for title, _ in first) == sorted(STORIES)


def test_no_two_messages_have_one_control_id() -> None:
    """Each message has its own, and a time after the one before."""
    families = islice(Region(1, datetime(2026, 3, 6, 9, 0)).families(), 40)
    said = [said for family in families for said in family.messages]
    assert len({each.control_id for each in said}) == len(said)
    clocks = [
        each.payload.split(b"|")[6] for each in sorted(said, key=lambda each: each.control_id)
    ]
    assert clocks == sorted(clocks)

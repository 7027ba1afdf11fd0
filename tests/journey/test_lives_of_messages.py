"""What messages and answers do to births, each story end to end on SQLite and on PostgreSQL.

One gateway and one set of administrations a database: everybody's story is sent into it together,
in acts, and then each is looked at. docs/cases.md lists the rules.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.demo.hospital import Feed
from gateway.demo.people import Child
from gateway.demo.ports import HOST
from gateway.hl7.dossier import Dossier
from gateway.hl7.message import Message
from gateway.journal import CaseRow
from gateway.lifecycle import Kind, Status
from tests.journey.theatre import (
    OPEN,
    Theatre,
    documents,
    journal,
    newborn,
    prepare,
    running,
    submissions,
)
from tests.journey.watching import Ward

pytestmark = pytest.mark.journey

DELIVERY = (
    "{concurrency: 16, poll: 250 ms, lease: 20 s, settle: 2 s, "
    "retry: {first: 300 ms, factor: 1.5, ceiling: 3 s, jitter: 0.2}}"
)
FACTS = "{comune: '015146', struttura: '030001', nome: Santa Prova, asl: '321'}"
STORM = 20


class Lives:
    """The children by story, and the ward that knows them."""

    def __init__(self, ward: Ward) -> None:
        self.ward = ward
        self.stage = ward.stage
        self.children: dict[str, Child] = {}

    def born(self, story: str, event: str = "A01", **more: object) -> Child:
        """Another child is born."""
        self.children[story] = child = newborn(**more)
        self.ward.born(child, event)
        return child

    def again(self, story: str, child: Child) -> Child:
        """The same child as another record of the hospital."""
        self.children[story] = record = replace(child, identifier=f"{child.identifier}{story[:1]}")
        return record

    def send(self, message: bytes) -> None:
        assert self.ward.send(message).code == "AA"

    def cases(self) -> list[CaseRow]:
        with journal(self.stage) as view:
            return view.cases(limit=1000)

    def dossier(self, story: str) -> Message:
        row = self.ward.case(self.children[story])
        return Dossier.decode(row.dossier or b"").message

    def words(self, story: str, step: str) -> list[str]:
        """`kind STATUS reason` of a step's submissions."""
        rows = self.ward.rows(self.children[story], step)
        return [f"{row.kind} {row.status} {row.reason or ''}".strip() for row in rows]

    def rest(self, but: Sequence[Status] = ()) -> None:
        """Until only what waits for somebody else is left."""
        moving = OPEN - {Status.WAITING, *but}
        self.stage.wait_for(
            lambda: not any(row.status in moving for row in submissions(self.stage)),
            "nothing on the move",
            seconds=60,
        )

    def done(self, surname: str) -> list[str]:
        """What all administrations did for whoever has this surname, by their own logs."""
        return [
            effect["operation"]
            for name in ("comune", "agenzia_entrate", "asl")
            for effect, document in documents(self.stage, name)
            if surname in document
        ]


def at(child: Child, minutes: float, message: bytes) -> bytes:
    """The message as written so many minutes after the birth (EVN-2, MSH-7)."""
    stamp = (child.born + timedelta(minutes=minutes)).strftime("%Y%m%d%H%M%S+0100")
    lines = [line.split("|") for line in message.decode().split("\r")]
    lines[0][6] = lines[1][2] = stamp
    return "\r".join("|".join(fields) for fields in lines).encode()


def merge(stays: Child, old: Child, event: str = "A40") -> bytes:
    """`old` is the same newborn as `stays`; its number is not the first that MRG-1 says."""
    mark = b"MRG|CODE^^^MEF^NNITA~%s^^^HIS^PI\rPV1|" % old.identifier.encode()
    return stays.message(event).replace(b"PV1|", mark, 1)


def at_once(first: bytes, second: bytes) -> bytes:
    """Two merges as one message: ADT_A39 repeats the patient."""
    return first + second[second.index(b"PID|") :]


def births(lives: Lives) -> None:
    """The first act: everybody is born, some of them to trouble."""
    ward = lives.ward
    for story, days in {
        "omocodia": [("refuse", {"codice": "EAA50"}), ("provisional", {"after": None})],
        "known": [("already_known", {})],
        "candidates": [("several_candidates", {})],
    }.items():
        child = lives.children[story] = newborn(given=story.upper())
        for name, options in days:
            # What is refused once is asked again; the other day is for that second time too.
            times = 2 if name == "provisional" else 1
            ward.bad_day("agenzia_entrate", name, child, times=times, **options)
        ward.born(child)
    taken = lives.children["taken"] = newborn()
    ward.bad_day("comune", "answer_later", taken, after=None)
    ward.born(taken)
    for story in ("storm", "after", "moved", "dies later", "renumbered", "ordered", "two feeds"):
        lives.born(story)
    for story in ("sent old", "sent stays", "both old"):
        lives.born(story)
    again = lives.children["admitted again"] = newborn()
    for minutes in (0, 30):
        lives.send(at(again, minutes, again.message("A01")))
    ward.born(lives.again("stays both", lives.children["both old"]))
    lives.born("before", given="BABY")
    lives.born("open old", given="BABY")
    lives.born("dead", given="BABY")
    lives.born("never opened", "A31", more={})
    overtaken = lives.children["overtaken"] = newborn()
    lives.send(at(overtaken, 30, overtaken.message("A11")))
    lives.send(at(overtaken, 0, overtaken.message("A01")))
    for story in ("of before", "of before too"):
        old = newborn()
        lives.children[story] = replace(old, born=old.born - timedelta(days=400))
        ward.born(lives.children[story], "A08")
    lives.rest(but=(Status.TAKEN,))


def changes(lives: Lives) -> None:
    """The second act: corrections, cancellations, merges."""
    ward, child = lives.ward, lives.children
    feed = Feed(lives.stage.mllp)
    for number in range(STORM):
        feed.send(child["storm"].message("A08", weight=3300 + number))
    feed.close()
    slow = child["submitting"] = newborn()
    ward.bad_day("comune", "slow", slow, seconds=2)
    ward.born(slow)
    ward.await_status(slow, "comune", Status.SUBMITTING)
    for story in ("before", "submitting", "taken", "after"):
        ward.born(child[story], "A11")
    lives.stage.control("comune", "POST", "/callback-now")
    lives.stage.control("agenzia_entrate", "POST", "/callback-now")
    for event in ("A02", "A13", "A03"):
        ward.born(child["moved"], event, weight=1111)
    for story in ("dead", "dies later"):
        discharge = b"|N" + b"|" * 32 + b"20\rOBX"
        lives.send(child[story].message("A03").replace(b"|N\rOBX", discharge))
    ward.born(child["dead"], "A31", given="ADA")
    again = child["admitted again"]
    lives.send(at(again, 40, again.message("A08", weight=3440)))
    lives.send(at(again, 20, again.message("A11")))
    first = child["ordered"]
    lives.send(at(first, 60, first.message("A08", weight=3660)))
    lives.send(at(first, 30, first.message("A08", weight=3030)))
    second = child["two feeds"].message("A08", weight=3777)
    lives.send(second.replace(b"|HIS|SANTA", b"|LIS|SANTA"))
    merges(lives)
    held = ward.await_status(child["candidates"], "codice_fiscale", Status.HELD)
    ward.desk("submission", "resolve", held.id, "--candidate", "2")


def merges(lives: Lives) -> None:
    """Every way in which two records can turn out to be one child."""
    ward, child = lives.ward, lives.children
    for sent, opened in (("sent old", "open stays"), ("sent stays", "then open old")):
        record = lives.again(opened, child[sent])
        ward.born(record, given="BABY")
    open_stays = lives.again("with open old", child["open old"])
    ward.born(open_stays, given="BABY")
    one = merge(child["open stays"], child["sent old"])
    lives.send(at_once(one, merge(child["sent stays"], child["then open old"])))
    lives.send(merge(open_stays, child["open old"]))
    lives.send(merge(child["stays both"], child["both old"]))
    ward.born(open_stays, "A31", given="ADA")
    renumbered = lives.again("new number", child["renumbered"])
    lives.send(merge(renumbered, child["renumbered"], "A47"))
    ward.born(renumbered, "A08", weight=3888)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lives(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pki: Path
) -> Iterator[Lives]:
    """All acts played, on each database in turn."""
    options = {}
    if request.param == "postgresql":
        options["journal"] = request.getfixturevalue("new_database")()
    folder = tmp_path_factory.mktemp(request.param) / "stage"
    stage = prepare(folder, pki, delivery=DELIVERY, **options)
    stage.senders = senders(stage)
    stage.configure()
    with running(stage):
        made = Lives(Ward(stage))
        births(made)
        changes(made)
        made.rest()
        yield made


def senders(stage: Theatre) -> str:
    """A ward, its laboratory, and a hospital that should never be silent for two seconds."""
    back = f"return_feed: {{address: '{HOST}:{stage.return_feed}', timeout: 5 s}}"
    ward = f"{{name: santa-prova, application: HIS, facility: SANTA_PROVA, facts: {FACTS}, {back}"
    return (
        f"  - {ward}, births_within: 365 days}}\n"
        "  - {name: laboratorio, application: LIS, facility: SANTA_PROVA, cases_of: santa-prova}\n"
        "  - {name: taciturno, application: HIS, facility: TACITURNO, silence: 2 s}"
    )


# ---------------------------------------------------------------- the codice fiscale


def test_a_provisional_number_gives_way_to_the_definitive_code(lives: Lives) -> None:
    """Omocodia: eleven digits enrol the child, the code that follows reaches ASL and hospital."""
    child = lives.children["omocodia"]
    refused, asked = lives.ward.seen(child, "codice_fiscale")
    assert (refused.row.status, asked.row.status) == (Status.REPLACED, Status.ACCEPTED)
    (effect,) = lives.ward.effects(asked.row)
    assert effect["facts"]["tipoRichiesta"] == "2"
    provisional, code = effect["answer"]["codiceFiscale"], effect["outcome"]["codiceFiscale"]
    assert (len(provisional), len(code)) == (11, 16)
    facts = lives.ward.context(child).facts["codice_fiscale"]
    assert (facts["codiceFiscale"], facts["provvisorio"]) == (code, "false")
    said = [text for e, text in documents(lives.stage, "asl") if child.surname in text]
    assert any(provisional in text for text in said)
    assert "register ACCEPTED" in lives.words("omocodia", "assistito")[0]
    assert any(word.startswith("amend ACCEPTED") for word in lives.words("omocodia", "assistito"))
    back = [m.raw.decode() for m in came_back(lives, child)]
    assert provisional in back[0]
    assert code in back[-1]


def came_back(lives: Lives, child: Child) -> list[Message]:
    assert lives.stage.back is not None  # type: ignore[attr-defined]  # the stage is a Theatre
    messages = list(lives.stage.back.messages)  # type: ignore[attr-defined]  # likewise
    return [each for each in messages if each.get("PID-3[1].1") == child.identifier]


def test_a_code_that_is_there_already_is_validated(lives: Lives) -> None:
    """EAA30: asked for again as type 3, with the code filled in."""
    child = lives.children["known"]
    first, second = lives.ward.seen(child, "codice_fiscale")
    assert (first.row.status, second.row.status) == (Status.REPLACED, Status.ACCEPTED)
    (effect,) = lives.ward.effects(second.row)
    assert effect["facts"]["tipoRichiesta"] == "3"


def test_several_candidates_wait_for_a_person(lives: Lives) -> None:
    """Then the one that was chosen is asked for, and counts."""
    child = lives.children["candidates"]
    first, second = lives.ward.seen(child, "codice_fiscale")
    assert first.way == ("READY", "SUBMITTING", "HELD", "REPLACED")
    assert second.row.status is Status.ACCEPTED
    assert lives.ward.rows(child, "assistito")[-1].status is Status.ACCEPTED


# ---------------------------------------------------------------- storms and cancellations


def test_a_storm_of_updates_is_one_amendment(lives: Lives) -> None:
    """Twenty A08 after the registration: the Comune hears once more, and the last state."""
    child = lives.children["storm"]
    assert lives.ward.effects_of(child)["rettificaNascita"] == 1
    (document,) = [
        text
        for effect, text in documents(lives.stage, "comune")
        if effect["operation"] == "rettificaNascita" and child.surname in text
    ]
    assert str(3300 + STORM - 1) in document
    assert lives.ward.effects_of(child)["variaDati"] == 0


def test_a_cancellation_before_sending_withdraws(lives: Lives) -> None:
    """Nobody ever hears of the child."""
    assert lives.ward.case(lives.children["before"]).state == "CANCELLED"
    assert lives.done(lives.children["before"].surname) == []


@pytest.mark.parametrize("story", ["submitting", "taken", "after"])
def test_a_cancellation_of_what_was_sent_waits_for_a_person(lives: Lives, story: str) -> None:
    """Sent while the Comune was answering, while it had it in charge, or after: once it is known
    that it has the birth, a person is asked.
    """
    words = lives.words(story, "comune")
    assert words == ["register ACCEPTED", "cancel HELD CONFIRM"]
    assert lives.ward.effects_of(lives.children[story])["annullaNascita"] == 0


def test_a_person_takes_back_what_was_cancelled(lives: Lives) -> None:
    """With a reason; then the Comune hears it."""
    child = lives.children["after"]
    lives.ward.desk("submission", "confirm", lives.ward.rows(child, "comune")[-1].id)
    lives.ward.await_status(child, "comune", Status.ACCEPTED)
    kinds = [row.kind for row in lives.ward.rows(child, "comune")]
    assert kinds == [Kind.REGISTER, Kind.CANCEL]


def test_a_cancellation_that_overtook_its_birth_cancels_it(lives: Lives) -> None:
    """The A01 that came after it is told to nobody."""
    child = lives.children["overtaken"]
    assert lives.ward.case(child).state == "CANCELLED"
    assert lives.ward.rows(child) == []
    assert lives.done(child.surname) == []


def test_a_late_cancellation_of_an_earlier_admission_is_not_used(lives: Lives) -> None:
    """The child was admitted again, and updated, before it came: that admission stands."""
    child = lives.children["admitted again"]
    assert lives.ward.case(child).state == "DECLARED"
    assert "OUT_OF_ORDER" in [each.code for each in lives.ward.context(child).findings]
    assert not any(word.startswith("cancel") for word in lives.words("admitted again", "comune"))
    assert lives.done(child.surname).count("registraNascita") == 1
    assert lives.dossier("admitted again").get("OBX-5") == "3440"


# ---------------------------------------------------------------- merges and numbers


@pytest.mark.parametrize(
    ("lives_on", "goes", "operation"),
    [
        ("with open old", "open old", "registraNascita"),
        ("open stays", "sent old", "registraNascita"),
        ("sent stays", "then open old", "registraNascita"),
    ],
)
def test_two_records_register_one_child(
    lives: Lives, lives_on: str, goes: str, operation: str
) -> None:
    """Two open records, a sent and an open one in either role: one registration in all."""
    surname = lives.children[lives_on].surname
    row = lives.ward.case(lives.children[lives_on])
    assert row.state == "DECLARED"
    assert lives.done(surname).count(operation) == 1
    assert lives.done(surname).count("attribuisciCodiceFiscale") == 1
    number = lives.dossier(lives_on).get("PID-3[1].1")
    assert number == lives.children[lives_on].identifier
    with pytest.raises(AssertionError, match="no case"):
        lives.ward.case(lives.children[goes])


def test_of_two_sent_records_one_waits_for_a_person(lives: Lives) -> None:
    """Both are registered: which is taken back, a person confirms; the other goes on."""
    surname = lives.children["both old"].surname
    gone = [case for case in lives.cases() if case.state == "MERGED" and case.dossier]
    (old,) = [case for case in gone if surname.encode() in (case.dossier or b"")]
    rows = [row for row in submissions(lives.stage) if row.case_id == old.id]
    comune = [f"{row.kind} {row.status}" for row in rows if row.step == "comune"]
    assert comune == ["register ACCEPTED", "cancel HELD"]
    assert lives.words("stays both", "comune")[0] == "register ACCEPTED"


def test_another_number_is_the_same_child(lives: Lives) -> None:
    """A47: the case goes on under the new number, and amends what was sent."""
    child = lives.children["new number"]
    assert lives.dossier("new number").get("PID-3[1].1") == child.identifier
    assert lives.done(child.surname).count("registraNascita") == 1
    assert "rettificaNascita" in lives.done(child.surname)
    assert came_back(lives, child), "the hospital hears of the number it now has"


# ---------------------------------------------------------------- events, order, feeds


def test_moves_and_discharges_change_nothing(lives: Lives) -> None:
    """A02, A13 and the discharge of a living child: acknowledged, and told to nobody."""
    child = lives.children["moved"]
    assert lives.words("moved", "comune") == ["register ACCEPTED"]
    assert lives.dossier("moved").get("OBX-5") == str(child.weight)


def test_a_discharge_of_a_dead_child_stops_what_is_for_the_living(lives: Lives) -> None:
    """Died before the declaration: the Comune alone hears; died after it: a person decides."""
    assert set(lives.done(lives.children["dead"].surname)) == {"registraNascita"}
    for step in ("codice_fiscale", "assistito"):
        assert lives.words("dies later", step)[-1] == "cancel HELD CONFIRM"
    # Registered alive, it has an act of death of its own: nobody tells the Comune by itself.
    assert lives.words("dies later", "comune") == ["register ACCEPTED", "amend HELD DEATH"]
    surname = lives.children["dies later"].surname
    said = [text for _, text in documents(lives.stage, "comune") if surname in text]
    assert len(said) == 1
    assert "NATO_VIVO" in said[0]


def test_a_late_message_takes_nothing_back(lives: Lives) -> None:
    """The A08 written first came last: what the newer one said stands, also at the Comune."""
    assert lives.dossier("ordered").get("OBX-5") == "3660"
    findings = [each.code for each in lives.ward.context(lives.children["ordered"]).findings]
    assert findings == ["OUT_OF_ORDER"]
    surname = lives.children["ordered"].surname
    said = [text for _, text in documents(lives.stage, "comune") if surname in text]
    assert "3660" in said[-1]
    assert not any("3030" in text for text in said)


def test_a_second_feed_speaks_of_the_same_children(lives: Lives) -> None:
    """The laboratory's update amends the birth that the ward told of."""
    assert lives.dossier("two feeds").get("OBX-5") == "3777"
    assert lives.done(lives.children["two feeds"].surname).count("rettificaNascita") == 1


def test_a_birth_of_before_is_kept_for_a_person(lives: Lives) -> None:
    """An A08 of a child born a year before the limit opens no case, and is not lost either."""
    child = lives.children["of before"]
    assert lives.done(child.surname) == []
    with journal(lives.stage) as view:
        kept = [view.reject_body(row.id) or b"" for row in view.asides()]
        assert lives.ward.find(view, child) is None
    assert any(child.surname.encode() in body for body in kept)


def test_a_person_lets_a_birth_of_before_in(lives: Lives) -> None:
    """Nobody had told the administrations: on a person's word the case opens and all hear of it."""
    child = lives.children["of before too"]
    kept = lives.ward.told("aside", "list")[0]["id"]
    lives.ward.desk("aside", "admit", kept)
    lives.ward.await_status(child, "comune", Status.ACCEPTED)
    assert lives.done(child.surname).count("registraNascita") == 1
    assert kept not in [each["id"] for each in lives.ward.told("aside", "list")]


def test_an_update_of_a_case_never_opened_is_the_birth(lives: Lives) -> None:
    """An A31 that says newborn: the admission was lost, the birth is not."""
    assert lives.words("never opened", "comune") == ["register ACCEPTED"]


# ---------------------------------------------------------------- silence


def test_a_feed_that_falls_silent_is_an_alarm(lives: Lives) -> None:
    """Log line, metric and a note in /health, which stays green; and a word when it is back."""
    ward = lives.ward
    ward.until(lambda: "path=silence sender=taciturno" in ward.log(), "the alarm of the silence")
    assert ward.log().count("path=silence") == 1
    silent = [line for line in ward.log().splitlines() if "silence" in line]
    assert not any("santa-prova" in line for line in silent)
    assert metric(lives) > 2
    with urllib.request.urlopen(f"http://{HOST}:{lives.stage.http}/health") as answer:
        told = json.load(answer)
    assert told["status"] == "green"
    assert told["notes"]["taciturno"].startswith("silent for")
    child = newborn(facility="TACITURNO")
    lives.send(child.message("A02"))
    ward.until(lambda: "heard_again" in ward.log(), "the feed that is back")


def metric(lives: Lives) -> float:
    name = 'icaro_feed_silent_seconds{sender="taciturno"} '
    line = next(each for each in lives.stage.metrics().splitlines() if each.startswith(name))
    return float(line.removeprefix(name))

"""Every case of life of a family, on both databases: its messages in, its documents out.

All families are sent into one gateway together, as a region does; then each case is looked at by
itself. What the administrations did is read from their own logs and documents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.simulation.documents import at, text
from gateway.case import case_key
from gateway.config import load
from gateway.demo.hospital import Feed, read
from gateway.demo.stage import ADMINISTRATIONS
from gateway.desk import Desk, Person
from gateway.ground import Ground, open_journal
from gateway.journal import CaseRow, SubmissionRow, Unit
from gateway.lifecycle import Kind, Status
from gateway.xml import parse
from tests.journey.lives import LIVES, Newborn
from tests.journey.theatre import (
    ROOT,
    Theatre,
    at_rest,
    documents,
    in_the_journal,
    journal,
    on_the_disk,
    prepare,
    running,
    sql,
)
from tests.postgres import Cluster

OPERATOR = Person("m.rossi", "said at the bedside")
HOLD = timedelta(seconds=4)
"""The embargo that this deployment's flow puts on the choice of the paediatrician."""


class Lives:
    """A stage on which every family has been heard, and every person has done what was asked."""

    def __init__(self, stage: Theatre) -> None:
        self.stage = stage
        self._operator = Ground.of(load(stage.folder / "icaro.yaml"))

    def play(self) -> None:
        """Everybody is born; then the late wishes, and the operator's work."""
        today = datetime.now(ZoneInfo("Europe/Rome")).date()
        feed = Feed(self.stage.mllp)
        later: list[bytes] = []
        for life in LIVES:
            messages = life.messages(today)
            first = len(messages) - life.then
            later += messages[first:]
            self._send(feed, messages[:first])
        at_rest(self.stage)
        self.asked = [row.reason for row in self.rows("F1701") if row.step == "comune"]
        self.at_desk(self._says_why)
        self.stage.wait_for(self._paediatricians, "the embargo to end", seconds=60)
        at_rest(self.stage)
        self.keys = {number: self.key(number) for number in ("F0801", "F0901")}
        self.at_desk(self._wishes)
        self._send(feed, later)
        feed.close()
        at_rest(self.stage)
        self.at_desk(self._confirms)
        at_rest(self.stage)

    def case(self, number: str) -> CaseRow:
        """A child's case."""
        with journal(self.stage) as view:
            sender = "santa-prova"
            key = case_key(view, sender, "HIS", "SANTA_PROVA", "P", ("HIS", number))
            found = view.find_case(sender, key)
            assert found is not None, number
            return found

    def rows(self, number: str) -> list[SubmissionRow]:
        """A child's submissions, in order."""
        with journal(self.stage) as view:
            return view.submissions(case_id=self.case(number).id)

    def done(self, number: str, administration: str) -> list[tuple[dict[str, Any], str]]:
        """What an administration did for a child, each with its document."""
        ours = {row.operation_id for row in self.rows(number)}
        return [
            each
            for each in documents(self.stage, administration)
            if each[0]["idOperazione"] in ours
        ]

    def at_desk(self, work: Callable[[Desk, Unit], None]) -> None:
        """What a person does, by the path of the verbs, under their node's name."""
        config = self._operator.configuration
        with open_journal(config, node="console") as opened:
            opened.run(lambda unit: work(Desk(self._operator.casebook), unit))

    def _send(self, feed: Feed, messages: list[bytes]) -> None:
        for message in messages:
            reply = read(feed.send(message))
            assert reply is not None
            assert reply.code == "AA", message

    def key(self, number: str) -> bytes:
        """What the master key wraps: who has it can read the case."""
        ((wrapped,),) = sql(
            self.stage, "SELECT wrapped_key FROM cases WHERE id = ?", self.case(number).id
        )
        return bytes(wrapped)

    def _paediatricians(self) -> bool:
        rows = self.rows("F2001")
        return any(row.step == "pediatra" and row.status is Status.ACCEPTED for row in rows)

    def _says_why(self, desk: Desk, unit: Unit) -> None:
        why = {"ragioniRitardo": "documenti del padre arrivati tardi"}
        desk.choose(unit, self.case("F1701").id, why, OPERATOR)

    def _wishes(self, desk: Desk, unit: Unit) -> None:
        desk.unname(unit, self.case("F0901").id, OPERATOR)

    def _confirms(self, desk: Desk, unit: Unit) -> None:
        for row in unit.submissions(status=Status.HELD):
            desk.confirm(unit, row.id, OPERATOR)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lives(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pki: Path
) -> Iterator[Lives]:
    """Every family's case, played on each database."""
    options = {}
    if request.param == "postgresql":
        options["journal"] = request.getfixturevalue("new_database")()
    stage = prepare(tmp_path_factory.mktemp(request.param) / "stage", pki, **options)
    flow = stage.folder / "mappings" / "nascita.flow.yaml"
    shipped = flow.read_text(encoding="utf-8")
    needs = "    needs: [assistito]\n"
    assert needs in shipped
    held = f"{needs}    hold: {HOLD.seconds} s\n"
    flow.write_text(shipped.replace(needs, held), encoding="utf-8")
    with running(stage):
        made = Lives(stage)
        made.play()
        yield made


EVERY_CHILD = [
    pytest.param(child, id=f"{life.file.removesuffix('.hl7')}-{child.number}")
    for life in LIVES
    for child in life.children
]


@pytest.mark.journey
@pytest.mark.parametrize("child", EVERY_CHILD)
def test_each_administration_did_what_the_case_wants(lives: Lives, child: Newborn):
    """Nothing less, nothing more, nothing twice; at the office that the rule says."""
    for administration in ADMINISTRATIONS:
        done = [effect["operation"] for effect, _ in lives.done(child.number, administration)]
        assert sorted(done) == sorted(getattr(child, administration)), administration
    offices = {effect["facts"]["destinatario"] for effect, _ in lives.done(child.number, "comune")}
    assert offices <= {child.office}
    left = {(r.step, r.status) for r in lives.rows(child.number) if r.status not in SETTLED}
    assert left == set()


SETTLED = (Status.ACCEPTED, Status.REPLACED, Status.WITHDRAWN)


@pytest.mark.journey
@pytest.mark.parametrize("child", EVERY_CHILD)
def test_the_documents_say_what_the_case_says(lives: Lives, child: Newborn):
    """The last document for the Comune has each value, and nothing where nothing may stand."""
    done = lives.done(child.number, "comune")
    assert done or not child.comune
    for path, value in child.says.items():
        body = parse(done[-1][1].encode())
        assert (at(body, path) is None) if value is None else (text(body, path) == value), path


@pytest.mark.journey
@pytest.mark.parametrize("child", EVERY_CHILD)
def test_the_hospital_hears_of_the_children_that_get_a_code(lives: Lives, child: Newborn):
    """A31 with the codice fiscale come back for them, and for nobody else."""
    assert lives.stage.back is not None
    told = [each for each in lives.stage.back.messages if each.get("PID-3[1].1") == child.number]
    assert {each.event for each in told} <= {"A31"}
    assert any("NNITA" in each.raw.decode() for each in told) is child.back


@pytest.mark.journey
def test_twins_have_an_act_and_a_code_each(lives: Lives):
    """One case, one act, one codice fiscale a child, in whatever order they came."""
    for numbers in (("F0201", "F0202"), ("F0301", "F0302", "F0303")):
        acts, codes = set(), set()
        for number in numbers:
            acts.add(json.dumps(lives.done(number, "comune")[0][0]["outcome"]["atto"]))
            codes.add(lives.done(number, "agenzia_entrate")[0][0]["outcome"]["codiceFiscale"])
        assert len(acts) == len(codes) == len(numbers)


@pytest.mark.journey
def test_an_unrecognised_child_has_no_father_anywhere(lives: Lives):
    """He is in the hospital's message, and in no document of any administration."""
    for administration in ADMINISTRATIONS:
        for _, document in lives.done("F1101", administration):
            assert "PIROVANO" not in document


@pytest.mark.journey
def test_a_late_declaration_waits_for_its_reasons(lives: Lives):
    """It was held with the reason LATE until the operator said why; the clock had run out."""
    assert lives.asked == ["LATE"]
    notes = sql(lives.stage, "SELECT note FROM evidence WHERE what = 'case.chosen'")
    assert any('["ragioniRitardo"]' in note for (note,) in notes)


@pytest.mark.journey
def test_an_embargo_holds_and_lets_go(lives: Lives):
    """The paediatrician's document left only when the embargo had ended, by itself."""
    opened = lives.case("F2001").opened_at
    (chosen,) = [e for e, _ in lives.done("F2001", "asl") if e["operation"] == "scegliPediatra"]
    assert datetime.fromisoformat(chosen["at"]) - opened >= HOLD
    ((first, _),) = lives.done("F2001", "comune")
    assert first["at"] < chosen["at"]


@pytest.mark.journey
def test_what_was_never_declared_is_overdue(lives: Lives):
    """Both terms of the parents have passed; of all families, theirs alone."""
    config = str(lives.stage.folder / "icaro.yaml")
    told = json.loads(lives.stage.icaro("case", "overdue", "--json", "-c", config))
    assert [each["id"] for each in told] == [lives.case("F1901").id]
    assert [(term["name"], term["passed"]) for term in told[0]["terms"]] == [
        ("declare at the birth centre", True),
        ("declare at the Comune", True),
    ]


@pytest.mark.journey
def test_the_log_and_the_metrics_warn_of_it(lives: Lives):
    """A new life of the gateway tells each term that has passed, by the case's id alone."""
    lives.stage.stop("gateway")
    lives.stage.start_gateway()
    case = lives.case("F1901").id
    told = lives.stage.folder / "logs" / "gateway.log"
    lives.stage.wait_for(
        lambda: told.read_text(encoding="utf-8").count(f"event=term_passed case={case}") == 2,
        "a line for each term",
        seconds=30,
    )
    assert 'icaro_terms{standing="passed"} 2.0' in lives.stage.metrics()


UNNAMED = {
    "F0701": ("SEGRETINI", "QUINZIA", "VIA NASCOSTA", "SGRQNZ"),
    "F0801": ("TACITURNI", "ZEFFIRA", "VIA TARDIVA", "TCTZFR"),
    "F0901": ("RISERVATI", "YOLANDA", "VIA CELATA", "RSRYND"),
}
"""What would name the mothers who do not want to be named: names, street, code."""


@pytest.mark.journey
@pytest.mark.parametrize("number", UNNAMED)
def test_nothing_of_an_unnamed_mother_is_left(
    lives: Lives, number: str, request: pytest.FixtureRequest
):
    """No file of the deployment or of the database and no ciphertext names her, early or late."""
    marks = UNNAMED[number]
    found = on_the_disk(lives.stage.folder, marks)
    before = [each for each in found if each.startswith("simulators/")]
    assert sorted(found) == sorted(before)
    assert bool(before) is (number != "F0701"), "what was sent before the wish was hers"
    assert in_the_journal(lives.stage, marks) == []
    if lives.stage.journal.startswith("postgresql"):
        cluster: Cluster = request.getfixturevalue("postgres_cluster")
        assert on_the_disk(cluster.folder, marks) == []


@pytest.mark.journey
@pytest.mark.parametrize("number", ["F0801", "F0901"])
def test_the_key_of_before_is_destroyed(lives: Lives, number: str):
    """The case has another one; of the old one no file of SQLite, log and all, has a byte."""
    assert lives.key(number) != lives.keys[number]
    if lives.stage.journal.startswith("sqlite"):
        files = [path for path in lives.stage.folder.glob("icaro.db*") if path.is_file()]
        assert files
        assert [path.name for path in files if lives.keys[number] in path.read_bytes()] == []


@pytest.mark.journey
@pytest.mark.parametrize("number", ["F0801", "F0901"])
def test_the_redaction_is_evidence_without_the_data(lives: Lives, number: str):
    """The chain says that the key was destroyed, and verifies; what was sent cannot be read."""
    case = lives.case(number)
    rows = sql(lives.stage, "SELECT subjects, note FROM evidence WHERE what = 'case.rekeyed'")
    assert [True for subjects, _ in rows if case.id in subjects] == [True]
    with journal(lives.stage) as view:
        first = [row for row in view.submissions(case_id=case.id) if row.kind is Kind.REGISTER]
        assert [view.document(row.id) for row in first] == [None] * len(first)
        readable = [each.event for each in view.messages(case.id) if view.message_body(each.id)]
    assert "A01" not in readable
    told = lives.stage.icaro("evidence", "verify", "-c", str(lives.stage.folder / "icaro.yaml"))
    assert "good: nothing was changed" in told


ROW = re.compile(
    r"^\| (?P<case>[^|]+) \| \[[^\]]+\]\(\.\./(?P<file>[^)]+)\)"
    r" \| (?P<documents>[^|]+) \| [^|]+ \|$"
)
"""A row of the page: case, messages, documents, rule."""


def test_the_page_lists_the_cases_that_are_run():
    """docs/cases.md has one row for each, with its messages and its documents as tested here."""
    page = (ROOT / "docs" / "cases.md").read_text(encoding="utf-8")
    rows = [found for line in page.splitlines() if (found := ROW.match(line))]
    listed = {
        each["case"]: (each["file"], each["documents"])
        for each in rows
        if each["file"].startswith("tests/journey/families/")
    }
    run = {life.name: (f"tests/journey/families/{life.file}", life.documents) for life in LIVES}
    assert listed == run
    assert all((ROOT / each["file"]).is_file() for each in rows)

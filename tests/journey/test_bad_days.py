"""Every bad day of the simulators at every administration: nothing lost, nothing done twice.

All children are born at once on one stage, each with its own bad day at the Comune, at Agenzia
delle Entrate and at the ASL; then each is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import DNSName, IPAddress, SubjectAlternativeName

from adapters.simulation.bad_days import CATALOGUE, Bites
from gateway.demo.people import Child
from gateway.demo.stage import ADMINISTRATIONS
from gateway.errors import GatewayError
from gateway.lifecycle import Status
from gateway.xml import canonical
from tests.journey.theatre import newborn, prepare, running
from tests.journey.watching import ADMINISTRATION, WHO, Ward, write_pair
from tests.soap_parties import Authority, ec_key

pytestmark = pytest.mark.journey

SENDERS = """\
  - name: santa-prova
    application: HIS
    facility: SANTA_PROVA
    facts: {comune: '015146', struttura: '030001', nome: Santa Prova, asl: '321'}"""
"""One hospital that wants nothing back."""

DELIVERY = (
    "{concurrency: 24, poll: 250 ms, lease: 30 s, settle: 1 ms, "
    "retry: {first: 300 ms, factor: 1.5, ceiling: 3 s, jitter: 0.2}}"
)

STEPS = ("comune", "codice_fiscale", "assistito")
SENT = ("READY", "SUBMITTING")

AT_ONCE = (*SENT, "ACCEPTED")
AFTER_A_DOUBT = (*SENT, "IN_DOUBT", "READY", "SUBMITTING", "ACCEPTED")
AFTER_A_WAIT = (*SENT, "DEFERRED", "SUBMITTING", "ACCEPTED")
LATER = (*SENT, "TAKEN", "ACCEPTED")
REFUSED = (*SENT, "REJECTED")
REFUSED_LATER = (*SENT, "TAKEN", "REJECTED")


@dataclass(frozen=True)
class Day:
    """A bad day for one child: where it bites, and the way its submissions must go."""

    name: str
    way: tuple[str, ...]
    tries: tuple[str, ...]
    options: Mapping[str, object] = field(default_factory=dict)
    steps: tuple[str, ...] = STEPS
    effects: int = 1
    """What each administration must have done at the end, under the operation id."""

    def goes(self, way: tuple[str, ...]) -> bool:
        """Whether a document may go so. A callback that came before the reply is applied after
        its acknowledgment, so the reply may still be seen first.
        """
        way = way[way[0] == "WAITING" :]
        if self.name == "callback_before_reply":
            way = tuple(status for status in way if status != "TAKEN")
        return way == self.way

    @property
    def label(self) -> str:
        """For the test's name."""
        return "-".join([self.name, *map(str, self.options.values()), *self.only])

    @property
    def only(self) -> tuple[str, ...]:
        """The steps, where they are not all."""
        return () if self.steps == STEPS else self.steps


def doubt(name: str, **options: object) -> Day:
    """The partner has stored; nobody can trust what it said: the same is sent again."""
    return Day(name, AFTER_A_DOUBT, ("Unknown", "Accepted"), options)


def refusal(
    name: str, way: tuple[str, ...], outcome: str, *, effects: int = 0, **options: object
) -> list[Day]:
    """Without a codice fiscale there is no enrolment: the ASL refuses another child."""
    return [
        Day(name, way, (outcome,), options, ("comune", "codice_fiscale"), effects),
        Day(name, way, (outcome,), options, ("assistito",), effects),
    ]


DAYS = [
    Day("slow", AT_ONCE, ("Accepted",), {"seconds": 0.7}),
    doubt("slow", seconds=4),
    doubt("fault_after_storing"),
    doubt("fault_after_storing", before=True),
    doubt("drop_after_storing"),
    doubt("drop_after_storing", before=True),
    doubt("garbage"),
    doubt("wrong_signature", how="body"),
    doubt("wrong_signature", how="timestamp"),
    doubt("wrong_signature", how="relates_to"),
    doubt("wrong_signature", how="unsigned"),
    doubt("wrong_signature", how="foreign"),
    doubt("unsigned_fault"),
    doubt("html"),
    doubt("http_500"),
    doubt("empty"),
    doubt("endless"),
    doubt("outage", how="http"),
    Day("outage", AFTER_A_WAIT, ("Unavailable", "Accepted")),
    *refusal("refuse", REFUSED, "Rejected"),
    *refusal("refuse", REFUSED, "Rejected", how="fault"),
    Day("answer_later", LATER, ("Taken",)),
    Day("callback_twice", LATER, ("Taken",), {"after": 0.4}),
    Day("callback_before_reply", AT_ONCE, ("Taken",)),
    *refusal("answer_later", REFUSED_LATER, "Taken", effects=1, after=0.3, codice="X99"),
    *refusal("callback_before_reply", REFUSED, "Taken", effects=1, codice="X98"),
]
ELSEWHERE = {"several_candidates", "already_known", "provisional"}
"""Only Agenzia delle Entrate has these; each has a test of its own below."""

AT_THE_PORT = [name for name, kind in CATALOGUE.items() if kind.bites is Bites.LISTENER]


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TLS keys that no administration should show: a folder each, and the `ca.pem` of the first
    two, which the gateway pins beside the administrations' own.
    """
    folder, now = tmp_path_factory.mktemp("strangers"), datetime.now(UTC)
    lived = {"start": now - timedelta(days=30), "end": now + timedelta(days=30)}
    pinned, foreign = Authority(**lived), Authority(title="CA straniera", **lived)
    here = SubjectAlternativeName([IPAddress(ip_address("127.0.0.1"))])
    elsewhere = SubjectAlternativeName([DNSName("altrove.example")])
    for name, authority, certified, more in (
        ("expired", pinned, here, {"end": now - timedelta(days=1)}),
        ("other_host", pinned, elsewhere, {}),
        ("foreign", foreign, here, {}),
    ):
        key = ec_key()
        certificate = authority.issue(key, subject=name, extra=certified, **more)
        write_pair(folder / name, key, certificate)
    (folder / "ca.pem").write_bytes(pinned.certificate.public_bytes(Encoding.PEM))
    return folder


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, pki: Path, strangers: Path) -> Iterator[Ward]:
    """Idempotent partners that answer within two seconds or not at all.

    No circuit opens: so many bad days at once would keep the good ones waiting.
    """
    folder = tmp_path_factory.mktemp("bad_days") / "stage"
    stage = prepare(folder, pki, senders=SENDERS, delivery=DELIVERY)
    partners = folder / "partners.yaml"
    text = partners.read_text("utf-8")
    for before, now in (("timeout: 10 s", "timeout: 2 s"), ("failures: 5", "failures: 1000")):
        assert before in text
        text = text.replace(before, now)
    partners.write_text(text, "utf-8")
    for name in ADMINISTRATIONS:
        with (folder / "certs" / name / "ca.pem").open("ab") as file:
            file.write((strangers / "ca.pem").read_bytes())
    with running(stage):
        yield Ward(stage)


@pytest.fixture(scope="module")
def children(ward: Ward) -> Mapping[str, Child]:
    """Who was born on which day, once all have come to their end, or after a minute."""
    found = {}
    for day in DAYS:
        found[day.label] = child = newborn()
        for step in day.steps:
            ward.bad_day(ADMINISTRATION[step], day.name, child, **day.options)
    for child in found.values():
        ward.born(child)
    with suppress(GatewayError):  # then the children's own tests say which did not end, and where
        ward.until(lambda: all(_ended(ward, found[day.label], day) for day in DAYS), "all", 60)
    return found


def _ended(ward: Ward, child: Child, day: Day) -> bool:
    return all(
        rows and str(rows[-1].status) == day.way[-1]
        for rows in (ward.rows(child, step) for step in day.steps)
    )


def test_every_bad_day_is_tried(ward: Ward) -> None:
    """A bad day that somebody adds to the catalogue is missed here until it is tried."""
    tried = {day.name for day in DAYS} | ELSEWHERE | set(AT_THE_PORT)
    assert tried == set(CATALOGUE)


@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.label)
def test_a_bad_day_ends_as_it_must(ward: Ward, children: Mapping[str, Child], day: Day) -> None:
    """Each document goes the way of its bad day, and the administration did it once, or never."""
    child = children[day.label]
    for step in day.steps:
        found = ward.one(child, step)
        assert day.goes(found.way), (step, found.way, found.row.reason)
        assert found.tries == day.tries, step
        assert len(ward.effects(found.row)) == day.effects, step


@pytest.mark.parametrize(
    "day", [day for day in DAYS if day.name == "wrong_signature"], ids=lambda day: day.label
)
def test_an_answer_that_cannot_be_trusted_is_an_alarm(
    ward: Ward, children: Mapping[str, Child], day: Day
) -> None:
    """Somebody may be in between: a person hears of it, with the submission and the partner."""
    alarms = [line for line in ward.log().splitlines() if "event=alarm path=answer" in line]
    for step in day.steps:
        row = ward.one(children[day.label], step).row
        assert [line for line in alarms if f"submission={row.id} partner={row.partner}" in line]


@pytest.mark.parametrize("day", [day for day in DAYS if len(day.tries) > 1], ids=lambda d: d.label)
def test_every_attempt_is_the_same_document(
    ward: Ward, children: Mapping[str, Child], day: Day
) -> None:
    """The same operation id and Body; a MessageID and a Timestamp of its own."""
    for step in day.steps:
        first, second = ward.envelopes(ward.one(children[day.label], step).row)
        assert canonical(first.find("{*}Body/*")) == canonical(second.find("{*}Body/*"))
        for name in ("MessageID", "Created", "SignatureValue"):
            assert first.findtext(f".//{{*}}{name}") != second.findtext(f".//{{*}}{name}"), name


@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.label)
def test_no_bad_day_makes_a_double(ward: Ward, children: Mapping[str, Child], day: Day) -> None:
    """Whatever the operation ids: nobody is registered, coded or enrolled twice."""
    done = ward.effects_of(children[day.label])
    assert set(done.values()) <= {1}, done
    if day.way[-1] == "ACCEPTED":
        assert set(done) == {
            "registraNascita",
            "attribuisciCodiceFiscale",
            "iscriviAssistito",
            "scegliPediatra",
        }


# ---------------------------------------------------------------- the port itself


@pytest.mark.parametrize(
    ("day", "shown"),
    [
        ("refuse_connections", None),
        ("expired_certificate", "expired"),
        ("other_host", "other_host"),
        ("other_host", "foreign"),
    ],
)
def test_a_port_that_is_shut_or_not_theirs_gets_nothing(
    ward: Ward, strangers: Path, day: str, shown: str | None
) -> None:
    """Nobody listens, or with an expired certificate, another host's, another CA's: surely
    nothing was received, so the document waits, and goes once when the partner is himself again.
    """
    options = {"folder": str(strangers / shown)} if shown else {}
    for administration in ADMINISTRATIONS:
        ward.bad_day(administration, day, times=None, **options)
    child = newborn()
    ward.born(child)
    for step in STEPS:
        row = ward.await_status(child, step, Status.DEFERRED)
        assert not row.maybe_received
        assert ward.effects(row) == []
        ward.good_day(ADMINISTRATION[step])
    ward.await_status(child, "pediatra", Status.ACCEPTED)
    for step in STEPS:
        found = ward.one(child, step)
        assert found.row.status is Status.ACCEPTED
        assert "IN_DOUBT" not in found.way
        assert {*found.tries[:-1]} == {"Unavailable"}
        assert len(ward.effects(found.row)) == 1


# ---------------------------------------------------------------- only Agenzia delle Entrate


def test_several_persons_wait_for_a_person(ward: Ward) -> None:
    """Which of the candidates the child is, somebody says with a reason; then that one counts."""
    child = newborn(given="EUSTACHIO")
    ward.bad_day("agenzia_entrate", "several_candidates", child, count=3)
    ward.born(child)
    held = ward.await_status(child, "codice_fiscale", Status.HELD)
    assert held.reason == "CANDIDATES"
    assert ward.effects(held) == []
    candidates = ward.told("submission", "show", held.id)["facts"]
    assert sorted(candidates) == ["1", "2", "3"]
    wrong = ward.icaro("submission", "resolve", held.id, "--candidate", "4", *WHO)
    assert wrong.returncode == 1
    assert "no candidate 4" in wrong.stderr
    ward.desk("submission", "resolve", held.id, "--candidate", "2")
    assert ward.signed(held.id, "submission.chosen")
    ward.await_status(child, "pediatra", Status.ACCEPTED)
    first, second = ward.seen(child, "codice_fiscale")
    assert (first.row.status, second.row.status) == (Status.REPLACED, Status.ACCEPTED)
    told = ward.context(child).facts["codice_fiscale"]["codiceFiscale"]
    assert told == candidates["2"]["codiceFiscale"]
    assert ward.effects_of(child)["attribuisciCodiceFiscale"] == 1


def test_a_code_that_is_there_already_is_validated(ward: Ward) -> None:
    """The family went to the counter: EAA30 is followed by a request of type 3, not by a person,
    and nobody gets a second code.
    """
    child = newborn(given="ILDEBRANDO")
    ward.bad_day("agenzia_entrate", "already_known", child)
    ward.born(child)
    ward.await_status(child, "pediatra", Status.ACCEPTED)
    first, second = ward.seen(child, "codice_fiscale")
    assert (first.row.status, second.row.status) == (Status.REPLACED, Status.ACCEPTED)
    assert ward.effects(first.row) == []
    (effect,) = ward.effects(second.row)
    assert effect["facts"]["tipoRichiesta"] == "3"
    code = ward.context(child).facts["codice_fiscale"]["codiceFiscale"]
    assert code == effect["answer"]["codiceFiscale"]


# ---------------------------------------------------------------- the whole


def test_no_two_children_have_one_code(ward: Ward, children: Mapping[str, Child]) -> None:
    """All were born on one day with like names: each has a codice fiscale of its own."""
    born = [children[day.label] for day in DAYS if day.way[-1] == "ACCEPTED"]
    codes = [ward.context(child).facts["codice_fiscale"]["codiceFiscale"] for child in born]
    assert len(set(codes)) == len(born)


def test_the_evidence_of_all_this_holds(ward: Ward, children: Mapping[str, Child]) -> None:
    """After every bad day the chain is whole, and the gateway is still in good health."""
    assert ward.told("evidence", "verify")["good"]
    assert ward.stage.healthy()

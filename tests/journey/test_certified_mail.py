"""What the wire could not bring goes by certified mail: once, and its receipts tell the rest.

A real gateway, a Comune that is down, and a provider of certified mail with its bad days: SMTP and
IMAP over TLS, on 127.0.0.1.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest

from adapters.keys import DevelopmentPki
from adapters.simulation.pec_provider import PecProvider
from adapters.simulation.pec_servers import PASSWORD, USER
from gateway.demo.people import MILANO, SESTO, Child
from gateway.demo.ports import free_port
from gateway.errors import StageError
from gateway.journal import SubmissionRow
from gateway.lifecycle import Status
from tests.journey.theatre import Theatre, journal, newborn, prepare, running
from tests.journey.watching import Ward

pytestmark = pytest.mark.journey

DELIVERY = (
    "{concurrency: 8, poll: 250 ms, lease: 20 s, settle: 1 ms, retry: "
    "{first: 200 ms, factor: 1.0, ceiling: 1 s, jitter: 0.0, max_attempts: 3}}"
)
TRIES = 3
OFFICE = "protocollo@pec.comune.example"


@dataclass
class PostOffice:
    """The stage, with a provider beside it."""

    ward: Ward
    provider: PecProvider
    smtp: int
    imap: int

    def start(self) -> None:
        """The provider as a process of its own."""
        folder = self.ward.stage.folder
        where = ["--smtp", f"127.0.0.1:{self.smtp}", "--imap", f"127.0.0.1:{self.imap}"]
        where += ["--keys", str(folder / "certs" / "pec"), "--store", str(self.provider.folder)]
        process = self.ward.stage._start("pec", "simulate-pec", *where, stdout=subprocess.PIPE)
        assert process.stdout is not None
        with process.stdout as told:
            line = told.readline()
        if not line:
            raise StageError("the provider did not start")
        assert json.loads(line)["smtp"] == f"127.0.0.1:{self.smtp}"

    def bad_day(self, name: str) -> None:
        """From now on; an empty name is a good one."""
        (self.provider.folder / "bad-day").write_text(name, "ascii")

    def mails_of(self, row: SubmissionRow) -> list[bytes]:
        """What the provider took of a submission."""
        return [mail for mail in self.provider.mails() if row.operation_id.encode() in mail]

    def born(self, day: str, home: tuple[str, str, str, str] = MILANO) -> Child:
        """A birth that the Comune's service never takes, on such a day of the provider."""
        self.bad_day(day)
        child = newborn()
        child = replace(child, mother=replace(child.mother, home=home))
        self.ward.bad_day("comune", "outage", child, times=TRIES)
        self.ward.born(child)
        return child

    def mailed(self, day: str, status: Status, reason: str) -> SubmissionRow:
        """What becomes of it by itself."""
        child = self.born(day)

        def there() -> bool:
            row = self.ward.rows(child, "comune")[-1]
            return (row.status, row.reason) == (status, reason)

        self.ward.until(there, f"{status} {reason}")
        return self.ward.rows(child, "comune")[-1]

    def tries(self, row: SubmissionRow) -> list[str | None]:
        """What came of each attempt."""
        with journal(self.ward.stage) as view:
            return [each.outcome for each in view.attempts(row.id)]

    def said(self, row: SubmissionRow) -> list[str]:
        """The kinds of the receipts that the journal keeps, in the order they were read."""
        with journal(self.ward.stage) as view:
            entries = view.evidence(subject=row.id)
        return [e.note["outcome"] for e in entries if e.what == "callback.applied"]


def settings(post: PostOffice, receipt: str) -> None:
    """Switch certified mail on: our mailbox, and the addresses of two Comuni."""
    stage = post.ward.stage
    stage.configure()
    (stage.folder / "keys" / "pec.password").write_bytes(PASSWORD + b"\n")
    mailbox = f"""\
pec:
  address: {USER.decode()}
  smtp: '127.0.0.1:{post.smtp}'
  imap: '127.0.0.1:{post.imap}'
  ca: certs/pec/ca.pem
  user: {USER.decode()}
  password_file: keys/pec.password
  poll: 200 ms
  timeout: 3 s
  receipt: {receipt}
"""
    icaro, partners = stage.folder / "icaro.yaml", stage.folder / "partners.yaml"
    icaro.write_text(icaro.read_text("utf-8") + mailbox, "utf-8")
    lines = partners.read_text("utf-8").splitlines()
    for code, after in ((MILANO[0], "attempts"), (SESTO[0], "order")):
        number = next(n for n, line in enumerate(lines) if f"'{code}': " in line)
        pec = f"pec: {{address: {OFFICE}, after: {after}}}"
        lines[number] = f"{lines[number].removesuffix('}')}, {pec}}}"
    partners.write_text("\n".join(lines) + "\n", "utf-8")


def opened(stage: Theatre, receipt: str) -> PostOffice:
    """Keys, folder and settings of a provider beside a stage that is laid out."""
    store = stage.folder / "pec"
    store.mkdir()
    DevelopmentPki(datetime.now(UTC)).write(stage.folder / "certs", ("pec",))
    post = PostOffice(Ward(stage), PecProvider(store), free_port(), free_port())
    settings(post, receipt)
    return post


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> Iterator[PostOffice]:
    """A gateway that gives up after two attempts, and a provider."""
    stage = prepare(tmp_path_factory.mktemp("pec") / "stage", pki, delivery=DELIVERY)
    made = opened(stage, "10 s")
    with running(stage, back=False):
        made.start()
        yield made


def test_the_signed_document_arrives_and_the_answer_is_recorded(post: PostOffice) -> None:
    """A person orders it: one mail with the bytes that were signed; delivered, it is TAKEN, and a
    person records the answer. All of it is evidence.
    """
    child = post.born("", SESTO)
    dead = post.ward.await_status(child, "comune", Status.DEAD)
    assert (dead.attempts, post.provider.mails()) == (TRIES, [])
    post.ward.desk("submission", "mail", dead.id)
    row = post.ward.await_status(child, "comune", Status.TAKEN)
    assert (row.reason, row.maybe_received) == ("PEC_DELIVERED", True)
    (raw,) = post.mails_of(row)
    mail = message_from_bytes(raw)
    assert (mail["From"], mail["To"]) == (USER.decode(), OFFICE)
    assert mail["Message-ID"] == f"<{row.operation_id}.{TRIES + 1}@pec.ospedale.example>"
    (attached,) = [part for part in mail.walk() if part.get_filename()]
    with journal(post.ward.stage) as view:
        attempts = view.attempts(row.id)
        signed, kept = view.envelope(attempts[-2].id), view.envelope(attempts[-1].id)
    assert (attached.get_payload(decode=True), raw) == (signed, kept)
    assert post.tries(row) == [*["Unavailable"] * TRIES, "MailTaken"]
    assert post.said(row) == ["accettazione", "avvenuta-consegna"]
    assert post.ward.signed(row.id, "submission.mailed")
    post.ward.desk("submission", "resolve", row.id, "--received", "2026/117")
    post.ward.await_status(child, "comune", Status.ACCEPTED)
    post.ward.stage.icaro("evidence", "verify", "-c", post.ward.config)


@pytest.mark.parametrize(
    ("day", "status", "reason", "receipts"),
    [
        ("undelivered", Status.DEAD, "PEC_RETURNED", ["accettazione", "errore-consegna"]),
        ("gave_up", Status.HELD, "PEC_UNDELIVERED", ["accettazione", "errore-consegna"]),
        ("not_accepted", Status.DEAD, "PEC_RETURNED", ["non-accettazione"]),
        ("refuse", Status.DEAD, "PEC_RETURNED", []),
        ("cut_after", Status.TAKEN, "PEC_DELIVERED", ["accettazione", "avvenuta-consegna"]),
        ("hang", Status.TAKEN, "PEC_DELIVERED", ["accettazione", "avvenuta-consegna"]),
    ],
)
def test_bad_days(
    post: PostOffice, day: str, status: Status, reason: str, receipts: list[str]
) -> None:
    """What surely did not arrive is DEAD again; a provider that gave up proves nothing; a lost
    reply is settled by the receipts. No mail goes twice.
    """
    row = post.mailed(day, status, reason)
    assert row.maybe_received == (status is not Status.DEAD)
    assert post.said(row) == receipts
    assert len(post.mails_of(row)) == (day != "refuse")


@pytest.mark.parametrize("day", ["busy", "cut_before", "no_login"])
def test_a_provider_that_is_back_gets_it(post: PostOffice, day: str) -> None:
    """What was surely not given is tried again, as another mail, and goes once."""
    row = post.mailed(f"{day} 2", Status.TAKEN, "PEC_DELIVERED")
    assert post.tries(row)[TRIES:] == ["MailLater", "MailLater", "MailTaken"]
    assert len(post.mails_of(row)) == 1


def test_a_provider_that_is_not_back_ends_with_a_person(post: PostOffice) -> None:
    """Its tries are bounded too."""
    row = post.mailed("busy", Status.DEAD, "PEC_EXHAUSTED")
    assert post.tries(row)[TRIES:] == ["MailLater"] * TRIES
    assert not row.maybe_received


def test_a_receipt_of_another_office_is_not_believed(post: PostOffice) -> None:
    """It settles nothing, and is an alarm."""
    child = post.born("delivered_elsewhere")
    post.ward.until(lambda: "path=pec.receipt" in post.ward.log(), "the alarm")
    row = post.ward.rows(child, "comune")[-1]
    assert row.status in (Status.MAILED, Status.HELD)
    assert post.said(row) == ["accettazione"]


def test_no_receipt_and_a_death_after_sending(post: PostOffice) -> None:
    """Killed while the provider hangs, it is not sent again; without a receipt in time a person is
    asked, with an alarm. A receipt that comes later settles it.
    """
    stage = post.ward.stage
    before = set((post.provider.folder / "receipts").glob("*.eml"))
    child = post.born("hang")
    row = post.ward.await_status(child, "comune", Status.MAILING)
    post.ward.until(lambda: len(post.mails_of(row)) == 1, "the mail at the provider")
    stage.kill("gateway")
    lost = set((post.provider.folder / "receipts").glob("*.eml")) - before
    for path in lost:
        path.rename(path.with_suffix(".later"))
    stage.start_gateway()
    row = post.ward.await_status(child, "comune", Status.HELD, seconds=40)
    assert (row.reason, row.maybe_received) == ("PEC_SILENT", True)
    assert "path=pec.no_receipt" in post.ward.log()
    for path in lost:
        path.with_suffix(".later").rename(path)
    post.ward.await_status(child, "comune", Status.TAKEN)
    assert len(post.mails_of(row)) == 1

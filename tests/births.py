"""A gateway in one thread, for tests: real journal, flow, mappings and corridors; no network.

Only what is outside is played: `Office` stands for the administrations behind the `Destination`
protocol, keeps every document it gets and answers what the test told it to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self, TypeVar

from lxml import etree

from gateway.aftermath import Aftermath
from gateway.answering import Receipt
from gateway.calls import Calls
from gateway.casebook import Casebook
from gateway.config import Configuration, Facts, Sender
from gateway.delivery import Delivery
from gateway.demo.people import SESTO, Child, Parent
from gateway.desk import Desk, Person
from gateway.destination import Answer, Letter
from gateway.flow.context import Context
from gateway.flow.definition import Flow, load_flow
from gateway.flow.reading import Reader
from gateway.hl7.acknowledgment import read_acknowledgment
from gateway.intake import Intake
from gateway.journal import CaseRow, Journal, Keyring, SubmissionRow, Unit, View
from gateway.lifecycle import Status
from gateway.mapping import Compiled, Library
from gateway.outcomes import Accepted, NotFound, Outcome
from gateway.partners import Directory, Entry, Idempotence
from gateway.preparation import Preparation
from gateway.retry import Backoff
from gateway.translation import Document

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "mappings" / "samples"
CODICE_FISCALE = "RSSGLI26C41F205V"
PERSON = Person("m.rossi", "asked at the counter")

ANNA = Parent("BIANCHI", "ANNA", "F", date(1993, 5, 15), SESTO)
RITA = Parent("FONTANA", "RITA", "F", date(1994, 4, 4), street="VIA ALFA 9")
GIULIA = Child("S01", "ROSSI", "GIULIA", "F", datetime(2026, 3, 1, 10, 30), ANNA)
CHIARA = Child("S02", "FONTANA", "CHIARA", "F", datetime(2026, 3, 4, 18, 5), RITA)

SENDER = Sender(
    name="santa-prova",
    application="HIS",
    facility="SANTA_PROVA",
    facts=Facts(comune="015146", struttura="030001", nome="Santa Prova", asl="321"),
)

FACTS: Mapping[str, Mapping[str, str]] = {
    "comune": {"attoAnno": "2026", "attoNumero": "117"},
    "codice_fiscale": {"codiceFiscale": CODICE_FISCALE},
    "assistito": {"codiceAssistibile": "A0000000003"},
    "pediatra": {"codicePediatra": "PLS001"},
}


def entry(partner: str, code: str, **more: Any) -> Entry:
    """An office in production that promises the same answer to the same operation id."""
    entry = Entry(partner, code, code, f"https://{partner}.example", Idempotence.IDEMPOTENT)
    return replace(entry, **more)


OFFICES = (
    entry("comune", "015146"),
    entry("comune", "015209"),
    entry("comune", "016024"),
    entry("agenzia_entrate", "AE"),
    entry("asl", "321", serves=("015", "016")),
    entry("ospedale", "santa-prova", production=False),
)


@cache
def library() -> Library:
    """The shipped mappings, compiled once for all tests."""
    return Library(ROOT / "mappings", ROOT / "xsd")


@cache
def flow_of(text: str | None = None, folder: Path | None = None) -> Flow:
    """The shipped flow, or one of a test's own."""
    if text is None or folder is None:
        return load_flow(ROOT / "mappings" / "nascita.flow.yaml")
    path = folder / "test.flow.yaml"
    path.write_text(text, encoding="utf-8")
    return load_flow(path)


@cache
def reader_of(flow: Flow, profile: str = "default") -> Reader:
    """A flow's expressions for a profile."""
    return Reader(flow, library(), library().profile(profile))


def run(work: Coroutine[Any, Any, T]) -> T:
    """A coroutine to its end; whatever it awaits is there already."""
    try:
        while True:
            work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result


def now(future: Future[T]) -> Awaitable[T]:
    """A bridge that waits for the journal's writer."""

    async def result() -> T:
        return future.result(30)

    return result()


@dataclass
class Office:
    """All administrations at once. `says` gives outcomes in turn by step; else it accepts."""

    says: dict[str, list[Outcome | NotFound]] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    life: timedelta = timedelta(minutes=5)
    body: bytes = b"<answer/>"
    before_answer: Callable[[Letter], None] = lambda _: None

    def wrap(
        self, document: Document, entry: Entry, step: str, action: str, operation_id: str
    ) -> Letter:
        """The document itself, unsigned."""
        text = document if isinstance(document, bytes) else etree.tostring(document)
        return Letter(
            f"urn:uuid:{len(self.letters)}-{operation_id}",
            text,
            entry.endpoint,
            datetime.now(UTC) + self.life,
            f"{step}/{action}",
            operation_id,
        )

    async def send(self, letter: Letter, entry: Entry, answers: Compiled | None) -> Answer:
        """Keep the letter; answer."""
        self.letters.append(letter)
        self.before_answer(letter)
        step = letter.operation.partition("/")[0]
        told = self.says.get(letter.operation) or self.says.get(step)
        if told:
            return Answer(told.pop(0), self.body)
        return Answer(Accepted(f"{step}-{len(self.letters)}", FACTS.get(step, {})), self.body)

    def got(self, step: str) -> list[str]:
        """The actions that were asked of a step's administration, in order."""
        operations = [letter.operation.partition("/") for letter in self.letters]
        return [action for name, _, action in operations if name == step]

    def last(self, step: str) -> bytes:
        """The last document of a step."""
        of_step = [each for each in self.letters if each.operation.startswith(f"{step}/")]
        return of_step[-1].envelope


def written(message: bytes, minutes: float) -> bytes:
    """The message as if written so many minutes after GIULIA's birth (EVN-2 and MSH-7)."""
    stamp = (GIULIA.born + timedelta(minutes=minutes)).strftime("%Y%m%d%H%M%S")
    lines = [line.split("|") for line in message.decode().split("\r")]
    lines[0][6], lines[1][2] = f"{stamp}+0100", f"{stamp}+0100"
    return "\r".join("|".join(fields) for fields in lines).encode()


class House:
    """One node with its journal in `folder`, which another one may have left there, or at `url`."""

    def __init__(
        self,
        folder: Path,
        *,
        offices: tuple[Entry, ...] = OFFICES,
        flow: Flow | None = None,
        backoff: Backoff | None = None,
        sender: Sender = SENDER,
        others: tuple[Sender, ...] = (),
        settle: timedelta = timedelta(0),
        url: str | None = None,
        node: str = "n1",
    ) -> None:
        master = folder / "keys" / "master.key"
        self.keyring = Keyring.load(master) if master.exists() else Keyring.create(master)
        self.url = url or f"sqlite:///{folder / 'icaro.db'}"
        self.journal = Journal.open(self.url, node=node, keyring=self.keyring)
        self.office = Office()
        self.flow = flow or flow_of()
        self.directory = Directory(offices)
        self.casebook = Casebook(
            self.flow,
            self.directory,
            lambda name: next((each for each in others if each.name == name), sender),
            lambda profile: reader_of(self.flow, profile),
            settle,
        )
        wait = backoff or Backoff(first=timedelta(0), ceiling=timedelta(0))
        self.aftermath = Aftermath(self.casebook, wait, lambda: 0.0, timedelta(0))
        self.desk = Desk(self.casebook)
        destinations = dict.fromkeys(("comune", "agenzia_entrate", "asl", "ospedale"), self.office)
        preparation = Preparation(
            self.casebook,
            lambda name, profile: library().mapping(name, library().profile(profile)),
            destinations,
            lambda: datetime.now(UTC),
        )
        self.delivery = Delivery(
            self.journal,
            self.casebook,
            self.aftermath,
            preparation,
            destinations,
            now,
            lambda: datetime.now(UTC),
            Calls(),
        )
        self.receipts: list[Receipt] = []
        self.intake = Intake(
            Configuration.model_construct(senders=(sender, *others), unknown_senders="refuse"),
            self.journal,
            self.casebook,
            lambda profile: reader_of(self.flow, profile),
            now,
            lambda: datetime.now(UTC),
            self.receipts.append,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.journal.close()

    def hears(self, message: bytes) -> str:
        """Take a message; gives its acknowledgment code."""
        answer = run(self.intake.accept(message))
        reply = read_acknowledgment(answer) if answer else None
        return reply.code if reply else ""

    def works(self, most: int = 100) -> int:
        """Deliver what is due until nothing is, or `most` times; gives how many times."""
        for done in range(most):
            claimed = self.do(self._claim)
            if claimed is None:
                return done
            run(self.delivery.work(claimed))
        return most

    def settles(self, seconds: float = 20.0) -> None:
        """Deliver until the Comune's part is no longer READY: an amendment waits for a storm."""
        end = monotonic() + seconds
        while any(row.status is Status.READY for row in self.rows("comune")):
            if monotonic() > end:
                raise AssertionError("an amendment did not settle")
            self.works()

    def do(self, work: Callable[[Unit], T]) -> T:
        """One unit of work."""
        return self.journal.run(work)

    def look(self, read: Callable[[View], T]) -> T:
        """One read."""
        with self.journal.view() as view:
            return read(view)

    def case(self, state: str | None = None) -> CaseRow:
        """The newest case."""
        return self.look(lambda view: view.cases(state)[0])

    def context(self) -> Context:
        """What the gateway knows of the newest case."""
        return Context.decode(self.case().context or b"")

    def steps(self, case_id: str | None = None) -> dict[str, list[str]]:
        """Step → `kind STATUS reason` of its submissions in order, of the newest case."""
        found: dict[str, list[str]] = {}
        for row in self.rows(case_id=case_id):
            words = f"{row.kind} {row.status} {row.reason or ''}".strip()
            found.setdefault(row.step, []).append(words)
        return found

    def rows(self, step: str | None = None, case_id: str | None = None) -> list[SubmissionRow]:
        """Submissions of the newest case."""
        whose = case_id or self.case().id
        rows = self.look(lambda view: view.submissions(whose, step))
        return sorted(rows, key=lambda row: (row.step, row.seq))

    def last(self, step: str) -> SubmissionRow:
        """The newest submission of a step of the newest case."""
        return self.rows(step)[-1]

    def status(self, step: str) -> Status:
        """Where the newest submission of a step stands."""
        return self.last(step).status

    def _claim(self, unit: Unit) -> Any:
        statuses = (Status.READY, Status.DEFERRED, Status.IN_DOUBT, Status.TAKEN, Status.WAITING)
        rows = unit.claim("n1", limit=1, lease=timedelta(minutes=1), statuses=statuses)
        return self.delivery.claimed(unit, rows[0]) if rows else None


def deployment(folder: Path) -> Path:
    """An `icaro.yaml` whose journal is that of a `House` in the same folder."""
    for name in ("certificate.pem", "ca.pem"):
        (folder / name).write_text("not read by the verbs\n", encoding="utf-8")
    partners = {
        "comune": ("NotificaNascita", ("015146", "015209", "016024")),
        "agenzia_entrate": ("CodiceFiscale", ("AE",)),
        "asl": ("AnagrafeAssistiti", ("321",)),
    }
    sections = [
        f"{partner}:\n  contract: {partner}/{contract}.wsdl\n"
        f"  defaults: {{ca: ca.pem, idempotence: idempotent}}\n  entries:\n"
        + "".join(
            f"    '{code}': {{name: {partner}, endpoint: 'https://{partner}.example/'"
            f"{', serves: [015, 016]' if partner == 'asl' else ''}}}\n"
            for code in codes
        )
        for partner, (contract, codes) in partners.items()
    ]
    (folder / "partners.yaml").write_text("".join(sections), encoding="utf-8")
    path = folder / "icaro.yaml"
    path.write_text(ICARO, encoding="utf-8")
    return path


ICARO = """\
journal:
  url: sqlite:///icaro.db
  master_key: keys/master.key
  checkpoint_key: keys/checkpoint.key
certs: {tls: {certificate: certificate.pem}, sign: {certificate: certificate.pem}}
partners: partners.yaml
listeners: [{name: reparto, address: '127.0.0.1:2575'}]
senders:
  - name: santa-prova
    application: HIS
    facility: SANTA_PROVA
    facts: {comune: '015146', struttura: '030001', nome: Santa Prova, asl: '321'}
    return_feed: {address: '127.0.0.1:2576'}
"""

"""Deployments for journeys: the demonstration's stage, started fast, with a feed of many births.

Real processes, real sockets, real databases; every wait has a bound. Processes are ended by the
stage that started them, and only those.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from sqlalchemy import create_engine, make_url

from gateway.demo.hospital import Feed, ReturnFeed, read
from gateway.demo.people import Child, Parent
from gateway.demo.ports import free_port
from gateway.demo.stage import ADMINISTRATIONS, Stage
from gateway.deployment import lay_out
from gateway.errors import StageError
from gateway.journal import Keyring, SubmissionRow, View, look
from gateway.lifecycle import Status

ROOT = Path(__file__).resolve().parents[2]

OPEN = frozenset(Status) - {
    Status.ACCEPTED,
    Status.REPLACED,
    Status.WITHDRAWN,
    Status.HELD,
    Status.REJECTED,
    Status.INVALID,
    Status.DEAD,
}
"""A submission that still moves by itself."""

STEPS = {
    "comune": ("registraNascita",),
    "agenzia_entrate": ("attribuisciCodiceFiscale",),
    "asl": ("iscriviAssistito", "scegliPediatra"),
}
"""What the birth of a named child with a paediatrician makes each administration do."""

_numbers = count(1)

T = TypeVar("T", bound="Theatre")


@dataclass
class Theatre(Stage):
    """A stage with the hospital's own listener on it: `back` takes the messages that come back.

    `patience` multiplies every bound, for a stage that spends its time being killed.
    """

    back: ReturnFeed | None = None
    patience: float = 1.0

    def wait_for(self, condition: Callable[[], bool], what: str, *, seconds: float) -> None:
        """Wait until `condition()` is true. Raises StageError when time is up."""
        super().wait_for(condition, what, seconds=seconds * self.patience)


@dataclass(frozen=True)
class Demonstration:
    """Two runs of `icaro demo` in one folder, one after the other, and what they left there."""

    folder: Path
    told: subprocess.CompletedProcess[str]
    for_programs: subprocess.CompletedProcess[str]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The second run's rows."""
        found: list[dict[str, Any]] = json.loads(self.for_programs.stdout)
        return found


def prepare(folder: Path, certs: Path, *, hospitals: int = 1, **options: Any) -> Theatre:
    """A deployment laid out and configured; nothing runs. `certs`: a PKI to copy.

    `hospitals`: how many of the demonstration's; each profile costs a second at every start.
    """
    return furnish(Theatre(folder, **options), certs, hospitals)


def furnish(stage: T, certs: Path, hospitals: int = 1) -> T:
    """As `prepare`, for a stage that was made already."""
    folder = stage.folder
    senders = stage._senders_yaml().split("\n  - ")
    stage.senders = stage.senders or "\n  - ".join(senders[:hospitals])
    lay_out(folder)
    shutil.copytree(certs, folder / "certs", dirs_exist_ok=True)
    for name in ADMINISTRATIONS:
        stage.services[name], stage.controls[name] = free_port(), free_port()
    stage.configure()
    return stage


def start(stage: Stage, simulators: Mapping[str, Sequence[str]]) -> None:
    """Start the administrations, with options by name, and the gateway side by side."""
    with ThreadPoolExecutor(4) as pool:
        started = [
            pool.submit(stage.start_administration, name, *simulators.get(name, ()))
            for name in ADMINISTRATIONS
        ]
        started.append(pool.submit(stage.start_gateway))
        for each in started:
            each.result(120)


def end(stage: Stage) -> None:
    """End every process of the stage, also those that do not want to."""
    try:
        stage.close()
    finally:
        for name in list(stage.processes):
            stage.kill(name)


@contextmanager
def running(
    stage: Theatre, simulators: Mapping[str, Sequence[str]] | None = None, *, back: bool = True
) -> Iterator[Theatre]:
    """The stage while everything on it runs, with `back` the hospital's listener too."""
    try:
        if back:
            stage.back = ReturnFeed(stage.return_feed)
        start(stage, simulators or {})
        yield stage
    finally:
        end(stage)
        if stage.back is not None:
            stage.back.close()


def newborn(**more: Any) -> Child:
    """A named child with a paediatrician, born yesterday; every one is another, as its mother is.

    `more` are fields of `Child`.
    """
    number = next(_numbers)
    # Names may have no digits.
    word = "".join(chr(ord("A") + int(digit)) for digit in f"{number:04d}")
    born = datetime.now().replace(hour=8, minute=number % 60, second=0, microsecond=0)
    mother = Parent(f"MADRE{word}", "LUCIA", "F", date(1990, 1, 1) + timedelta(days=number))
    fields: dict[str, Any] = {
        "identifier": f"J{number:05d}",
        "surname": f"FIGLIO{word}",
        "given": "ALDO",
        "sex": "M",
        "born": born - timedelta(days=1),
        "mother": mother,
        "paediatrician": "PLS001",
    }
    return Child(**(fields | more))


def send(stage: Stage, payload: bytes, patience: float = 60.0) -> str:
    """Send a message on a connection of its own; gives its acknowledgment code."""
    feed = Feed(stage.mllp)
    try:
        reply = read(feed.send(payload, patience=patience))
        return reply.code if reply else ""
    finally:
        feed.close()


def journal_url(stage: Stage) -> str:
    """The stage's journal, with the absolute path where it is a file."""
    scheme, separator, path = stage.journal.partition("sqlite:///")
    return f"{separator}{stage.folder / path}" if separator else scheme


@contextmanager
def journal(stage: Stage) -> Iterator[View]:
    """The stage's journal as it is now."""
    keys = stage.folder / "keys"
    keyring = Keyring.load(keys / "master.key", checkpoint_key=keys / "checkpoint.key")
    with look(journal_url(stage), keyring) as view:
        yield view


def submissions(stage: Stage) -> list[SubmissionRow]:
    """Every submission there is."""
    with journal(stage) as view:
        return list(view.submissions(limit=100_000))


def settle(stage: Stage, seconds: float = 60.0) -> list[SubmissionRow]:
    """Wait until no submission moves by itself any more; gives all of them."""

    def settled() -> bool:
        rows = submissions(stage)
        return bool(rows) and not any(row.status in OPEN for row in rows)

    try:
        stage.wait_for(settled, "every submission to settle", seconds=seconds)
    except StageError as error:
        stuck = {
            f"{r.step} {r.kind} {r.status} {r.reason or ''}"
            for r in submissions(stage)
            if r.status in OPEN
        }
        raise StageError(f"{error}: {sorted(stuck)}") from None
    return submissions(stage)


def at_rest(stage: Stage, but: Status | None = None, seconds: float = 60.0) -> list[SubmissionRow]:
    """Wait until only what waits for somebody else, or `but`, is left; gives all submissions."""
    moving = OPEN - {Status.WAITING, but}
    stage.wait_for(
        lambda: not any(row.status in moving for row in submissions(stage)),
        "nothing on the move",
        seconds=seconds,
    )
    return submissions(stage)


def on_the_disk(folder: Path, marks: Sequence[str]) -> list[str]:
    """The files in which a mark is found, in any case of letters, or that are named by it."""
    wanted = [mark.lower().encode() for mark in marks]
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        place = str(path.relative_to(folder))
        content = path.read_bytes().lower() + place.lower().encode()
        found += [f"{place}: {mark!r}" for mark in wanted if mark in content]
    return found


def opened(stage: Stage) -> Iterator[tuple[str, bytes]]:
    """Every ciphertext of the journal, opened: (table/id, plain)."""
    with journal(stage) as view:
        ids = {table: [row[0] for row in sql(stage, f"SELECT id FROM {table}")] for table in SEALED}
        for each in ids["messages"]:
            yield f"messages/{each}", view.message_body(each) or b""
        for each in ids["cases"]:
            case = view.case(each)
            yield f"cases/{each}", (case.dossier or b"") + (case.context or b"")
        for each in ids["submissions"]:
            plain = (view.inputs(each), view.facts(each), view.faults(each))
            yield f"submissions/{each}", (view.document(each) or b"") + str(plain).encode()
        for each in ids["attempts"]:
            yield f"attempts/{each}", (view.envelope(each) or b"") + (view.answer(each) or b"")
        for each in ids["inbox"]:
            yield f"inbox/{each}", view.callback_body(each) or b""
        for each in ids["rejects"]:
            yield f"rejects/{each}", view.reject_body(each) or b""


SEALED = ("messages", "cases", "submissions", "attempts", "inbox", "rejects")
"""The tables that hold ciphertext."""


def in_the_journal(stage: Stage, marks: Sequence[str]) -> list[str]:
    """The rows in whose opened ciphertexts a mark is found."""
    wanted, found = [mark.lower().encode() for mark in marks], []
    for place, plain in opened(stage):
        text = plain.lower()
        found += [f"{place}: {mark!r}" for mark in wanted if mark in text]
    return found


def marks_of(person: Parent) -> list[str]:
    """What may not be found of somebody."""
    return [person.surname, person.given, person.street, person.codice_fiscale]


def documents(stage: Stage, administration: str) -> list[tuple[dict[str, Any], str]]:
    """Everything an administration did, in its own log, each with the document it got."""
    folder = stage.folder / "simulators" / administration / "documents"
    return [
        (effect, (folder / f"{effect['seq']:06d}.xml").read_text(encoding="utf-8"))
        for effect in stage.effects(administration)
    ]


def sql(stage: Stage, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Run SQL as somebody who owns the database, constraints off; `?` marks values."""
    url = journal_url(stage)
    file = make_url(url)
    if file.get_backend_name() == "sqlite":
        with sqlite3.connect(str(file.database), timeout=20) as connection:
            rows = connection.execute(statement, values).fetchall()
        connection.close()
        return rows
    _, place = create_engine(url).dialect.create_connect_args(make_url(url))
    with psycopg.connect(**place) as connection:
        connection.execute("SET session_replication_role = replica")
        cursor = connection.execute(statement.replace("?", "%s"), values)  # type: ignore[arg-type]  # a test's own text
        return cursor.fetchall() if cursor.description else []


def once(condition: Callable[[], bool], stage: Stage, what: str, seconds: float = 30.0) -> None:
    """Wait for a condition; fails saying what was waited for."""
    stage.wait_for(condition, what, seconds=seconds)

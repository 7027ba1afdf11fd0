"""Plays the stories on a stage, and reads from the journal and the administrations how they ended.

The journal is read as `icaro case show` reads it; the administrations' own logs are read from
their folders. Nothing here is the gateway's code path: what is said here is what happened.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.case import case_key
from gateway.demo.hospital import Feed, ReturnFeed, read
from gateway.demo.stage import ADMINISTRATIONS, HOSPITALS, Stage
from gateway.demo.stories import BROKEN, TRANSFER, Ending, Story, stories
from gateway.errors import StageError
from gateway.flow.context import Context
from gateway.journal import CaseRow, Keyring, SubmissionRow, View, look
from gateway.lifecycle import Kind, Status

GONE = (Status.REPLACED, Status.WITHDRAWN)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """How one child's story stands. `faults` is empty when it ended as it must."""

    name: str
    story: Story
    state: str
    facts: Mapping[str, Mapping[str, str]] = field(repr=False)
    submissions: tuple[SubmissionRow, ...]
    done: Mapping[str, tuple[str, ...]]
    faults: tuple[str, ...]


class Play:
    """One performance; `say` tells the audience what happens."""

    def __init__(self, stage: Stage, today: datetime, say: Say) -> None:
        self.stage = stage
        self.say = say
        self.stories = stories(today)
        self.feed = Feed(stage.mllp)
        self.back = ReturnFeed(stage.return_feed)
        self.sent = 0

    def close(self) -> None:
        """Hang up."""
        self.feed.close()
        self.back.close()

    def births(self) -> None:
        """Everybody is born."""
        bergamo = {"codDestinatario": "016024", "operation": "registraNascita"}
        self.stage.control("comune", "POST", "/bad-day", {"name": "answer_later", "match": bergamo})
        giulia = self.stories["placeholder"].child
        first = giulia.message("A01", given="BABY")
        acknowledged = self.send("birth, no name yet", first)
        self.send("declared", giulia.message("A31"))
        for name in ("dialect", "twin 1", "twin 2", "stillborn", "unnamed", "later"):
            self.send(self.stories[name].title, self.stories[name].child.message("A01"))
        self.send("a test message", self.stories["trial"].child.message("A01"))
        again = self.send("the first one again", first)
        self.must(again == acknowledged, "a duplicate gets the stored acknowledgment")
        self.send("a transfer, no birth", TRANSFER)
        self.send("a broken message", BROKEN, code="AR")

    def outage(self) -> None:
        """Agenzia delle Entrate is down while a child is born."""
        self.stage.control("agenzia_entrate", "POST", "/bad-day", {"name": "outage"})
        self.say("Agenzia delle Entrate goes down")
        self.send(self.stories["outage"].title, self.stories["outage"].child.message("A01"))

        def deferred() -> bool:
            row = self.row("outage")
            return any(s.status is Status.DEFERRED and s.attempts for s in row.submissions)

        self.stage.wait_for(deferred, "a deferred request", seconds=30)
        self.stage.control("agenzia_entrate", "DELETE", "/bad-day")
        self.say("Agenzia delle Entrate is back")

    def choices(self) -> None:
        """The families who choose at the desk."""
        for name, story in self.stories.items():
            if story.choice:
                case = self.row_case(name)
                self.desk("case", "choose", case, "--paediatrician", story.choice)

    def changes(self) -> None:
        """A correction, a bed move, and two cancellations."""
        early = self.stories["cancelled before"].child
        self.send("born, no name yet", early.message("A01"))
        self.send("cancelled before sending", early.message("A11"))
        late = self.stories["cancelled after"].child
        self.send(self.stories["cancelled after"].title, late.message("A01"))
        self.settled(["placeholder", "dialect", "cancelled after"], Ending())
        self.send(
            "the weight is corrected", self.stories["placeholder"].child.message("A08", weight=3260)
        )
        self.send("a bed move", self.stories["dialect"].child.message("A08", bed="7"))
        self.send("cancelled after sending", late.message("A11"))
        self.say("a person confirms the cancellation")
        self.confirm("cancelled after")

    def confirm(self, name: str) -> None:
        """A person confirms every cancellation that is held."""

        def held() -> list[SubmissionRow]:
            found = [s for s in self.row(name).submissions if s.kind is Kind.CANCEL]
            return [s for s in found if s.status is Status.HELD]

        self.stage.wait_for(lambda: len(held()) == 4, "four cancellations to confirm", seconds=30)
        for row in held():
            self.desk("submission", "confirm", row.id)

    def end(self) -> list[Row]:
        """Wait until every story has ended as it must, or time is up; how they stand."""
        self.settled(list(self.stories), None)
        return [self.row(name) for name in self.stories]

    def settled(self, names: list[str], ending: Ending | None) -> None:
        """Wait until these stories have this ending (None: their own), at most a minute."""

        def all_ended() -> bool:
            return not any(self.row(name, ending).faults for name in names)

        try:
            self.stage.wait_for(all_ended, "the stories to end", seconds=60)
        except StageError:
            self.say("not every story ended as it must")

    def send(self, what: str, message: bytes, code: str = "AA") -> bytes:
        """Send one message and hear its acknowledgment."""
        answer = self.feed.send(message)
        self.sent += 1
        reply = read(answer)
        self.must(reply is not None and reply.code == code, f"{what}: {code}")
        self.say(f"{what}: {reply.code if reply else 'silence'}")
        return answer

    def desk(self, *arguments: str) -> None:
        """A verb of a person."""
        config = str(self.stage.folder / "icaro.yaml")
        who = ("--by", "demo.operator", "--reason", "demonstration")
        self.stage.icaro(*arguments, *who, "-c", config)

    def must(self, condition: bool, what: str) -> None:
        """Raise StageError if what was just seen is not as it must be."""
        if not condition:
            raise StageError(f"not as it must be: {what}")

    def row_case(self, name: str) -> str:
        """The id of a child's case."""
        with self.view() as view:
            case = self._case(view, name)
        self.must(case is not None, f"a case for {name}")
        return case.id if case else ""

    def row(self, name: str, ending: Ending | None = None) -> Row:
        """How a child's story stands now, compared with its ending."""
        story = self.stories[name]
        with self.view() as view:
            case = self._case(view, name)
            rows = tuple(view.submissions(case_id=case.id)) if case else ()
        context = Context.decode(case.context or b"") if case else Context()
        done = self._done(rows)
        state = case.state if case else "-"
        row = Row(name, story, state, context.facts, rows, done, ())
        faults = tuple(_faults(row, ending or story.ending, self._came_back(name)))
        return Row(name, story, state, context.facts, rows, done, faults)

    @contextmanager
    def view(self) -> Iterator[View]:
        """The journal as it is now."""
        with look(self._url(), self._keyring()) as view:
            yield view

    def _url(self) -> str:
        url = self.stage.journal
        if url.startswith("sqlite:///"):
            return f"sqlite:///{self.stage.folder / url.removeprefix('sqlite:///')}"
        return url

    def _keyring(self) -> Keyring:
        keys = self.stage.folder / "keys"
        return Keyring.load(keys / "master.key", checkpoint_key=keys / "checkpoint.key")

    def _case(self, view: View, name: str) -> CaseRow | None:
        child = self.stories[name].child
        sender = next(each for each, facility, _ in HOSPITALS if facility == child.facility)
        key = case_key(
            view, sender, "HIS", child.facility, child.processing, ("HIS", child.identifier)
        )
        return view.find_case(sender, key)

    def _done(self, rows: tuple[SubmissionRow, ...]) -> dict[str, tuple[str, ...]]:
        """What each administration says it did about these submissions, in order."""
        ours = {row.operation_id for row in rows}
        return {
            administration: tuple(
                effect["operation"]
                for effect in self.stage.effects(administration)
                if effect["idOperazione"] in ours
            )
            for administration in ADMINISTRATIONS
        }

    def _came_back(self, name: str) -> bool:
        child = self.stories[name].child
        return any(
            message.get("PID-3[1].1") == child.identifier
            and message.event == "A31"
            and "NNITA" in message.raw.decode()
            for message in list(self.back.messages)
        )


def _faults(row: Row, ending: Ending, back: bool) -> Iterator[str]:
    if row.state != ending.state:
        yield f"the case is {row.state}, not {ending.state}"
    for administration in ADMINISTRATIONS:
        wanted = sorted(getattr(ending, administration))
        if sorted(row.done[administration]) != wanted:
            yield f"{administration} did {', '.join(row.done[administration]) or 'nothing'}"
    if back is not ending.back:
        yield "the codice fiscale came back" if back else "no codice fiscale came back"
    for submission in row.submissions:
        if submission.status not in (Status.ACCEPTED, *GONE):
            yield f"{submission.step} is {submission.status}"


def marked(folder: Path, marks: tuple[bytes, ...]) -> list[str]:
    """The files below `folder` in which one of the marks is found."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and any(mark in path.read_bytes() for mark in marks):
            found.append(str(path.relative_to(folder)))
    return found


def as_json(rows: list[Row]) -> str:
    """For programs."""
    told: list[dict[str, Any]] = [
        {
            "name": row.name,
            "story": row.story.title,
            "state": row.state,
            "done": {name: list(done) for name, done in row.done.items()},
            "facts": {name: dict(facts) for name, facts in row.facts.items()},
            "faults": list(row.faults),
        }
        for row in rows
    ]
    return json.dumps(told, ensure_ascii=False, indent=2)

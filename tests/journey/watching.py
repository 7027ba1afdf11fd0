"""What tests of journeys look at: a child's submissions, the way each went, and its effects.

The way is read from the evidence, so that a status that lasted a millisecond is seen too. What an
administration did is read from its own log.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import Certificate
from lxml import etree

from gateway.case import case_key
from gateway.demo.hospital import Feed, read
from gateway.demo.people import Child
from gateway.demo.stage import Stage
from gateway.flow.context import Context
from gateway.hl7.acknowledgment import Reply
from gateway.journal import CaseRow, EvidenceRow, SubmissionRow, View
from gateway.lifecycle import Status
from gateway.soap.keys import PrivateKey
from gateway.xml import parse
from tests.journey.theatre import journal

ADMINISTRATION = {
    "comune": "comune",
    "codice_fiscale": "agenzia_entrate",
    "assistito": "asl",
    "pediatra": "asl",
}
"""Who gets the documents of a step."""

WHO = ("--by", "m.rossi", "--reason", "asked by telephone")


@dataclass(frozen=True, slots=True)
class Seen:
    """One submission, and the statuses it went through, the first one first."""

    row: SubmissionRow
    way: tuple[str, ...]
    tries: tuple[str, ...]
    """The outcomes of its attempts."""


class Ward:
    """A running stage, as somebody sees it who knows the children."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.config = str(stage.folder / "icaro.yaml")

    def send(self, payload: bytes) -> Reply:
        """Send one message on a connection of its own; its acknowledgment."""
        feed = Feed(self.stage.mllp)
        try:
            reply = read(feed.send(payload))
            assert reply is not None
            return reply
        finally:
            feed.close()

    def born(self, child: Child, event: str = "A01", **changes: object) -> None:
        """Send a message about a child, which must be accepted."""
        assert self.send(child.message(event, **changes)).code == "AA"

    def case(self, child: Child, sender: str = "santa-prova") -> CaseRow:
        """The newest case of a child."""
        with journal(self.stage) as view:
            found = self.find(view, child, sender)
        assert found is not None, f"no case of {child.identifier}"
        return found

    def find(self, view: View, child: Child, sender: str = "santa-prova") -> CaseRow | None:
        """The newest case of a child, if there is one."""
        origin = ("HIS", child.facility, child.processing)
        key = case_key(view, sender, *origin, ("HIS", child.identifier))
        return view.find_case(sender, key)

    def context(self, child: Child) -> Context:
        """Facts, findings and choices of a child's case."""
        return Context.decode(self.case(child).context or b"")

    def seen(self, child: Child, step: str | None = None) -> list[Seen]:
        """A child's submissions, in the order they were made."""
        with journal(self.stage) as view:
            found = self.find(view, child)
            rows = view.submissions(found.id, step) if found else []
            return [_seen(view, row) for row in rows]

    def one(self, child: Child, step: str) -> Seen:
        """The only submission of a step."""
        found = self.seen(child, step)
        assert len(found) == 1, [(each.row.status, each.row.reason) for each in found]
        return found[0]

    def await_status(
        self, child: Child, step: str, status: Status, *, seconds: float = 20.0
    ) -> SubmissionRow:
        """Wait until the newest submission of a step has this status."""

        def there() -> bool:
            found = self.rows(child, step)
            return bool(found) and found[-1].status is status

        self.stage.wait_for(there, f"{step} of {child.surname} to be {status}", seconds=seconds)
        return self.rows(child, step)[-1]

    def rows(self, child: Child, step: str | None = None) -> list[SubmissionRow]:
        """As `seen`, without their ways."""
        with journal(self.stage) as view:
            found = self.find(view, child)
            return list(view.submissions(found.id, step)) if found else []

    def envelopes(self, row: SubmissionRow) -> list[etree._Element]:
        """What was sent, one an attempt."""
        with journal(self.stage) as view:
            kept = [view.envelope(attempt.id) or b"" for attempt in view.attempts(row.id)]
        return [parse(each) for each in kept]

    def effects(self, row: SubmissionRow) -> list[dict[str, Any]]:
        """What the submission's administration did under its operation id."""
        done = self.stage.effects(row.partner)
        return [effect for effect in done if effect["idOperazione"] == row.operation_id]

    def effects_of(self, child: Child) -> Counter[str]:
        """How often each operation was done for a child, whatever the operation ids."""
        ids = {row.operation_id for row in self.rows(child)}
        return Counter(
            effect["operation"]
            for name in ("comune", "agenzia_entrate", "asl")
            for effect in self.stage.effects(name)
            if effect["idOperazione"] in ids
        )

    def bad_day(
        self,
        administration: str,
        name: str,
        child: Child | None = None,
        *,
        times: int | None = 1,
        match: Mapping[str, str] | None = None,
        **options: object,
    ) -> None:
        """Switch a bad day on; for one child, if given."""
        whom = {"cognome": child.surname} if child else {}
        whom |= dict(match or {})
        day = {"name": name, "times": times, "match": whom, "options": options}
        self.stage.control(administration, "POST", "/bad-day", day)

    def good_day(self, administration: str) -> None:
        """Switch every bad day off."""
        self.stage.control(administration, "DELETE", "/bad-day")

    def icaro(
        self, *arguments: str, config: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A verb of the command line, with its exit code."""
        path = str(config) if config else self.config
        return subprocess.run(
            [self.stage.python, "-m", "gateway.cli", *arguments, "-c", path],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )

    def desk(self, *arguments: str) -> str:
        """A verb of a person, which must succeed; what it said."""
        done = self.icaro(*arguments, *WHO)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def told(self, *arguments: str) -> Any:
        """What a verb says with --json."""
        done = self.icaro(*arguments, "--json")
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    def evidence(self, subject: str | None = None, limit: int = 100) -> list[EvidenceRow]:
        """The newest entries, or those about a subject."""
        with journal(self.stage) as view:
            return view.evidence(subject=subject, limit=limit)

    def signed(self, subject: str, what: str) -> bool:
        """Whether the evidence says that the person of `desk` did this, and why."""
        said = {"person": WHO[1], "reason": WHO[3]}
        return any(
            entry.what == what and entry.node == "console" and said.items() <= entry.note.items()
            for entry in self.evidence(subject)
        )

    def log(self, name: str = "gateway") -> str:
        """What a process has written so far."""
        return Path(self.stage.folder, "logs", f"{name}.log").read_text("utf-8")

    def until(self, condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
        """Wait for a condition, with a bound."""
        self.stage.wait_for(condition, what, seconds=seconds)


def write_pair(folder: Path, key: PrivateKey, certificate: Certificate) -> None:
    """`tls.pem` and `tls.key` of somebody, as `icaro certs init` names them."""
    folder.mkdir(exist_ok=True)
    (folder / "tls.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tls.key").write_bytes(pem)
    (folder / "tls.key").chmod(0o600)


def _seen(view: View, row: SubmissionRow) -> Seen:
    way = []
    for entry in view.evidence(subject=row.id, limit=1000):
        if entry.what == "submission.added":
            way.append(str(entry.note["status"]))
        elif entry.what == "submission.moved" and entry.note["to"] != way[-1]:
            way.append(str(entry.note["to"]))
    tries = tuple(attempt.outcome or "" for attempt in view.attempts(row.id))
    return Seen(row, tuple(way), tries)

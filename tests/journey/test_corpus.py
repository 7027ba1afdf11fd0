"""Every real message over a real socket: each is answered as its own MSH-15 and MSH-16 ask.

Senders that nobody configured are read with the default profile; a second life of the gateway
knows the birth centres and their profiles. What is expected is read here from the bytes, not by
the gateway's own reader.
"""

from __future__ import annotations

import csv
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.demo.ports import HOST
from gateway.demo.stage import ADMINISTRATIONS
from gateway.hl7.framing import BlockReader, wrap
from tests.journey.theatre import ROOT, Theatre, end, prepare, sql

TABLE = ROOT / "tests" / "contract" / "documents" / "births_table.csv"
MARKER = (
    "MSH|^~\\&|MARKER|CORPUS|||20260306||ADT^A02|{id}|P|2.5\rEVN|A02\rPID|1||9^^^H^PI\rPV1|1|I\r"
)


@dataclass(frozen=True)
class Header:
    """What of a message's MSH decides its acknowledgment, as raw bytes."""

    application: bytes
    facility: bytes
    control_id: bytes
    accept: bytes
    on_application: bytes

    @classmethod
    def of(cls, message: bytes) -> Header:
        """Split at the byte after MSH; nothing cleverer."""
        line = message.replace(b"\n", b"\r").split(b"\r")[0]
        fields = [*line.split(line[3:4]), *[b""] * 20]
        known = (b"AL", b"NE", b"ER", b"SU")
        accept, application = (each if each in known else b"" for each in fields[14:16])
        return cls(fields[2], fields[3], fields[9], accept, application)

    @property
    def original(self) -> bool:
        """Both empty, or NE and AL; an empty one asks nothing."""
        return (self.accept, self.on_application) in ((b"", b""), (b"NE", b"AL"), (b"", b"AL"))

    def may_say(self, answer: bytes | None) -> bool:
        """Whether this answer, or silence, is what was asked for."""
        if answer is None:
            return not self.original and self.accept != b"AL"
        lines = answer.split(b"\r")
        code, control_id = lines[1].split(answer[3:4])[1:3]
        if control_id != self.control_id:
            return False
        if self.original:
            return code in (b"AA", b"AE", b"AR")
        wanted = {b"AL": b"AER", b"ER": b"ER", b"SU": b"A"}.get(self.accept, b"")
        return code[:1] == b"C" and code[1:] in [wanted[i : i + 1] for i in range(len(wanted))]


class Line:
    """One connection; a marker behind each message tells silence from slowness."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), timeout=20)
        self._reader = BlockReader()
        self._arrived: list[bytes] = []
        self._number = 0

    def ask(self, message: bytes) -> bytes | None:
        """The acknowledgment of a message; None if it got none."""
        self._number += 1
        marker = f"MARK{self._number:05d}"
        self._socket.sendall(wrap(message) + wrap(MARKER.format(id=marker).encode()))
        first = self._next()
        if marker.encode() in first:
            return None
        assert marker.encode() in self._next()
        return first

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _next(self) -> bytes:
        while not self._arrived:
            received = self._socket.recv(65536)
            assert received, "the gateway hung up"
            self._arrived += self._reader.feed(received)
        return self._arrived.pop(0)


@pytest.fixture(scope="module")
def deaf(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> Iterator[Theatre]:
    """A gateway alone: no administration listens, unknown senders are read."""
    stage = prepare(tmp_path_factory.mktemp("corpus") / "stage", pki)
    configure(stage, {})
    try:
        stage.start_gateway()
        yield stage
    finally:
        end(stage)


def configure(stage: Theatre, profiles: dict[tuple[bytes, bytes], str]) -> None:
    """Write the configuration again: senders by MSH-3 and MSH-4, all others with `default`."""
    stage.senders = "\n".join(
        f"  - {{name: birth-centre-{number}, application: '{application.decode()}',"
        f" facility: '{facility.decode()}', profile: {profile}}}"
        for number, ((application, facility), profile) in enumerate(profiles.items())
    )
    stage.senders = (stage.senders or "  []") + "\nunknown_senders: default"
    for name in ADMINISTRATIONS:
        stage.services[name] = 1
    stage.configure()


def rows() -> list[dict[str, str]]:
    """The committed table of what opens a case with which profile."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cases(stage: Theatre) -> int:
    """How many cases there are."""
    return int(sql(stage, "SELECT count(*) FROM cases")[0][0])


@pytest.mark.journey
def test_every_message_is_answered_as_it_asks_and_opens_what_the_table_says(
    deaf: Theatre, corpus: Path
):
    """With the default profile, not one of adt/ and italy/ is a birth but those listed."""
    # A birth without an identifier that the profile knows is told so instead of getting a case.
    births = {r["file"] for r in rows() if r["profile"] == "default" and r["opens"] == "yes"}
    line = Line(deaf.mllp)
    wrong, taken, there = [], set(), 0
    for path in sorted(corpus.rglob("*.hl7")):
        name = path.relative_to(corpus).as_posix()
        message = path.read_bytes()
        answer = line.ask(message)
        if not Header.of(message).may_say(answer):
            wrong.append((name, Header.of(message), answer))
        before, there = there, cases(deaf)
        if there > before or b"the child has no identifier" in (answer or b""):
            taken.add(name)
    line.close()
    assert wrong == []
    assert taken == births


@pytest.mark.journey
def test_every_birth_opens_a_case_with_its_profile(deaf: Theatre, corpus: Path):
    """The same gateway, told whose profile is whose: each newborn of births/ has its case."""
    own = [r for r in rows() if r["profile"] != "default"]
    messages = {r["file"]: (corpus / r["file"]).read_bytes() for r in own}
    headers = {name: Header.of(message) for name, message in messages.items()}
    configure(
        deaf,
        {(headers[r["file"]].application, headers[r["file"]].facility): r["profile"] for r in own},
    )
    deaf.stop("gateway")
    deaf.start_gateway()
    line = Line(deaf.mllp)
    for row in own:
        before = cases(deaf)
        # Another number: the same bytes would be answered as already known.
        control_id = headers[row["file"]].control_id
        again = messages[row["file"]].replace(control_id, control_id + b"B", 1)
        assert Header.of(again).may_say(line.ask(again)), row["file"]
        assert cases(deaf) - before == (row["opens"] == "yes"), row["file"]
    line.close()

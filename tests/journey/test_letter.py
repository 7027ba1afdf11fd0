"""MLLP to the letter over real sockets: one gateway, one hospital for each way of speaking.

Sequence numbers over a death of the gateway, batches cut in the middle, commit blocks, and
application acknowledgments that a hospital hears late, on its own port.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.demo.ports import HOST, free_port
from gateway.demo.stage import ADMINISTRATIONS
from gateway.hl7.acknowledgment import Reply, Verdict, acknowledge, read_acknowledgment
from gateway.hl7.batch import parts
from gateway.hl7.framing import ACK, BlockReader, wrap
from gateway.hl7.message import Message
from tests.journey.theatre import Theatre, end, prepare, sql

pytestmark = pytest.mark.journey


class Letter:
    """The stage, the port of release 2, and where application acknowledgments go."""

    def __init__(self, folder: Path, pki: Path) -> None:
        self.acks, self.committing = free_port(), free_port()
        self.stage = prepare(folder / "stage", pki, senders=self._senders())
        for name in ADMINISTRATIONS:
            self.stage.services[name] = 1  # nobody is called
        self.stage.configure()
        path = self.stage.folder / "icaro.yaml"
        second = f"listeners:\n  - {{name: due, address: '{HOST}:{self.committing}', release: 2}}\n"
        path.write_text(path.read_text("utf-8").replace("listeners:\n", second), "utf-8")

    def _senders(self) -> str:
        ways = {
            "NUMERATO": "sequence: true",
            "A_LOTTI": "batch: {answer: batch, messages: 50}",
            "DIFFERITO": f"application_acks: {{address: '{HOST}:{self.acks}', timeout: 5 s}}",
            "ORIGINALE": "acknowledgment: original",
        }
        return "\n".join(
            f"  - {{name: {name.lower()}, application: HIS, facility: {name}, {way}}}"
            for name, way in ways.items()
        )


@pytest.fixture(scope="module")
def letter(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> Iterator[Letter]:
    """Running; no administration is needed for what is shown here."""
    made = Letter(tmp_path_factory.mktemp("letter"), pki)
    try:
        made.stage.start_gateway()
        yield made
    finally:
        end(made.stage)


class Line:
    """A blocking connection of a hospital."""

    def __init__(self, port: int) -> None:
        self.wire = socket.create_connection((HOST, port), timeout=30)
        self._reader = BlockReader()
        self._blocks: list[bytes] = []

    def block(self) -> bytes:
        """The next block."""
        while not self._blocks:
            self._blocks += self._reader.feed(self.wire.recv(65536))
        return self._blocks.pop(0)

    def asks(self, payload: bytes) -> Reply:
        """Send one, read one."""
        self.wire.sendall(wrap(payload))
        return read_acknowledgment(self.block())


@contextmanager
def dialled(port: int) -> Iterator[Line]:
    """A connection, closed at the end."""
    line = Line(port)
    with line.wire:
        yield line


def transfer(facility: str, control_id: str, number: str = "", asks: str = "") -> bytes:
    """A message about nobody we know."""
    head = f"MSH|^~\\&|HIS|{facility}|ICARO|R|20260306||ADT^A02|{control_id}|P|2.5|{number}||{asks}"
    return f"{head}\rPID|1||9^^^H^PI\r".encode()


def stored(stage: Theatre, sender: str) -> list[str]:
    """Control ids of what was taken."""
    rows = sql(stage, "SELECT control_id, sender FROM messages ORDER BY id")
    return [row[0] for row in rows if row[1] == sender]


def reborn(stage: Theatre) -> None:
    """kill -9, and up again."""
    stage.kill("gateway")
    stage.start_gateway()


def test_nothing_of_the_wire_is_forgotten_by_a_death(letter: Letter) -> None:
    """Numbers go on, a batch that was cut is taken once, an acknowledgment that waits is told."""
    header = b"BHS|^~\\&|HIS|A_LOTTI|ICARO|R|20260306||||B1\r"
    lot = [transfer("A_LOTTI", f"L{n}") for n in range(4)]
    with dialled(letter.stage.mllp) as line:
        assert line.asks(transfer("NUMERATO", "N7", "7")).expected == "8"
        assert line.asks(transfer("DIFFERITO", "D1", asks="AL|AL")).code == "CA"
        line.wire.sendall(b"".join(map(wrap, (header, *lot[:2]))))
        letter.stage.wait_for(
            lambda: stored(letter.stage, "a_lotti") == ["L0", "L1"], "half a batch", seconds=20
        )
    with hospital_of(letter) as heard:
        the_next_life_goes_on(letter, header, lot)
    assert heard[0] == heard[1]  # the same bytes: the hospital recognises them by MSH-10
    assert [(each.code, each.control_id) for each in map(read_acknowledgment, heard[1:])] == [
        ("AA", "D1")
    ]
    assert sql(letter.stage, "SELECT count(*) FROM tellings") == [(0,)]


def the_next_life_goes_on(letter: Letter, header: bytes, lot: list[bytes]) -> None:
    """After a kill -9, what was begun is asked for again."""
    reborn(letter.stage)
    with dialled(letter.stage.mllp) as line:
        refused = line.asks(transfer("NUMERATO", "N9", "9"))
        assert (refused.code, refused.expected) == ("AR", "8")
        assert line.asks(transfer("NUMERATO", "N7", "7")).code == "AA"
        assert line.asks(transfer("NUMERATO", "N8", "8")).expected == "9"
        line.wire.sendall(wrap(header + b"".join(lot) + b"BTS|4\r"))
        answered = [part for part in parts(line.block()) if part.kind == "MSH"]
    replies = [read_acknowledgment(part.raw) for part in answered]
    assert [(each.code, each.control_id) for each in replies] == [("AA", f"L{n}") for n in range(4)]
    assert stored(letter.stage, "a_lotti") == ["L0", "L1", "L2", "L3"]
    assert stored(letter.stage, "numerato") == ["N7", "N8"]


@contextmanager
def hospital_of(letter: Letter) -> Iterator[list[bytes]]:
    """Its own port: it drops the first call, then answers CA; ends when nothing waits."""
    heard: list[bytes] = []
    with socket.create_server((HOST, letter.acks)) as door:
        door.settimeout(30)
        thread = threading.Thread(target=answer_second, args=(door, heard))
        thread.start()
        yield heard
        thread.join(30)
        letter.stage.wait_for(lambda: told(letter), "the acknowledgment's end", seconds=20)


def told(letter: Letter) -> bool:
    """Whether no application acknowledgment waits."""
    return sql(letter.stage, "SELECT count(*) FROM tellings") == [(0,)]


def answer_second(door: socket.socket, heard: list[bytes]) -> None:
    """Read one and hang up; read one and answer."""
    for answers in (False, True):
        wire, _ = door.accept()
        with wire:
            wire.settimeout(20)
            reader, payloads = BlockReader(), list[bytes]()
            while not payloads:
                payloads = reader.feed(wire.recv(65536))
            heard += payloads
            if answers:
                message = Message.parse(payloads[0])
                at = datetime.now(UTC)
                reply = acknowledge(message, Verdict.ACCEPTED, control_id="H1", at=at)
                assert reply is not None
                wire.sendall(wrap(reply))


def test_release_2_commits_and_a_mode_can_be_forced(letter: Letter) -> None:
    """A commit block before each acknowledgment; AA to whom is forced to the original mode."""
    with dialled(letter.committing) as line:
        line.wire.sendall(wrap(transfer("ORIGINALE", "O1", asks="AL|NE")))
        assert line.block() == ACK
        assert read_acknowledgment(line.block()).code == "AA"
        line.wire.sendall(wrap(transfer("NESSUNO", "X1")))
        assert line.block() == ACK  # what is refused is kept too
        assert read_acknowledgment(line.block()).code == "AR"

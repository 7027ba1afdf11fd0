"""icaro send, against a HIS that is a thread with a socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.keys import DevelopmentPki
from gateway.cli import main
from gateway.cli.loop import complete
from gateway.hl7.acknowledgment import Verdict, acknowledge
from gateway.hl7.framing import BlockReader, wrap
from gateway.hl7.message import Message

Answer = Callable[[Message], bytes | None]


def message(control_id: str) -> str:
    return f"MSH|^~\\&|HIS|OSP|||20261121||ADT^A01|{control_id}|P|2.5\nEVN||20261121\n"


def verdict(of: Verdict) -> Answer:
    return lambda read: acknowledge(read, of, control_id="R", at=datetime.now(UTC))


@pytest.fixture
def listening() -> Iterator[Callable[[Answer], str]]:
    """Starts a HIS that answers so; gives HOST:PORT."""
    with ThreadPoolExecutor(1) as thread, socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(10)

        def serve(answer: Answer) -> None:
            wire, _ = door.accept()
            reader = BlockReader()
            with wire:
                while read := wire.recv(65536):
                    for payload in reader.feed(read):
                        reply = answer(Message.parse(payload))
                        if reply is None:
                            return
                        wire.sendall(wrap(reply))

        def start(answer: Answer) -> str:
            thread.submit(serve, answer)
            return f"127.0.0.1:{door.getsockname()[1]}"

        yield start


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["send", *map(str, arguments)])


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    one, two = tmp_path / "one.hl7", tmp_path / "two.hl7"
    one.write_text(message("A1"), encoding="ascii")
    two.write_text(message("B1") + message("B2"), encoding="ascii")
    return one, two


def test_every_message_has_its_row(files: tuple[Path, Path], listening: Callable[[Answer], str]):
    """File, number, control id and acknowledgment; exit code 0 if all are accepted."""
    done = run(*files, "--to", listening(verdict(Verdict.ACCEPTED)))
    assert done.exit_code == 0
    rows = [line.split()[:4] for line in done.stdout.splitlines()[1:]]
    assert rows == [
        ["one.hl7", "1", "A1", "AA"],
        ["two.hl7", "1", "B1", "AA"],
        ["two.hl7", "2", "B2", "AA"],
    ]


def test_a_nak_is_exit_code_1(files: tuple[Path, Path], listening: Callable[[Answer], str]):
    """A program that calls it sees that something was refused."""
    done = run(files[0], "--to", listening(verdict(Verdict.REJECTED)), "--json")
    assert done.exit_code == 1
    (row,) = json.loads(done.stdout)
    assert (row["control_id"], row["code"]) == ("A1", "AR")


def test_a_lost_answer_is_said_to_be_lost(
    files: tuple[Path, Path], listening: Callable[[Answer], str]
):
    """'perhaps sent' is not 'not sent'."""
    done = run(files[0], "--to", listening(lambda _: None), "--json")
    (row,) = json.loads(done.stdout)
    assert row["code"] == "-"
    assert row["text"].startswith("perhaps sent: ")


def test_nobody_there(files: tuple[Path, Path]):
    """Nothing was sent, and it says so."""
    done = run(files[0], "--to", "127.0.0.1:1", "--json", "--timeout", "2 s")
    assert done.exit_code == 1
    assert json.loads(done.stdout)[0]["text"].startswith("not sent: no connection to 127.0.0.1:1")


def test_tls_needs_the_right_ca(
    files: tuple[Path, Path], listening: Callable[[Answer], str], tmp_path: Path
):
    """A plain listener spoken to in TLS is no HIS: nothing is sent."""
    DevelopmentPki(datetime.now(UTC)).write(tmp_path, ["gateway"])
    own = tmp_path / "gateway"
    tls = ("--tls-ca", own / "ca.pem", "--tls-certificate", own / "tls.pem", "--tls-key")
    to = listening(lambda _: None)
    done = run(files[0], "--to", to, *tls, own / "tls.key", "--json", "--timeout", "1 s")
    assert json.loads(done.stdout)[0]["text"].startswith("not sent: ")


def test_a_message_that_is_none_is_not_sent(tmp_path: Path):
    """An MSH without delimiters has no control id to wait for."""
    (tmp_path / "x.hl7").write_bytes(b"MSH|\r")
    done = run(tmp_path / "x.hl7", "--to", "127.0.0.1:1", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)[0]["text"].startswith("not sent: ")


@pytest.mark.parametrize(
    "wrong",
    [("--to", "nowhere"), ("--to", "a:1", "--timeout", "soon"), (),
     ("--to", "a:1", "--tls-certificate", "one.hl7")],
)  # fmt: skip
def test_usage_errors(files: tuple[Path, Path], wrong: tuple[str, ...]):
    """Exit code 2."""
    arguments = [str(files[0]) if word == "one.hl7" else word for word in wrong]
    assert run(files[0], *arguments).exit_code == 2


def test_the_reactor_can_be_used_again_and_gives_errors_back():
    """Each piece of work has a reactor of its own; what it raises is raised."""

    async def good(reactor: object) -> int:
        return 7

    async def bad(reactor: object) -> int:
        raise LookupError("x")

    assert complete(good) == 7
    with pytest.raises(LookupError):
        complete(bad)


def test_a_reactor_that_is_stopped_is_an_interruption():
    """Ctrl-C ends the work as it ends any command."""

    async def stops(reactor: object) -> None:
        from twisted.internet.defer import Deferred

        reactor.stop()  # type: ignore[attr-defined]  # a reactor
        await Deferred()

    with pytest.raises(KeyboardInterrupt):
        complete(stops)

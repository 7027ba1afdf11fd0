"""An acknowledgment leaves only after the journal is on the disk: seen from outside, call by call.

The gateway runs under strace. In its trace each message is followed from the socket into the
write-ahead log, through fdatasync, to the acknowledgment. Two mutants prove that the check bites.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.demo.ports import HOST
from gateway.demo.stage import ADMINISTRATIONS
from gateway.errors import StageError
from gateway.hl7.acknowledgment import read_acknowledgment
from gateway.hl7.framing import BlockReader, wrap
from tests.journey.theatre import ROOT, Theatre, newborn, prepare, running

CALLS = "recvfrom,recvmsg,read,pwrite64,write,writev,fsync,fdatasync,sendto,sendmsg"

A02 = (
    "MSH|^~\\&|HIS|SANTA_PROVA|ICARO|ICARO|20260306||ADT^A02|{id}|P|2.5|||{asks}\rPID|1||9^^^H^PI\r"
)

WRAPPER = """\
#!/bin/sh
# Only the gateway is traced; it stays the process that was started (-D).
case " $* " in
    *" run "*) exec {strace} -D -f -qq -y -s 9000 -e trace={calls} -o {trace} {python} "$@" ;;
    *) exec {python} "$@" ;;
esac
"""


@pytest.fixture(scope="module")
def strace() -> str:
    """The program, where it may trace; else skips with what is missing."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed")
    tried = subprocess.run(
        [found, "-qq", "-e", "trace=none", "true"], capture_output=True, text=True
    )
    if tried.returncode:
        pytest.skip(f"strace may not trace here: {tried.stderr.strip()}")
    return found


class Trace:
    """System calls in the order in which they began or, for a sync, ended."""

    def __init__(self, path: Path) -> None:
        self.lines = path.read_text(errors="replace").splitlines()
        self.syncs = list(self._syncs())

    def in_order(self, control_id: str) -> bool:
        """True if a message came, was written to the log, synced, acknowledged: in this order.

        The control id stands readable in the journal's row, so its own page is recognised.
        """
        came = self._first(rf"(recvfrom|recvmsg|read)\b.*\|{control_id}\|", 0)
        said = self._first(rf"(sendto|sendmsg|write|writev)\(.*MSA\|[AC]A\|{control_id}\b", came)
        written = self._first(rf"pwrite64\(.*-wal>.*{control_id}", came)
        return any(written < began and ended < said for began, ended in self.syncs)

    def _first(self, pattern: str, after: int) -> int:
        wanted = re.compile(pattern)
        for number in range(after, len(self.lines)):
            if wanted.search(self.lines[number]):
                return number
        raise AssertionError(f"not in the trace: {pattern}")

    def _syncs(self) -> Iterator[tuple[int, int]]:
        """(began, ended) of every sync of a write-ahead log that succeeded."""
        under_way: dict[str, int] = {}
        for number, line in enumerate(self.lines):
            thread = line.split(maxsplit=1)[0]
            if re.search(r" f(data)?sync\(\d+<[^>]*-wal>", line):
                if line.endswith("<unfinished ...>"):
                    under_way[thread] = number
                elif line.endswith(" = 0"):
                    yield number, number
            elif re.search(r"<\.\.\. f(data)?sync resumed>\)\s+= 0$", line) and thread in under_way:
                yield under_way.pop(thread), number


def traced(folder: Path, pki: Path, strace: str, environment: dict[str, str]) -> Theatre:
    """A stage whose gateway will run under strace."""
    stage = prepare(folder / "stage", pki, environment=environment)
    wrapper = folder / "python"
    trace = folder / "trace"
    wrapper.write_text(
        WRAPPER.format(strace=strace, calls=CALLS, trace=trace, python=sys.executable)
    )
    wrapper.chmod(0o755)
    stage.python = str(wrapper)
    return stage


def feed_everything(stage: Theatre) -> list[str]:
    """Births and others, one by one, then many at once; gives their control ids."""
    births = [newborn().message("A01") for _ in range(3)]
    others = [A02.format(id=f"TRACE{n:03d}", asks=("", "AL|NE")[n % 2]).encode() for n in range(3)]
    burst = [A02.format(id=f"BURST{n:03d}", asks="").encode() for n in range(20)]
    reader = BlockReader()
    with socket.create_connection((HOST, stage.mllp), timeout=20) as connection:
        for message in (*births, *others):
            connection.sendall(wrap(message))
            assert acknowledged(connection, reader, 1) <= {"AA", "CA"}
        connection.sendall(b"".join(wrap(message) for message in burst))
        assert acknowledged(connection, reader, len(burst)) == {"AA"}
    return [message.split(b"|")[9].decode() for message in (*births, *others, *burst)]


def acknowledged(connection: socket.socket, reader: BlockReader, number: int) -> set[str]:
    """Read so many acknowledgments; gives their codes."""
    codes: list[str] = []
    while len(codes) < number:
        codes += [read_acknowledgment(each).code for each in reader.feed(connection.recv(65536))]
    return set(codes)


def unsynced(stage: Theatre, ids: list[str]) -> list[str]:
    """The control ids whose acknowledgment left before their bytes were on the disk."""
    trace = Trace(stage.folder.parent / "trace")
    return [each for each in ids if not trace.in_order(each)]


@pytest.mark.journey
def test_every_acknowledgment_follows_the_sync_of_its_message(
    tmp_path: Path, pki: Path, strace: str
):
    """Received, written to the log, synced, and only then acknowledged: in this order, each one."""
    stage = traced(tmp_path, pki, strace, {})
    with running(stage):
        ids = feed_everything(stage)
    assert unsynced(stage, ids) == []


@pytest.fixture
def mutant(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Makes a copy of the gateway with lines changed; gives the environment that runs it."""

    def make(*changes: tuple[str, str]) -> dict[str, str]:
        folder = tmp_path / "mutant"
        shutil.copytree(
            ROOT / "gateway", folder / "gateway", ignore=shutil.ignore_patterns("__pycache__")
        )
        for name in ("mappings", "xsd"):
            (folder / name).symlink_to(ROOT / name)
        module = folder / "gateway" / "journal" / "store.py"
        text = module.read_text()
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        module.write_text(text)
        return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}

    return make


CARELESS = ('"PRAGMA synchronous=FULL"', '"PRAGMA synchronous=OFF"')
BLIND = ("level in (_FULL, _EXTRA)", "True")


@pytest.mark.journey
def test_the_trace_shows_a_gateway_that_does_not_sync(
    tmp_path: Path, pki: Path, strace: str, mutant: Callable[..., dict[str, str]]
):
    """With synchronous=OFF, and its own check of that taken out, the check above fails."""
    stage = traced(tmp_path, pki, strace, mutant(CARELESS, BLIND))
    with running(stage):
        ids = feed_everything(stage)
    assert unsynced(stage, ids) == ids


@pytest.mark.journey
def test_a_gateway_that_does_not_sync_does_not_start(
    tmp_path: Path, pki: Path, mutant: Callable[..., dict[str, str]]
):
    """With synchronous=OFF alone it reads the setting back, says so, and takes no message."""
    stage = prepare(tmp_path / "stage", pki, environment=mutant(CARELESS))
    for name in ADMINISTRATIONS:
        stage.services[name] = 1  # nobody is called
    with pytest.raises(StageError):
        stage.start_gateway()
    assert "synchronous is 0" in (stage.folder / "logs" / "gateway.log").read_text()

"""Watches a gateway from inside, without a change in it: every commit, and every send of bytes.

Each is a point with a name that is the same in every life (`commit submission.moved comune register
READY SUBMITTING #1`), passed `before` and `after`. Points go to a trace; at one of them the process
may be told to die, at once and by itself, as a power cut does it.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy.engine.default import DefaultDialect
from twisted.internet.abstract import FileDescriptor
from twisted.protocols.tls import TLSMemoryBIOProtocol

from gateway.destination import Claimed
from gateway.hl7.framing import BlockReader
from gateway.hl7.message import Message
from gateway.journal.transaction import Entry, Order, Transaction
from gateway.telemetry import Log

SCHEMA = "schema"
"""What the journal commits before its writer writes: tables, and this node's row."""
NOTHING = "nothing"
"""A commit that changes no row: a look for work that found none, a heartbeat."""

_NOTE = ("step", "kind", "status", "from", "to", "state", "number", "outcome", "verdict")
"""What of an entry's note is the same in every life."""
_CAUSES = ("message.", "callback.", "attempt.", "submission.moved")


class Probe:
    """`trace`: a file that gets a line of JSON a point; `death`: the point to die at, if any.

    `by`: the signal that comes at that point; a power cut by default.
    """

    def __init__(
        self, trace: Path, death: str | None = None, by: signal.Signals = signal.SIGKILL
    ) -> None:
        self._by = by
        self._trace = os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._death = death
        self._seen: Counter[str] = Counter()

    def before(self, kind: str, done: Iterable[tuple[str, str]]) -> list[str]:
        """These (label, what exactly) will be done now; gives their names, for `after`."""
        names = []
        for label, exactly in done:
            self._seen[f"{kind} {label}"] += 1
            names.append(f"{kind} {label} #{self._seen[f'{kind} {label}']}")
            self._note(f"before {names[-1]}", exactly)
        self._perhaps_die("before", names)
        return names

    def after(self, names: Iterable[str]) -> None:
        """They are done."""
        for name in names:
            self._note(f"after {name}")
        self._perhaps_die("after", names)

    def _note(self, point: str, exactly: str = "") -> None:
        line = {"point": point, "at": round(time.monotonic(), 4), "exactly": exactly}
        os.write(self._trace, json.dumps(line).encode() + b"\n")

    def _perhaps_die(self, side: str, names: Iterable[str]) -> None:
        if self._death in [f"{side} {name}" for name in names]:
            os.kill(os.getpid(), self._by)


def watch_commits(probe: Probe) -> None:
    """Every COMMIT of the process, named by what its units of work did."""
    settle, commit = Transaction.settle, DefaultDialect.do_commit
    waiting: dict[int, list[tuple[str, str]]] = {}
    begun: list[bool] = []

    def settled(self: Transaction, orders: Sequence[Order]) -> None:
        settle(self, orders)
        begun.append(True)
        done = [order for order in orders if order.error is None]
        labels = [label for order in done for label in labels_of(self, order)]
        waiting[id(self.connection.connection.driver_connection)] = labels or [(NOTHING, "")]

    def committed(self: DefaultDialect, connection: Any) -> None:
        driver = getattr(connection, "driver_connection", connection)
        # A reading connection commits too, and changes nothing.
        names = probe.before("commit", waiting.pop(id(driver), []) if begun else [(SCHEMA, "")])
        commit(self, connection)  # type: ignore[no-untyped-call]  # SQLAlchemy's
        probe.after(names)

    Transaction.settle = settled  # type: ignore[assignment, method-assign]  # watched
    DefaultDialect.do_commit = committed  # type: ignore[method-assign]  # watched


def watch_log(probe: Probe) -> None:
    """Every line of the gateway's own log."""
    tell = Log.__call__

    def told(self: Log, event: str, *more: Any, **said: Any) -> None:
        names = probe.before("log", [(event, "")])
        tell(self, event, *more, **said)
        probe.after(names)

    Log.__call__ = told  # type: ignore[assignment, method-assign]  # watched


def labels_of(transaction: Transaction, order: Order) -> Iterator[tuple[str, str]]:
    """What a unit of work did: its evidence, and what it claimed, which has none."""
    told = [_told(transaction, entry) for entry in order.entries]
    if told:
        yield min(told, key=_weight), "; ".join(told)
    result = order.result if isinstance(order.result, list) else []
    for each in result:
        if isinstance(each, Claimed):
            yield f"claimed {each.row.step} {each.row.kind} {each.row.status}", ""


def _weight(told: str) -> int:
    """What names a unit of many entries: who caused it, not what followed."""
    return next((n for n, what in enumerate(_CAUSES) if told.startswith(what)), len(_CAUSES))


def _told(transaction: Transaction, entry: Entry) -> str:
    note, step = json.loads(entry.note), _step(transaction, json.loads(entry.subjects))
    told = [entry.what, *step, *(str(note[name]) for name in _NOTE if name in note)]
    return " ".join(dict.fromkeys(told))


def _step(transaction: Transaction, subjects: list[str]) -> list[str]:
    """The step and kind of the submission that an entry is about."""
    for subject in subjects:
        found = transaction.connection.exec_driver_sql(
            f"SELECT step, kind FROM submissions WHERE id = '{subject}'"
        ).first()
        if found is not None:
            return list(found)
    return []


def watch_sends(probe: Probe) -> None:
    """Every write of plain bytes to a socket; `after`: when the kernel has them all."""
    make, write_tls = TLSMemoryBIOProtocol.makeConnection, TLSMemoryBIOProtocol._write
    write, do_write = FileDescriptor.write, FileDescriptor.doWrite
    ciphered: set[FileDescriptor] = set()
    leaving: dict[FileDescriptor, list[str]] = {}

    def leave(wire: FileDescriptor, octets: bytes) -> None:
        names = probe.before("send", [(named(octets), whom(wire, octets))])
        leaving.setdefault(wire, []).extend(names)

    def made(self: Any, transport: Any) -> None:
        ciphered.add(_wire(transport))
        make(self, transport)  # type: ignore[no-untyped-call]  # Twisted's

    def tls_written(self: Any, octets: bytes) -> None:
        leave(_wire(self.transport), octets)
        write_tls(self, octets)  # type: ignore[no-untyped-call]  # Twisted's

    def written(self: Any, octets: bytes) -> None:
        if self not in ciphered:
            leave(self, octets)
        write(self, octets)

    def flushed(self: Any) -> Any:
        result = do_write(self)  # type: ignore[no-untyped-call]  # Twisted's
        if self in leaving and not self.dataBuffer and not self._tempDataBuffer:
            probe.after(leaving.pop(self))
        return result

    TLSMemoryBIOProtocol.makeConnection = made  # type: ignore[method-assign]  # watched
    TLSMemoryBIOProtocol._write = tls_written  # type: ignore[method-assign]  # watched
    FileDescriptor.write = written  # type: ignore[assignment, method-assign]  # watched
    FileDescriptor.doWrite = flushed  # type: ignore[method-assign]  # watched


def _wire(transport: Any) -> FileDescriptor:
    while not isinstance(transport, FileDescriptor):
        transport = transport.transport
    return transport


def whom(transport: Any, octets: bytes) -> str:
    """To which port which bytes go."""
    port = getattr(transport.getPeer(), "port", 0)
    return f"{len(octets)} bytes {sha256(octets).hexdigest()[:16]} to port {port}"


def named(octets: bytes) -> str:
    """A message, an acknowledgment, a request by its operation, an answer."""
    if octets.startswith(b"\x0b"):
        (payload, *_) = BlockReader().feed(octets)
        message = Message.parse(payload)
        return message.event if message.first("MSA") is None else "acknowledgment"
    if octets.startswith(b"POST "):
        action = octets.partition(b"SOAPAction: ")[2].partition(b"\r\n")[0]
        return action.strip(b'"').rpartition(b"/")[2].decode()
    return "answer" if octets.startswith(b"HTTP/1.1 ") else "bytes"

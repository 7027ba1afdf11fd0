"""Sends a day of a region as fast as it is answered: a connection a sender, one message in flight.

Run as its own process (`python -m bench.feed PORT MESSAGES BIRTHS SENDERS BEGUN`). Every
acknowledgment is held against the message it must be of (MSA-2) and must accept it. Prints a line
of JSON for each part of the day; keeps nothing of the parts before.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from bench.day import Day
from gateway.hl7.framing import END

PARTS = 20
ACCEPTED = (b"AA", b"CA")
PATIENCE = 300.0
"""Seconds of silence after which something is wrong."""


@dataclass
class Line:
    """One connection, what is left to send on it, and what it waits for."""

    socket: socket.socket
    left: Iterator[tuple[bytes, bytes]]
    waits_for: bytes = b""
    sent_at: float = 0.0
    heard: bytes = b""

    def speak(self) -> bool:
        """Send the next message; False if there is none."""
        said = next(self.left, None)
        if said is None:
            self.socket.close()
            return False
        self.waits_for, block = said
        self.heard, self.sent_at = b"", time.perf_counter()
        self.socket.sendall(block)
        return True

    def hear(self) -> bool:
        """Read on; True when the acknowledgment is whole."""
        data = self.socket.recv(65536)
        if not data:
            raise SystemExit("the gateway hung up")
        self.heard += data
        return self.heard.endswith(END)

    def accepted(self) -> bool:
        """Whether it says AA or CA of this very message, and nothing else came."""
        _, _, rest = self.heard.partition(b"\rMSA|")
        told = rest.split(b"\r", 1)[0].split(b"|")
        return told[0] in ACCEPTED and told[1:2] == [self.waits_for] and rest.count(END) == 1


@dataclass
class Part:
    """A twentieth of the day."""

    began: float = field(default_factory=time.perf_counter)
    times: list[float] = field(default_factory=list)
    wrong: int = 0
    cpu: float = field(default_factory=time.process_time)

    def told(self) -> dict[str, float]:
        """Milliseconds of a message's wait; CPU seconds of this process."""
        ordered = sorted(self.times)
        return {
            "count": len(ordered),
            "seconds": time.perf_counter() - self.began,
            "p50_ms": 1000 * ordered[len(ordered) // 2],
            "p99_ms": 1000 * ordered[int(0.99 * len(ordered))],
            "max_ms": 1000 * ordered[-1],
            "wrong": self.wrong,
            "feed": time.process_time() - self.cpu,
        }


def send(port: int, day: Day) -> Iterator[Part]:
    """Everything, over a connection a sender; gives every part as it ends."""
    with selectors.DefaultSelector() as selector:
        for line in [_open(port, day, sender) for sender in range(day.senders)]:
            if line.speak():
                selector.register(line.socket, selectors.EVENT_READ, line)
        part, size = Part(), -(-day.messages // PARTS)
        while selector.get_map():
            events = selector.select(PATIENCE)
            if not events:
                raise SystemExit("the gateway says nothing")
            for key, _ in events:
                _heard(selector, key.data, part)
            if len(part.times) >= size:
                yield part
                part = Part()
        if part.times:
            yield part


def _heard(selector: selectors.BaseSelector, line: Line, part: Part) -> None:
    if not line.hear():
        return
    part.times.append(time.perf_counter() - line.sent_at)
    part.wrong += not line.accepted()
    own = line.socket.fileno()
    if not line.speak():
        selector.unregister(own)


def _open(port: int, day: Day, sender: int) -> Line:
    own = socket.create_connection(("127.0.0.1", port))
    own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Line(own, day.of(sender))


def main() -> None:
    """Send, and tell of every part."""
    port, messages, births, senders, begun = sys.argv[1:]
    day = Day(int(messages), int(births), int(senders), datetime.fromisoformat(begun))
    for part in send(int(port), day):
        print(json.dumps(part.told()), flush=True)


if __name__ == "__main__":
    main()

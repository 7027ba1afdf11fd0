"""A hospital that sends as fast as it is answered: closed loop, one message in flight a connection.

Run as its own process (`python -m bench.load PORT CONNECTIONS COUNT SHARE SEED`), so that its CPU
is not the gateway's. Prints one line of JSON: when it began (monotonic), seconds,
latencies in milliseconds, refusals.
"""

from __future__ import annotations

import json
import random
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field

from bench.families import birth, transfer
from gateway.hl7.framing import BlockReader, wrap


@dataclass
class Line:
    """One connection and what it waits for."""

    socket: socket.socket
    reader: BlockReader = field(default_factory=BlockReader)
    sent_at: float = 0.0


def run(port: int, connections: int, count: int, share: float, seed: int) -> dict[str, object]:
    """Send `count` messages, `share` of them births, over so many connections."""
    chance = random.Random(seed)
    blocks = [
        wrap(birth(f"{seed}-{number}") if chance.random() < share else transfer(f"{seed}-{number}"))
        for number in range(count)
    ]
    births = sum(b"ADT^A01" in block for block in blocks)
    waiting = iter(blocks)
    latencies: list[float] = []
    refused = 0
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            own = socket.create_connection(("127.0.0.1", port))
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(own, selectors.EVENT_READ, Line(own))
        began = time.perf_counter()
        for key in list(selector.get_map().values()):
            _next(selector, key.data, waiting)
        while selector.get_map():
            for key, _ in selector.select(10):
                line = key.data
                for answer in line.reader.feed(line.socket.recv(65536)):
                    latencies.append(time.perf_counter() - line.sent_at)
                    refused += b"|AA|" not in answer
                    _next(selector, line, waiting)
        seconds, ended = time.perf_counter() - began, time.monotonic()
    return {
        "began": ended - seconds,
        "seconds": seconds,
        "count": count,
        "births": births,
        "refused": refused,
        "milliseconds": sorted(1000 * each for each in latencies),
    }


def _next(selector: selectors.BaseSelector, line: Line, waiting: object) -> None:
    block = next(waiting, None)  # type: ignore[call-overload]  # an iterator of blocks
    if block is None:
        selector.unregister(line.socket)
        line.socket.close()
        return
    line.sent_at = time.perf_counter()
    line.socket.sendall(block)


if __name__ == "__main__":
    port, connections, count, share, seed = sys.argv[1:]
    print(json.dumps(run(int(port), int(connections), int(count), float(share), int(seed))))

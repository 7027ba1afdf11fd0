"""Ports for processes that are killed and started again, of which other runs take none.

A run holds a lane: it binds the lane's first port, without listening, for as long as it lives.
"""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from gateway.errors import StageError

HOST: Final = "127.0.0.1"
WIDTH: Final = 200
"""Ports in a lane, the one that holds it among them."""
_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST, _FIRST_GIVEN = 10_000, 32_768


def free_port() -> int:
    """A port that nobody listens on at the moment, and that the system gives to no connection.

    A gateway that is killed and started again wants the same port: meanwhile any connection of
    this machine could have been given it as its own end, if it were of the system's range; and
    another run could have been, if it were not of this one's lane. Raises StageError.
    """
    for port in islice(_lane(os.getpid()), WIDTH):
        with socket.socket() as found, suppress(OSError):
            found.bind((HOST, port))
            return port
    raise StageError("no port is free")


@cache
def _lane(process: int) -> Iterator[int]:
    """The ports of a process, one after the other and over again; a fork gets its own."""
    first = _first_given()
    below = first if first > 2 * _LOWEST else _FIRST_GIVEN
    starts = list(range(_LOWEST, below - WIDTH, WIDTH))
    random.shuffle(starts)
    for start in starts:
        holder = socket.socket()
        try:
            holder.bind((HOST, start))
        except OSError:
            holder.close()
            continue
        _held.append(holder)
        return cycle(range(start + 1, start + WIDTH))
    raise StageError("no port is free")


_held: Final[list[socket.socket]] = []
"""The sockets that hold lanes: closed when the process ends, however it does."""


def _first_given() -> int:
    """The lowest port that the system gives to connections by itself."""
    with suppress(OSError, ValueError):
        return int(_RANGE.read_text("ascii").split()[0])
    return _FIRST_GIVEN

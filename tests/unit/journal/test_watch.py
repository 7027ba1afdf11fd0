"""Connections on which nobody answers are cut, and no others."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace

import pytest

from gateway.journal import watch
from gateway.journal.watch import Rounds, Watch


def line(own: socket.socket) -> SimpleNamespace:
    """As psycopg has it: a connection that knows its socket's number."""
    return SimpleNamespace(pgconn=SimpleNamespace(socket=own.fileno()))


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at its deadlines more often than in real life."""
    monkeypatch.setattr(watch, "TICK", 0.01)


def test_who_waits_too_long_is_cut() -> None:
    """A read that would never end ends, as if the server had hung up."""
    guard = Watch()
    own, silent = socket.socketpair()
    with own, silent:
        own.settimeout(10)
        with guard.within(0.05, line(own)):
            assert own.recv(1) == b""
    guard.stop()


def test_who_is_answered_in_time_is_left_alone() -> None:
    """The deadline ends with the wait; the connection is good for the next."""
    guard = Watch()
    own, other = socket.socketpair()
    with own, other:
        with guard.within(0.05, line(own)):
            pass
        silent, end = socket.socketpair()
        with silent, end, guard.within(0.1, line(silent)):
            silent.settimeout(10)
            assert silent.recv(1) == b""  # by now the first deadline would have passed
        other.sendall(b"!")
        assert own.recv(1) == b"!"
    guard.stop()


def test_rounds_end_when_they_are_told() -> None:
    """Again and again, and then no more."""
    calls: list[int] = []
    enough = threading.Event()

    def work() -> None:
        calls.append(1)
        if len(calls) == 3:
            rounds.stop()
            enough.set()

    rounds = Rounds("test", 0.001, work)
    rounds.start()
    assert enough.wait(10)
    rounds._thread.join(10)
    assert len(calls) == 3

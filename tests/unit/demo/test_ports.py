"""Ports that are a run's own, although it frees and takes them again."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.demo.ports import HOST, WIDTH, free_port

_ASK = "from gateway.demo.ports import free_port; print(free_port(), flush=True); input()"


def test_a_port_is_kept_from_connections():
    """Nobody's connection is given the port of a gateway that is being started again."""
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if not given.exists():
        pytest.skip("the system does not tell which ports it gives")
    first, last = (int(each) for each in given.read_text("ascii").split())
    if first <= 20_000:
        pytest.skip("the system gives nearly every port to connections")
    assert all(not first <= free_port() <= last for _ in range(50))


def test_another_run_is_given_none_of_ours():
    """Two processes that ask at the same time are given ports of different lanes."""
    ours = {free_port() for _ in range(WIDTH)}
    with subprocess.Popen(
        [sys.executable, "-c", _ASK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        theirs = int(other.stdout.readline())
        other.communicate("\n")
    assert not min(ours) - 1 <= theirs <= max(ours)


def test_a_port_in_use_is_not_given():
    """Whoever listens keeps his port, however often one asks."""
    with socket.socket() as listening:
        listening.bind((HOST, free_port()))
        listening.listen()
        taken = listening.getsockname()[1]
        assert taken not in {free_port() for _ in range(2 * WIDTH)}

"""One life of a node, with an app that starts and stops when the test says so."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from gateway.errors import JournalError
from gateway.running import SIGNALS, Life


class Node:
    """An app and its reactor; both say in `heard` what they were asked to."""

    def __init__(self) -> None:
        self.starting: Deferred[None] = Deferred()
        self.stopping: Deferred[None] = Deferred()
        self.heard: list[str] = []
        self.announcer = self

    async def start(self) -> None:
        """Until the test says so, or it is not wanted any more."""
        self.heard.append("start")
        await self.starting
        self.heard.append("started")

    async def stop(self) -> None:
        """Until the test says so."""
        self.heard.append("stop")
        await self.stopping
        self.heard.append("stopped")

    def hang_up(self) -> None:
        """Wait for no answer."""
        self.heard.append("hang up")

    def alarm(self, what: str, error: BaseException) -> None:
        """Tell a person."""
        self.heard.append(f"alarm {what} {type(error).__name__}")

    def callFromThread(self, work: Callable[[], object]) -> None:  # Twisted's name
        """At once, here."""
        work()


class Reactor(Node):
    """Its own `stop` is the end."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def stop(self) -> Any:
        """The process ends."""
        self.node.heard.append("end")


@pytest.fixture
def node() -> Iterator[Node]:
    """A node; the process's own signals are as before afterwards."""
    before = [signal.getsignal(number) for number in SIGNALS]
    yield Node()
    for number, heard in zip(SIGNALS, before, strict=True):
        signal.signal(number, heard)


@pytest.fixture
def life(node: Node) -> Life:
    """Its life, which has begun."""
    made = Life(Reactor(node), node)  # type: ignore[arg-type]  # as much of an App as a life asks
    made.begin()
    return made


def test_a_signal_ends_what_has_started(life: Life, node: Node) -> None:
    """It stops in order, and then the process ends without an error."""
    node.starting.callback(None)
    signal.raise_signal(signal.SIGTERM)
    node.stopping.callback(None)
    assert node.heard == ["start", "started", "stop", "stopped", "end"]
    assert life.failed is None


def test_a_signal_ends_a_start_that_is_not_through(life: Life, node: Node) -> None:
    """It is not waited for, and that it did not come to its end is no failure."""
    signal.raise_signal(signal.SIGINT)
    node.stopping.callback(None)
    assert node.heard == ["start", "stop", "stopped", "end"]
    assert life.failed is None


def test_a_second_signal_waits_for_nobodys_answer(life: Life, node: Node) -> None:
    """The stop goes on as it was, only without waiting."""
    node.starting.callback(None)
    for _ in range(2):
        signal.raise_signal(signal.SIGTERM)
    assert node.heard == ["start", "started", "stop", "hang up"]


def test_a_start_that_fails_ends_the_process_with_its_reason(life: Life, node: Node) -> None:
    """Whoever started it is told why."""
    reason = JournalError("no room")
    node.starting.errback(reason)
    assert node.heard == ["start", "end"]
    assert life.failed is reason


def test_a_stop_that_fails_is_told_and_ends_the_process_all_the_same(
    life: Life, node: Node
) -> None:
    """Nobody hangs because a part could not end."""
    node.starting.callback(None)
    signal.raise_signal(signal.SIGTERM)
    node.stopping.errback(JournalError("no room"))
    assert node.heard[-2:] == ["alarm stop JournalError", "end"]
    assert life.failed is None

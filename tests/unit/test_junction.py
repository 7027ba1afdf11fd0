"""The writer's thread and the reactor: who runs what, and who hears of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from threading import Thread, get_ident
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from gateway.junction import Junction


class Reactor:
    """Keeps what threads ask for until the test runs it."""

    def __init__(self) -> None:
        self.asked: list[Callable[[], None]] = []

    def callFromThread(self, work: Callable[[], None]) -> None:  # Twisted's name
        """Run it at the next turn."""
        self.asked.append(work)

    def turn(self) -> None:
        """Run what was asked for."""
        asked, self.asked = self.asked, []
        for work in asked:
            work()


def heard(awaited: Any) -> list[object]:
    """What a bridged future gives, when it does."""
    results: list[object] = []
    assert isinstance(awaited, Deferred)
    awaited.addBoth(results.append)
    return results


def test_a_group_wakes_the_reactor_once():
    """Futures of one commit are handed over in one turn, each to who awaits it, in order."""
    reactor = Reactor()
    junction = Junction(reactor)
    futures: list[Future[int]] = [Future() for _ in range(3)]
    results = [heard(junction.bridge(future)) for future in futures]
    for number, future in enumerate(futures):
        future.set_result(number)
    assert len(reactor.asked) == 1
    assert results == [[], [], []]
    reactor.turn()
    assert results == [[0], [1], [2]]


def test_what_comes_after_a_hand_over_wakes_it_again():
    """The next group is not forgotten."""
    reactor = Reactor()
    junction = Junction(reactor)
    for number in range(2):
        future: Future[int] = Future()
        results = heard(junction.bridge(future))
        future.set_result(number)
        reactor.turn()
        assert results == [number]


def test_an_error_arrives_as_an_error():
    """What the writer could not do is raised where it is awaited."""
    reactor = Reactor()
    future: Future[int] = Future()
    results = heard(Junction(reactor).bridge(future))
    future.set_exception(KeyError("x"))
    reactor.turn()
    (failure,) = results
    assert isinstance(failure.value, KeyError)  # type: ignore[attr-defined]  # a Failure


def hosted(work: Callable[[], None]) -> list[BaseException]:
    """Let a writer's thread host `work`; what it raised there."""
    reactor = Reactor()
    junction = Junction(reactor)
    raised: list[BaseException] = []

    def writer() -> None:
        try:
            junction.host(work)
        except BaseException as error:
            raised.append(error)

    thread = Thread(target=writer)
    thread.start()
    while not reactor.asked:
        pass
    reactor.turn()
    thread.join(10)
    assert not thread.is_alive()
    return raised


def test_units_run_on_the_reactor_and_the_writer_waits():
    """The work is done in the reactor's thread before the writer goes on."""
    ran: list[int] = []
    assert hosted(lambda: ran.append(get_ident())) == []
    assert ran == [get_ident()]


def test_a_group_that_fails_fails_in_the_writer():
    """The reactor goes on; the writer rolls its group back."""

    def fail() -> None:
        raise ValueError("no")

    (error,) = hosted(fail)
    assert isinstance(error, ValueError)
    with pytest.raises(ValueError, match="no"):
        raise error


def test_work_that_was_taken_back_is_told() -> None:
    """Who waits for a future that was cancelled hears so, and those behind it hear theirs."""
    reactor = Reactor()
    junction = Junction(reactor)
    given_up, kept = Future[str](), Future[str]()
    first, second = heard(junction.bridge(given_up)), heard(junction.bridge(kept))
    given_up.cancel()
    kept.set_result("kept")
    reactor.turn()
    assert second == ["kept"]
    (failure,) = first
    assert getattr(failure, "type", None) is CancelledError


def test_two_threads_that_settle_at_once_wake_the_reactor() -> None:
    """The writer resolves a future while the reactor takes another back: both are handed over."""
    reactor, other = Reactor(), Future[str]()
    junction = Junction(reactor)
    late = Thread(target=lambda: other.set_result("other"))

    class Crowded(deque[Any]):
        """While the first enters, a second thread comes, and enters if it is let."""

        def append(self, item: Any) -> None:
            """Enter."""
            super().append(item)
            if len(self) == 1:
                late.start()
                late.join(0.2)

    junction._settled = Crowded()
    mine = Future[str]()
    results = [heard(junction.bridge(mine)), heard(junction.bridge(other))]
    mine.set_result("mine")
    late.join(10)
    reactor.turn()
    assert results == [["mine"], ["other"]]

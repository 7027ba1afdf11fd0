"""Calls on their way: each ends by itself, or because nobody waits any more."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred

from gateway.calls import Calls


class Peer:
    """Somebody who is called and answers when the test says so."""

    def __init__(self) -> None:
        self.answer: Deferred[str] = Deferred()

    async def call(self) -> str:
        """What came of it, as a transport says it: never an exception."""
        try:
            return await self.answer
        except CancelledError:
            return "lost"


def made(calls: Calls, peer: Peer) -> list[str]:
    """Calls the peer; what came of it comes into the list."""
    came: list[str] = []
    Deferred.fromCoroutine(calls.end_of(peer.call())).addCallback(came.append)
    return came


def test_an_answer_is_what_came_of_a_call() -> None:
    """Whoever answers is heard, and nobody is left to hang up on."""
    calls, peer = Calls(), Peer()
    came = made(calls, peer)
    peer.answer.callback("yes")
    assert came == ["yes"]
    assert calls.hang_up() == 0


def test_all_on_their_way_end_when_nobody_waits_any_more() -> None:
    """Each as its own transport says it; how many there were is told once."""
    calls = Calls()
    came = [made(calls, Peer()) for _ in range(3)]
    assert calls.hang_up() == 3
    assert came == [["lost"]] * 3
    assert calls.hang_up() == 0


def test_a_call_that_is_made_later_does_not_get_far() -> None:
    """What was prepared before the end and leaves after it waits for nobody."""
    calls = Calls()
    calls.hang_up()
    assert made(calls, Peer()) == ["lost"]

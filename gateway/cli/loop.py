"""Runs one piece of asynchronous work in a reactor of its own, from start to end."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.selectreactor import SelectReactor
from twisted.python.failure import Failure

T = TypeVar("T")


def complete(work: Callable[[Any], Coroutine[Deferred[Any], Any, T]]) -> T:
    """The result of `work(reactor)`; raises what it raised. KeyboardInterrupt ends it."""
    reactor: Any = SelectReactor()
    ended: list[T | Failure] = []

    def begin() -> None:
        Deferred.fromCoroutine(work(reactor)).addBoth(end)

    def end(result: T | Failure) -> None:
        ended.append(result)
        reactor.callLater(0, reactor.stop)  # connections that were aborted close first

    reactor.callWhenRunning(begin)
    reactor.run()
    if not ended:
        raise KeyboardInterrupt
    result = ended[0]
    if isinstance(result, Failure):
        result.raiseException()
    assert not isinstance(result, Failure)  # raised above
    return result

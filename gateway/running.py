"""One life of a node in this process: the signals that end it, and how it then exits.

Heard from the first moment on. Before there is anything to put in order the process is gone at
once, as it may be at any moment; later what has begun is ended, whether all of it has or not.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.config import Configuration

if TYPE_CHECKING:
    from gateway.app import App

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def leave_at_once() -> None:
    """From now on either signal is the end, with exit status 0.

    Not the system's own way to die of it: the first process of a container has none.
    """
    _hear(lambda: os._exit(0))


def run(configuration: Configuration) -> None:
    """Run until SIGTERM or SIGINT. Raises ConfigurationError or JournalError if it cannot start."""
    from twisted.internet import reactor as installed  # the default reactor is chosen on import

    from gateway.app import THREADS, App  # reading all of it takes a second

    reactor: Any = installed
    reactor.suggestThreadPoolSize(THREADS)
    life = Life(reactor, App(reactor, configuration))
    reactor.callWhenRunning(life.begin)
    reactor.run(installSignalHandlers=False)
    if life.failed is not None:
        raise life.failed


class Life:
    """`begin` on the reactor; it is stopped when this ends. `failed`: why it could not start."""

    def __init__(self, reactor: Any, app: App) -> None:
        self._reactor = reactor
        self._app = app
        self._starting: Deferred[None] | None = None
        self._stopping = False
        self.failed: BaseException | None = None

    def begin(self) -> None:
        """Start, until a signal comes."""
        _hear(lambda: self._reactor.callFromThread(self.end))
        self._starting = Deferred.fromCoroutine(self._app.start())
        self._starting.addErrback(self._cannot)

    def end(self) -> None:
        """A signal came; at a second one nothing is waited for that can be done without."""
        if self._stopping:
            self._app.hang_up()
            return
        self._stopping = True
        if self._starting is not None:
            self._starting.cancel()  # nothing where it has started
        ending = Deferred.fromCoroutine(self._app.stop())
        ending.addErrback(self._cannot_end).addBoth(lambda _: self._reactor.stop())

    def _cannot(self, failure: Failure) -> None:
        if not self._stopping:
            self._stopping, self.failed = True, failure.value
            self._reactor.stop()

    def _cannot_end(self, failure: Failure) -> None:
        # What is not in order now is in order after the next start, as after a crash.
        self._app.announcer.alarm("stop", failure.value or RuntimeError())


def _hear(what: Callable[[], object]) -> None:
    for number in SIGNALS:
        signal.signal(number, lambda *_: what())

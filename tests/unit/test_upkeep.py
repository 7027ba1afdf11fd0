"""What a node does now and then for its journal, on a reactor's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.config import load
from gateway.journal.ring import Ring, name_of
from gateway.upkeep import Upkeep
from tests.births import GIULIA, House, deployment


class AtOnce:
    """A reactor's thread pool of which each call ends at once, for a test in one thread."""

    def callInThreadWithCallback(self, told: Any, work: Any, *given: Any, **named: Any) -> None:
        """As Twisted's: tells success and result."""
        try:
            told(True, work(*given, **named))
        except Exception as error:
            from twisted.python.failure import Failure

            told(False, Failure(error))


class Loop(Clock):
    """A clock with the pool beside it."""

    def getThreadPool(self) -> AtOnce:
        """The one pool."""
        return AtOnce()

    def callFromThread(self, work: Any, *given: Any) -> None:
        """Already in the thread."""
        work(*given)


def test_each_round_purges_and_keeps_the_ring_in_step(tmp_path: Path) -> None:
    """Keys that were destroyed leave the ring; a failure is an alarm, and the rounds go on."""
    alarms: list[str] = []
    with House(tmp_path) as house:
        file = deployment(tmp_path)
        file.write_text(file.read_text() + "retention: {rejects: 1 day, every: 1 min}\n")
        configuration = load(file)
        house.hears(GIULIA.message("A01"))
        house.journal.run(lambda unit: unit.add_reject(sender="his", body=b"nonsense"))
        with house.journal.view() as view:
            case = view.cases()[0].id
            wrapped = view.case_keys()[case]
        ring = Ring(configuration.journal.ring_file, house.keyring)
        ring.add([name_of(case, wrapped)])
        loop = Loop()
        clock = [datetime.now(UTC)]
        upkeep = Upkeep(
            loop,
            house.journal,
            configuration,
            lambda: clock[0],
            lambda what, _: alarms.append(what),
        )
        upkeep.begin()
        loop.advance(60)
        assert len(ring.keys()) == 1
        house.journal.run(lambda unit: unit.destroy_key(case))
        clock[0] += timedelta(days=2)
        loop.advance(60)
        assert ring.keys() == {}
        with house.journal.view() as view:
            assert view.rejects() == []
        ring.path.write_bytes(b"not a ring at all, but long")
        loop.advance(60)
        assert alarms == ["retention"]
        Deferred.fromCoroutine(upkeep.stop())
        loop.advance(60)
        assert alarms == ["retention"]

"""The PostgreSQL pair of a run, again and again: what stopped is started, who was left follows.

A fail-over makes the standby the primary and the old primary, emptied, the next standby. Between
the two runs a link of ours; nodes have links of their own to both (`deployment`).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psycopg

from gateway.errors import StageError
from tests.chaos.link import Link
from tests.pair import Pair, Server, server
from tests.postgres import USER

NAME = "icaro"
"""Of the database."""
BACK = 180.0
"""Seconds within which a server that may run takes connections again."""
FOLLOWED = "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'"
NOT_TO_WAIT = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


class Database:
    """`primary` waits for `standby` at every commit, as long as there is one.

    `waits`: False for a pair that does not keep that promise.
    """

    def __init__(self, primary: Server, standby: Server, *, waits: bool = True) -> None:
        self.primary, self.standby, self.waits = primary, standby, waits
        self.ports = (primary.port, standby.port)
        self.replication = Link(lambda: [self.primary.port])

    @property
    def url(self) -> str:
        """Both, without a link."""
        return Pair(self.primary, self.standby).url(NAME)

    @property
    def folders(self) -> list[Path]:
        """The raw files: tables, WAL, logs."""
        return [self.primary.folder, self.standby.folder]

    def pair_up(self) -> None:
        """Whoever is no primary is emptied and follows; from then on commits wait for it."""
        self.standby.follow(self.primary, through=self.replication.port)
        self.primary.setting("synchronous_standby_names", "standby" if self.waits else "")
        _until(self._is_followed, "the standby to follow")

    def _is_followed(self) -> bool:
        return self.primary.ask(FOLLOWED) == ("sync" if self.waits else "async")

    def revive(self) -> None:
        """Start again what ended by itself; returns when the primary takes connections."""
        for each in (self.primary, self.standby):
            _until(partial(_runs, each), "a server to start")

    def restart(self) -> None:
        """As after a power failure: every connection is lost."""
        self.primary.stop()
        self.primary.go()

    def kill(self, chance: random.Random) -> None:
        """kill -9: of one connection's process, after which all begin anew, or of everything."""
        postmaster, *children = self.primary.pids()
        doomed = [chance.choice(children)] if chance.random() < 0.5 else [postmaster, *children]
        for pid in doomed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.revive()

    def fail_over(self, chance: random.Random) -> None:
        """The standby takes over from a primary that stands still, and wakes later, or is dead."""
        old, new = self.primary, self.standby
        if chance.random() < 0.5:
            self._fall_behind(chance)
        frozen = chance.random() < 0.5
        old.freeze() if frozen else old.stop()
        new.promote()
        self.primary, self.standby = new, old
        self.replication.mend()
        if frozen:
            time.sleep(chance.uniform(0.5, 3))  # the fault lasts, nothing is waited for
            old.wake()
            time.sleep(chance.uniform(0.5, 3))  # it still believes to be the primary
            old.stop()
        self.pair_up()

    def _fall_behind(self, chance: random.Random) -> None:
        """The standby gets nothing more, and whoever waits for it is told not to: what such a
        COMMIT wrote is on the primary alone, and goes down with it.
        """
        self.replication.cut()
        time.sleep(chance.uniform(0.3, 2))  # nothing is waited for
        self.primary.execute(NOT_TO_WAIT)

    def keep(self, folder: Path) -> None:
        """What it holds, as SQL, and the servers' logs, for who looks for a cause."""
        program = [str(self.primary.bindir / "pg_dump"), "-h", "127.0.0.1", "-U", USER]
        with (folder / "journal.sql").open("wb") as file:
            port = str(self.primary.port)
            subprocess.run([*program, "-p", port, "-d", NAME], stdout=file, check=False)
        for number, each in enumerate(self.folders):
            shutil.copy(each / "server.log", folder / f"server-{number}.log")


def _runs(each: Server) -> bool:
    """Whether it takes connections; started if it ended."""
    if not any(_alive(pid) for pid in each.pids()[:1]):
        (each.folder / "db" / "postmaster.pid").unlink(missing_ok=True)
        with suppress(RuntimeError):  # what the fault left of it may still be on its way out
            each.go()
    with suppress(psycopg.Error):
        return each.ask("SELECT 1") == 1
    return False


def _until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + BACK
    while not condition():
        if time.monotonic() > end:
            raise StageError(f"waited {BACK:g} s for {what}")
        time.sleep(0.1)


def _alive(pid: int) -> bool:
    """Whether it runs: one that ended and that nobody has asked for does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@contextmanager
def database(*, waits: bool = True) -> Iterator[Database]:
    """A pair made from nothing, with an empty database; gone afterwards."""
    with server() as primary, server() as standby:
        primary.start()
        primary.setting("wal_sender_timeout", "5s")
        primary.execute(f"CREATE DATABASE {NAME}")
        made = Database(primary, standby, waits=waits)
        made.pair_up()
        try:
            yield made
        finally:
            made.replication.close()

"""A PostgreSQL pair for tests: a primary that waits for its standby, and what may befall the two.

Both are made from nothing (initdb, pg_basebackup), fsync on. Servers are stopped, frozen and woken
by the pids of their own postmaster and its children, and only those.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests.postgres import USER, Cluster, binaries, missing


class Server(Cluster):
    """One of the two: a cluster that can be frozen, and followed."""

    @property
    def postmaster(self) -> int:
        """Its pid."""
        return int((self.folder / "db" / "postmaster.pid").read_text().split("\n", 1)[0])

    @property
    def place(self) -> str:
        """For psycopg."""
        return f"host=127.0.0.1 port={self.port} user={USER} dbname=postgres connect_timeout=5"

    def ask(self, question: str) -> object:
        """The first value that a statement gives."""
        with psycopg.connect(self.place, autocommit=True) as connection:
            row = connection.execute(question).fetchone()  # type: ignore[arg-type]  # a test's own
            return row[0] if row else None

    def setting(self, name: str, value: str) -> None:
        """ALTER SYSTEM, and tell the server."""
        self.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self.execute("SELECT pg_reload_conf()")

    def follow(self, other: Server, through: int | None = None) -> None:
        """Become a copy of another server that goes on following it, and start.

        What this one held is gone. `through`: a port that leads to the other.
        """
        shutil.rmtree(self.folder / "db", ignore_errors=True)
        port = through or other.port
        place = f"host=127.0.0.1 port={port} user={USER} application_name=standby"
        copy = ("-D", f"{self.folder}/db", "-R", "-X", "stream", "--checkpoint=fast")
        self._run("pg_basebackup", *copy, "-d", place)
        self.go()

    def go(self) -> None:
        """Start on what is there."""
        settings = f"-h 127.0.0.1 -p {self.port} -k {self.folder} -c shared_buffers=16MB"
        # Without it a primary that dies may let go of what its standby has not got yet.
        settings += " -c max_connections=60 -c fsync=on -c autovacuum=off -c wal_keep_size=1GB"
        log = f"{self.folder}/server.log"
        self._run("pg_ctl", "-D", f"{self.folder}/db", "-w", "-l", log, "-o", settings, "start")

    def promote(self) -> None:
        """From standby to primary; returns when it takes writes."""
        self._run("pg_ctl", "-D", f"{self.folder}/db", "-w", "promote")

    def freeze(self) -> None:
        """All its processes stand still, and their connections stay open."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """They go on as if nothing had been."""
        self._signal(signal.SIGCONT)

    def pids(self) -> list[int]:
        """Its postmaster and that one's children, as they are now; none if it does not run."""
        with suppress(OSError):
            parent = self.postmaster
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            return [parent, *map(int, children)]
        return []

    def _signal(self, number: signal.Signals) -> None:
        # First the one that bears the others: those that are then found are all there are.
        for bears in (True, False):
            pids = self.pids()
            for pid in pids[:1] if bears else pids[1:]:
                with suppress(ProcessLookupError):  # a connection ended since they were counted
                    os.kill(pid, number)


class Pair:
    """`primary` waits for `standby`, which is named so; `url` names both hosts, `first` first."""

    def __init__(self, primary: Server, standby: Server) -> None:
        self.primary, self.standby = primary, standby

    def url(self, database: str, *, first: Server | None = None) -> str:
        """For icaro.yaml: both hosts, and the one that may be written to."""
        order = [self.primary, self.standby]
        if first is self.standby:
            order.reverse()
        hosts = "&".join(f"host=127.0.0.1:{each.port}" for each in order)
        scheme = f"postgresql+psycopg://{USER}@/{database}"
        return f"{scheme}?{hosts}&target_session_attrs=read-write"

    def promote(self) -> None:
        """The standby takes over; nobody follows it, so it waits for nobody."""
        self.standby.promote()
        self.standby.setting("synchronous_standby_names", "")


@contextmanager
def server() -> Iterator[Server]:
    """A folder, a port and the programs for one; stopped at the end, if it runs."""
    bindir, owner = binaries(), None
    if bindir is None or not (bindir / "pg_basebackup").exists():
        missing("no initdb, postgres and pg_basebackup")
        raise AssertionError
    folder = Path(tempfile.mkdtemp(prefix="icaro-pg-"))
    if os.geteuid() == 0:
        owner = "postgres"
        try:
            account = pwd.getpwnam(owner)
        except KeyError:
            missing("running as root, and there is no user postgres to run the server")
            raise AssertionError from None
        os.chown(folder, account.pw_uid, account.pw_gid)
    made = Server(folder, bindir, owner)
    try:
        yield made
    finally:
        if made.pids():
            made.wake()
            made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def pair() -> Iterator[Pair]:
    """Both servers running, the primary waiting for the standby's disk at every commit."""
    with server() as primary, server() as standby:
        primary.start()
        primary.setting("wal_sender_timeout", "5s")
        standby.follow(primary)
        primary.setting("synchronous_standby_names", "standby")
        yield Pair(primary, standby)

"""A real PostgreSQL for tests: one temporary cluster a session, one fresh database a test.

fsync stays on: what is tested is what is promised. PostgreSQL refuses to run as root, so root
starts it as the user postgres. Skips saying exactly what is missing; in CI that is a failure.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from gateway.demo.ports import free_port

IN_CI = os.environ.get("CI", "").lower() in ("true", "1")
USER = "icaro"


def missing(what: str) -> None:
    """Skip, or in CI fail: nothing may be left out silently there."""
    if IN_CI:
        pytest.fail(f"PostgreSQL for tests: {what}")
    pytest.skip(f"PostgreSQL for tests: {what}")


def binaries() -> Path | None:
    """The folder with initdb and pg_ctl: PATH, pg_config, or Debian's place."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    if config := shutil.which("pg_config"):
        told = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        places.append(Path(told.stdout.strip()))
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((p for p in places if all((p / n).exists() for n in ("initdb", "postgres"))), None)


class Cluster:
    """A running server in a folder of its own."""

    def __init__(self, folder: Path, bindir: Path, owner: str | None) -> None:
        self.folder = folder
        self.bindir = bindir
        self.owner = owner
        self.port = free_port()

    def start(self) -> None:
        """initdb, then the server; fails with the server's own words."""
        self._run("initdb", "-D", f"{self.folder}/db", "-U", USER, "-A", "trust", "-E", "UTF8")
        settings = (
            f"-h 127.0.0.1 -p {self.port} -k {self.folder} -c shared_buffers=16MB "
            "-c max_connections=60 -c fsync=on -c autovacuum=off"
        )
        log = f"{self.folder}/server.log"
        self._run("pg_ctl", "-D", f"{self.folder}/db", "-w", "-l", log, "-o", settings, "start")

    def stop(self) -> None:
        """Stop the server that this session started, by its own data folder."""
        self._run("pg_ctl", "-D", f"{self.folder}/db", "-m", "immediate", "-w", "stop")

    def restart(self) -> None:
        """As after a power failure: every connection is lost."""
        self._run("pg_ctl", "-D", f"{self.folder}/db", "-m", "immediate", "-w", "restart")

    def url(self, database: str) -> str:
        """For `Journal.open`."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        """Run a statement outside any database of a test."""
        place = f"host=127.0.0.1 port={self.port} user={USER} dbname=postgres"
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]  # a test's own text

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.bindir / program), *arguments]
        if self.owner:
            command = ["runuser", "-u", self.owner, "--", *command]
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr[-500:]}")


@contextmanager
def opened() -> Iterator[Cluster]:
    """A server in a folder of its own, while it is needed."""
    bindir = binaries()
    if bindir is None:
        missing("no initdb and postgres in PATH, pg_config --bindir or /usr/lib/postgresql")
        raise AssertionError
    owner = None
    folder = Path(tempfile.mkdtemp(prefix="icaro-pg-"))
    if os.geteuid() == 0:
        owner = "postgres"
        try:
            account = pwd.getpwnam(owner)
        except KeyError:
            missing("running as root, and there is no user postgres to run the server")
            raise AssertionError from None
        if shutil.which("runuser") is None:
            missing("running as root, and there is no runuser")
        os.chown(folder, account.pw_uid, account.pw_gid)
    cluster = Cluster(folder, bindir, owner)
    try:
        cluster.start()
        yield cluster
    finally:
        if (folder / "db" / "postmaster.pid").exists():
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """The session's server; shared by all tests that ask for it."""
    with opened() as cluster:
        yield cluster


@pytest.fixture
def postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """A fresh database for one test; dropped after it."""
    name = f"icaro_{uuid.uuid4().hex[:12]}"
    postgres_cluster.execute(f"CREATE DATABASE {name}")
    try:
        yield postgres_cluster.url(name)
    finally:
        postgres_cluster.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each test that asks for it runs on both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal/icaro.db"
    return str(request.getfixturevalue("postgres_url"))

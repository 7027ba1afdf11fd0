"""Stages for journeys: started once a module, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.keys import DevelopmentPki
from gateway.demo.stage import ADMINISTRATIONS
from tests.journey.theatre import Demonstration, Theatre, prepare, running
from tests.postgres import Cluster

PARTIES = ("gateway", *ADMINISTRATIONS, "ospedale")


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificates of all parties, as `icaro certs init` writes them; made once."""
    folder = tmp_path_factory.mktemp("pki")
    DevelopmentPki(datetime.now(UTC)).write(folder, PARTIES)
    return folder


@pytest.fixture(scope="session")
def new_database(postgres_cluster: Cluster) -> Iterator[Callable[[], str]]:
    """Makes a fresh PostgreSQL database and gives its URL; all are dropped at the end."""
    made: list[str] = []

    def make() -> str:
        made.append(f"icaro_{uuid.uuid4().hex[:12]}")
        postgres_cluster.execute(f"CREATE DATABASE {made[-1]}")
        return postgres_cluster.url(made[-1])

    yield make
    for name in made:
        postgres_cluster.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pki: Path
) -> Iterator[Theatre]:
    """Gateway and administrations running, on each database in turn; shared by a module."""
    options = {}
    if request.param == "postgresql":
        options["journal"] = request.getfixturevalue("new_database")()
    folder = tmp_path_factory.mktemp(request.param) / "stage"
    with running(prepare(folder, pki, **options)) as made:
        yield made


@pytest.fixture(scope="module")
def sqlite_stage(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> Iterator[Theatre]:
    """Gateway and administrations running on SQLite; shared by a module."""
    with running(prepare(tmp_path_factory.mktemp("sqlite") / "stage", pki)) as made:
        yield made


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """The demonstration as a newcomer runs it, twice in a row; shared by all who look at it."""
    folder = tmp_path_factory.mktemp("demonstration") / "demo"

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gateway.cli", "demo", "--folder", str(folder), *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    return Demonstration(folder, run(), run("--json"))

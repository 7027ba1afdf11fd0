"""What every test may ask for: the project's folder, the shared data beside it, a database.

A test that needs something from outside finds it or skips saying exactly what is missing; what CI
makes of a skip is in `tests/skips.py`.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.skips import SHARED_ABSENT, Skips

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
IN_CI = os.environ.get("CI", "").lower() in ("true", "1")

pytest_plugins = ["tests.postgres"] if importlib.util.find_spec("tests.postgres") else []

# Two cores run everything, so no deadline; in CI the examples are the same at every run.
settings.register_profile("here", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if IN_CI else "here")


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder beside the project with corpus, ANPR's files and designs; skips where absent."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED_ABSENT}: no folder 'shared' beside the project")
    return SHARED


@pytest.fixture(scope="session")
def corpus(shared: Path) -> Path:
    """The folder of real ADT messages; skips where absent."""
    return shared / "corpus"


def pytest_configure(config: pytest.Config) -> None:
    """Watch the skips of this session."""
    config.pluginmanager.register(Skips(ci=IN_CI, shared_there=SHARED.is_dir()), "skips")

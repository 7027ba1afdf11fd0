"""What every test may ask for, and the law of skipping: in CI nothing skips silently.

A test that needs something from outside (the shared corpus, PostgreSQL, xmlsec1) finds it or skips
saying exactly what is missing. With CI=true a skip is a failure, unless what is missing is the
shared data and the folder beside the project is really not there.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

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
        pytest.skip("shared data absent: no folder 'shared' beside the project")
    return SHARED


@pytest.fixture(scope="session")
def corpus(shared: Path) -> Path:
    """The folder of real ADT messages; skips where absent."""
    return shared / "corpus"


class Skips:
    """Collects every skip with its reason, and in CI fails the session for those not allowed."""

    def __init__(self, *, ci: bool, shared_there: bool) -> None:
        self.ci = ci
        self.shared_there = shared_there
        self.refused: list[str] = []

    def allowed(self, reason: str) -> bool:
        """True only for the shared data, and only where it is really absent."""
        return "shared data absent" in reason and not self.shared_there

    def note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Remember a skip that nobody allowed; an expected failure is no skip."""
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        longrepr = report.longrepr
        reason = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
        if not self.allowed(reason):
            self.refused.append(f"{report.nodeid}: {reason}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Skips of tests and fixtures."""
        self.note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Skips of whole modules."""
        self.note(report)

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """In CI a session with a refused skip has failed."""
        if self.ci and self.refused and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return (yield)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which skips failed the session, and why."""
        if self.ci and self.refused:
            terminalreporter.section("skipped in CI, which fails the run", red=True)
            for line in self.refused:
                terminalreporter.line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Watch the skips of this session."""
    config.pluginmanager.register(Skips(ci=IN_CI, shared_there=SHARED.is_dir()), "skips")

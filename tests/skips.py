"""The law of skipping: what a test needs from outside it finds, or says exactly what is missing.

In CI nothing skips silently: a skip fails the session, unless what is missing is the shared data
and the folder beside the project is really not there.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

SHARED_ABSENT = "shared data absent"
"""How a reason begins that CI accepts, where it is true."""


class Skips:
    """Collects every skip with its reason, and in CI fails the session for those not allowed."""

    def __init__(self, *, ci: bool, shared_there: bool) -> None:
        self.ci = ci
        self.shared_there = shared_there
        self.refused: list[str] = []

    def allowed(self, reason: str) -> bool:
        """True only for the shared data, and only where it is really absent."""
        return SHARED_ABSENT in reason and not self.shared_there

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

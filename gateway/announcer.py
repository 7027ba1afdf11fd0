"""Tells log and metrics what happens to documents and mappings: ids, codes and counts only."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.destination import Claimed
from gateway.errors import ConfigurationError, VerificationError
from gateway.outcomes import NotFound, Outcome, Unknown
from gateway.telemetry import Log, Metrics

_TOLD = 20
"""Reasons that go into the log; all of them are in `icaro map history`."""


class Announcer:
    """Hears the dispatch (Watcher) and the reload (Told)."""

    def __init__(self, log: Log, metrics: Metrics) -> None:
        self._log = log
        self._metrics = metrics

    def ended(self, claimed: Claimed, outcome: Outcome | NotFound | None, seconds: float) -> None:
        """A submission's work ended (Watcher)."""
        if outcome is None:
            return
        name = type(outcome).__name__
        self._metrics.attempt(claimed.row.partner, name, seconds)
        self._log(
            "attempt",
            submission=claimed.row.id,
            step=claimed.row.step,
            partner=claimed.row.partner,
            outcome=name,
            seconds=round(seconds, 3),
        )
        if isinstance(outcome, Unknown) and outcome.untrusted:
            subject = {"submission": claimed.row.id, "partner": claimed.row.partner}
            self._log("alarm", "error", path="answer", error=VerificationError.__name__, **subject)

    def alarm(self, what: str, error: BaseException) -> None:
        """Something a person must hear of (Watcher)."""
        self._log("alarm", "error", path=what, error=type(error).__name__)

    def mappings_adopted(self, changed: Sequence[str], compared: int) -> None:
        """Other mappings are in use (Told)."""
        self._metrics.mappings(refused=False, adopted=True)
        for name in changed:
            self._log("mappings_adopted", path=name, count=compared)

    def mappings_refused(self, reasons: Sequence[str]) -> None:
        """The folder holds mappings that cannot be used, or no longer does (Told)."""
        self._metrics.mappings(refused=bool(reasons))
        if reasons:
            error = ConfigurationError.__name__
            self._log("alarm", "error", path="mappings", error=error, count=len(reasons))
        for reason in reasons[:_TOLD]:
            self._log("finding", "error", path="mappings", finding=reason)

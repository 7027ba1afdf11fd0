"""What a changed folder of mappings must pass before it is used: lint, its tests, the shadow run.

The checks run in a process of their own, on a copy: a hostile or enormous mapping harms neither
the gateway nor its clock. May take seconds; belongs in a thread. Changes nothing.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.edition import Edition
from gateway.errors import ConfigurationError
from gateway.ground import Ground
from gateway.journal import Journal
from gateway.shadow import Comparison, Shadow, Side
from gateway.snapshot import Snapshot
from gateway.workspace import Workspace

_SECONDS: Final = 300
"""A check that takes longer has not passed."""

_COMPARED_NOTHING: Final = Comparison(0, {}, ())


@dataclass(frozen=True)
class Candidate:
    """An edition that passed, in a folder of its own, with what the shadow run saw."""

    snapshot: Snapshot
    edition: Edition
    folder: Workspace
    comparison: Comparison


@dataclass(frozen=True)
class Refusal:
    """An edition that did not pass, and why: findings with their place, never a value."""

    snapshot: Snapshot
    reasons: tuple[str, ...]


class Trial:
    """One for the node. `shadow` is how many cases an edition is tried on; 0: none."""

    def __init__(
        self, ground: Ground, journal: Journal, clock: Callable[[], datetime], shadow: int
    ) -> None:
        self._ground = ground
        self._journal = journal
        self._clock = clock
        self._shadow = shadow

    def judge(self, snapshot: Snapshot, *, known: bool) -> Candidate | Refusal:
        """Whether `snapshot` may be used. One that is `known`, for it was in use before, is not
        compared with what followed it: going back must always be possible.
        """
        folder = lay_out(snapshot)
        mappings, xsd = Path(folder.name), self._ground.configuration.xsd
        reasons = _checked("lint", mappings, xsd) or _checked("test", mappings, xsd)
        if reasons:
            return Refusal(snapshot, tuple(reasons))
        try:
            edition = Edition(mappings, xsd, self._ground.configuration.flow)
            edition.compile(self._ground.profiles, self._ground.mappings_of(edition))
            comparison = _COMPARED_NOTHING if known else self._compared(edition)
        except ConfigurationError as error:
            return Refusal(snapshot, tuple(error.problems))
        if comparison.worse:
            return Refusal(snapshot, comparison.worse)
        return Candidate(snapshot, edition, folder, comparison)

    def _compared(self, edition: Edition) -> Comparison:
        """Both casebooks are made for this, so that no thread shares what the corridors use."""
        ground = self._ground
        old = Side(ground.edition, ground.casebook_of(ground.edition))
        new = Side(edition, ground.casebook_of(edition))
        with self._journal.view() as view:
            return Shadow(view, old, new, self._clock()).compare(self._shadow)


def lay_out(snapshot: Snapshot) -> Workspace:
    """A copy of the files in a folder that goes when nobody holds it any more."""
    folder = Workspace("icaro-mappings-")
    snapshot.lay_out(Path(folder.name))
    return folder


def _checked(verb: str, mappings: Path, xsd: Path) -> list[str]:
    """What `icaro map lint` or `icaro map test` has against a folder; empty if nothing.

    A doubt of lint (a warning) keeps nothing out. Of a failing test only place and name are kept.
    """
    command = [sys.executable, "-m", "gateway.cli", "map", verb]
    command += ["--mappings", str(mappings), "--xsd", str(xsd)]
    try:
        done = subprocess.run(  # noqa: S603  # our own command, on a copy
            command, capture_output=True, check=False, timeout=_SECONDS, text=True
        )
    except subprocess.TimeoutExpired:
        return [f"map {verb}: took longer than {_SECONDS} s"]
    if done.returncode not in (0, 1):
        return [f"map {verb}: ended with {done.returncode}"]
    return _reasons(verb, done.stdout.splitlines()) if done.returncode else []


def _reasons(verb: str, lines: Sequence[str]) -> list[str]:
    if verb == "lint":
        return [line for line in lines if ": error " in line]
    told = [line for line in lines if line.strip() and not line.startswith(" ")]
    return [line if ": error " in line else f"{line}: the test fails" for line in told]

"""Short runs of chaos with a fixed seed: every kind of fault, and nothing lost or doubled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.chaos.database import database
from tests.chaos.deployment import Deployment, kinds
from tests.chaos.run import Ended, perform, prepared

SEED = 2
SOON: dict[str, Any] = {"pause": (0.1, 0.4), "pace": 0.5}


def nothing_broken(ended: Ended, stage: Deployment) -> None:
    """What each run must come to."""
    print(dict(ended.figures), dict(ended.faults))
    assert ended.broken == [], f"seed {SEED}, {stage.nodes} node(s)"
    assert ended.figures["births"]


@pytest.mark.journey
def test_nothing_is_lost_or_doubled_while_everything_breaks(tmp_path: Path, pki: Path) -> None:
    """Births among kills, freezes, cuts, a full disk, failing syncs: each child exactly once."""
    stage = prepared(tmp_path / "stage", pki, idempotence=kinds(SEED))
    nothing_broken(perform(stage, SEED, 1, print, **SOON), stage)


@pytest.mark.long
def test_nothing_is_lost_or_doubled_by_three_nodes(tmp_path: Path, pki: Path) -> None:
    """The same of three nodes on a PostgreSQL pair that dies, freezes and fails over as well."""
    with database() as servers:
        journal = {"journal": servers.url, "servers": servers.ports, "nodes": 3}
        stage = prepared(tmp_path / "stage", pki, idempotence=kinds(SEED), **journal)
        nothing_broken(perform(stage, SEED, 1, print, servers, **SOON), stage)

"""A short run of chaos with a fixed seed: every kind of fault, and nothing lost or doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.deployment import kinds
from tests.chaos.run import perform, prepared

SEED = 2


@pytest.mark.long
def test_nothing_is_lost_or_doubled_while_everything_breaks(tmp_path: Path, pki: Path) -> None:
    """Births among kills, freezes, cuts, a full disk, failing syncs: each child exactly once."""
    stage = prepared(tmp_path / "stage", pki, idempotence=kinds(SEED))
    ended = perform(stage, SEED, 20, print, pause=(0.2, 0.8))
    print(dict(ended.figures))
    assert ended.broken == [], f"seed {SEED}"
    assert ended.figures["births"]

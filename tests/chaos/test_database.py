"""What waiting for the standby is worth in the pair of a run, and that the checker sees it.

The primary dies with what it never gave away. Of a pair that waits nobody was told of that.
"""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from gateway.demo.region import Region
from gateway.errors import StageError
from tests.chaos.checker import Left, check
from tests.chaos.database import Database, database
from tests.chaos.deployment import Deployment, kinds
from tests.chaos.hospital import Hospital
from tests.chaos.run import prepared, rest
from tests.journey.theatre import end, start


def died_alone(stage: Deployment, servers: Database) -> list[str]:
    """A birth comes while the standby hears nothing, and the primary dies; what is broken of it."""
    region = Region(1, datetime.now())
    hospital = Hospital(stage.links["hospital"].port, stage.folder, lines=1)
    book = stage.folder / "hospital" / "book.jsonl"
    try:
        start(stage, {})
        servers.replication.cut()
        hospital.send(region.family("single birth"))
        with suppress(StageError):  # a pair that waits lets nobody be told
            stage.wait_for(lambda: "acknowledged" in book.read_text(), "an answer", seconds=2)
        servers.fail_over(random.Random(0))
        return [*rest(stage, hospital), *check(Left.by(stage, stage.idempotence))]
    finally:
        hospital.leave()
        end(stage)


@pytest.mark.long
@pytest.mark.parametrize("waits", [True, False])
def test_what_only_the_dead_primary_knew(tmp_path: Path, pki: Path, waits: bool) -> None:
    """It was told to nobody; of a pair that does not wait it was, and the checker says so."""
    with database(waits=waits) as servers:
        journal = {"journal": servers.url, "servers": servers.ports}
        stage = prepared(tmp_path / "stage", pki, idempotence=kinds(0), **journal)
        broken = died_alone(stage, servers)
    lost = [each for each in broken if "was acknowledged and is stored 0 times" in each]
    assert (broken == []) is waits, broken
    assert bool(lost) is not waits, broken

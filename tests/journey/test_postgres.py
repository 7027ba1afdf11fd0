"""The demonstration's whole play where the journal is a PostgreSQL, and a second life on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from gateway.demo.hospital import Feed
from gateway.demo.play import Play
from gateway.demo.stage import ADMINISTRATIONS
from gateway.demo.stories import stories
from gateway.lifecycle import Status
from tests.journey.theatre import (
    Theatre,
    at_rest,
    in_the_journal,
    marks_of,
    newborn,
    on_the_disk,
    prepare,
    running,
    submissions,
)


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, pki: Path, new_database: Callable[[], str]
) -> Iterator[Theatre]:
    """Gateway and administrations running, the journal in a database of a real server."""
    folder = tmp_path_factory.mktemp("server") / "stage"
    stage = prepare(folder, pki, hospitals=3, journal=new_database(), patience=2.0)
    with running(stage, back=False):
        yield stage


@pytest.fixture(scope="module")
def played(server: Theatre) -> Iterator[Play]:
    """The play to its end."""
    play = Play(server, datetime.now(), lambda _: None)
    try:
        play.births()
        play.choices()
        play.outage()
        play.changes()
        yield play
    finally:
        play.close()


@pytest.mark.journey
def test_the_play_ends_as_on_sqlite(server: Theatre, played: Play):
    """Every child's story has the same ending, and the evidence is good."""
    assert {row.name: row.faults for row in played.end() if row.faults} == {}
    told = server.icaro("evidence", "verify", "-c", str(server.folder / "icaro.yaml"))
    assert "good: nothing was changed" in told


@pytest.mark.journey
def test_the_unnamed_mother_is_nowhere_in_it(server: Theatre, played: Play):
    """No ciphertext of the database names her, no file beside it."""
    marks = marks_of(stories(datetime.now())["unnamed"].child.mother)
    assert in_the_journal(server, marks) == []
    assert on_the_disk(server.folder, marks) == []


@pytest.mark.journey
def test_a_second_life_on_the_same_journal(server: Theatre, played: Play):
    """It remembers what it acknowledged and what it sent, and goes on with new births."""
    feed = Feed(server.mllp)
    before = newborn().message("A01")
    acknowledged = feed.send(before)
    at_rest(server)
    server.stop("gateway")
    done = {name: len(server.effects(name)) for name in ADMINISTRATIONS}
    server.start_gateway()
    assert feed.send(before) == acknowledged
    known = {row.id for row in submissions(server)}
    feed.send(newborn().message("A01"))
    feed.close()
    rows = at_rest(server)
    assert {name: len(server.effects(name)) - n for name, n in done.items()} == {
        "comune": 1,
        "agenzia_entrate": 1,
        "asl": 2,
    }
    assert {row.status for row in rows if row.id not in known} == {Status.ACCEPTED}

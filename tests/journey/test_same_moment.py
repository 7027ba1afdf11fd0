"""Two nodes at one case in the same moment: one begins to send what the other hears corrected.

Real journals on one PostgreSQL, real mappings; only the administrations are played.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from gateway.destination import Claimed
from gateway.journal import Unit
from gateway.outcomes import Outcome, Unavailable
from tests.births import GIULIA, House, run
from tests.journal_rows import Held, until

WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def nodes(postgres_url: str, tmp_path: Path) -> Iterator[tuple[House, House]]:
    """n1, which hears the hospital, and n2, which sends."""
    first = House(tmp_path, url=postgres_url)
    with first as n1, House(tmp_path, url=postgres_url, node="n2") as n2:
        n2.office.letters = n1.office.letters  # no two of them have one MessageID
        yield n1, n2


def claimed(house: House) -> Claimed:
    """The Comune's document in this node's hands."""

    def take(unit: Unit) -> list[Claimed]:
        rows = unit.claim("n2", limit=9, lease=timedelta(minutes=1))
        return [house.delivery.claimed(unit, row) for row in rows if row.step == "comune"]

    return house.do(take)[0]


@contextmanager
def before_its_commit(house: House, work: Claimed, pool: ThreadPoolExecutor) -> Iterator[None]:
    """The first unit of this work is done and holds what it locked; afterwards it is committed."""
    reached, free = threading.Event(), threading.Event()
    with Held(house.journal):
        done = pool.submit(run, house.delivery.work(work))
        until(lambda: house.journal.health().queue == 1)
        # In the same group, behind it.
        last = house.journal.submit(lambda unit: (reached.set(), free.wait(20)))
    try:
        assert reached.wait(20)
        yield
    finally:
        free.set()
    last.result(20)
    done.result(20)


def waits(url: str) -> bool:
    """Whether a node waits for what another has locked."""
    place = url.replace("+psycopg", "")
    with psycopg.connect(place, autocommit=True) as connection:
        (many,) = connection.execute(WAITING).fetchone() or (0,)
        return bool(many)


@pytest.mark.parametrize(
    ("said", "there", "steps"),
    [
        ([], True, ["register ACCEPTED", "amend ACCEPTED"]),
        ([Unavailable("REFUSED")], True, ["register ACCEPTED", "amend ACCEPTED"]),
        ([], False, ["register REPLACED NEW_MESSAGE", "register ACCEPTED"]),
    ],
    ids=["first attempt", "next attempt", "cannot be sent"],
)
def test_a_message_is_taken_while_another_node_begins_to_send(
    nodes: tuple[House, House], said: list[Outcome], there: bool, steps: list[str]
) -> None:
    """The hospital corrects at this very moment: it hears AA, and the correction goes next."""
    n1, n2 = nodes
    n1.hears(GIULIA.message("A01"))
    n1.office.says["comune"] = list(said)
    while n1.last("comune").attempts < len(said):
        n1.works(1)
    work = claimed(n2)
    work = work if there else replace(work, entry=None)
    with ThreadPoolExecutor() as pool:
        with before_its_commit(n2, work, pool):
            answer = pool.submit(n1.hears, GIULIA.message("A08", weight=3111))
            until(lambda: waits(n1.url))
        assert answer.result(20) == "AA"
    n1.works()
    assert n1.steps()["comune"] == steps

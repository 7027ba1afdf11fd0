"""Claims on both databases: in order, to one node at a time, fenced."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest

from gateway.errors import Fenced
from gateway.journal import Journal, Keyring
from gateway.lifecycle import Status
from tests.journal_rows import case, ready

LEASE = timedelta(minutes=2)


def claim(journal: Journal, node: str = "n1", limit: int = 10, **more):
    """Claim with a usual lease."""
    more.setdefault("lease", LEASE)
    return journal.run(lambda unit: unit.claim(node, limit=limit, **more))


def test_the_longest_due_goes_first(journal: Journal) -> None:
    """And what is not due yet does not go."""

    def write(unit):
        ages = [1, 3, -5, 2]
        return [
            ready(unit, case(unit, str(age)).id, due_at=unit.now - timedelta(minutes=age)).id
            for age in ages
        ]

    ids = journal.run(write)
    claimed = claim(journal, limit=2)
    assert [row.id for row in claimed] == [ids[1], ids[3]]
    assert all(row.claimed_by == "n1" and row.fence == 1 for row in claimed)
    assert [row.id for row in claim(journal)] == [ids[0]]
    with journal.view() as view:
        assert view.next_due() == view.submission(ids[2]).due_at
        assert view.next_due([Status.TAKEN]) is None


def test_a_successor_waits_until_its_predecessor_is_final(journal: Journal) -> None:
    """Submissions of one case and step go strictly in order; other steps go beside."""

    def write(unit):
        opened = case(unit)
        return [ready(unit, opened.id, step).id for step in ("comune", "comune", "asl")]

    first, second, other = journal.run(write)
    assert {row.id for row in claim(journal)} == {first, other}
    path = [Status.READY, Status.SUBMITTING, Status.IN_DOUBT, Status.HELD, Status.READY]
    path += [Status.SUBMITTING, Status.TAKEN, Status.ACCEPTED]
    for before, after in pairwise(path):
        assert second not in {row.id for row in claim(journal, limit=5, statuses=[Status.READY])}
        journal.run(lambda unit, b=before, a=after: unit.move(first, expect=b, to=a))
    assert [row.id for row in claim(journal)] == [second]


@pytest.mark.parametrize("status", [Status.INVALID, Status.DEAD, Status.HELD])
def test_what_waits_for_a_person_blocks_its_step(journal: Journal, status: Status) -> None:
    """A predecessor that is not final is never overtaken."""

    def write(unit):
        opened = case(unit)
        first = ready(unit, opened.id)
        ready(unit, opened.id)
        unit.move(first.id, expect=Status.READY, to=status)

    journal.run(write)
    assert claim(journal) == []


def test_doubts_and_tickets_that_are_due_are_claimed_too(journal: Journal) -> None:
    """To ask the partner about them; those without a date are left alone."""

    def write(unit):
        rows = [ready(unit, case(unit, str(n)).id) for n in range(3)]
        for row, status in zip(rows, (Status.IN_DOUBT, Status.TAKEN, Status.TAKEN), strict=True):
            unit.move(row.id, expect=Status.READY, to=status)
        unit.move(rows[2].id, expect=Status.TAKEN, to=Status.TAKEN, due_at=None)
        return [row.id for row in rows]

    ids = journal.run(write)
    assert [row.id for row in claim(journal)] == ids[:2]


def test_an_endpoint_gets_no_more_than_it_has_room_for(journal: Journal) -> None:
    """0 shuts it out, a number bounds it, one not named is free."""

    def write(unit):
        for number, endpoint in enumerate(["a", "a", "a", "b", "b", "c"]):
            ready(unit, case(unit, str(number)).id, endpoint=endpoint)

    journal.run(write)
    room = {("comune", "a"): 2, ("comune", "b"): 0}
    assert [row.endpoint for row in claim(journal, room=room)] == ["a", "a", "c"]


def test_nobody_is_behind_the_queue_of_a_full_endpoint(journal: Journal) -> None:
    """Whatever one endpoint has waiting longest, the others get what the limit leaves."""

    def write(unit):
        due = unit.now - timedelta(hours=1)
        for number in range(30):
            ready(unit, case(unit, f"a{number}").id, endpoint="a", due_at=due)
        for number in range(3):
            ready(unit, case(unit, f"b{number}").id, endpoint="b")

    journal.run(write)
    room = {("comune", "a"): 2, ("comune", "b"): 4}
    claimed = claim(journal, limit=4, room=room)
    assert [row.endpoint for row in claimed] == ["a", "a", "b", "b"]
    assert [row.endpoint for row in claim(journal, limit=4, room={("comune", "a"): 0})] == ["b"]


def test_nodes_together_do_not_take_more_than_an_endpoint_bears(journal: Journal) -> None:
    """What another node is at counts, while its lease lasts; our own is in the room already."""

    def write(unit):
        for number in range(6):
            ready(unit, case(unit, str(number)).id, endpoint="a")

    journal.run(write)
    room = {("comune", "a"): 3}
    assert len(claim(journal, "n2", limit=2)) == 2
    assert len(claim(journal, "n1", room=room)) == 1
    assert len(claim(journal, "n1", room=room)) == 1
    assert claim(journal, "n3", room=room) == []
    journal.run(lambda unit: unit.reclaim_node("n2"))
    assert len(claim(journal, "n3", room=room)) == 1


def test_a_claim_that_was_lost_can_move_nothing(journal: Journal) -> None:
    """Each claim raises the fence; the old one's moves and releases are Fenced."""
    case_id = journal.run(lambda unit: case(unit)).id
    made = journal.run(lambda unit: ready(unit, case_id))
    (old,) = claim(journal, lease=timedelta(seconds=-1))
    (new,) = claim(journal, "n2")
    assert (old.fence, new.fence, new.claimed_by) == (1, 2, "n2")
    with pytest.raises(Fenced):
        journal.run(
            lambda unit: unit.move(
                made.id, expect=Status.READY, to=Status.SUBMITTING, fence=old.fence
            )
        )
    with pytest.raises(Fenced):
        journal.run(lambda unit: unit.release(made.id, old.fence, unit.now))
    journal.run(lambda unit: unit.release(made.id, new.fence, unit.now))
    assert [row.fence for row in claim(journal)] == [3]


def test_what_was_moved_meanwhile_is_not_released(journal: Journal) -> None:
    """The clock's claim and somebody else's word cross: what may go now stays due now."""
    case_id = journal.run(lambda unit: case(unit)).id
    made = journal.run(lambda unit: ready(unit, case_id))
    (old,) = claim(journal)
    journal.run(lambda unit: unit.move(made.id, expect=Status.READY, to=Status.HELD))
    journal.run(
        lambda unit: unit.move(made.id, expect=Status.HELD, to=Status.READY, due_at=unit.now)
    )
    with pytest.raises(Fenced):
        journal.run(lambda unit: unit.release(made.id, old.fence, None))
    assert [row.id for row in claim(journal)] == [made.id]


def test_a_node_that_starts_again_finds_what_it_had_on_the_wire(journal: Journal) -> None:
    """SUBMITTING is given back to be put in doubt; what was only claimed is free again."""

    def write(unit):
        return [ready(unit, case(unit, str(n)).id).id for n in range(3)]

    ids = journal.run(write)
    claim(journal, "n1", limit=2)
    claim(journal, "n2")
    journal.run(lambda unit: unit.move(ids[0], expect=Status.READY, to=Status.SUBMITTING, fence=1))
    assert [row.id for row in journal.run(lambda unit: unit.reclaim_node("n1"))] == [ids[0]]
    assert [row.id for row in claim(journal, "n3")] == [ids[1]]
    assert journal.run(lambda unit: unit.reclaim_expired()) == []


def test_a_dead_nodes_claims_fall_back_when_the_lease_ends(journal: Journal) -> None:
    """SUBMITTING ones are given to whoever asks, to be put in doubt."""

    def write(unit):
        return [ready(unit, case(unit, str(n)).id).id for n in range(2)]

    ids = journal.run(write)
    claim(journal, "dead", lease=timedelta(seconds=-1))
    journal.run(lambda unit: unit.move(ids[0], expect=Status.READY, to=Status.SUBMITTING, fence=1))
    (lost,) = journal.run(lambda unit: unit.reclaim_expired())
    assert lost.id == ids[0]
    journal.run(
        lambda unit: unit.move(
            lost.id, expect=Status.SUBMITTING, to=Status.IN_DOUBT, fence=lost.fence
        )
    )
    with journal.view() as view:
        assert view.submission(ids[0]).claimed_by is None
        assert view.submission(ids[1]).claimed_by is None


def test_nodes_that_claim_at_once_share_without_overtaking(
    journal_url: str, keyring: Keyring, tmp_path
) -> None:
    """Every submission goes to exactly one node, and no second one of a step before its first."""
    nodes = ["n1", "n2", "n3"]
    opened = [
        Journal.open(journal_url, node=node, keyring=keyring, side_file=tmp_path / node)
        for node in nodes
    ]
    try:
        cases = [opened[0].run(lambda unit, n=n: case(unit, str(n)).id) for n in range(12)]
        for case_id in cases:
            opened[0].run(lambda unit, c=case_id: [ready(unit, c), ready(unit, c)])
        taken: list[tuple[str, int]] = []

        def work(place: int) -> None:
            node, journal = nodes[place], opened[place]
            while rows := claim(journal, node, limit=3):
                for row in rows:
                    taken.append((row.case_id, row.seq))
                    for before, after in (
                        (Status.READY, Status.SUBMITTING),
                        (Status.SUBMITTING, Status.ACCEPTED),
                    ):
                        journal.run(
                            lambda unit, r=row, b=before, a=after: unit.move(
                                r.id, expect=b, to=a, fence=r.fence
                            )
                        )

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(work, range(3)))
        work(0)
        assert sorted(taken) == sorted((case_id, seq) for case_id in cases for seq in (1, 2))
        for case_id in cases:
            assert [seq for c, seq in taken if c == case_id] == [1, 2]
    finally:
        for journal in opened:
            journal.close()

"""Pauses in the journal, on both databases: what no claim takes, and what the evidence tells."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.journal import Journal, Keyring, Scope
from tests.journal_rows import case, ready

WHO = {"by": "m.rossi", "reason": "ticket 81"}
PLACES = (("comune", "a", "comune"), ("comune", "b", "comune"), ("asl", "a", "assistito"))


@pytest.fixture
def queued(journal: Journal) -> Journal:
    """One document for each of three places."""

    def write(unit) -> None:
        for partner, endpoint, step in PLACES:
            opened = case(unit, f"{partner} {endpoint}")
            ready(unit, opened.id, step, partner=partner, endpoint=endpoint)

    journal.run(write)
    return journal


def claimed(journal: Journal, node: str = "n1") -> set[str]:
    """Where what a claim takes would go."""
    rows = journal.run(lambda unit: unit.claim(node, limit=9, lease=timedelta(minutes=1)))
    return {f"{row.partner} {row.endpoint}" for row in rows}


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        (Scope("comune"), {"asl a"}),
        (Scope("comune", "a"), {"comune b", "asl a"}),
        (Scope(step="assistito"), {"comune a", "comune b"}),
        (Scope("comune", step="assistito"), {"comune a", "comune b", "asl a"}),
    ],
    ids=lambda said: str(sorted(said) if isinstance(said, set) else said),
)
def test_nothing_of_a_pause_is_claimed(queued: Journal, scope: Scope, left: set[str]) -> None:
    """All that agrees with every part that is said, and nothing else."""
    queued.run(lambda unit: unit.pause(scope, **WHO))
    assert claimed(queued) == left


def test_a_pause_holds_for_every_node(queued: Journal, journal_url: str, keyring: Keyring) -> None:
    """From the commit on, whoever began it."""
    with Journal.open(journal_url, node="console", keyring=keyring) as console:
        row = console.run(lambda unit: unit.pause(Scope("comune"), **WHO))
        assert claimed(queued) == {"asl a"}
        console.run(lambda unit: unit.resume(row, **WHO))
    assert claimed(queued) == {"comune a", "comune b"}


def test_what_is_paused_is_not_overdue(queued: Journal) -> None:
    """The age of the oldest work is of work that should be done."""
    queued.run(lambda unit: unit.pause(Scope("comune"), **WHO))
    queued.run(lambda unit: unit.pause(Scope("asl"), **WHO))
    with queued.view() as view:
        assert view.next_due() is None
        assert view.waiting_by_endpoint()["comune", "a"] == 1


def test_begin_and_end_are_evidence(journal: Journal) -> None:
    """What, who and why, for both; a pause that ended is not in force."""
    row = journal.run(lambda unit: unit.pause(Scope("comune", "a"), **WHO))
    with journal.view() as view:
        assert view.pauses() == [row]
    journal.run(lambda unit: unit.resume(row, by="l.verdi", reason="they are back"))
    with journal.view() as view:
        told = view.evidence(subject=row.id)
        assert view.pauses() == []
    assert [(each.what, each.note["scope"], each.note["person"]) for each in told] == [
        ("partner.paused", "comune a", "m.rossi"),
        ("partner.resumed", "comune a", "l.verdi"),
    ]

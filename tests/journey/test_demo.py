"""`icaro demo`, as a newcomer runs it: twice in a row, and what it leaves behind."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from gateway.demo.stage import Stage
from gateway.demo.stories import MARKED_NAME, stories
from tests.journey.theatre import Demonstration, in_the_journal, marks_of, on_the_disk


@pytest.mark.journey
def test_it_runs_twice_in_a_row(demonstration: Demonstration):
    """Both runs end with every child as it must be, and with good evidence."""
    told, again = demonstration.told, demonstration.for_programs
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    assert "good: nothing was changed" in told.stdout


@pytest.mark.journey
def test_it_shows_a_feed_and_a_table(demonstration: Demonstration):
    """At least 14 messages with their acknowledgments; one row a child, none of them at fault."""
    acknowledged = re.findall(r": (AA|AR)$", demonstration.told.stdout, re.MULTILINE)
    assert len(acknowledged) >= 14
    assert acknowledged.count("AR") == 1, "the broken message"
    table = "".join(demonstration.told.stdout.split())
    named = stories(datetime.now())
    for story in named.values():
        assert story.title[:12].replace(" ", "") in table
    assert "✗" not in table
    assert {row["name"] for row in demonstration.rows} == set(named)
    assert [row["name"] for row in demonstration.rows if row["faults"]] == []


@pytest.mark.journey
def test_children_have_their_codes_and_numbers(demonstration: Demonstration):
    """Every living, declared child has a codice fiscale and the protocol of each administration."""
    complete = [
        row for row in demonstration.rows if row["done"]["asl"] and row["state"] != "CANCELLED"
    ]
    assert len(complete) >= 6
    for row in complete:
        facts = row["facts"]
        assert re.fullmatch(r"[A-Z]{6}\w{10}", facts["codice_fiscale"]["codiceFiscale"])
        assert facts["comune"]["protocollo"]
        assert facts["assistito"]["codiceAssistibile"]


@pytest.mark.journey
def test_it_leaves_no_process(demonstration: Demonstration):
    """What it started it has ended."""
    mark = str(demonstration.folder).encode()
    left = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            left += [each] if mark in each.read_bytes() else []
        except OSError:
            continue  # it ended while we looked
    assert left == []


@pytest.mark.journey
def test_the_unnamed_mother_is_nowhere(demonstration: Demonstration):
    """Neither in any file it left, nor in any ciphertext of the journal."""
    mother = stories(datetime.now())["unnamed"].child.mother
    assert (mother.surname, mother.given) == MARKED_NAME
    assert on_the_disk(demonstration.folder, marks_of(mother)) == []
    assert in_the_journal(Stage(demonstration.folder), marks_of(mother)) == []


@pytest.mark.journey
def test_nobody_is_in_the_logs(demonstration: Demonstration):
    """No name, street or codice fiscale of any child, mother or father of the feed."""
    marks = set()
    for story in stories(datetime.now()).values():
        parents = [p for p in (story.child.mother, story.child.father) if p]
        for parent in parents:
            marks.update(marks_of(parent))
        marks.update(name for name in (story.child.surname, story.child.given) if len(name) > 3)
    logs = demonstration.folder / "logs"
    assert {path.name for path in logs.iterdir()} >= {"gateway.log", "comune.log"}
    assert on_the_disk(logs, sorted(marks)) == []

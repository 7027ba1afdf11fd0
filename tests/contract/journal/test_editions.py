"""Editions of the mappings in the journal: kept by content, judged once, told in the evidence."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from gateway.errors import JournalError, NotFound
from gateway.journal import EditionRow, Journal, Judgement
from gateway.journal.tables import edition_files

FIRST = {"comune/nascita.yaml": b"lang: 1\n", "tables/sesso.csv": b"hl7,anpr\nF,F\n"}
SECOND = {**FIRST, "comune/nascita.yaml": b"lang: 1\n# changed\n"}


def adopt(journal: Journal, files: dict[str, bytes], digest: str) -> EditionRow:
    return journal.run(
        lambda unit: unit.judge_edition(
            Judgement.ADOPTED, digest=digest, files=files, by="m.rossi", note={"messages": 3}
        )
    )


def test_what_was_adopted_is_given_back_byte_for_byte(journal: Journal) -> None:
    """After any later change."""
    first = adopt(journal, FIRST, "d1")
    adopt(journal, SECOND, "d2")
    with journal.view() as view:
        assert view.edition_files(view.edition(first.id)) == FIRST
        newest = view.editions()[0]
        assert view.edition_files(newest) == SECOND
        assert [row.digest for row in view.editions()] == ["d2", "d1"]


def test_the_evidence_names_both_editions_and_who(journal: Journal) -> None:
    """Before, after, and the person; counts may stand beside."""
    adopt(journal, FIRST, "d1")
    second = adopt(journal, SECOND, "d2")
    with journal.view() as view:
        (entry,) = view.evidence(subject=second.id)
    assert entry.what == "mappings.adopted"
    assert entry.digests == {"before": "d1", "after": "d2"}
    assert entry.note == {"by": "m.rossi", "messages": 3, "reasons": 0}


def test_a_refused_edition_is_not_the_one_of_before(journal: Journal) -> None:
    """It is listed with its reasons; what was adopted stays the newest of its kind."""
    adopt(journal, FIRST, "d1")
    reasons = ["comune/nascita.yaml:3:1: error X01 not in the schema"]
    journal.run(
        lambda unit: unit.judge_edition(
            Judgement.REFUSED, digest="d2", files=SECOND, by="m.rossi", reasons=reasons
        )
    )
    with journal.view() as view:
        assert view.editions()[0].reasons == tuple(reasons)
        assert [row.digest for row in view.editions(verdict=Judgement.ADOPTED)] == ["d1"]
        assert [row.verdict for row in view.editions(digest="d2")] == [Judgement.REFUSED]


def test_a_kept_file_that_was_changed_is_not_laid_out(journal: Journal) -> None:
    """Whoever edits the table of files changes no mapping of the gateway."""
    row = adopt(journal, FIRST, "d1")
    journal.run(lambda unit: unit._connection.execute(update(edition_files).values(content=b"x")))
    with journal.view() as view, pytest.raises(JournalError, match=r"comune/nascita\.yaml"):
        view.edition_files(row)


def test_an_edition_that_is_not_there_is_said(journal: Journal) -> None:
    """By its id."""
    with journal.view() as view, pytest.raises(NotFound, match="no edition e9"):
        view.edition("e9")

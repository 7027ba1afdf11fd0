"""Editions of the mappings in the journal: kept by content, judged once, told in the evidence."""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path

import pytest
from sqlalchemy import update

from gateway.errors import JournalError, NotFound
from gateway.journal import EditionRow, Journal, Judgement, Keyring, Unit
from gateway.journal.findings import Fault
from gateway.journal.stored import canonical, row_digest
from gateway.journal.tables import edition_files
from gateway.journal.verification import examine
from gateway.snapshot import Snapshot
from tests.contract.journal.tampering import behind

FIRST = {"comune/nascita.yaml": b"lang: 1\n", "tables/sesso.csv": b"hl7,anpr\nF,F\n"}
SECOND = {**FIRST, "comune/nascita.yaml": b"lang: 1\n# changed\n"}
D1, D2 = Snapshot.of(FIRST).digest, Snapshot.of(SECOND).digest


def adopt(journal: Journal, files: dict[str, bytes]) -> EditionRow:
    return journal.run(
        lambda unit: unit.judge_edition(
            Judgement.ADOPTED,
            digest=Snapshot.of(files).digest,
            files=files,
            by="m.rossi",
            note={"messages": 3},
        )
    )


def test_what_was_adopted_is_given_back_byte_for_byte(journal: Journal) -> None:
    """After any later change."""
    first = adopt(journal, FIRST)
    adopt(journal, SECOND)
    with journal.view() as view:
        assert view.edition_files(view.edition(first.id)) == FIRST
        newest = view.editions()[0]
        assert view.edition_files(newest) == SECOND
        assert [row.digest for row in view.editions()] == [D2, D1]


def test_the_evidence_names_both_editions_and_who(journal: Journal) -> None:
    """Before, after, and the person; counts may stand beside."""
    adopt(journal, FIRST)
    second = adopt(journal, SECOND)
    with journal.view() as view:
        (entry,) = view.evidence(subject=second.id)
    assert entry.what == "mappings.adopted"
    told = dict(entry.digests)
    assert told.pop(f"editions/{second.id}").startswith("1:")
    assert told == {"before": D1, "after": D2}
    assert entry.note == {"by": "m.rossi", "messages": 3, "reasons": 0}


def test_a_refused_edition_is_not_the_one_of_before(journal: Journal) -> None:
    """It is listed with its reasons; what was adopted stays the newest of its kind."""
    adopt(journal, FIRST)
    reasons = ["comune/nascita.yaml:3:1: error X01 not in the schema"]
    journal.run(
        lambda unit: unit.judge_edition(
            Judgement.REFUSED, digest=D2, files=SECOND, by="m.rossi", reasons=reasons
        )
    )
    with journal.view() as view:
        assert view.editions()[0].reasons == tuple(reasons)
        assert [row.digest for row in view.editions(verdict=Judgement.ADOPTED)] == [D1]
        assert [row.verdict for row in view.editions(digest=D2)] == [Judgement.REFUSED]


def test_a_kept_file_that_was_changed_is_not_laid_out(journal: Journal) -> None:
    """Whoever edits the table of files changes no mapping of the gateway."""
    row = adopt(journal, FIRST)
    journal.run(lambda unit: unit._connection.execute(update(edition_files).values(content=b"x")))
    with journal.view() as view, pytest.raises(JournalError, match=r"comune/nascita\.yaml"):
        view.edition_files(row)


def test_an_edition_that_is_not_there_is_said(journal: Journal) -> None:
    """By its id."""
    with journal.view() as view, pytest.raises(NotFound, match="no edition e9"):
        view.edition("e9")


# ---------------------------------------------------------------- changed behind its back

FORGED = b"anonymous: false\n"


def as_of_before(unit: Unit) -> EditionRow:
    """An edition in use, with the entry that earlier versions wrote: no digest of the row."""
    row = unit.judge_edition(Judgement.ADOPTED, digest=D1, files=FIRST, by="m.rossi")
    told = {k: v for k, v in json.loads(unit.entries[-1].digests).items() if "/" not in k}
    unit.entries[-1] = unit.entries[-1]._replace(digests=canonical(told))
    return row


@pytest.fixture(params=["a whole row", "an entry of before"])
def judged(request: pytest.FixtureRequest, journal: Journal) -> EditionRow:
    """An edition in use, as entries tell of it now, and as those of earlier versions do."""
    adopt(journal, SECOND)
    return journal.run(as_of_before) if "before" in request.param else adopt(journal, FIRST)


def found(url: str, keyring: Keyring, side_file: Path) -> set[tuple[Fault, str]]:
    """What verification says: fault and place."""
    told = examine(url, keyring.public_key, side_file).findings
    return {(each.fault, each.place) for each in told}


def forge(url: str, row: EditionRow) -> dict[str, str]:
    """A file of the forger's under its own digest, and a manifest that names it."""
    digest = hashlib.sha256(FORGED).hexdigest()
    packed = zlib.compress(FORGED)
    behind(url, "INSERT INTO edition_files (digest, content) VALUES (?, ?)", digest, packed)
    files = {**row.files, "comune/nascita.yaml": digest}
    behind(url, "UPDATE editions SET files = ? WHERE id = ?", canonical(files), row.id)
    return files


def test_a_manifest_that_was_changed_is_not_laid_out(
    judged: EditionRow, journal: Journal, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """A file under its own digest, and a row that names it, are not what the evidence tells."""
    assert found(journal_url, keyring, side_file) == set()
    forge(journal_url, judged)
    with journal.view() as view:
        with pytest.raises(JournalError, match=f"editions/{judged.id}: is not what the evidence"):
            view.edition_files(view.edition(judged.id))
        assert not view.was_adopted(D1)
    assert found(journal_url, keyring, side_file) == {(Fault.ROW_EDITED, f"editions/{judged.id}")}


def test_a_digest_made_to_fit_its_manifest_does_not_help(
    judged: EditionRow, journal: Journal, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """The evidence holds the digest of what was judged, and it is signed."""
    digest = Snapshot.of({**FIRST, "comune/nascita.yaml": FORGED}).digest
    forge(journal_url, judged)
    behind(journal_url, "UPDATE editions SET digest = ? WHERE id = ?", digest, judged.id)
    with journal.view() as view:
        with pytest.raises(JournalError, match="is not what the evidence"):
            view.edition_files(view.edition(judged.id))
        assert not view.was_adopted(digest)
        assert view.was_adopted(D2)
    assert found(journal_url, keyring, side_file) == {(Fault.ROW_EDITED, f"editions/{judged.id}")}


def test_an_edition_that_nobody_judged_is_not_laid_out(
    judged: EditionRow, journal: Journal, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """Put in by hand, it is no edition that was in use, whatever its row says."""
    behind(
        journal_url,
        "INSERT INTO editions SELECT 'ffff', at, node, verdict, digest, \"by\", reasons, files "
        "FROM editions WHERE id = ?",
        judged.id,
    )
    with journal.view() as view, pytest.raises(JournalError, match="editions/ffff"):
        view.edition_files(view.editions(limit=1)[0])
    assert found(journal_url, keyring, side_file) == {(Fault.ROW_ADDED, "editions/ffff")}


def test_an_edition_that_was_deleted_is_named(
    judged: EditionRow, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """Nothing ever deletes one, so it was taken."""
    behind(journal_url, "DELETE FROM editions WHERE id = ?", judged.id)
    assert found(journal_url, keyring, side_file) == {(Fault.ROW_DELETED, f"editions/{judged.id}")}


@pytest.mark.parametrize(
    "change",
    ["verdict = 'REFUSED'", "\"by\" = 'a.bianchi'", "node = 'n2'", "reasons = '[\"x\"]'"],
)
def test_who_judged_and_how_cannot_be_changed(
    change: str, judged: EditionRow, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """Also where the entry is of an earlier version, it holds these."""
    behind(journal_url, f"UPDATE editions SET {change} WHERE id = ?", judged.id)
    assert found(journal_url, keyring, side_file) == {(Fault.ROW_EDITED, f"editions/{judged.id}")}


@pytest.mark.parametrize("change", ["at = '2020-01-01T00:00:00.000000Z'", "reasons = '[\"b\"]'"])
def test_every_column_of_an_edition_is_in_the_evidence(
    change: str, journal: Journal, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """A reason reworded, an hour moved: named since entries hold a digest of the whole row."""
    row = journal.run(
        lambda unit: unit.judge_edition(
            Judgement.REFUSED, digest=D1, files=FIRST, by="m.rossi", reasons=["a"]
        )
    )
    behind(journal_url, f"UPDATE editions SET {change}")
    assert found(journal_url, keyring, side_file) == {(Fault.ROW_EDITED, f"editions/{row.id}")}


@pytest.mark.parametrize("change", ["files = '['", "verdict = 'LIKED'", "reasons = '3'"])
def test_an_edition_that_cannot_be_read_is_named(
    change: str, judged: EditionRow, journal: Journal, journal_url: str, keyring: Keyring
) -> None:
    """By whoever looks, and by verification, which goes on."""
    behind(journal_url, f"UPDATE editions SET {change} WHERE id = ?", judged.id)
    with journal.view() as view, pytest.raises(JournalError, match=f"editions/{judged.id}"):
        view.edition(judged.id)
    told = [each.place for each in examine(journal_url, keyring.public_key).findings]
    assert f"editions/{judged.id}" in told


@pytest.mark.parametrize("new", ["other", "gone"])
def test_a_kept_file_that_was_changed_or_taken_is_named(
    new: str, judged: EditionRow, journal_url: str, keyring: Keyring, side_file: Path
) -> None:
    """Each is known by its digest, and an edition names it."""
    digest = judged.files["comune/nascita.yaml"]
    if new == "other":
        packed = zlib.compress(FORGED)
        behind(journal_url, "UPDATE edition_files SET content = ? WHERE digest = ?", packed, digest)
    else:
        behind(journal_url, "DELETE FROM edition_files WHERE digest = ?", digest)
    fault = Fault.BODY_EDITED if new == "other" else Fault.ROW_DELETED
    assert found(journal_url, keyring, side_file) == {(fault, f"edition_files/{digest}")}


def test_an_entry_edited_to_fit_a_forged_edition_does_not_help(
    judged: EditionRow, journal: Journal, journal_url: str
) -> None:
    """An entry that is not what its own digest says tells nothing."""
    files = forge(journal_url, judged)
    digest = Snapshot.of({**FIRST, "comune/nascita.yaml": FORGED}).digest
    behind(journal_url, "UPDATE editions SET digest = ? WHERE id = ?", digest, judged.id)
    names = ("id", "at", "node", "verdict", "digest", '"by"', "reasons", "files")
    query = f"SELECT {', '.join(names)} FROM editions WHERE id = ?"
    (row,) = behind(journal_url, query, judged.id)
    values = dict(zip((name.strip('"') for name in names), row, strict=True))
    assert json.loads(values["files"]) == files
    told = {"after": digest, f"editions/{judged.id}": f"1:{row_digest(values)}"}
    behind(
        journal_url,
        "UPDATE evidence SET digests = ? WHERE subjects = ?",
        canonical(told),
        canonical([judged.id]),
    )
    with journal.view() as view, pytest.raises(JournalError, match="is not what the evidence"):
        view.edition_files(view.edition(judged.id))

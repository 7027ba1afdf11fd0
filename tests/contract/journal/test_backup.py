"""A back-up of a journal in use, and what a restore makes of it, on both databases."""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import ArchiveError
from gateway.journal import Journal, Keyring, Unit, look
from gateway.journal.backup import MEMBER, back_up
from gateway.journal.restore import Restored, restore
from gateway.journal.ring import Ring
from gateway.journal.verification import verify
from tests.journal_rows import DOSSIER, case, message, sending


def quiet(done: int, in_all: int) -> None:
    """Nobody watches."""


@pytest.fixture
def ring(tmp_path: Path, keyring: Keyring) -> Ring:
    """The key ring of this deployment's back-ups."""
    return Ring(tmp_path / "keys" / "back-up.ring", keyring)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Where the back-up goes."""
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies" / "icaro.backup"


Elsewhere = Callable[[Path], Restored]


@pytest.fixture
def elsewhere(tmp_path: Path, keyring: Keyring, ring: Ring) -> Elsewhere:
    """Restores into a SQLite journal that is not there yet."""

    def work(archive: Path) -> Restored:
        place = f"sqlite:///{tmp_path}/elsewhere/icaro.db"
        return restore(archive, place, keyring, ring, lambda unit: {}, quiet)

    return work


def test_a_back_up_beside_a_writer_is_one_moment_of_it(
    journal: Journal,
    journal_url: str,
    keyring: Keyring,
    ring: Ring,
    archive: Path,
    elsewhere: Elsewhere,
    tmp_path: Path,
) -> None:
    """Writers go on during the copy; the restored journal is whole and holds the moment before."""
    opened = journal.run(case)
    for number in range(50):
        journal.run(lambda unit, n=number: message(unit, f"b{n}", case_id=opened.id))
    written: list[str] = []

    def write_meanwhile(done: int, in_all: int) -> None:
        written.append(journal.run(lambda unit: message(unit, f"m{len(written)}")))

    manifest = back_up(journal_url, archive, keyring, ring, write_meanwhile)
    assert written
    assert manifest["rows"]["messages"] == 50
    made = elsewhere(archive)
    assert (made.rows["messages"], made.destroyed) == (50, 0)
    place = f"sqlite:///{tmp_path}/elsewhere/icaro.db"
    assert verify(place, keyring.public_key) == []
    with look(place, keyring) as view:
        assert view.case(opened.id).dossier == DOSSIER
        assert [e.what for e in view.evidence(node="console")] == ["journal.restored"]


def test_a_back_up_of_sqlite_is_restored_into_any_database(
    tmp_path: Path, journal_url: str, keyring: Keyring, ring: Ring, archive: Path
) -> None:
    """The archive is the same whichever database it came from, and goes into either."""
    source = f"sqlite:///{tmp_path}/source/icaro.db"
    with Journal.open(source, node="n1", keyring=keyring) as journal:
        case_id, submission, attempt = journal.run(sending)
    back_up(source, archive, keyring, ring, quiet)
    beside = tmp_path / "new.checkpoints"
    restore(archive, journal_url, keyring, ring, lambda unit: {}, quiet, beside)
    assert verify(journal_url, keyring.public_key, beside) == []
    with Journal.open(journal_url, node="n1", keyring=keyring, side_file=beside) as again:
        with again.view() as view:
            assert view.case(case_id).dossier == DOSSIER
            assert view.envelope(attempt) is not None
            assert view.submission(submission).attempts == 0
        again.run(lambda unit: message(unit, "goes-on"))
    assert verify(journal_url, keyring.public_key, beside) == []


def test_a_key_destroyed_since_stays_destroyed(
    journal: Journal,
    journal_url: str,
    keyring: Keyring,
    ring: Ring,
    archive: Path,
    elsewhere: Elsewhere,
    tmp_path: Path,
) -> None:
    """Once the ring's record is gone, back-up and master key together do not open the case."""
    kept, redacted, shredded = (
        journal.run(lambda unit, key=key: case(unit, key)) for key in ("A", "B", "C")
    )
    back_up(journal_url, archive, keyring, ring, quiet)
    journal.run(lambda unit: unit.rekey(redacted.id, dossier=b"less", context=b"{}"))
    journal.run(lambda unit: unit.destroy_key(shredded.id))
    with journal.view() as view:
        assert ring.destroy(view.case_keys()) == 2
    assert elsewhere(archive).destroyed == 2
    place = f"sqlite:///{tmp_path}/elsewhere/icaro.db"
    with look(place, keyring) as view:
        assert view.case(kept.id).dossier == DOSSIER
        assert view.case(redacted.id).dossier is None
        assert not view.case(shredded.id).readable
    assert verify(place, keyring.public_key) == []


def test_case_keys_are_nowhere_in_a_back_up_as_they_are_stored(
    journal: Journal, journal_url: str, keyring: Keyring, ring: Ring, archive: Path
) -> None:
    """Neither a row nor a free page of the copy holds a case key under the master key alone."""
    for number in range(200):
        journal.run(lambda unit, n=number: case(unit, f"K{n}"))
    with journal.view() as view:
        keys = view.case_keys().values()
    back_up(journal_url, archive, keyring, ring, quiet)
    with zipfile.ZipFile(archive) as packed:
        content = packed.read(MEMBER)
    assert not [key for key in keys if key and (key in content or key[16:] in content)]


def test_a_restore_never_goes_over_what_is_there(
    journal: Journal, journal_url: str, keyring: Keyring, ring: Ring, archive: Path, side_file: Path
) -> None:
    """A journal with a single row is not touched."""
    journal.run(case)
    back_up(journal_url, archive, keyring, ring, quiet)
    with pytest.raises(ArchiveError, match="not empty"):
        restore(archive, journal_url, keyring, ring, lambda unit: {}, quiet, side_file)
    assert verify(journal_url, keyring.public_key, side_file) == []


def test_what_the_file_of_checkpoints_knows_to_be_lost_is_evidence(
    tmp_path: Path, keyring: Keyring, ring: Ring, archive: Path
) -> None:
    """Entries signed after the back-up are counted by node, and their file is set aside."""
    file = tmp_path / "journal" / "icaro.db"
    place = f"sqlite:///{file}"
    with Journal.open(place, node="n1", keyring=keyring) as journal:
        journal.run(case)
        back_up(place, archive, keyring, ring, quiet)
        for number in range(3):
            journal.run(lambda unit, n=number: message(unit, str(n)))
    file.unlink()
    made = restore(archive, place, keyring, ring, lambda unit: {}, quiet)
    assert made.lost == {"n1": 3}
    assert made.set_aside is not None
    assert made.set_aside.exists()
    with look(place, keyring) as view:
        assert view.evidence(node="console")[0].note["lost"] == {"n1": 3}
    assert verify(place, keyring.public_key) == []


def test_settling_happens_before_the_journal_is_there(
    tmp_path: Path, keyring: Keyring, ring: Ring, archive: Path
) -> None:
    """A restore that fails on the way leaves nothing at the journal's place."""
    source = f"sqlite:///{tmp_path}/source/icaro.db"
    with Journal.open(source, node="n1", keyring=keyring) as journal:
        journal.run(case)
    back_up(source, archive, keyring, ring, quiet)
    target = tmp_path / "elsewhere" / "icaro.db"

    def fails(unit: Unit) -> dict[str, int]:
        raise ArchiveError("not now")

    with pytest.raises(ArchiveError, match="not now"):
        restore(archive, f"sqlite:///{target}", keyring, ring, fails, quiet)
    assert list(target.parent.iterdir()) == []


# ---------------------------------------------------------------- hostile archives


def repacked(archive: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The same archive with other members."""
    with zipfile.ZipFile(archive) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    change(members)
    other = archive.with_name("other.backup")
    with zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return other


@pytest.fixture
def good(tmp_path: Path, keyring: Keyring, ring: Ring, archive: Path) -> Path:
    """An archive that would be restored."""
    source = f"sqlite:///{tmp_path}/source/icaro.db"
    with Journal.open(source, node="n1", keyring=keyring) as journal:
        journal.run(case)
    back_up(source, archive, keyring, ring, quiet)
    return archive


HOSTILE: dict[str, Callable[[dict[str, bytes]], None]] = {
    "bomb": lambda m: m.update({MEMBER: bytes(200 * 2**20)}),
    "edited": lambda m: m.update({MEMBER: m[MEMBER][:-1] + b"x"}),
    "truncated": lambda m: m.update({MEMBER: m[MEMBER][:4096]}),
    "manifest": lambda m: m.update({"manifest.json": m["manifest.json"].replace(b"0", b"1", 1)}),
    "signature": lambda m: m.update({"manifest.sig": bytes(64)}),
    "traversal": lambda m: m.update({"../../journal.db": b"x"}),
    "missing": lambda m: m.pop(MEMBER) and None,
    "unsigned": lambda m: m.pop("manifest.sig") and None,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused(
    name: str, good: Path, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """Bombs, paths, cuts and edits are refused, and nothing is left of them."""
    with pytest.raises(ArchiveError):
        elsewhere(repacked(good, HOSTILE[name]))
    assert not (tmp_path / "elsewhere" / "icaro.db").exists()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_archive_cut_anywhere_is_refused(good: Path, elsewhere: Elsewhere) -> None:
    """A file that lost its tail, or is no archive at all, says so."""
    whole = good.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        good.write_bytes(whole[:length])
        with pytest.raises(ArchiveError):
            elsewhere(good)


def test_another_deployments_ring_is_told(good: Path, tmp_path: Path, keyring: Keyring) -> None:
    """An empty ring would destroy every case at once: refused."""
    place = f"sqlite:///{tmp_path}/elsewhere/icaro.db"
    other = Ring(tmp_path / "keys" / "other.ring", keyring)
    with pytest.raises(ArchiveError, match=r"other\.ring"):
        restore(good, place, keyring, other, lambda unit: {}, quiet)


def test_an_edit_that_only_the_evidence_tells_is_found(
    tmp_path: Path, keyring: Keyring, ring: Ring, archive: Path, elsewhere: Elsewhere
) -> None:
    """A back-up of a journal that was already tampered with does not come back unseen."""
    file = tmp_path / "source" / "icaro.db"
    with Journal.open(f"sqlite:///{file}", node="n1", keyring=keyring) as journal:
        journal.run(lambda unit: message(unit, "7"))
    with sqlite3.connect(file) as raw:
        raw.execute("UPDATE messages SET control_id = '8'")
    raw.close()
    back_up(f"sqlite:///{file}", archive, keyring, ring, quiet)
    with pytest.raises(ArchiveError, match="row edited"):
        elsewhere(archive)

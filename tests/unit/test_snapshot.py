"""Snapshots of a folder: what counts as a change, and how files are put back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError
from gateway.snapshot import Snapshot, look, owner_of

NAMES = st.from_regex(r"[a-z]{1,6}(/[a-z]{1,6}){0,2}\.(yaml|csv)", fullmatch=True)
FILES = st.dictionaries(NAMES, st.binary(max_size=64), max_size=5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two mappings and what editors leave beside them."""
    (tmp_path / "comune").mkdir()
    (tmp_path / "comune/nascita.yaml").write_bytes(b"lang: 1\n")
    (tmp_path / "sesso.csv").write_bytes(b"hl7\n")
    for left in (".nascita.yaml.swp", "comune/.#nascita.yaml", "nascita.yaml~", "x.py"):
        (tmp_path / left).write_bytes(b"?")
    return tmp_path


def test_a_snapshot_holds_the_files_of_the_language_and_nothing_else(folder: Path) -> None:
    """Hidden files, back-ups of editors and code are none of it."""
    files = Snapshot.read(folder).files
    assert files == {"comune/nascita.yaml": b"lang: 1\n", "sesso.csv": b"hl7\n"}


@given(FILES, FILES)
def test_two_snapshots_have_one_digest_only_if_they_hold_the_same(
    one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    """By path and content, in any order."""
    same = Snapshot.of(one).digest == Snapshot.of(dict(reversed(other.items()))).digest
    assert same == (one == other)
    assert bool(Snapshot.of(one).changed_from(Snapshot.of(other))) != same


def test_putting_back_changes_adds_and_removes(folder: Path) -> None:
    """The folder then holds the snapshot, and what is none of it stays where it was."""
    before = Snapshot.read(folder)
    (folder / "comune/nascita.yaml").write_bytes(b"changed")
    (folder / "new.yaml").write_bytes(b"new")
    (folder / "sesso.csv").unlink()
    assert before.put_back(folder) == ["comune/nascita.yaml", "new.yaml", "sesso.csv"]
    assert Snapshot.read(folder).digest == before.digest
    assert (folder / "x.py").exists()
    assert before.put_back(folder) == []


def test_a_file_put_back_keeps_its_mode(folder: Path) -> None:
    """What the operator made unreadable for others stays so."""
    path = folder / "comune/nascita.yaml"
    before = Snapshot.read(folder)
    path.write_bytes(b"changed")
    path.chmod(0o600)
    before.put_back(folder)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_look_sees_a_change_of_content_without_reading(folder: Path) -> None:
    """Size or time tell; a second look at the same tells the same."""
    before = look(folder)
    assert look(folder) == before
    (folder / "sesso.csv").write_bytes(b"hl7,anpr\n")
    assert look(folder) != before


def test_a_path_that_leads_out_is_not_written(tmp_path: Path) -> None:
    """Whatever the journal was made to hold."""
    inside = tmp_path / "mappings"
    inside.mkdir()
    with pytest.raises(ConfigurationError, match="outside"):
        Snapshot.of({"../escaped.yaml": b""}).lay_out(inside)
    assert not (tmp_path / "escaped.yaml").exists()


def test_a_link_that_leads_out_is_not_followed(folder: Path, tmp_path: Path) -> None:
    """A file from elsewhere is no mapping of this folder."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside.yaml"
    outside.write_bytes(b"secret")
    (folder / "link.yaml").symlink_to(outside)
    assert "link.yaml" not in Snapshot.read(folder).files
    outside.unlink()


def test_a_file_that_cannot_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, as an error of configuration."""
    (folder / "huge.yaml").write_bytes(b"x" * 32)
    monkeypatch.setattr("gateway.snapshot._LARGEST", 16)
    with pytest.raises(ConfigurationError, match=r"huge\.yaml"):
        Snapshot.read(folder)


def test_who_changed_is_the_owner_of_the_newest_file(folder: Path) -> None:
    """As this machine names them; nobody for no file."""
    import pwd

    assert owner_of(folder, ["sesso.csv"]) == pwd.getpwuid(os.getuid()).pw_name
    assert owner_of(folder, []) == ""

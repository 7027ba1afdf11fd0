"""The archive that travels: what is read back is what was signed, or an ArchiveError."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import ArchiveError
from gateway.journal.container import MANIFEST, SIGNATURE, opened, write

FORM = "test 1"
MEMBERS: dict[str, bytes | Path] = {"a.xml": b"<a/>" * 100, "b/c.json": b"{}"}


def sign(signed: bytes) -> bytes:
    """A signature that anybody can make, for tests."""
    return b"signed " + bytes([sum(signed) % 256])


def verify(signed: bytes, signature: bytes) -> bool:
    """Its other half."""
    return signature == sign(signed)


def test_what_was_packed_is_read_back(tmp_path: Path) -> None:
    """Members, and what the manifest tells beside them; the file is ours alone."""
    path = tmp_path / "x.zip"
    write(path, MEMBERS, {"form": FORM, "case": "7"}, sign)
    assert path.stat().st_mode & 0o077 == 0
    with opened(path, verify, FORM) as archive:
        assert archive.manifest["case"] == "7"
        assert {name: archive.read(name) for name in archive.members} == MEMBERS
        assert archive.strangers() == []
    assert [each.name for each in tmp_path.iterdir()] == ["x.zip"]


def test_an_archive_is_never_replaced(tmp_path: Path) -> None:
    """A file that is there stays as it is."""
    path = tmp_path / "x.zip"
    path.write_bytes(b"mine")
    with pytest.raises(ArchiveError, match="already there"):
        write(path, MEMBERS, {"form": FORM}, sign)
    assert path.read_bytes() == b"mine"


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """No half archive has the name of a whole one."""
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "x.zip", {"a": tmp_path / "absent"}, {"form": FORM}, sign)
    assert list(tmp_path.iterdir()) == []


def test_a_member_that_is_there_twice_is_told(tmp_path: Path) -> None:
    """Two readers must not see two different archives."""
    path = tmp_path / "x.zip"
    write(path, MEMBERS, {"form": FORM}, sign)
    with zipfile.ZipFile(path, "a") as packed, pytest.warns(UserWarning, match="Duplicate"):
        packed.writestr("a.xml", b"<other/>")
    with opened(path, verify, FORM) as archive:
        assert archive.strangers() == ["'a.xml' is there twice"]
        with pytest.raises(ArchiveError):
            archive.read("a.xml")


def test_another_form_is_refused(tmp_path: Path) -> None:
    """An export is no back-up, though the same key signed it."""
    write(tmp_path / "x.zip", MEMBERS, {"form": FORM}, sign)
    with pytest.raises(ArchiveError, match="form"), opened(tmp_path / "x.zip", verify, "other 1"):
        pass


@settings(max_examples=150)
@given(at=st.integers(0, 10_000), value=st.integers(0, 255), cut=st.booleans())
def test_no_change_of_a_byte_passes(at: int, value: int, cut: bool) -> None:
    """Whatever byte is changed, wherever it is cut: the same content, or it is told."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.zip"
        write(path, MEMBERS, {"form": FORM}, sign)
        whole = bytearray(path.read_bytes())
        at %= len(whole)
        path.write_bytes(whole[:at] if cut else whole[:at] + bytes([value]) + whole[at + 1 :])
        try:
            with opened(path, verify, FORM) as archive:
                told = archive.strangers()
                # A name that was changed is told of; what can still be read is what was signed.
                assert told or {name: archive.read(name) for name in archive.members} == MEMBERS
                for name in archive.members:
                    with suppress(ArchiveError):
                        assert archive.read(name) == MEMBERS[name]
        except ArchiveError:
            pass


def test_a_member_that_inflates_beyond_what_was_signed_stops_there(tmp_path: Path) -> None:
    """A bomb costs one piece of memory, not its size."""
    path = tmp_path / "x.zip"
    write(path, MEMBERS, {"form": FORM}, sign)
    with zipfile.ZipFile(path) as packed:
        signed = {name: packed.read(name) for name in (MANIFEST, SIGNATURE)}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in {**signed, "a.xml": bytes(2**24)}.items():
            packed.writestr(name, content)
    with opened(path, verify, FORM) as archive, pytest.raises(ArchiveError, match="larger"):
        archive.read("a.xml")

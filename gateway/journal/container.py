"""One file that travels: a zip whose signed manifest names every member with its size and SHA-256.

Written to a temporary name, fsynced, renamed. Reading trusts nothing: no name of the archive ever
becomes a path, nothing is inflated beyond what the manifest says, no member may be missing, double
or more. The signature counts first, then what it covers.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from gateway.errors import ArchiveError
from gateway.journal.stored import canonical

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
LARGEST_MANIFEST = 64 * 2**20
LARGEST_SIGNATURE = 4096
MOST_MEMBERS = 100_000
PIECE = 1 << 20

Sign = Callable[[bytes], bytes]
Verify = Callable[[bytes, bytes], bool]
"""Takes the signed bytes and the signature."""


def write(
    path: Path, members: Mapping[str, bytes | Path], told: Mapping[str, object], sign: Sign
) -> dict[str, Any]:
    """Pack `members` with a manifest of them and of `told`; gives the manifest.

    Raises ArchiveError if `path` is there, OSError as the disk does.
    """
    if path.exists():
        raise ArchiveError(f"{path.name} is already there; archives are not replaced")
    beside = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            manifest = _pack(file, members, told, sign)
            file.flush()
            os.fsync(file.fileno())
        os.rename(beside, path)
        settle_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)
    return manifest


def settle_folder(folder: Path) -> None:
    """Wait until a rename in it is on the disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _pack(
    file: IO[bytes], members: Mapping[str, bytes | Path], told: Mapping[str, object], sign: Sign
) -> dict[str, Any]:
    listed = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            digest, size = hashlib.sha256(), 0
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                for piece in _pieces(content):
                    member.write(piece)
                    digest.update(piece)
                    size += len(piece)
            listed[name] = {"sha256": digest.hexdigest(), "bytes": size}
        manifest = {**told, "members": listed}
        text = canonical(manifest).encode()
        archive.writestr(MANIFEST, text)
        archive.writestr(SIGNATURE, sign(signed_bytes(text)))
    return manifest


def signed_bytes(manifest: bytes) -> bytes:
    """What a signature is over: it can be taken for no checkpoint and no document."""
    return b"icaro archive 1\n" + manifest


def _pieces(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


class Container:
    """An archive whose manifest is verified; its members are checked as they are read."""

    def __init__(self, archive: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
        self._archive = archive
        self.manifest = manifest
        self.members: dict[str, dict[str, Any]] = manifest["members"]

    def pieces(self, name: str) -> Iterator[bytes]:
        """A member, piece by piece; raises ArchiveError at its end if it is not what was signed."""
        listed = self.members.get(name)
        if listed is None:
            raise ArchiveError(f"{name} is not in the manifest")
        left, digest = int(listed["bytes"]), hashlib.sha256()
        for piece in _inflated(self._archive, name, left):
            digest.update(piece)
            yield piece
        if digest.hexdigest() != listed["sha256"]:
            raise ArchiveError(f"{name} was changed: its SHA-256 is not the one that was signed")

    def read(self, name: str) -> bytes:
        """A member whole."""
        return b"".join(self.pieces(name))

    def extract(self, name: str, to: Path) -> None:
        """Write a member to a new file, 0600, fsynced."""
        number = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "wb") as file:
            for piece in self.pieces(name):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())

    def strangers(self) -> list[str]:
        """What does not agree between archive and manifest, as names to be told."""
        there = [each.filename for each in self._archive.infolist()]
        wanted = {MANIFEST, SIGNATURE, *self.members}
        twice = [name for name, times in Counter(there).items() if times > 1]
        told = [f"{name!r} is there twice" for name in sorted(twice)]
        told += [f"{name!r} was added" for name in sorted(set(there) - wanted)]
        return told + [f"{name!r} is missing" for name in sorted(wanted - set(there))]


@contextmanager
def opened(path: Path, verify: Verify, form: str) -> Iterator[Container]:
    """Open an archive of this form. Raises ArchiveError, saying what was changed."""
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > MOST_MEMBERS:
                raise ArchiveError("has more members than any archive of ours")
            yield Container(archive, _manifest(archive, verify, form))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ArchiveError("is no archive of ours, or was cut or changed") from error
    except OSError as error:
        raise ArchiveError(f"cannot be read: {type(error).__name__}") from error


def _manifest(archive: zipfile.ZipFile, verify: Verify, form: str) -> dict[str, Any]:
    names = archive.namelist()
    if names.count(MANIFEST) != 1 or names.count(SIGNATURE) != 1:
        raise ArchiveError("has no manifest, or no signature")
    text = b"".join(_inflated(archive, MANIFEST, LARGEST_MANIFEST))
    signature = b"".join(_inflated(archive, SIGNATURE, LARGEST_SIGNATURE))
    if not verify(signed_bytes(text), signature):
        raise ArchiveError(
            "the manifest is not signed by this key: it was changed, or is another's"
        )
    try:
        manifest = json.loads(text)
    except ValueError as error:
        raise ArchiveError("the manifest cannot be read") from error
    if not isinstance(manifest, dict) or manifest.get("form") != form:
        raise ArchiveError(f"is not of the form {form!r}")
    if not isinstance(manifest.get("members"), dict):
        raise ArchiveError("the manifest names no members")
    return manifest


def _inflated(archive: zipfile.ZipFile, name: str, most: int) -> Iterator[bytes]:
    try:
        member = archive.open(name)
    except (KeyError, RuntimeError) as error:  # absent, or encrypted
        raise ArchiveError(f"{name} is missing or cannot be read") from error
    with member:
        while piece := member.read(min(PIECE, most + 1)):
            most -= len(piece)
            if most < 0:
                raise ArchiveError(f"{name} is larger than was signed")
            yield piece

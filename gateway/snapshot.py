"""The files of a folder at one moment: what they hold, and one digest over them.

A change is seen in two steps: the folder's look (sizes and times, cheap) says that something may
have changed, its snapshot what it is now. Files that editors leave beside are none of it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from gateway.errors import ConfigurationError

_KINDS = frozenset({".yaml", ".csv", ".hl7", ".xml", ".json"})
_LARGEST = 64 * 2**20
Look = frozenset[tuple[str, int, int]]
"""Path, size in bytes and time of the last change in nanoseconds, of every file."""


@dataclass(frozen=True)
class Snapshot:
    """Path below the folder → content."""

    files: Mapping[str, bytes] = field(repr=False)
    digest: str

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Self:
        """SHA-256 over the sorted paths, each with that of its content."""
        return cls(dict(files), digest_over({path: _sha256(files[path]) for path in files}))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The folder as it is now. Raises ConfigurationError if a file cannot be read."""
        try:
            return cls.of({name: _content(path) for name, path, _ in _files(folder)})
        except OSError as error:
            name = Path(error.filename or folder).name
            raise ConfigurationError([f"{name}: cannot be read: {error.strerror}"]) from None

    def changed_from(self, other: Snapshot) -> list[str]:
        """The paths that are not the same in both, sorted."""
        paths = self.files.keys() | other.files.keys()
        return sorted(path for path in paths if self.files.get(path) != other.files.get(path))

    def lay_out(self, folder: Path, *, durable: bool = False) -> None:
        """Write every file below `folder`, which may be new; `durable`: on disk when it returns.

        A copy that lives no longer than its process need not be: a hundred fsync at every start
        would be what a start takes longest for.
        """
        for name, content in self.files.items():
            path = _below(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content, durable=durable)

    def put_back(self, folder: Path) -> list[str]:
        """Make `folder` hold these files and no others of their kinds; gives what changed.

        Each file is replaced at once; a process that dies here leaves whole files.
        """
        there = Snapshot.read(folder)
        changed = self.changed_from(there)
        wanted = {name: self.files[name] for name in changed if name in self.files}
        Snapshot.of(wanted).lay_out(folder, durable=True)
        for name in changed:
            if name not in self.files:
                _below(folder, name).unlink(missing_ok=True)
        return changed


def digest_over(manifest: Mapping[str, str]) -> str:
    """SHA-256 over the sorted paths of a manifest, each with the SHA-256 that it gives."""
    lines = "".join(f"{path} {manifest[path]}\n" for path in sorted(manifest))
    return _sha256(lines.encode())


def look(folder: Path) -> Look:
    """What a glance at the folder tells."""
    return frozenset((name, stat.st_size, stat.st_mtime_ns) for name, _, stat in _files(folder))


def owner_of(folder: Path, names: list[str]) -> str:
    """Who owns the newest of these files on this machine; '' where that cannot be told."""
    found = [(stat.st_mtime_ns, path) for name, path, stat in _files(folder) if name in set(names)]
    try:
        return max(found)[1].owner() if found else ""
    except (KeyError, OSError, NotImplementedError):
        return ""


def _files(folder: Path) -> Iterator[tuple[str, Path, os.stat_result]]:
    """Name, path and stat of each file, sorted by name. A link that leads out is not followed."""
    root = folder.resolve()
    for name, entry in sorted(_entries(str(root), "")):
        path = Path(entry.path)
        try:
            if entry.is_symlink() and not path.resolve().is_relative_to(root):
                continue
            yield name, path, entry.stat()
        except FileNotFoundError:  # an editor replaced it meanwhile; the next look finds it
            continue


def _entries(folder: str, above: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """A look is taken every two seconds, so it asks the system as little as it can."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith((".", "__")):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(entry.path, f"{above}{entry.name}/")
            elif os.path.splitext(entry.name)[1] in _KINDS:
                yield f"{above}{entry.name}", entry


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ConfigurationError([f"{path.name}: larger than {_LARGEST >> 20} MiB"])
    return content


def _below(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ConfigurationError([f"{name}: lies outside the folder"])
    return path


def _write(path: Path, content: bytes, *, durable: bool) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    os.chmod(file.name, mode)
    os.replace(file.name, path)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

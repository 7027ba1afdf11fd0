"""A folder for as long as a process lives, in the system's place for such.

It goes when the process ends in order. One that is killed cannot tidy up: whoever comes next does,
and knows a dead one's folder by the lock that nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

_LOCK = ".lock"


class Workspace(TemporaryDirectory[str]):
    """`name` is its path. Folders with the same prefix that a dead process left go first."""

    def __init__(self, prefix: str) -> None:
        _sweep(prefix)
        super().__init__(prefix=prefix, ignore_cleanup_errors=True)
        # Held until the process ends, however it ends.
        lock = os.open(Path(self.name) / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        self._unlock = weakref.finalize(self, os.close, lock)

    def cleanup(self) -> None:
        """Remove it now."""
        super().cleanup()
        self._unlock()


def _sweep(prefix: str) -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        # What is another user's, or is being made or removed at this moment, is left alone.
        with suppress(OSError):
            _remove_if_left(folder)


def _remove_if_left(folder: Path) -> None:
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        return
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)

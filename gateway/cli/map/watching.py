"""Doing something again whenever a file changes, until somebody stops it.

Looks at times and sizes twice a second: a mapping, its tables, profile and message are a few
dozen files, and editors replace them in more ways than a watcher of inodes would see.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from gateway.mapping import Library

PAUSE = 0.5
"""Seconds between two looks."""

State = dict[Path, tuple[int, int]]


def watched_files(
    library: Library, message: Path, inputs: Sequence[str]
) -> Callable[[], list[Path]]:
    """The files on which a preview rests, as they are at each look."""

    def files() -> list[Path]:
        folders = (library.mappings, library.xsd)
        suffixes = {".yaml", ".csv", ".xsd"}
        found = [path for folder in folders for path in folder.rglob("*")]
        kept = [path for path in found if path.suffix in suffixes]
        return [*kept, message, *(Path(word) for word in inputs if Path(word).is_file())]

    return files


def state_of(files: Sequence[Path]) -> State:
    """When each was changed and how large it is; what is gone is left out."""
    state: State = {}
    for path in files:
        try:
            found = path.stat()
        except OSError:
            continue
        state[path] = found.st_mtime_ns, found.st_size
    return state


def whenever_changed(
    files: Callable[[], list[Path]],
    show: Callable[[], None],
    console: Console,
    pause: Callable[[], None] = lambda: time.sleep(PAUSE),
) -> None:
    """Show now, and after each change, until interrupted."""
    before: State | None = None
    try:
        while True:
            now = state_of(files())
            if now != before:
                console.clear()
                show()
                before = now
            pause()
    except KeyboardInterrupt:
        return

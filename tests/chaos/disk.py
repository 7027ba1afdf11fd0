"""What befalls the disk of processes while they run: no write beyond a size, no sync succeeds.

From outside, by prlimit and strace. Only who runs a process may limit and trace it: `owner` is that
user, None for whoever runs the tests. `writers` gives the pids, as they are at the moment.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

Writers = Callable[[], list[int]]
ATTACHED = 30.0
"""Seconds within which strace must have them all."""
EVERY_SYNC = ("-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO")


def limited(writers: Writers, size: str, owner: str | None) -> None:
    """Bound the size of the files that these processes write, and those that they start."""
    seen: set[int] = set()
    while new := [pid for pid in writers() if pid not in seen]:
        for pid in new:
            command = [*_as(owner), "prlimit", "--pid", str(pid), f"--fsize={size}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if "not permitted" in done.stderr:
                raise RuntimeError(f"disk full: cannot be injected here: {done.stderr[-200:]}")
        seen.update(new)


@contextmanager
def unsynced(writers: Writers, owner: str | None) -> Iterator[None]:
    """Meanwhile every fsync and fdatasync of theirs, and of what they start, ends with EIO."""
    strace = shutil.which("strace")
    if strace is None:
        raise RuntimeError("fsync error: strace is not installed, so it cannot be injected")
    command = [*_as(owner), strace, "-f", "-qq", "-o", "/dev/null", *EVERY_SYNC]
    for pid in writers():
        command += ["-p", str(pid)]
    tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        traced = _traced(writers)
        yield
    finally:
        tracer.terminate()
        _, said = tracer.communicate(timeout=10)
    if not traced or "not permitted" in said.decode():
        raise RuntimeError(f"fsync error: strace may not trace here: {said.decode()[-200:]}")


def _traced(writers: Writers) -> bool:
    """Once strace has all of them; those that end of it are had."""
    end = time.monotonic() + ATTACHED
    while not all(_has_tracer(pid) for pid in writers()):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _has_tracer(pid: int) -> bool:
    with suppress(OSError):
        return "\nTracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()
    return True


def _as(owner: str | None) -> list[str]:
    return ["runuser", "-u", owner, "--"] if owner else []

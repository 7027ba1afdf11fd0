"""Run by test_crash in a process of its own: writes, says what was acknowledged, and dies.

Arguments: database URL, master key, file of checkpoints, the step of the writer, 'before' or
'after' it, and at which group. Without a step it writes until it is killed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.journal import Journal, Keyring
from gateway.journal.writer import Writer
from gateway.lifecycle import Status
from tests.journal_rows import DOCUMENT, ENVELOPE, case, message, ready


def die_at(step: str, when: str, group: int) -> None:
    """Patch a step of the writer so that the process is gone there, as if by kill -9."""
    original: Callable[..., Any] = getattr(Writer, step)
    left = [group]

    def dying(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] == 0 and when == "before":
            os._exit(9)
        result = original(*arguments)
        if left[0] == 0:
            os._exit(9)
        return result

    setattr(Writer, step, dying)


def birth(number: int) -> Callable[[Any], str]:
    """A unit that writes to every table, so that half of it would be noticed."""

    def work(unit: Any) -> str:
        opened = case(unit, str(number))
        message(unit, f"birth-{number}", case_id=opened.id)
        made = ready(unit, opened.id)
        unit.move(made.id, expect=Status.READY, to=Status.SUBMITTING, document=DOCUMENT)
        unit.add_attempt(made.id, 1, f"urn:{made.id}", ENVELOPE, "https://comune")
        return f"birth-{number}"

    return work


def other(number: int) -> Callable[[Any], str]:
    """A message that is not for us."""

    def work(unit: Any) -> str:
        message(unit, f"other-{number}")
        unit.record("not.for_us")
        return f"other-{number}"

    return work


def main(url: str, key: str, side_file: str, *where: str) -> None:
    """Write groups of units; after each future print what was acknowledged."""
    keyring = Keyring.load(Path(key))
    every = timedelta(0)
    journal = Journal.open(
        url, node="n1", keyring=keyring, side_file=Path(side_file), checkpoint_every=every
    )
    if where:
        die_at(where[0], where[1], int(where[2]))
    number = int.from_bytes(os.urandom(6), "big")
    while True:
        futures = []
        for _ in range(5):
            number += 1
            futures += [journal.submit(other(number)), journal.submit(birth(number))]
        for future in futures:
            os.write(1, f"{future.result()}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])

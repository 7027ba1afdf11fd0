"""Changes a gateway from inside, as ICARO_CHAOS says: its clock, its envelopes' life, mutants.

`ICARO_CHAOS="ttl=6;clock=/path;mutant=name"`. Python imports this module at its start wherever its
folder is on PYTHONPATH; a module of the gateway is changed right after it was read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

WANTED = dict(
    each.split("=", 1) for each in os.environ.get("ICARO_CHAOS", "").split(";") if "=" in each
)
Change = Callable[[Any], None]
CHANGES: dict[str, list[Change]] = {}


def short_lives(module: Any) -> None:
    """Every envelope made here expires after so many seconds."""
    object.__setattr__(module.MODI, "ttl", int(WANTED["ttl"]))


def other_clock(module: Any) -> None:
    """This node's clock is off by as many seconds as a file says at the moment."""
    from datetime import timedelta
    from pathlib import Path

    right, file = module.utc_now, Path(WANTED["clock"])

    def utc_now() -> Any:
        try:
            return right() + timedelta(seconds=float(file.read_text() or 0))
        except OSError:
            return right()

    module.utc_now = utc_now


if "ttl" in WANTED:
    CHANGES["gateway.soap.profile"] = [short_lives]
if "clock" in WANTED:
    CHANGES["gateway.app"] = [other_clock]
if "mutant" in WANTED:
    import mutants

    for each in WANTED["mutant"].split(","):
        for name, change in mutants.MUTANTS[each].items():
            CHANGES.setdefault(name, []).append(change)


class After(MetaPathFinder):
    """Finds the modules to change where they are, and changes them when they were read."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """As the usual finder, with the change behind it."""
        spec = PathFinder.find_spec(name, path) if name in CHANGES else None
        if spec is not None and spec.loader is not None:
            read: Any = spec.loader.exec_module

            def changed(module: Any) -> None:
                read(module)
                for change in CHANGES[name]:
                    change(module)

            spec.loader.exec_module = changed  # type: ignore[method-assign]  # this loader only
        return spec


if CHANGES:
    sys.meta_path.insert(0, After())

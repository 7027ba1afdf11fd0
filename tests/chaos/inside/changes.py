"""What ICARO_CHAOS asks to change in a gateway, from inside: module → its changes.

`ICARO_CHAOS="ttl=6;clock=/path;mutant=name,name"`. Read by `sitecustomize` in a process that
begins, and by the nursery in one that it bears, where the modules are read already.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import mutants

Change = Callable[[Any], None]


def short_lives(seconds: str, module: Any) -> None:
    """Every envelope made here expires after so many seconds."""
    object.__setattr__(module.MODI, "ttl", int(seconds))


def other_clock(file: str, module: Any) -> None:
    """This node's clock is off by as many seconds as a file says at the moment."""
    right, path = module.utc_now, Path(file)

    def utc_now() -> Any:
        try:
            return right() + timedelta(seconds=float(path.read_text() or 0))
        except OSError:
            return right()

    module.utc_now = utc_now


def wanted(text: str) -> dict[str, list[Change]]:
    """Module → the changes that such a text asks for."""
    said = dict(each.split("=", 1) for each in text.split(";") if "=" in each)
    found: dict[str, list[Change]] = {}
    if "ttl" in said:
        found["gateway.soap.profile"] = [partial(short_lives, said["ttl"])]
    if "clock" in said:
        found["gateway.app"] = [partial(other_clock, said["clock"])]
    for each in filter(None, said.get("mutant", "").split(",")):
        for name, change in mutants.MUTANTS[each].items():
            found.setdefault(name, []).append(change)
    return found


def change_now(text: str) -> None:
    """Change modules that may have been read already."""
    for name, changes in wanted(text).items():
        module = import_module(name)
        for change in changes:
            change(module)

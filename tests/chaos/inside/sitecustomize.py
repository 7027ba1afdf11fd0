"""Changes a gateway from inside, as ICARO_CHAOS says (`changes.py`).

Python imports this module at its start wherever its folder is on PYTHONPATH; a module of the
gateway is changed right after it was read.
"""

from __future__ import annotations

import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

from changes import wanted

CHANGES = wanted(os.environ.get("ICARO_CHAOS", ""))


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

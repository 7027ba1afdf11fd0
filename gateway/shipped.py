"""Where the mappings and contracts that travel with the gateway lie.

In an installed wheel they are data beside this module, under `shipped/`; in a checkout they are
its top-level folders.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def mappings() -> Path:
    """The folder with the shipped mappings, tables, profiles and the flow."""
    return _shipped("mappings")


def xsd() -> Path:
    """The folder with the shipped WSDLs and schemas, one folder a partner."""
    return _shipped("xsd")


def _shipped(name: str) -> Path:
    installed = _HERE / "shipped" / name
    return installed if installed.is_dir() else _HERE.parent / name

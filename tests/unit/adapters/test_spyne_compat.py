"""Spyne on today's Python."""

from __future__ import annotations

import logging
import subprocess
import sys

import adapters.spyne_compat as compat


def test_it_imports_without_a_warning_in_a_fresh_interpreter() -> None:
    """With every warning an error, spyne and what is imported after it come in silently."""
    program = "import adapters.spyne_compat, wave, colorsys, not_there"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert "No module named 'not_there'" in ran.stderr
    assert "Warning" not in ran.stderr


def test_spynes_old_importer_is_gone() -> None:
    """Its importer, which has no find_spec, does not stay in the way of later imports."""
    assert not [f for f in sys.meta_path if type(f).__module__ == "spyne.util.six"]


def test_spyne_logs_nothing() -> None:
    """Spyne's loggers, which quote documents, are silent at every level."""
    for name in ("spyne", "spyne.application.server", "spyne.protocol.xml"):
        assert not logging.getLogger(name).isEnabledFor(logging.CRITICAL)
    assert compat.Fault("Client", "x").faultcode == "Client"

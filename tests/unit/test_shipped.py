"""Where the shipped mappings and contracts lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import shipped


def test_in_a_checkout_they_are_its_top_level_folders(root: Path):
    """An editable install reads what one edits."""
    assert shipped.mappings() == root / "mappings"
    assert shipped.xsd() == root / "xsd"


def test_in_a_wheel_they_lie_beside_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An installed gateway works from any folder."""
    (tmp_path / "shipped" / "mappings").mkdir(parents=True)
    (tmp_path / "shipped" / "xsd").mkdir()
    monkeypatch.setattr(shipped, "_HERE", tmp_path)
    assert shipped.mappings() == tmp_path / "shipped" / "mappings"
    assert shipped.xsd() == tmp_path / "shipped" / "xsd"

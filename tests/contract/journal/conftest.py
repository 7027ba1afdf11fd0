"""A journal on each database, and rows to write into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.journal import Journal, Keyring


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """New keys for one test."""
    return Keyring.create(tmp_path / "keys" / "master.key")


@pytest.fixture
def side_file(tmp_path: Path) -> Path:
    """Where checkpoints are written a second time."""
    return tmp_path / "checkpoints"


@pytest.fixture
def journal(journal_url: str, keyring: Keyring, side_file: Path) -> Iterator[Journal]:
    """An open journal of node n1."""
    with Journal.open(journal_url, node="n1", keyring=keyring, side_file=side_file) as opened:
        yield opened

"""Three administrations as processes of their own, started once for the whole folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.keys import DevelopmentPki
from tests.contract.simulators.peer import Simulated


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of all parties."""
    folder = tmp_path_factory.mktemp("pki")
    DevelopmentPki(datetime.now(UTC)).write(folder)
    return folder


def _running(partner: str, pki: Path, factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated(partner, pki, factory.mktemp(partner)) as simulated:
        yield simulated


@pytest.fixture(scope="session")
def comune_process(pki: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    """A Comune."""
    yield from _running("comune", pki, tmp_path_factory)


@pytest.fixture
def comune(comune_process: Simulated) -> Iterator[Simulated]:
    """The Comune, without bad days before and after."""
    yield comune_process
    comune_process.tell("DELETE", "/bad-day")


@pytest.fixture(scope="session")
def agenzia(pki: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    """Agenzia delle Entrate."""
    yield from _running("agenzia_entrate", pki, tmp_path_factory)


@pytest.fixture(scope="session")
def asl(pki: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    """An ASL."""
    yield from _running("asl", pki, tmp_path_factory)

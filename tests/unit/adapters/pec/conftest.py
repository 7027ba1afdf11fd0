"""One provider for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.adapters.pec.providers import Played, playing


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """A provider that runs."""
    with playing(tmp_path_factory.mktemp("pec")) as made:
        yield made

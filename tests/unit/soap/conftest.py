"""Parties are made once: RSA keys take their time."""

from __future__ import annotations

import pytest

from tests.soap_parties import Party, ec_key, make_party


@pytest.fixture(scope="session")
def party() -> Party:
    """Signs with RSA-2048."""
    return make_party()


@pytest.fixture(scope="session")
def ec_party() -> Party:
    """Signs with EC P-256."""
    return make_party(ec_key())

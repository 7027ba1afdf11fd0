"""The journeys' certificates, made once for all runs."""

from tests.journey.conftest import pki

__all__ = ["pki"]

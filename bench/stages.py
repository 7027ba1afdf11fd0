"""A deployment that runs while something is measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.demo.stage import ADMINISTRATIONS, Stage


@contextmanager
def running(stage: Stage) -> Iterator[Stage]:
    """Laid out and started, administrations and gateway; ended at the end."""
    stage.lay_out()
    try:
        for name in ADMINISTRATIONS:
            stage.start_administration(name)
        stage.configure()
        stage.start_gateway()
        yield stage
    finally:
        stage.close()

"""What joins the journal's writer, a thread, and the corridors, coroutines; as a type.

The application gives the concrete one (`junction`); tests give their own.
"""

from __future__ import annotations

from collections.abc import Awaitable
from concurrent.futures import Future
from typing import Protocol, TypeVar

T = TypeVar("T")


class Bridge(Protocol):
    """Makes a future of the journal's writer awaitable in the caller's loop."""

    def __call__(self, future: Future[T], /) -> Awaitable[T]: ...

"""The memory against replays."""

from __future__ import annotations

import pytest

from gateway.errors import VerificationError
from gateway.soap.replay import ReplayWindow


def test_a_message_comes_once_in_the_window() -> None:
    """Seen within the window, new again after it, when its age alone refuses it."""
    window = ReplayWindow(310)
    assert not window.seen("a", now=0)
    assert window.seen("a", now=310)
    assert not window.seen("b", now=310)
    assert window.seen("a", now=315)  # a moment longer than its age could pass
    assert not window.seen("a", now=316)


def test_a_full_window_refuses() -> None:
    """When it is full it refuses rather than forgets, until there is room again."""
    window = ReplayWindow(10, limit=2)
    assert not window.seen("a", now=0)
    assert not window.seen("b", now=5)
    with pytest.raises(VerificationError, match="replay window"):
        window.seen("c", now=6)
    assert window.seen("a", now=6)
    assert not window.seen("c", now=16)


def test_a_restart_forgets_nothing() -> None:
    """What `entries` gives, a new window takes."""
    before = ReplayWindow(310)
    before.seen("a", now=0)
    after = ReplayWindow(310, entries=before.entries())
    assert after.seen("a", now=1)
    assert not after.seen("a", now=316)


def test_memory_keeps_no_identifiers() -> None:
    """Digests of 16 bytes are kept, however long the MessageID was."""
    window = ReplayWindow(310)
    window.seen("x" * 1000, now=0)
    assert [len(digest) for _, digest in window.entries()] == [16]

"""What was found a moment ago is given again; what is old or too much is not kept in memory."""

from __future__ import annotations

import time

from gateway.recent import Recent


def test_a_value_is_given_again() -> None:
    """And none where there is none."""
    recent: Recent[str, int] = Recent()
    assert recent.put("a", 1) == 1
    assert (recent.get("a"), recent.get("b")) == (1, None)


def test_what_is_old_goes_when_something_new_comes() -> None:
    """So memory follows what is at work, not what ever came."""
    recent: Recent[str, int] = Recent(kept=0.01)
    recent.put("a", 1)
    time.sleep(0.02)
    recent.put("b", 2)
    assert (recent.get("a"), recent.get("b"), len(recent)) == (None, 2, 1)


def test_of_too_many_the_oldest_goes() -> None:
    """One that came again is new."""
    recent: Recent[str, int] = Recent(most=2)
    for name in ("a", "b", "a", "c"):
        recent.put(name, 1)
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (1, None, 1)

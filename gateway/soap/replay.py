"""Remembers the MessageIDs of a time window. Knows no clock and no disk.

After Created's greatest age an envelope is refused for its age, so longer need nobody remember.
The window is bounded; when it is full it refuses, because to forget is to let a replay in. A
caller that restarts hands over what `entries` gave it, else envelopes younger than the window
could come in twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from hashlib import blake2b

from gateway.errors import VerificationError

_DIGEST_BYTES = 16
# The age was judged by an earlier look at the clock than the one given here.
_SLACK = 5.0


class ReplayWindow:
    """A set of MessageIDs, each kept `seconds` after it came; at most `limit` of them.

    `entries` are pairs (seconds since the epoch, 16-byte digest of a MessageID), oldest first.
    """

    def __init__(
        self, seconds: int, *, limit: int = 100_000, entries: Iterable[tuple[float, bytes]] = ()
    ) -> None:
        self._seconds = seconds
        self._limit = limit
        self._order = deque(entries)
        self._digests = {digest for _, digest in self._order}

    def seen(self, message_id: str, now: float) -> bool:
        """Whether `message_id` came within the window; if not, it has now.

        Raises VerificationError when the window is full.
        """
        self._forget(now)
        digest = blake2b(message_id.encode(), digest_size=_DIGEST_BYTES).digest()
        if digest in self._digests:
            return True
        if len(self._order) >= self._limit:
            remedy = f"send fewer than {self._limit} messages in {self._seconds} s"
            raise VerificationError("replay window", "wsa:MessageID", remedy)
        self._order.append((now, digest))
        self._digests.add(digest)
        return False

    def entries(self) -> tuple[tuple[float, bytes], ...]:
        """What a caller keeps to restart with."""
        return tuple(self._order)

    def _forget(self, now: float) -> None:
        while self._order and self._order[0][0] < now - self._seconds - _SLACK:
            self._digests.discard(self._order.popleft()[1])

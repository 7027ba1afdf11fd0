"""Reads Retry-After of a 503 or 429: for how long a service wishes to be left alone.

Pure: RFC 9110 section 10.2.3, delta-seconds or an HTTP-date in any of its three spellings. Whatever
else stands there says nothing. How much of it is granted is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

STATUSES: Final = frozenset({429, 503})
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_LONGEST: Final = 40
"""Characters of an HTTP-date, and some more."""


def retry_after(status: int, headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """None if nothing (or nothing readable, or a moment that has passed) is asked for.

    A date is taken by the answer's own Date where it has one: the two clocks may differ.
    """
    said = headers.get("retry-after", "").strip()
    if status not in STATUSES or not said:
        return None
    if _SECONDS.fullmatch(said):
        return timedelta(seconds=int(said)) or None
    until = _date(said)
    if until is None:
        return None
    wait = until - (_date(headers.get("date", "")) or now)
    return wait if wait > timedelta(0) else None


def _date(text: str) -> datetime | None:
    if len(text) > _LONGEST:
        return None
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    # asctime has no zone, and means GMT as the others do.
    return found if found.tzinfo else found.replace(tzinfo=UTC)

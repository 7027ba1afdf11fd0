"""When a message says that it was written: what tells which of two messages of a case is newer.

EVN-2 (recorded) decides, MSH-7 (sent) where EVN-2 says nothing or says the same. A time without a
clock, one that a clock change makes doubtful and one of the future tell nothing. Pure.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from gateway.hl7.message import Message
from gateway.hl7.time import TimeError, parse_time, zone_of

Order = Literal["recorded", "sent", "arrival"]
"""What decides for a sender: EVN-2 then MSH-7, MSH-7 alone, or only the order of arrival."""

AHEAD = timedelta(minutes=10)
"""How much a hospital's clock may be ahead of ours."""


def moment_of(message: Message, now: datetime, order: Order = "recorded") -> str:
    """A text that sorts as the messages were written; '' if the message does not tell."""
    if order == "arrival":
        return ""
    sent = _instant(message, "MSH-7", now)
    recorded = _instant(message, "EVN-2", now) if order == "recorded" else ""
    return f"{recorded or sent}/{sent}" if recorded or sent else ""


def _instant(message: Message, path: str, now: datetime) -> str:
    text = message.get(path) or ""
    try:
        time = parse_time(text, message_zone=zone_of(message.get("MSH-7")))
    except TimeError:
        return ""
    # A wrong year would make every later correction look old.
    believed = time.has_clock and time.at <= now + AHEAD
    return time.at.astimezone(UTC).strftime("%Y%m%d%H%M%S%f") if believed else ""

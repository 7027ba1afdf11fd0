"""Which texts a primitive data type allows: times, numbers, sequence numbers.

Lengths and free texts are not judged. HL7 2.5 ch. 2A.
"""

from __future__ import annotations

import re
from datetime import UTC, timezone

from gateway.hl7.time import TimeError, parse_time

_ZONE: timezone = UTC  # any offset: whether a local time is ambiguous is content, not form
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
_SEQUENCE = re.compile(r"\d{1,9}", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,4})?)?)?([+-]\d{4})?", re.ASCII)


def fault(datatype: str, text: str) -> str | None:
    """What is wrong with `text` as a value of that primitive type; None if nothing is."""
    value = text.strip()
    if datatype in ("DT", "DTM", "TS"):
        return _time_fault(value, date_only=datatype == "DT")
    if datatype == "TM" and not _CLOCK.fullmatch(value):
        return "is not a time of day (HHMM[SS])"
    if datatype == "NM" and not _NUMBER.fullmatch(value):
        return "is not a number"
    if datatype == "SI" and not _SEQUENCE.fullmatch(value):
        return "is not a sequence number"
    return None


def _time_fault(value: str, *, date_only: bool) -> str | None:
    try:
        time = parse_time(value, message_zone=_ZONE)
    except TimeError as error:
        return f"cannot be read: {error}"
    if date_only and time.has_clock:
        return "is not a date (YYYYMMDD)"
    return None

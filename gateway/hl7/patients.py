"""A message of several patients (ADT_A39: `{PID [PD1] MRG [PV1]}`) as one message each.

What stands before the first PID is said of all of them; what stands after a PID belongs to it.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import MessageRefused
from gateway.hl7.compose import compose, fields_of
from gateway.hl7.location import Location
from gateway.hl7.message import Message

MOST = 100
"""Patients of one message. Each is work of its own in one commit, and a hospital says two."""


def each_patient(message: Message) -> Sequence[Message]:
    """The message itself if it has one PID or none, or a group of it has not one MRG: that one's
    number would be somebody else's. Else one message a PID, written anew.

    Raises MessageRefused for more than MOST.
    """
    patients = message.all("PID")
    if len(patients) < 2 or not _is_of_pairs(message):
        return (message,)
    if len(patients) > MOST:
        place = Location("PID", MOST + 1).err2
        raise MessageRefused(f"more than {MOST} patients in one message", code=100, location=place)
    starts = [patient.index for patient in patients]
    ends = [*starts[1:], len(message.segments)]
    said_of_all = message.segments[: starts[0]]
    return [
        compose(fields_of(segment) for segment in (*said_of_all, *message.segments[start:end]))
        for start, end in zip(starts, ends, strict=True)
    ]


def _is_of_pairs(message: Message) -> bool:
    """Whether each PID is followed by one MRG before the next."""
    names = [segment.name for segment in message if segment.name in ("PID", "MRG")]
    return names == ["PID", "MRG"] * (len(names) // 2)

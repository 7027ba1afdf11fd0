"""A sender's link with sequence numbers, as intake meets it: judged and moved in one unit of work.

Only for senders with `sequence: true`; without it MSH-13 means nothing.
"""

from __future__ import annotations

from gateway.hl7.message import Message
from gateway.hl7.sequence import Step, number_of, step
from gateway.journal import Unit


def moved(unit: Unit, sender: str, message: Message) -> Step:
    """The link after this message; raises MessageRefused or OutOfSequence."""
    number = number_of(message)
    made = step(number, unit.expected_number(sender))
    if number:
        unit.expect_number(sender, made.expected)
    if number < 0:
        unit.record("link.restarted", note={"sender": sender})
    return made


def begins(message: Message) -> bool:
    """Whether it is a link's own message (MSH-13 is 0 or -1) and says nothing of a patient."""
    return number_of(message) <= 0

"""How a hospital is answered: in which mode, on which way, with which number.

What is answered, intake decides; the bytes are `hl7.acknowledgment`'s.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from gateway.config import Configuration, Sender
from gateway.errors import PeerError
from gateway.flow.reading import Reader
from gateway.hl7.acknowledgment import (
    Mode,
    Verdict,
    acknowledge,
    acknowledge_on_return_channel,
    nak_for,
)
from gateway.hl7.finding import Finding
from gateway.hl7.location import Location
from gateway.hl7.message import Message


@dataclass(frozen=True, slots=True)
class Received:
    """A readable message with what is known of its sender."""

    message: Message = field(repr=False)
    sender: Sender
    reader: Reader
    verdict: Verdict = Verdict.ACCEPTED
    acknowledgment: bytes | None = field(default=None, repr=False)
    application: bytes | None = field(default=None, repr=False)

    @property
    def forced(self) -> Mode | None:
        """The mode in which this sender is answered, whatever its messages ask."""
        return self.sender.acknowledgment or self.reader.profile.acknowledgment

    @property
    def sender_key(self) -> str:
        """Whose control ids these are: MSH-3 and MSH-4, by the name in the configuration."""
        if self.sender.name != "unknown":
            return self.sender.name
        return f"unknown:{self.message.sending_application}|{self.message.sending_facility}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the unit did: the acknowledgment to send, and what to count."""

    acknowledgment: bytes | None = field(repr=False)
    sender: str
    verdict: Verdict
    kind: str
    """A `Meaning` of the message, or `link`, `duplicate` or `refused`."""
    seconds: float = 0.0
    application: bytes | None = field(default=None, repr=False)
    """Enhanced mode: what the sender asked to hear on its own return channel."""


class Unkept(bytes):
    """An answer to what could not be stored; empty: silence."""


@dataclass(frozen=True, slots=True)
class Said:
    """What goes back for one block; `kept`: what it held is on the disk, taken or refused."""

    payloads: tuple[bytes, ...] = field(default=(), repr=False)
    kept: bool = True


class Answers:
    """Writes every acknowledgment of the node; `readers` gives the reader of a profile."""

    def __init__(
        self,
        configuration: Configuration,
        readers: Callable[[str], Reader],
        clock: Callable[[], datetime],
    ) -> None:
        self._configuration = configuration
        self._readers = readers
        self._clock = clock

    def positive(self, received: Received, expected: int | None = None) -> bytes | None:
        """AA or CA on the same connection, None where silence is asked for."""
        return acknowledge(
            received.message,
            Verdict.ACCEPTED,
            control_id=own_control_id(),
            at=self._clock(),
            forced=received.forced,
            expected=expected,
        )

    def application(
        self, received: Received, verdict: Verdict, findings: Sequence[Finding] = ()
    ) -> bytes | None:
        """AA or AE on the sender's return channel, if the sender asks for it."""
        told = received.sender.application_acks
        return acknowledge_on_return_channel(
            received.message,
            verdict,
            control_id=own_control_id(),
            at=self._clock(),
            findings=findings,
            forced=received.forced,
            confirm=told is not None and told.confirm,
        )

    def late(self, received: Received | None, error: PeerError) -> bytes | None:
        """AE or AR that goes on the return channel after a CA on this connection.

        None where the sender asks for none or has no channel: then CE or CR is all that is said.
        """
        if received is None or received.sender.sequence or not received.sender.told_apart:
            return None
        where = Location.from_err2(error.location) or Location("MSH")
        finding = Finding(where, error.code, "E", str(error))
        verdict = Verdict.REJECTED if error.rejects else Verdict.ERROR
        return self.application(received, verdict, [finding])

    def negative(self, payload: bytes, error: PeerError, received: Received | None) -> bytes | None:
        """AE, AR, CE or CR, from what of the message can be read."""
        forced = received.forced if received else self._forced(payload)
        return nak_for(payload, error, control_id=own_control_id(), at=self._clock(), forced=forced)

    def _forced(self, payload: bytes) -> Mode | None:
        """The mode of whoever sent what is refused before it was read whole."""
        with contextlib.suppress(PeerError):
            message = Message.parse(payload)
            sender = self._configuration.sender(
                message.sending_application, message.sending_facility
            )
            if sender is not None:
                return sender.acknowledgment or self._readers(sender.profile).profile.acknowledgment
        return None


_STARTED = secrets.token_hex(6)
_NUMBERS = count(1)


def own_control_id() -> str:
    """MSH-10 of ours: at most 20 characters, the oldest versions' limit; never the same twice."""
    return f"{_STARTED}{next(_NUMBERS):08x}"

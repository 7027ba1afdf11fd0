"""What is agreed with one hospital about the wire, beyond address and dialect: settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from gateway.settings import Settings
from gateway.units import Count, Duration, ExistingFile, HostPort


def _number(value: object) -> object:
    return int(value) if isinstance(value, str) and value in ("1", "2") else value


Release = Annotated[
    Literal[1, 2],
    BeforeValidator(_number),
    Field(description="of MLLP; 2: every block is answered by a commit block"),
]


class ClientTls(Settings):
    """TLS to a HIS: its CA. Ours is certs.tls."""

    ca: ExistingFile


class ReturnFeed(Settings):
    """Where the `A31` with the codice fiscale goes; its MSH-5 and MSH-6 are the sender's own."""

    address: HostPort
    tls: ClientTls | None = None
    timeout: Duration = timedelta(seconds=30)
    release: Release = 1


class ApplicationAcks(ReturnFeed):
    """Where AA, AE and AR of the enhanced mode go, over a connection of ours."""

    confirm: bool = Field(
        default=True, description="ask for a CA of each and send again until it is read"
    )


class Batches(Settings):
    """FHS/BHS … BTS/FTS, in one block or spread over several."""

    answer: Literal["batch", "each"] = Field(
        default="batch", description="one answer for the whole, or one block a message"
    )
    messages: Count = Field(default=1000, description="the most that one batch may hold")

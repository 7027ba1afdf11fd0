"""What is agreed with one hospital about the wire, beyond address and dialect: settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from gateway.settings import Settings
from gateway.units import Count, Duration, ExistingFile, HostPort


class ClientTls(Settings):
    """TLS to a HIS: its CA. Ours is certs.tls."""

    ca: ExistingFile


class ReturnFeed(Settings):
    """Where the `A31` with the codice fiscale goes; its MSH-5 and MSH-6 are the sender's own."""

    address: HostPort
    tls: ClientTls | None = None
    timeout: Duration = timedelta(seconds=30)


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
